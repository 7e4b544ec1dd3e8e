package anonymize

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"acme.example/creditscore/acme/bank"
)

// Keys gives secret, repeatable bytes: a *keyset.Set. PRF returns the first
// n bytes of a pseudo-random function of input under the installation's key;
// n is 32 here. It must be safe for concurrent use.
type Keys interface {
	PRF(input []byte, n int) ([]byte, error)
}

// ErrBadStatement tells that a Statement contradicts itself, such as by a
// booked entry without a day. It is wrapped with what was wrong, never with
// a text of the Statement.
var ErrBadStatement = errors.New("anonymize: bad statement")

// Subject names whose bank data it is: the partner and the partner's own id
// of the person. No two subjects share a pseudonym.
type Subject struct{ Partner, ID string }

// Anonymizer turns Statements into Profiles. It is safe for concurrent use.
type Anonymizer struct{ keys Keys }

// New returns an Anonymizer whose pseudonyms depend on keys, which must not
// be nil.
func New(keys Keys) *Anonymizer { return &Anonymizer{keys: keys} }

// Profile reduces a Statement to what may be stored; asOf is the day the
// bank was read. The Statement is not changed.
//
// Booked entries are kept once each: one that repeats another's id and every
// other field is dropped. Pending ones are only counted. Entries come in
// order of booking day (value day where the bank gave no other); a list that
// the bank gave newest first is turned round before, so that within a day
// the oldest comes first too. An account that holds several currencies
// becomes one Account a currency, all with the same ID.
//
// An entry that undoes an earlier one, by its code or its words, is matched
// with the nearest entry of the opposite amount within 90 days before it and
// of the same counterparty, where both name one; both become Reversal. An
// entry whose counterparty is another account of the Statement becomes
// OwnTransfer, except that what is paid to a loan account is LoanRepayment
// and what comes from it LoanDisbursement; so does one whose counterparty
// bears the holder's own name, of at least two words, unless its text or a
// code names another purpose.
//
// The balance is the newest closing_booked one; failing that the newest
// interim_booked, that after the last entry, the expected one, and at last an
// available one in which no credit limit is counted. Balances in which a
// credit limit is counted are never used.
//
// The same Statement, Subject and keys give the same bytes. Errors:
// ErrBadStatement; an error of Keys.
func (a *Anonymizer) Profile(st *bank.Statement, who Subject, asOf bank.Date) (*Profile, error) {
	b, err := newBuilder(a.keys, st, who, asOf)
	if err != nil {
		return nil, err
	}
	defer b.wipe()
	p := &Profile{AsOf: asOf, Asked: st.Asked}
	for i := range st.Accounts {
		accounts, err := b.account(i)
		if err != nil {
			return nil, fmt.Errorf("account %d: %w", i, err)
		}
		p.Accounts = append(p.Accounts, accounts...)
	}
	return p, nil
}

// builder is the work on one Statement. It is used by one goroutine.
type builder struct {
	*pseudonymizer
	st   *bank.Statement
	asOf bank.Date
	// own are the Statement's accounts by pseudonym of their number.
	own map[Pseudonym]int
	// buf is scratch for folded text.
	buf []byte
}

func newBuilder(keys Keys, st *bank.Statement, who Subject, asOf bank.Date) (*builder, error) {
	ps, err := newPseudonymizer(keys, who)
	if err != nil {
		return nil, err
	}
	b := &builder{pseudonymizer: ps, st: st, asOf: asOf, own: map[Pseudonym]int{}, buf: make([]byte, 0, foldedSize)}
	for i := range st.Accounts {
		if id := b.number(st.Accounts[i].Number); !id.IsZero() {
			b.own[id] = i
		}
	}
	return b, nil
}

// wipe zeroes what held keys and text. Strings that the Statement itself
// holds cannot be zeroed in Go; they go with it.
func (b *builder) wipe() {
	clear(b.buf[:cap(b.buf)])
	b.pseudonymizer.wipe()
}

// draft is a Transaction with what only the work on it needs.
type draft struct {
	Transaction
	currency bank.Currency
}

func (b *builder) account(i int) ([]Account, error) {
	src := &b.st.Accounts[i]
	drafts, pending, err := b.drafts(i)
	if err != nil {
		return nil, err
	}
	currencies := accountCurrencies(src, drafts)
	out := make([]Account, 0, len(currencies))
	for _, c := range currencies {
		acc := Account{
			ID:       b.accountID(src),
			Kind:     kindOf(src.Kind),
			Currency: c,
			Complete: src.Complete,
			Pending:  pending[c],
		}
		acc.Transactions = currencyEntries(drafts, c)
		if n := len(acc.Transactions); n > 0 {
			acc.Delivered = bank.Range{From: acc.Transactions[0].Date, To: acc.Transactions[n-1].Date}
		}
		b.balance(&acc, src)
		out = append(out, acc)
	}
	return out, nil
}

// accountCurrencies lists the account's own currency first, then others met,
// in order of their codes. An account of which nothing is known at all keeps
// its one empty entry.
func accountCurrencies(src *bank.Account, drafts []draft) []bank.Currency {
	var others []bank.Currency
	for i := range drafts {
		if c := drafts[i].currency; c != src.Currency && !slices.Contains(others, c) {
			others = append(others, c)
		}
	}
	slices.SortFunc(others, func(a, b bank.Currency) int { return slices.Compare(a[:], b[:]) })
	if src.Currency == (bank.Currency{}) && len(others) > 0 {
		return others
	}
	return append([]bank.Currency{src.Currency}, others...)
}

