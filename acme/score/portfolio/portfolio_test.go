package portfolio_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"acme.example/creditscore/acme/bank"
	"acme.example/creditscore/acme/score/portfolio"
)

const (
	loansHeader   = "loan_id,date,amount,duration,payments,status,bad\n"
	entriesHeader = "loan_id,date,type,operation,amount,balance,k_symbol,bank,account\n"
	goodLoan      = "7,1997-03-01,12000,12,1000.0,A,0\n"
)

func load(t *testing.T, loans, entries string) ([]portfolio.Loan, error) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"loans.csv": loansHeader + loans, "transactions.csv": entriesHeader + entries} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return portfolio.Load(dir)
}

func TestRowsBecomeABanksAnswer(t *testing.T) {
	t.Parallel()
	loans, err := load(t, goodLoan, `7,1997-01-02,PRIJEM,VKLAD,1000.0,1000.0,,,
7,1997-01-03,VYBER,VYBER,10.5,989.5,SIPO,,
7,1997-01-04,VYDAJ,PREVOD NA UCET,5.0,984.5, ,AB,123
7,1997-01-31,VYDAJ,,14.6,969.9,SANKC. UROK,,
`)
	if err != nil {
		t.Fatal(err)
	}
	st := loans[0].Statement()
	a := st.Accounts[0]
	want := []struct {
		amount, after    int64
		words, code, who string
	}{
		{100000, 100000, "VKLAD HOTOVOSTI", "PMNT-CNTR-CDPT", ""},
		{-1050, 98950, "SIPO", "PMNT-CNTR-CWDL", ""},
		{-500, 98450, "ODCHOZI PLATBA", "PMNT-ICDT-DMCT", "AB/123"},
		{-1460, 96990, "SANKCNI UROK", "ACMT-MDOP-INTR", ""},
	}
	for i, w := range want {
		e := a.Transactions[i]
		if e.Amount.Minor != w.amount || e.BalanceAfter.Minor != w.after || e.Remittance.Reveal() != w.words || e.BankCode.Reveal() != w.code || e.CounterpartyAccount.Reveal() != w.who {
			t.Errorf("row %d became %d, %d, %q, %q, %q; want %+v", i, e.Amount.Minor, e.BalanceAfter.Minor, e.Remittance.Reveal(), e.BankCode.Reveal(), e.CounterpartyAccount.Reveal(), w)
		}
	}
	if st.Asked.To != loans[0].Date || a.Delivered.To.String() != "1997-01-31" || !a.Complete {
		t.Errorf("asked %v, delivered %v", st.Asked, a.Delivered)
	}
	end := bank.NewDate(2026, 3, 31)
	s := loans[0].Shifted(end)
	if s.Date != end || s.Entries[3].Date != end || s.Entries[0].Date != end.AddDays(-29) || loans[0].Entries[3].Date == end {
		t.Errorf("shifted to %v, entries %v to %v", s.Date, s.Entries[0].Date, s.Entries[3].Date)
	}
}

func TestFaultNamesFileLineColumnAndWhatIsAllowed(t *testing.T) {
	t.Parallel()
	entry := "7,1997-01-02,PRIJEM,VKLAD,1000.0,1000.0,,,\n"
	for name, c := range map[string]struct{ loans, entries, want string }{
		"bad date":          {"7,1.3.1997,1,12,1,A,0\n", "", "loans.csv:2: column date: want a date, YYYY-MM-DD"},
		"bad outcome":       {"7,1997-03-01,1,12,1,A,yes\n", "", "loans.csv:2: column bad: want 0 or 1"},
		"bad term":          {"7,1997-03-01,1,0,1,A,1\n", "", "loans.csv:2: column duration: want a whole number from 1 to 600"},
		"loan twice":        {goodLoan + goodLoan, "", "loans.csv:3: column loan_id: want a unique, non-empty text"},
		"too few values":    {goodLoan, "7,1997-01-02\n", "transactions.csv:2: want as many comma-separated values as the header has"},
		"unknown loan":      {goodLoan, "8" + entry[1:], "transactions.csv:2: column loan_id: want a loan_id of loans.csv"},
		"unknown type":      {goodLoan, strings.Replace(entry, "PRIJEM", "IN", 1), "transactions.csv:2: column type: want PRIJEM, VYDAJ or VYBER"},
		"unknown symbol":    {goodLoan, entry + "7,1997-01-02,PRIJEM,VKLAD,1.0,1.0,X,,\n", "transactions.csv:3: column k_symbol: want UROK"},
		"after the loan":    {goodLoan, strings.Replace(entry, "1997-01-02", "1997-03-01", 1), "transactions.csv:2: column date: want a day before the loan's date"},
		"negative amount":   {goodLoan, strings.Replace(entry, "1000.0,", "-1.0,", 1), "transactions.csv:2: column amount: want a decimal number, not negative"},
		"not in order":      {goodLoan, entry + "7,1997-01-01,PRIJEM,VKLAD,1.0,1.0,,,\n", "transactions.csv:3: column date: want a day not before"},
		"too many decimals": {goodLoan, strings.Replace(entry, "1000.0,", "1.001,", 1), "transactions.csv:2: column amount: want a decimal number such as 12.34, with the decimals of CZK"},
	} {
		_, err := load(t, c.loans, c.entries)
		var row *portfolio.RowError
		if !errors.As(err, &row) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(goodLoan, "7,1997-01-02,PRIJEM,VKLAD,1000.0,1000.0,,,\n")
	f.Add("\"", ",,,")
	f.Fuzz(func(t *testing.T, loans, entries string) {
		got, err := load(t, loans, entries)
		if err != nil {
			return
		}
		for _, l := range got {
			l.Shifted(0).Statement()
		}
	})
}
