package portfolio

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"acme.example/creditscore/acme/bank"
)

// The file names of a portfolio folder.
const (
	loansFile        = "loans.csv"
	transactionsFile = "transactions.csv"
)

const defaultCurrency = "CZK"

// Load reads the portfolio in dir, loans in the order of loans.csv. A fault
// in a row is a *RowError, which names file, line, column and what is
// allowed, never the row's contents; the first fault ends the reading.
func Load(dir string) ([]Loan, error) {
	f, err := os.Open(filepath.Join(dir, loansFile))
	if err != nil {
		return nil, fmt.Errorf("loading portfolio: %w", err)
	}
	defer f.Close()
	loans, byID, err := readLoans(f)
	if err != nil {
		return nil, fmt.Errorf("loading portfolio: %w", err)
	}
	name := transactionsFile
	t, err := os.Open(filepath.Join(dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		name += ".gz"
		t, err = os.Open(filepath.Join(dir, name))
	}
	if err != nil {
		return nil, fmt.Errorf("loading portfolio: %w", err)
	}
	defer t.Close()
	var r io.Reader = t
	if filepath.Ext(name) == ".gz" {
		z, err := gzip.NewReader(t)
		if err != nil {
			return nil, fmt.Errorf("loading portfolio: %s: %w", name, err)
		}
		defer z.Close()
		r = z
	}
	if err := readEntries(r, name, loans, byID); err != nil {
		return nil, fmt.Errorf("loading portfolio: %w", err)
	}
	return loans, nil
}

func readLoans(r io.Reader) ([]Loan, map[string]int, error) {
	t, err := newTable(r, loansFile, []string{"loan_id", "date", "amount", "duration", "payments", "status", "bad"}, "currency")
	if err != nil {
		return nil, nil, err
	}
	var loans []Loan
	byID := map[string]int{}
	for t.next() {
		currency := defaultCurrency
		if c := t.text("currency"); c != "" {
			currency = c
		}
		l := Loan{
			ID:         t.text("loan_id"),
			Date:       t.date("date"),
			Amount:     t.money("amount", currency),
			TermMonths: t.integer("duration", 1, 600),
			Instalment: t.money("payments", currency),
			Status:     t.text("status"),
			Bad:        t.oneOf("bad", map[string]bool{"0": true, "1": true}, "0 or 1") == "1",
		}
		if _, twice := byID[l.ID]; twice || l.ID == "" {
			t.fail("loan_id", "a unique, non-empty text")
		}
		if l.Amount.Minor <= 0 {
			t.fail("amount", "a decimal number greater than 0")
		}
		byID[l.ID] = len(loans)
		loans = append(loans, l)
	}
	return loans, byID, t.err
}

func readEntries(r io.Reader, name string, loans []Loan, byID map[string]int) error {
	t, err := newTable(r, name, []string{"loan_id", "date", "type", "operation", "amount", "balance", "k_symbol", "bank", "account"})
	if err != nil {
		return err
	}
	for t.next() {
		i, known := byID[t.text("loan_id")]
		if !known {
			t.fail("loan_id", "a loan_id of "+loansFile)
			break
		}
		l := &loans[i]
		currency := l.Amount.Currency.String()
		e := Entry{
			Date:      t.date("date"),
			Type:      t.oneOf("type", types, "PRIJEM, VYDAJ or VYBER"),
			Operation: oneKey(t, "operation", operations, "VKLAD, VYBER, VYBER KARTOU, PREVOD Z UCTU, PREVOD NA UCET or empty"),
			Symbol:    oneKey(t, "k_symbol", symbols, "UROK, SANKC. UROK, SLUZBY, SIPO, POJISTNE, DUCHOD, UVER, one space or empty"),
			Amount:    t.money("amount", currency),
			Balance:   t.signedMoney("balance", currency),
			Bank:      t.text("bank"),
			Account:   t.text("account"),
		}
		if e.Date >= l.Date {
			t.fail("date", "a day before the loan's date")
		}
		if n := len(l.Entries); n > 0 && e.Date < l.Entries[n-1].Date {
			t.fail("date", "a day not before that of the loan's row above")
		}
		l.Entries = append(l.Entries, e)
	}
	return t.err
}

// RowError tells where in a portfolio's files a value is wrong.
type RowError struct {
	File   string
	Line   int    // from 1, the header's
	Column string // its name; empty when the row as a whole is wrong
	Want   string // what is allowed
}

// Error names the place and what is allowed there.
func (e *RowError) Error() string {
	where := e.File + ":" + strconv.Itoa(e.Line)
	if e.Column != "" {
		where += ": column " + e.Column
	}
	return where + ": want " + e.Want
}

func (t *table) date(column string) bank.Date {
	d, err := bank.ParseDate(t.text(column))
	if err != nil {
		t.fail(column, "a date, YYYY-MM-DD")
	}
	return d
}

func (t *table) money(column, currency string) bank.Money {
	m := t.signedMoney(column, currency)
	if m.Minor < 0 {
		t.fail(column, "a decimal number, not negative")
	}
	return m
}

func (t *table) signedMoney(column, currency string) bank.Money {
	if _, err := bank.ParseCurrency(currency); err != nil {
		t.fail("currency", "an ISO 4217 code of three capital letters")
		return bank.Money{}
	}
	m, err := bank.ParseMoney(t.text(column), currency)
	if err != nil {
		t.fail(column, "a decimal number such as 12.34, with the decimals of "+currency)
	}
	return m
}

func (t *table) integer(column string, low, high int) int {
	v, err := strconv.Atoi(t.text(column))
	if err != nil || v < low || v > high {
		t.fail(column, fmt.Sprintf("a whole number from %d to %d", low, high))
	}
	return v
}

func (t *table) oneOf(column string, allowed map[string]bool, list string) string {
	return oneKey(t, column, allowed, list)
}

// oneKey returns the column's text when it is a key of allowed.
func oneKey[V any](t *table, column string, allowed map[string]V, list string) string {
	v := t.text(column)
	if _, ok := allowed[v]; !ok {
		t.fail(column, list)
	}
	return v
}
