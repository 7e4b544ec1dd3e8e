package anonymize

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"

	"acme.example/creditscore/acme/bank"
)

// UnmarshalBinary reads MarshalBinary's form into p, which it changes only
// on success. It reads any bytes safely and never takes more memory than a
// small multiple of their length. Categories and kinds of later versions are
// kept as numbers. Errors: ErrBadProfile.
func (p *Profile) UnmarshalBinary(data []byte) error {
	if len(data) < len(magic) || string(data[:len(magic)]) != magic {
		return fmt.Errorf("%w: unknown version", ErrBadProfile)
	}
	r := &reader{rest: data[len(magic):]}
	var v Profile
	v.AsOf, v.Asked.From, v.Asked.To = r.day(), r.day(), r.day()
	n := r.count(minAccountSize)
	if n > 0 {
		v.Accounts = make([]Account, n)
	}
	for i := range v.Accounts {
		if r.failed != "" {
			break
		}
		r.account(&v.Accounts[i])
	}
	if len(r.rest) > 0 {
		r.fail("bytes after the end")
	}
	if r.failed != "" {
		return fmt.Errorf("%w: %s", ErrBadProfile, r.failed)
	}
	*p = v
	return nil
}

// minAccountSize is what an account without transactions takes.
const minAccountSize = 16 + 1 + 3 + 1 + 2 + 1 + 2

// reader takes bytes from the front of rest. After the first failure every
// read gives zero.
type reader struct {
	rest   []byte
	failed string
}

func (r *reader) fail(why string) {
	if r.failed == "" {
		r.failed = why
	}
	r.rest = nil
}

func (r *reader) take(n int) []byte {
	if n > len(r.rest) {
		r.fail("cut short")
		return make([]byte, min(n, 16))
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) unsigned() uint64 {
	v, n := binary.Uvarint(r.rest)
	switch {
	case n <= 0:
		r.fail("cut short or out of range")
		return 0
	case n != (bits.Len64(v|1)+6)/7:
		r.fail("a number longer than need be")
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *reader) signed() int64 {
	u := r.unsigned()
	return int64(u>>1) ^ -int64(u&1)
}

func (r *reader) day() bank.Date {
	v := r.signed()
	if v < math.MinInt32 || v > math.MaxInt32 {
		r.fail("day out of range")
		return 0
	}
	return bank.Date(v)
}

// count reads how many things follow, of which each takes size bytes.
func (r *reader) count(size int) int {
	v := r.unsigned()
	if v > uint64(len(r.rest)/size) {
		r.fail("count beyond the end")
		return 0
	}
	return int(v)
}

func (r *reader) pseudonym() Pseudonym { return Pseudonym(r.take(16)) }

func (r *reader) account(a *Account) {
	a.ID = r.pseudonym()
	a.Kind = Kind(r.take(1)[0])
	a.Currency = r.currency()
	flags := r.take(1)[0]
	if flags > allFlags {
		r.fail("unknown flags")
	}
	a.Complete = flags&flagComplete != 0
	a.Delivered.From, a.Delivered.To = r.day(), r.day()
	if a.HasBalance = flags&flagBalance != 0; a.HasBalance {
		a.Balance, a.BalanceDate = r.signed(), r.day()
	}
	pending := r.unsigned()
	if pending > math.MaxInt32 {
		r.fail("pending out of range")
	}
	a.Pending = int(pending)
	r.columns(a)
	r.balances(a, flags)
}

func (r *reader) currency() bank.Currency {
	c := bank.Currency(r.take(3))
	if c != (bank.Currency{}) {
		if _, err := bank.ParseCurrency(string(c[:])); err != nil {
			r.fail("no currency code")
		}
	}
	return c
}

func (r *reader) columns(a *Account) {
	n := r.count(minTransactionSize)
	table := make([]Pseudonym, r.count(16))
	known := make(map[Pseudonym]bool, len(table))
	for i := range table {
		table[i] = r.pseudonym()
		if known[table[i]] || table[i].IsZero() {
			r.fail("repeated counterparty")
		}
		known[table[i]] = true
	}
	if r.failed != "" || n == 0 {
		if len(table) > 0 {
			r.fail("unused counterparty")
		}
		return
	}
	a.Transactions = make([]Transaction, n)
	day := int64(0)
	for i := range a.Transactions {
		day += r.signed()
		if day < math.MinInt32 || day > math.MaxInt32 {
			r.fail("day out of range")
			return
		}
		a.Transactions[i].Date = bank.Date(day)
	}
	for i := range a.Transactions {
		a.Transactions[i].Amount = r.signed()
	}
	for i := range a.Transactions {
		a.Transactions[i].Category = Category(r.take(1)[0])
	}
	r.counterparties(a, table)
}

// counterparties reads indices, in which each entry of the table must first
// appear in its order.
func (r *reader) counterparties(a *Account, table []Pseudonym) {
	used := uint64(0)
	for i := range a.Transactions {
		at := r.unsigned()
		switch {
		case at > uint64(len(table)) || at > used+1:
			r.fail("counterparty out of order")
			return
		case at > 0:
			a.Transactions[i].Counterparty = table[at-1]
			used = max(used, at)
		}
	}
	if used != uint64(len(table)) {
		r.fail("unused counterparty")
	}
}

func (r *reader) balances(a *Account, flags byte) {
	n := len(a.Transactions)
	gaps := flags&flagGaps != 0
	if flags&flagAfter == 0 || n == 0 || r.failed != "" {
		if flags&(flagAfter|flagGaps) != 0 {
			r.fail("flags without balances")
		}
		return
	}
	if gaps {
		if have := r.bitmap(a); have == 0 || have == n {
			r.fail("flags without gaps")
			return
		}
	}
	foreseen := int64(0)
	for i := range a.Transactions {
		t := &a.Transactions[i]
		t.HasBalanceAfter = t.HasBalanceAfter || !gaps
		foreseen += t.Amount
		if t.HasBalanceAfter {
			t.BalanceAfter = foreseen + r.signed()
			foreseen = t.BalanceAfter
		}
	}
}

// bitmap marks the entries that have a balance and counts them.
func (r *reader) bitmap(a *Account) int {
	n := len(a.Transactions)
	size := (n + 7) / 8
	if size > len(r.rest) {
		r.fail("cut short")
		return 0
	}
	bitmap, have := r.take(size), 0
	for i := range size * 8 {
		switch {
		case bitmap[i/8]&(1<<(i%8)) == 0:
		case i >= n:
			r.fail("flags beyond the end")
			return 0
		default:
			a.Transactions[i].HasBalanceAfter = true
			have++
		}
	}
	return have
}
