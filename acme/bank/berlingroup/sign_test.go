package berlingroup_test

import (
	"fmt"
	"strings"
	"testing"

	"acme.example/creditscore/acme/bank/berlingroup"
)

// entry writes one booked transaction from its amount and further fields.
func entry(amount string, fields ...string) string {
	return fmt.Sprintf(`{"transactionAmount":{"currency":"EUR","amount":%q},"bookingDate":"2025-01-02"%s}`,
		amount, strings.Join(append([]string{""}, fields...), ","))
}

const (
	toCreditor = `"creditorName":"C"`
	fromDebtor = `"debtorName":"D"`
)

func code(c string) string { return fmt.Sprintf(`"bankTransactionCode":%q`, c) }
func after(b string) string {
	return fmt.Sprintf(`"balanceAfterTransaction":{"balanceAmount":{"currency":"EUR","amount":%q}}`, b)
}

func TestSigns(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rule    string
		entries []string
		want    string
	}{
		{"a minus is a debit whatever the sides", []string{entry("-1.00", fromDebtor)}, "-1.00 EUR"},
		{"a minus outweighs the indicator", []string{entry("-1.00", `"creditDebitIndicator":"CRDT"`)}, "-1.00 EUR"},
		{"the indicator decides a plain amount", []string{entry("1", `"creditDebitIndicator":"DBIT"`, fromDebtor), entry("2", `"creditDebitIndicator":"CRDT"`, toCreditor)}, "-1.00 EUR, 2.00 EUR"},
		{"nothing known is a credit", []string{entry("1.00")}, "1.00 EUR"},
		{"both sides named tells nothing", []string{entry("1.00", toCreditor, fromDebtor)}, "1.00 EUR"},
		{"creditor only is a debit", []string{entry("1.00", toCreditor), entry("2.00", fromDebtor)}, "-1.00 EUR, 2.00 EUR"},
		{"a creditor's account or id is a creditor", []string{entry("1.00", `"creditorAccount":{"iban":"X"}`), entry("2.00", `"creditorId":"X"`)}, "-1.00 EUR, -2.00 EUR"},
		{"as many without a minus as with one: still a debit", []string{entry("1.00", toCreditor), entry("-2.00", toCreditor)}, "-1.00 EUR, -2.00 EUR"},
		{"a bank that writes minus signs is taken at its word", []string{entry("-1.00", toCreditor), entry("-2.00", toCreditor), entry("3.00", toCreditor)}, "-1.00 EUR, -2.00 EUR, 3.00 EUR"},
		{"so is its code: a returned transfer", []string{entry("-1.00", toCreditor), entry("3.00", code("PMNT-ICDT-ESCT"))}, "-1.00 EUR, 3.00 EUR"},
		{"issued transfers and received direct debits are debits", []string{entry("1", code("PMNT-ICDT-ESCT")), entry("2", code("PMNT-RDDT-ESDD")), entry("3", code("PMNT-CCRD-POSD")), entry("4", code("PMNT-CNTR-CWDL"))}, "-1.00 EUR, -2.00 EUR, -3.00 EUR, -4.00 EUR"},
		{"received transfers and issued direct debits are credits", []string{entry("1", code("PMNT-RCDT-ESCT"), toCreditor), entry("2", code("PMNT-IDDT-ESDD"), toCreditor), entry("3", code("PMNT-CNTR-CDPT"))}, "1.00 EUR, 2.00 EUR, 3.00 EUR"},
		{"a reversal is not decided by its family", []string{entry("1", code("PMNT-RDDT-UPDD"), fromDebtor), entry("2", code("PMNT-CCRD-RIMB"))}, "1.00 EUR, 2.00 EUR"},
		{"charges are debits in every domain", []string{entry("1", code("ACMT-MDOP-CHRG"))}, "-1.00 EUR"},
		{"balances from the oldest entry on", []string{entry("5", after("100")), entry("10", after("90")), entry("20", after("110"), toCreditor)}, "5.00 EUR, -10.00 EUR, 20.00 EUR"},
		{"balances from the newest entry on", []string{entry("20", after("110"), toCreditor), entry("10", after("90")), entry("5", after("100"))}, "20.00 EUR, -10.00 EUR, 5.00 EUR"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			t.Parallel()
			a, err := berlingroup.ReadTransactions([]byte(`{"transactions":{"booked":[` + strings.Join(c.entries, ",") + `]}}`))
			if err != nil {
				t.Fatal(err)
			}
			if got := amounts(a.Transactions); got != c.want {
				t.Errorf("amounts %s, want %s", got, c.want)
			}
		})
	}
}
