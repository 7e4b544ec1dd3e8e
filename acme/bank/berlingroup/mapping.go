package berlingroup

import (
	"fmt"
	"strings"

	"acme.example/creditscore/acme/bank"
)

// mapAccount fills in what the list of accounts says of one.
func mapAccount(w *wireAccount, into *bank.Account) error {
	into.ID = bank.NewText(w.ResourceID)
	into.Number = bank.NewText(w.text())
	into.Holder = bank.NewText(w.OwnerName)
	into.Name = bank.NewText(firstOf(w.Name, w.DisplayName, w.Product))
	into.Kind = accountKind(w.CashAccountType)
	if w.Currency == "" {
		return nil
	}
	c, err := bank.ParseCurrency(w.Currency)
	if err != nil {
		return badData("accounts", "an account's "+err.Error())
	}
	into.Currency = c
	return nil
}

// accountKind maps ISO 20022 ExternalCashAccountType1Code.
func accountKind(code string) bank.AccountKind {
	switch code {
	case "CACC", "TRAN", "CASH":
		return bank.AccountCurrent
	case "SVGS", "LLSV", "ONDP":
		return bank.AccountSavings
	case "CARD":
		return bank.AccountCard
	case "LOAN":
		return bank.AccountLoan
	}
	return bank.AccountOther
}

// mapBalances maps what has an amount; the standard's card example holds an
// element without one.
func mapBalances(list []wireBalance) ([]bank.Balance, error) {
	out := make([]bank.Balance, 0, len(list))
	for _, w := range list {
		if w.Amount.Amount == "" {
			continue
		}
		m, err := bank.ParseMoney(string(w.Amount.Amount), w.Amount.Currency)
		if err != nil {
			return nil, badData("balances", err.Error())
		}
		day, err := parseDay(w.ReferenceDate)
		if err != nil {
			return nil, badData("balances", "a referenceDate is not a date")
		}
		kind := balanceType(w.Type)
		out = append(out, bank.Balance{
			Type: kind, Amount: m, Date: day,
			CreditLimitIncluded: w.CreditLimitIncluded || w.Type == "authorised",
		})
	}
	return out, nil
}

// balanceType maps the standard's words and the ISO 20022 codes that some
// banks write in their place. "authorised" is the expected balance with the
// credit line in it; openingBooked is another day's closing balance and so
// stays apart.
func balanceType(word string) bank.BalanceType {
	switch word {
	case "closingBooked", "CLBD":
		return bank.BalanceClosingBooked
	case "interimBooked", "ITBD":
		return bank.BalanceInterimBooked
	case "expected", "XPCD":
		return bank.BalanceExpected
	case "interimAvailable", "closingAvailable", "forwardAvailable", "authorised", "ITAV", "CLAV", "FWAV":
		return bank.BalanceAvailable
	}
	return bank.BalanceOther
}

// mapTransaction maps one entry, its amount as written: signs are set by
// settleSigns, which also chooses the counterparty. home is the account's
// currency, for an amount that names none.
func mapTransaction(t *bank.Transaction, w *wireTransaction, status bank.Status, home bank.Currency) error {
	*t = bank.Transaction{
		ID:     bank.NewText(firstOf(string(w.TransactionID), string(w.EntryReference))),
		Status: status,
		Remittance: bank.NewText(joinLines(
			firstFlex(w.Unstructured, w.UnstructuredArr), firstFlex(w.Structured, w.StructuredArr))),
		BankCode: bank.NewText(string(w.BankCode)), ProprietaryCode: bank.NewText(string(w.OwnCode)),
		Purpose: bank.NewText(string(w.Purpose)), MCC: bank.NewText(string(w.MCC)),
	}
	if t.Remittance.IsZero() {
		t.Remittance = bank.NewText(string(w.Additional))
	}
	currency := w.Amount.Currency
	if currency == "" && home != multiCurrency {
		currency = home.String()
	}
	var err error
	if t.Amount, err = bank.ParseMoney(string(w.Amount.Amount), currency); err != nil {
		return badData("transactions", err.Error())
	}
	var booked error
	t.Booking, booked = parseDay(w.BookingDate)
	t.Value, err = parseDay(w.ValueDate)
	switch {
	case booked != nil || err != nil:
		return badData("transactions", "a date is not a date")
	case status == bank.Pending:
		t.Booking = 0
	case t.Booking.IsZero() && t.Value.IsZero():
		return badData("transactions", "a booked entry has neither a booking date nor a value date")
	case t.Booking.IsZero():
		t.Booking = t.Value
	}
	// A balance with a credit line in it, or of another kind than booked, or
	// in another currency, is not the balance this entry left behind.
	if b := w.BalanceAfter; b.Amount.Amount != "" && !b.CreditLimitIncluded {
		kind := balanceType(b.Type)
		m, err := bank.ParseMoney(string(b.Amount.Amount), firstOf(b.Amount.Currency, currency))
		if err != nil {
			return badData("transactions", "a balance after an entry: "+err.Error())
		}
		if (b.Type == "" || kind == bank.BalanceClosingBooked || kind == bank.BalanceInterimBooked) && m.Currency == t.Amount.Currency {
			t.BalanceAfter, t.HasBalanceAfter = m, true
		}
	}
	return nil
}

// multiCurrency is what an account that holds several currencies has for one.
var multiCurrency = bank.Currency{'X', 'X', 'X'}

// setCounterparty names the other side, the amount's sign being settled.
func setCounterparty(t *bank.Transaction, w *wireTransaction) {
	if t.Amount.Minor < 0 {
		t.Counterparty = bank.NewText(firstOf(w.CreditorName, string(w.UltCreditor)))
		t.CounterpartyAccount = bank.NewText(w.CreditorAccount.text())
		return
	}
	t.Counterparty = bank.NewText(firstOf(w.DebtorName, string(w.UltDebtor)))
	t.CounterpartyAccount = bank.NewText(w.DebtorAccount.text())
	if t.Counterparty.IsZero() && t.CounterpartyAccount.IsZero() {
		// A credit that names a creditor only: a bank that keeps the other
		// side there, as with a merchant's refund.
		t.Counterparty = bank.NewText(firstOf(w.CreditorName, string(w.UltCreditor)))
		t.CounterpartyAccount = bank.NewText(w.CreditorAccount.text())
	}
}

// parseDay reads a date, or the date of a date and time. Nothing, and the
// placeholders before 1970 that some banks send, are the zero Date.
func parseDay(text string) (bank.Date, error) {
	day, _, _ := strings.Cut(text, "T")
	if day == "" {
		return 0, nil
	}
	d, err := bank.ParseDate(day)
	return max(d, 0), err
}

// badData reports what cannot be understood. The detail is ours.
func badData(op, detail string) *bank.Error {
	return &bank.Error{Code: bank.CodeBadData, Op: op, Detail: detail}
}

func badDataf(op, format string, args ...any) *bank.Error {
	return badData(op, fmt.Sprintf(format, args...))
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

func firstFlex(a, b flexText) flexText {
	if a != "" {
		return a
	}
	return b
}
