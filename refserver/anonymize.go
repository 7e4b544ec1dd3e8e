package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"acme.example/creditscore/acme/anonymize"
	"acme.example/creditscore/acme/bank"
	"acme.example/creditscore/acme/bank/berlingroup"
	"acme.example/creditscore/acme/keyset"
)

// maxAnswer bounds what anonymizeCommand reads.
const maxAnswer = 64 << 20

// anonymizeCommand reads an answer with transactions and prints what would be
// stored of each, under keys that are thrown away.
func anonymizeCommand(_ context.Context, args []string, io surroundings) error {
	fs := newFlags("anonymize")
	api := fs.String("api", "", "whose `standard` the answer follows: berlin-group")
	if err := parseFlags(fs, args, io); err != nil {
		return err
	}
	if *api != "berlin-group" {
		return usagef("refserver anonymize: -api: %q: allowed: berlin-group (uk-open-banking and plaid are not in this build)", *api)
	}
	account, err := readAnswer(io.stdin)
	if err != nil {
		return err
	}
	lines, err := storedLines(account, bank.DateOf(time.Now()))
	if err != nil {
		return err
	}
	out := bufio.NewWriter(io.stdout)
	encoder := json.NewEncoder(out)
	for _, line := range lines {
		if err := encoder.Encode(line); err != nil {
			return fmt.Errorf("writing: %w", err)
		}
	}
	return out.Flush()
}

func readAnswer(r io.Reader) (bank.Account, error) {
	body, err := io.ReadAll(io.LimitReader(r, maxAnswer+1))
	if err != nil {
		return bank.Account{}, fmt.Errorf("reading stdin: %w", err)
	}
	if len(body) > maxAnswer {
		return bank.Account{}, fmt.Errorf("reading stdin: more than %d bytes", maxAnswer)
	}
	account, err := berlingroup.ReadTransactions(body)
	if err != nil {
		return bank.Account{}, fmt.Errorf("reading the answer: %w", err)
	}
	return account, nil
}

// storedLine is one transaction as it is kept. Of one that is not kept there
// is nothing but the reason.
type storedLine struct {
	Stored bool        `json:"stored"`
	Status bank.Status `json:"status"`
	// Reason says why it is not stored: pending, or a repetition.
	Reason string `json:"reason,omitempty"`
	*storedFields
}

// storedFields is every field of anonymize.Transaction, its amounts beside
// their currency.
type storedFields struct {
	Date              bank.Date           `json:"date"`
	AmountMinor       int64               `json:"amount_minor"`
	Amount            string              `json:"amount"`
	Currency          bank.Currency       `json:"currency"`
	Direction         string              `json:"direction"`
	Category          string              `json:"category"`
	Counterparty      anonymize.Pseudonym `json:"counterparty"`
	BalanceAfterMinor *int64              `json:"balance_after_minor"`
}

// storedLines pseudonymizes the account as the engine would and lists the
// outcome in the order of the answer. A Profile has an order of its own and
// leaves entries out, so each entry carries its place through it in the one
// field that no rule about the others looks at: the balance after it.
func storedLines(account bank.Account, today bank.Date) ([]storedLine, error) {
	keys, err := keyset.New()
	if err != nil {
		return nil, fmt.Errorf("making keys: %w", err)
	}
	anonymizer := anonymize.New(keys)
	who := anonymize.Subject{ID: "throw-away"}

	given := account.Transactions
	lines := make([]storedLine, len(given))
	marked := account
	marked.Transactions = make([]bank.Transaction, 0, len(given))
	earlier := map[string][]int{}
	for i, t := range given {
		lines[i].Status = t.Status
		if t.Status != bank.Booked {
			lines[i].Reason = "only booked transactions are stored"
			continue
		}
		id := t.ID.Reveal()
		repeats, err := repeatsOne(anonymizer, who, account, earlier[id], i, today)
		if err != nil {
			return nil, err
		}
		if id != "" && repeats {
			lines[i].Reason = "repeats an earlier transaction"
			continue
		}
		earlier[id] = append(earlier[id], i)
		t.HasBalanceAfter, t.BalanceAfter = true, bank.Money{Minor: int64(i), Currency: t.Amount.Currency}
		t.ID = bank.NewText(fmt.Sprint(i))
		marked.Transactions = append(marked.Transactions, t)
	}
	profile, err := anonymizer.Profile(&bank.Statement{Accounts: []bank.Account{marked}}, who, today)
	if err != nil {
		return nil, fmt.Errorf("pseudonymizing: %w", err)
	}
	for _, a := range profile.Accounts {
		for _, t := range a.Transactions {
			i := t.BalanceAfter
			lines[i].Stored, lines[i].storedFields = true, fieldsOf(t, a.Currency, given[i])
		}
	}
	return lines, nil
}

// repeatsOne asks the anonymizer whether entry i repeats one of the earlier
// ones of its id: of two that do, a Profile holds one.
func repeatsOne(an *anonymize.Anonymizer, who anonymize.Subject, account bank.Account, earlier []int, i int, today bank.Date) (bool, error) {
	if account.Transactions[i].ID.IsZero() {
		return false, nil
	}
	for _, j := range earlier {
		pair := account
		pair.Transactions = []bank.Transaction{account.Transactions[j], account.Transactions[i]}
		profile, err := an.Profile(&bank.Statement{Accounts: []bank.Account{pair}}, who, today)
		if err != nil {
			return false, fmt.Errorf("pseudonymizing: %w", err)
		}
		kept := 0
		for _, a := range profile.Accounts {
			kept += len(a.Transactions)
		}
		if kept == 1 {
			return true, nil
		}
	}
	return false, nil
}

func fieldsOf(t anonymize.Transaction, c bank.Currency, given bank.Transaction) *storedFields {
	f := &storedFields{
		Date: t.Date, AmountMinor: t.Amount, Amount: bank.Money{Minor: t.Amount, Currency: c}.Decimal(), Currency: c,
		Direction: "in", Category: t.Category.String(), Counterparty: t.Counterparty,
	}
	if t.Amount < 0 {
		f.Direction = "out"
	}
	if given.HasBalanceAfter && given.BalanceAfter.Currency == given.Amount.Currency {
		minor := given.BalanceAfter.Minor
		f.BalanceAfterMinor = &minor
	}
	return f
}
