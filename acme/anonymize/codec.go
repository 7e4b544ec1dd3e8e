package anonymize

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"acme.example/creditscore/acme/bank"
)

// ErrBadProfile tells that bytes are not a Profile of a version known here.
var ErrBadProfile = errors.New("anonymize: bad profile")

// The binary form of a Profile, version 1. Integers are varints as in
// encoding/binary, signed ones zigzag; days count from 1970-01-01.
//
//	"AP" 0x01
//	as-of, asked from, asked to: signed
//	number of accounts, then each:
//	    id                   16 bytes
//	    kind                 1 byte
//	    currency             3 bytes, capital letters, or three zeros
//	    flags                1 byte: 1 complete, 2 balance, 4 balances after, 8 gaps in these
//	    delivered from, to   signed
//	    balance, its day     signed, where flag 2
//	    pending              unsigned
//	    n, k                 unsigned: transactions, distinct counterparties
//	    counterparties       k × 16 bytes, in order of first use
//	    days                 n × signed, each less the one before
//	    amounts              n × signed
//	    categories           n bytes
//	    counterparty         n × unsigned, 0 for none, else 1 + index
//	    has balance after    ⌈n/8⌉ bytes, lowest bit first, where flag 8
//	    balances after       signed, each less what the one before it and the
//	                         amount give, so mostly 0; where flag 4
//
// A Profile has exactly one form, and only forms that MarshalBinary makes
// are read.
const (
	magic        = "AP\x01"
	flagComplete = 1 << iota >> 1
	flagBalance
	flagAfter
	flagGaps
	allFlags = flagGaps<<1 - 1
)

// minTransactionSize is the least a transaction takes: what bounds the
// memory that a hostile count could ask for.
const minTransactionSize = 4

// MarshalBinary returns the compact form: about 8 bytes a transaction and 16
// a counterparty. Equal Profiles have equal forms. It never fails.
func (p *Profile) MarshalBinary() ([]byte, error) {
	size := 64
	for i := range p.Accounts {
		size += 128 + 12*len(p.Accounts[i].Transactions)
	}
	b := append(make([]byte, 0, size), magic...)
	b = appendDates(b, p.AsOf, p.Asked.From, p.Asked.To)
	b = binary.AppendUvarint(b, uint64(len(p.Accounts)))
	for i := range p.Accounts {
		b = p.Accounts[i].append(b)
	}
	return b, nil
}

// MarshalJSON returns the binary form as a base64 string.
func (p *Profile) MarshalJSON() ([]byte, error) {
	b, err := p.MarshalBinary()
	if err != nil {
		return nil, err
	}
	out := make([]byte, 0, base64.StdEncoding.EncodedLen(len(b))+2)
	out = append(out, '"')
	out = base64.StdEncoding.AppendEncode(out, b)
	return append(out, '"'), nil
}

// UnmarshalJSON reads MarshalJSON's form. Errors: ErrBadProfile.
func (p *Profile) UnmarshalJSON(text []byte) error {
	var b []byte
	if err := json.Unmarshal(text, &b); err != nil {
		return fmt.Errorf("%w: want a base64 string", ErrBadProfile)
	}
	return p.UnmarshalBinary(b)
}

func appendDates(b []byte, days ...bank.Date) []byte {
	for _, d := range days {
		b = binary.AppendVarint(b, int64(d))
	}
	return b
}

func (a *Account) append(b []byte) []byte {
	flags, gaps := a.flags()
	b = append(b, a.ID[:]...)
	b = append(b, byte(a.Kind))
	b = append(b, a.Currency[:]...)
	b = append(b, flags)
	b = appendDates(b, a.Delivered.From, a.Delivered.To)
	if a.HasBalance {
		b = binary.AppendVarint(b, a.Balance)
		b = appendDates(b, a.BalanceDate)
	}
	b = binary.AppendUvarint(b, uint64(max(a.Pending, 0)))
	b = a.appendColumns(b)
	if gaps {
		b = a.appendBitmap(b)
	}
	if flags&flagAfter != 0 {
		b = a.appendBalances(b)
	}
	return b
}

func (a *Account) flags() (flags byte, gaps bool) {
	if a.Complete {
		flags |= flagComplete
	}
	if a.HasBalance {
		flags |= flagBalance
	}
	after := 0
	for i := range a.Transactions {
		if a.Transactions[i].HasBalanceAfter {
			after++
		}
	}
	if after > 0 {
		flags |= flagAfter
		if after < len(a.Transactions) {
			flags |= flagGaps
		}
	}
	return flags, flags&flagGaps != 0
}

func (a *Account) appendColumns(b []byte) []byte {
	index := make(map[Pseudonym]uint64)
	var table []byte
	for i := range a.Transactions {
		id := a.Transactions[i].Counterparty
		if _, ok := index[id]; !ok && !id.IsZero() {
			index[id] = uint64(len(index) + 1)
			table = append(table, id[:]...)
		}
	}
	b = binary.AppendUvarint(b, uint64(len(a.Transactions)))
	b = binary.AppendUvarint(b, uint64(len(index)))
	b = append(b, table...)
	day := bank.Date(0)
	for i := range a.Transactions {
		b = binary.AppendVarint(b, int64(a.Transactions[i].Date)-int64(day))
		day = a.Transactions[i].Date
	}
	for i := range a.Transactions {
		b = binary.AppendVarint(b, a.Transactions[i].Amount)
	}
	for i := range a.Transactions {
		b = append(b, byte(a.Transactions[i].Category))
	}
	for i := range a.Transactions {
		b = binary.AppendUvarint(b, index[a.Transactions[i].Counterparty])
	}
	return b
}

func (a *Account) appendBitmap(b []byte) []byte {
	start := len(b)
	b = append(b, make([]byte, (len(a.Transactions)+7)/8)...)
	for i := range a.Transactions {
		if a.Transactions[i].HasBalanceAfter {
			b[start+i/8] |= 1 << (i % 8)
		}
	}
	return b
}

// appendBalances writes differences that wrap round in 64 bits, so that no
// pair of balances is out of their range.
func (a *Account) appendBalances(b []byte) []byte {
	foreseen := int64(0)
	for i := range a.Transactions {
		t := &a.Transactions[i]
		foreseen += t.Amount
		if t.HasBalanceAfter {
			b = binary.AppendVarint(b, t.BalanceAfter-foreseen)
			foreseen = t.BalanceAfter
		}
	}
	return b
}
