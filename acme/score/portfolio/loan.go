package portfolio

import (
	"cmp"

	"acme.example/creditscore/acme/bank"
)

// History is how many days before its loan a Statement reaches back: two
// years, which is the most a bank is asked for.
const History = 730

// Loan is one past loan with the history of its account and what became of
// it. It is read once and then not changed; it is safe for concurrent reading.
type Loan struct {
	ID         string
	Date       bank.Date // the day it was granted
	Amount     bank.Money
	TermMonths int
	Instalment bank.Money // a month
	Status     string
	// Bad tells that the loan was not repaid as agreed.
	Bad bool
	// Entries are the account's entries before Date, oldest first.
	Entries []Entry
}

// Entry is one row of the transactions file.
type Entry struct {
	Date                    bank.Date
	Type, Operation, Symbol string
	// Amount is never negative; Type tells the direction.
	Amount bank.Money
	// Balance is the account's balance right after the entry.
	Balance       bank.Money
	Bank, Account string
}

// Signed is the entry's amount, negative when money leaves the account.
func (e Entry) Signed() bank.Money {
	m := e.Amount
	if e.Type != typeIn {
		m.Minor = -m.Minor
	}
	return m
}

// Statement is what the account's bank would have answered on the loan's
// day when asked for two years: one current account, booked entries with the
// balance after each, no separate balance.
func (l Loan) Statement() *bank.Statement {
	asked := bank.Range{From: l.Date.AddDays(-History), To: l.Date}
	acc := bank.Account{
		ID:       bank.NewText(l.ID),
		Number:   bank.NewText(l.ID),
		Kind:     bank.AccountCurrent,
		Currency: l.Amount.Currency,
		Complete: true,
	}
	for _, e := range l.Entries {
		if e.Date < asked.From || e.Date > asked.To {
			continue
		}
		acc.Transactions = append(acc.Transactions, e.transaction())
	}
	if n := len(acc.Transactions); n > 0 {
		acc.Delivered = bank.Range{From: acc.Transactions[0].Booking, To: acc.Transactions[n-1].Booking}
	}
	return &bank.Statement{Asked: asked, Accounts: []bank.Account{acc}}
}

// transaction says the entry in a bank's words.
func (e Entry) transaction() bank.Transaction {
	w := e.Wording()
	t := bank.Transaction{
		Status:          bank.Booked,
		Amount:          e.Signed(),
		Booking:         e.Date,
		Value:           e.Date,
		Remittance:      bank.NewText(w.Remittance),
		BankCode:        bank.NewText(w.BankCode),
		BalanceAfter:    e.Balance,
		HasBalanceAfter: true,
	}
	if e.Account != "" {
		t.CounterpartyAccount = bank.NewText(cmp.Or(e.Bank, "-") + "/" + e.Account)
	}
	return t
}

// Shifted returns the loan with every date moved by the same number of days
// so that its last entry falls on end. The loan's own date moves to end too,
// since that is the day such a history would be asked for. A loan without
// entries only has its date set. The original is left as it was.
func (l Loan) Shifted(end bank.Date) Loan {
	if n := len(l.Entries); n > 0 {
		days := end.Sub(l.Entries[n-1].Date)
		entries := make([]Entry, n)
		for i, e := range l.Entries {
			e.Date = e.Date.AddDays(days)
			entries[i] = e
		}
		l.Entries = entries
	}
	l.Date = end
	return l
}
