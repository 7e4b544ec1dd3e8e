package bank

// Statement is what a bank answered about one consent: raw, personal, and
// held in the bank worker's memory only. Its texts are of type Text, which
// nothing can print or marshal; anonymize.Profile is what leaves.
type Statement struct {
	// Asked is the range of booking dates that was asked for, whatever the
	// bank then delivered.
	Asked    Range
	Accounts []Account
}

// Range is a span of days, both ends included.
type Range struct{ From, To Date }

// Account is one payment account and what was read of it.
type Account struct {
	// ID is the bank's resource id, Number the IBAN (or what the bank uses
	// instead), Holder the owner's name.
	ID, Number, Holder, Name Text

	Kind     AccountKind
	Currency Currency

	Balances     []Balance
	Transactions []Transaction

	// Delivered is the range the bank's answer covers: from the oldest to
	// the newest booked transaction. Both ends are zero where there was none.
	Delivered Range
	// Complete tells that paging ended by itself: every page the bank named
	// was read.
	Complete bool
}

// AccountKind says what an account is for (ISO 20022 ExternalCashAccountType1Code).
type AccountKind string

// The kinds of account, each with the ISO 20022 codes that map to it.
const (
	AccountCurrent AccountKind = "current" // CACC, TRAN, CASH
	AccountSavings AccountKind = "savings" // SVGS, LLSV, ONDP
	AccountCard    AccountKind = "card"    // CARD
	AccountLoan    AccountKind = "loan"    // LOAN
	AccountOther   AccountKind = "other"   // anything else, or not said
)

// Balance is one balance of an account at a day.
type Balance struct {
	Type   BalanceType
	Amount Money
	// Date is the reference day, zero when the bank gave none (the balance
	// is then that of the moment it was read).
	Date Date
	// CreditLimitIncluded tells that an agreed overdraft is counted in.
	CreditLimitIncluded bool
}

// BalanceType names what a balance counts (Berlin Group and ISO 20022 words).
type BalanceType string

// The balance types.
const (
	BalanceClosingBooked BalanceType = "closing_booked" // booked entries up to the end of a day
	BalanceInterimBooked BalanceType = "interim_booked" // booked entries up to the moment
	BalanceExpected      BalanceType = "expected"       // booked and pending entries
	BalanceAvailable     BalanceType = "available"      // what can be spent, credit lines included or not
	BalanceOther         BalanceType = "other"
)

// Status tells whether an entry is final.
type Status string

// The statuses of a transaction. Only booked ones are scored.
const (
	Booked  Status = "booked"
	Pending Status = "pending"
)

// Transaction is one entry of an account.
type Transaction struct {
	// ID is the bank's own id, empty where it gives none.
	ID     Text
	Status Status
	// Amount is negative when money leaves the account.
	Amount Money
	// Booking is the day the bank booked it, Value the day it counts from.
	// A pending entry has no Booking day.
	Booking, Value Date

	// Counterparty is the other side: the creditor of a debit, the debtor
	// of a credit. CounterpartyAccount is its IBAN or local number.
	Counterparty, CounterpartyAccount Text
	// Remittance is the payment's text, structured and unstructured lines
	// joined by a newline.
	Remittance Text

	// BankCode is the ISO 20022 bank transaction code "DOMN-FMLY-SUBF",
	// Purpose the ISO 20022 external purpose code, MCC the ISO 18245
	// merchant category. Empty where the bank gives none.
	BankCode, Purpose, MCC Text
	// ProprietaryCode is the bank's own transaction code or word, such as
	// "CARD", in no common vocabulary.
	ProprietaryCode Text

	// BalanceAfter is the booked balance right after the entry, where the
	// bank tells it.
	BalanceAfter    Money
	HasBalanceAfter bool
}
