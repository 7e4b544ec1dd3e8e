package anonymize_test

import (
	"testing"

	"acme.example/creditscore/acme/anonymize"
	"acme.example/creditscore/acme/bank"
)

func entry(text, code string, minor int64) *bank.Transaction {
	return &bank.Transaction{
		Status:     bank.Booked,
		Amount:     bank.Money{Minor: minor, Currency: bank.Currency{'C', 'Z', 'K'}},
		Remittance: bank.NewText(text),
		BankCode:   bank.NewText(code),
	}
}

// The words of a Czech bank, with and without the code beside them.
func TestCategorizeCzechBank(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text, code string
		sign       int64
		want       anonymize.Category
	}{
		{"VKLAD HOTOVOSTI", "PMNT-CNTR-CDPT", 1, anonymize.CashIn},
		{"VYBER HOTOVOSTI", "PMNT-CNTR-CWDL", -1, anonymize.CashOut},
		{"VYBER KARTOU", "PMNT-CCRD-CWDL", -1, anonymize.CashOut},
		{"PRICHOZI PLATBA", "PMNT-RCDT-DMCT", 1, anonymize.TransferIn},
		{"ODCHOZI PLATBA", "PMNT-ICDT-DMCT", -1, anonymize.TransferOut},
		{"UROK Z VKLADU", "ACMT-MCOP-INTR", 1, anonymize.InterestEarned},
		{"SANKCNI UROK", "ACMT-MDOP-INTR", -1, anonymize.Penalty},
		{"POPLATEK ZA VEDENI UCTU", "ACMT-MDOP-CHRG", -1, anonymize.Fees},
		{"SIPO", "PMNT-ICDT-DMCT", -1, anonymize.Household},
		{"SIPO", "PMNT-CNTR-CWDL", -1, anonymize.Household},
		{"POJISTNE", "PMNT-ICDT-DMCT", -1, anonymize.Insurance},
		{"DUCHOD", "PMNT-RCDT-DMCT", 1, anonymize.Pension},
		{"SPLATKA UVERU", "PMNT-ICDT-DMCT", -1, anonymize.LoanRepayment},
	} {
		for _, code := range []string{c.code, ""} {
			if got := anonymize.Categorize(entry(c.text, code, c.sign*1000)); got != c.want {
				t.Errorf("%s %q: got %s, want %s", c.text, code, got, c.want)
			}
		}
		if c.text == "SIPO" || c.want == anonymize.Insurance || c.want == anonymize.Pension ||
			c.want == anonymize.LoanRepayment || c.want == anonymize.Penalty {
			continue // the code alone cannot tell these
		}
		if got := anonymize.Categorize(entry("", c.code, c.sign*1000)); got != c.want {
			t.Errorf("%s alone: got %s, want %s", c.code, got, c.want)
		}
	}
}