// drafts reads the booked entries once each, oldest first, and counts the
// pending ones by currency.
func (b *builder) drafts(account int) ([]draft, map[bank.Currency]int, error) {
	src := &b.st.Accounts[account]
	pending := map[bank.Currency]int{}
	drafts := make([]draft, 0, len(src.Transactions))
	seen := newDuplicates(src.Transactions)
	for i := range src.Transactions {
		t := &src.Transactions[i]
		if t.Status != bank.Booked {
			pending[t.Amount.Currency]++
			continue
		}
		if seen.repeated(i) {
			continue
		}
		day := cmp.Or(t.Booking, t.Value)
		if day.IsZero() {
			return nil, nil, fmt.Errorf("%w: booked entry without a day", ErrBadStatement)
		}
		d := draft{currency: t.Amount.Currency}
		d.Date, d.Amount = day, t.Amount.Minor
		if t.HasBalanceAfter && t.BalanceAfter.Currency == t.Amount.Currency {
			d.HasBalanceAfter, d.BalanceAfter = true, t.BalanceAfter.Minor
		}
		d.Counterparty = b.counterparty(t)
		d.Category = b.category(account, t)
		drafts = append(drafts, d)
	}
	if newestFirst(drafts) {
		slices.Reverse(drafts)
	}
	slices.SortStableFunc(drafts, func(a, b draft) int { return cmp.Compare(a.Date, b.Date) })
	return drafts, pending, nil
}

// category is Categorize, with what only the whole Statement tells: whether
// the other side is the person too.
func (b *builder) category(account int, t *bank.Transaction) Category {
	c, named, buf := categorize(t, b.buf)
	b.buf = buf
	if other, ok := b.ownAccount(account, t); ok && c != Reversal {
		if b.st.Accounts[other].Kind != bank.AccountLoan {
			return OwnTransfer
		}
		if !named {
			return bySign(signOf(t), LoanDisbursement, LoanRepayment)
		}
		return c
	}
	if !named && b.sameName(b.st.Accounts[account].Holder, t.Counterparty) {
		return OwnTransfer
	}
	return c
}

// ownAccount finds the counterparty among the Statement's other accounts.
func (b *builder) ownAccount(account int, t *bank.Transaction) (int, bool) {
	if t.CounterpartyAccount.IsZero() {
		return 0, false
	}
	other, ok := b.own[b.number(t.CounterpartyAccount)]
	return other, ok && other != account
}

// newestFirst tells whether a bank listed its entries backwards: by its
// days where they differ, else by whether balances follow from one another
// backwards rather than forwards.
func newestFirst(drafts []draft) bool {
	if len(drafts) < 2 {
		return false
	}
	first, last := &drafts[0], &drafts[len(drafts)-1]
	if first.Date != last.Date {
		return first.Date > last.Date
	}
	forward, backward := 0, 0
	for i := 1; i < len(drafts); i++ {
		a, b := &drafts[i-1], &drafts[i]
		if !a.HasBalanceAfter || !b.HasBalanceAfter || a.currency != b.currency {
			continue
		}
		if a.BalanceAfter+b.Amount == b.BalanceAfter {
			forward++
		}
		if b.BalanceAfter+a.Amount == a.BalanceAfter {
			backward++
		}
	}
	return backward > forward
}

// currencyEntries returns the entries of one currency, reversals marked.
func currencyEntries(drafts []draft, c bank.Currency) []Transaction {
	out := make([]Transaction, 0, len(drafts))
	for i := range drafts {
		if drafts[i].currency == c {
			out = append(out, drafts[i].Transaction)
		}
	}
	if len(out) == 0 {
		return nil
	}
	markReversals(out)
	return out
}

// reversalDays is how long before its reversal an entry is looked for: a
// SEPA direct debit can be returned for eight weeks, with time to book it.
const reversalDays = 90

// markReversals gives the entry that each Reversal undoes the same category.
func markReversals(list []Transaction) {
	var used []bool
	for i := range list {
		if list[i].Category != Reversal {
			continue
		}
		if used == nil {
			used = make([]bool, len(list))
		}
		if used[i] {
			continue
		}
		for j := i - 1; j >= 0 && list[i].Date.Sub(list[j].Date) <= reversalDays; j-- {
			if !used[j] && undoes(&list[i], &list[j]) {
				list[j].Category = Reversal
				used[i], used[j] = true, true
				break
			}
		}
	}
}

func undoes(reversal, original *Transaction) bool {
	return reversal.Amount == -original.Amount &&
		(reversal.Counterparty == original.Counterparty || reversal.Counterparty.IsZero() || original.Counterparty.IsZero())
}

func kindOf(k bank.AccountKind) Kind {
	switch k {
	case bank.AccountCurrent:
		return KindCurrent
	case bank.AccountSavings:
		return KindSavings
	case bank.AccountCard:
		return KindCard
	case bank.AccountLoan:
		return KindLoan
	default:
		return KindOther
	}
}
