package anonymize

import (
	"encoding/hex"
	"fmt"

	"acme.example/creditscore/acme/bank"
)

// Profile is what is kept of a Statement: days, amounts, balances,
// categories and keyed pseudonyms. It has no field that could hold a text,
// so nothing a bank or a person wrote can be in it.
//
// A Profile is written once and then only read; it is safe for concurrent
// reading. MarshalBinary gives its compact, versioned form.
type Profile struct {
	// AsOf is the day the bank was read: "today" for every feature.
	AsOf bank.Date
	// Asked is the range that was asked of the bank.
	Asked    bank.Range
	Accounts []Account
}

// Account is one account of a Profile. An account that holds several
// currencies is one Account a currency, so that ID and Currency together
// name it.
type Account struct {
	ID       Pseudonym
	Kind     Kind
	Currency bank.Currency
	// Delivered is the span from the oldest to the newest booked
	// transaction; both zero where there is none.
	Delivered bank.Range
	// Complete tells that every page the bank named was read.
	Complete bool
	// Balance is the booked balance at the end of BalanceDate, in minor
	// units, meaningful when HasBalance.
	Balance     int64
	BalanceDate bank.Date
	HasBalance  bool
	// Transactions are booked entries only, each once, in order of Date;
	// within a day in the order the bank gave them, oldest first.
	Transactions []Transaction
	// Pending is how many pending entries were seen and left out.
	Pending int
}

// Transaction is one booked entry.
type Transaction struct {
	Date bank.Date // booking day
	// Amount is in minor units of the account's currency, negative when
	// money leaves.
	Amount int64
	// BalanceAfter is the booked balance right after the entry, meaningful
	// when HasBalanceAfter.
	BalanceAfter    int64
	HasBalanceAfter bool
	Category        Category
	// Counterparty recurs for the same counterparty of the same subject and
	// partner; zero where the bank named none.
	Counterparty Pseudonym
}

// Pseudonym stands for an account or a counterparty: the first 128 bits of
// HMAC-SHA-256 under a secret key. Whoever has the key can link it back, so
// it is still personal data (GDPR art. 4(5)); without the key it tells only
// that two entries are alike.
type Pseudonym [16]byte

// IsZero tells whether there is no pseudonym.
func (p Pseudonym) IsZero() bool { return p == Pseudonym{} }

// String returns 32 hexadecimal digits, "" for the zero Pseudonym.
func (p Pseudonym) String() string {
	if p.IsZero() {
		return ""
	}
	return hex.EncodeToString(p[:])
}

// MarshalText writes String.
func (p Pseudonym) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads String's form.
func (p *Pseudonym) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*p = Pseudonym{}
		return nil
	}
	if len(text) != 2*len(p) {
		return fmt.Errorf("pseudonym: want %d hexadecimal digits", 2*len(p))
	}
	_, err := hex.Decode(p[:], text)
	return err
}

// Kind is bank.AccountKind without room for text.
type Kind uint8

// The kinds of account.
const (
	KindOther Kind = iota
	KindCurrent
	KindSavings
	KindCard
	KindLoan
)
