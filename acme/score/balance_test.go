package score_test

import (
	"testing"

	"acme.example/creditscore/acme/anonymize"
)

func TestBalanceIsDerivedWhereEntriesLackIt(t *testing.T) {
	t.Parallel()
	for name, p := range somebody(t) {
		want := bare(t, scoreOf(t, p))
		last := p.Accounts[0].Transactions[len(p.Accounts[0].Transactions)-1]
		led := change(p, func(e *anonymize.Transaction) { e.HasBalanceAfter, e.BalanceAfter = false, 0 })
		led.Accounts[0].Balance, led.Accounts[0].BalanceDate, led.Accounts[0].HasBalance = last.BalanceAfter, last.Date, true
		if got := bare(t, scoreOf(t, led)); got != want {
			t.Errorf("%s, led back from the account's balance:\n got %s\nwant %s", name, got, want)
		}
		n := 0
		some := change(p, func(e *anonymize.Transaction) {
			if n++; n%3 == 0 {
				e.HasBalanceAfter, e.BalanceAfter = false, 0
			}
		})
		if got := bare(t, scoreOf(t, some)); got != want {
			t.Errorf("%s, every third balance missing:\n got %s\nwant %s", name, got, want)
		}
	}
}

func TestWithoutBalancesTheRestIsScored(t *testing.T) {
	t.Parallel()
	p := change(somebody(t)["even"], func(e *anonymize.Transaction) { e.HasBalanceAfter, e.BalanceAfter = false, 0 })
	r := scoreOf(t, p)
	for _, v := range r.Reasons {
		if v.Code == "R01" || v.Code == "R02" || v.Code == "R05" || v.Code == "R06" {
			t.Errorf("a reason about a balance nobody knows: %+v", v)
		}
	}
	if r.CashFlow.Months[0].Balance != "" {
		t.Errorf("a balance nobody knows: %+v", r.CashFlow.Months[0])
	}
}
