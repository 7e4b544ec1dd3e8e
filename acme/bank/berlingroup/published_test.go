package berlingroup_test

import (
	"testing"

	"acme.example/creditscore/acme/bank"
	"acme.example/creditscore/acme/bank/berlingroup"
)

const (
	euroID   = "3dc3d5b3-7023-4848-9853-f5400a64e80f"
	dollarID = "3dc3d5b3-7023-4848-9853-f5400a64e81e"
)

func TestPublishedHistoryIsReadWhole(t *testing.T) {
	t.Parallel()
	s := &scripted{answers: map[string]string{
		"/v1/accounts":                             fixture(t, "accountListExample1"),
		"/v1/accounts/" + euroID + "/balances":     fixture(t, "balancesExample1_RegularAccount"),
		"/v1/accounts/" + dollarID + "/balances":   fixture(t, "balancesExample3_RegularAccount"),
		"/v1/accounts/" + euroID + "/transactions": fixture(t, "transactionsExample1_RegularAccount_json"),
	}}
	st, err := open(t, s).Fetch(t.Context(), access(), asked)
	if err != nil {
		t.Fatal(err)
	}
	if len(st.Accounts) != 2 || st.Asked != asked {
		t.Fatalf("%d accounts, asked %v", len(st.Accounts), st.Asked)
	}
	a := st.Accounts[0]
	if a.ID.Reveal() != euroID || a.Number.Reveal() != "DE2310010010123456789" || a.Name.Reveal() != "Main Account" ||
		a.Kind != bank.AccountCurrent || a.Currency.String() != "EUR" || !a.Complete {
		t.Errorf("account misread: kind %s, currency %s, complete %v", a.Kind, a.Currency, a.Complete)
	}
	if got, want := amounts(a.Transactions), "-256.67 EUR, 343.01 EUR, -100.03 EUR"; got != want {
		t.Errorf("amounts %s, want %s: a debit without a minus names a creditor only", got, want)
	}
	first, last := a.Transactions[0], a.Transactions[2]
	if first.Counterparty.Reveal() != "John Miles" || first.CounterpartyAccount.Reveal() != "DE67100100101306118605" ||
		first.Booking.String() != "2017-10-25" || first.Value.String() != "2017-10-26" ||
		first.Remittance.Reveal() != "Example 1" || first.ID.Reveal() != "1234567" || first.Status != bank.Booked {
		t.Error("first transaction misread")
	}
	if a.Transactions[1].Counterparty.Reveal() != "Paul Simpson" {
		t.Error("a credit's counterparty is its debtor")
	}
	if last.Status != bank.Pending || !last.Booking.IsZero() {
		t.Error("the pending entry has no booking date")
	}
	day := bank.NewDate(2017, 10, 25)
	if a.Delivered != (bank.Range{From: day, To: day}) {
		t.Errorf("delivered %v, want the booked entries' days", a.Delivered)
	}
	if len(a.Balances) != 2 || a.Balances[0] != (bank.Balance{Type: bank.BalanceClosingBooked, Amount: euros(50000), Date: day}) ||
		a.Balances[1].Type != bank.BalanceExpected || !a.Balances[1].Date.IsZero() {
		t.Errorf("balances %v", a.Balances)
	}
	b := st.Accounts[1]
	if len(b.Transactions) != 0 || len(b.Balances) != 3 || !b.Balances[2].CreditLimitIncluded || b.Balances[1].CreditLimitIncluded {
		t.Errorf("second account: %d transactions, balances %v", len(b.Transactions), b.Balances)
	}
	if n := len(s.urls()); n != 4 {
		t.Errorf("%d requests %v: an account that links balances only has no transactions to ask for", n, s.urls())
	}
}

func euros(cents int64) bank.Money {
	c, _ := bank.ParseCurrency("EUR")
	return bank.Money{Minor: cents, Currency: c}
}

func TestPublishedMultiCurrencyAccountKeepsEachCurrency(t *testing.T) {
	t.Parallel()
	answers := map[string]string{"/v1/accounts": fixture(t, "accountListExample3")}
	for _, id := range []string{euroID, "3dc3d5b3-7023-4848-9853-f5400a64e80e", "3dc3d5b3-7023-4848-9853-f5400a64e81d"} {
		answers["/v1/accounts/"+id+"/balances"] = fixture(t, "balancesExample2_MulticurrencyAcount")
		answers["/v1/accounts/"+id+"/transactions"] = fixture(t, "transactionsExample3_MulticurrencyAccount_json")
	}
	st, err := open(t, &scripted{answers: answers}).Fetch(t.Context(), access(), asked)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"XXX", "EUR", "USD"} {
		a := st.Accounts[i]
		if a.Currency.String() != want {
			t.Errorf("account %d is in %s, want %s: the bank's order", i, a.Currency, want)
		}
		if got, want := amounts(a.Transactions), "-256.67 EUR, 343.01 EUR, 100.00 USD, -100.03 EUR"; got != want {
			t.Errorf("amounts %s, want %s", got, want)
		}
		if len(a.Balances) != 4 || a.Balances[2].Amount.String() != "350.00 USD" {
			t.Errorf("balances %v", a.Balances)
		}
	}
}

func TestPublishedDownloadIsRefused(t *testing.T) {
	t.Parallel()
	_, err := open(t, oneAccount(fixture(t, "transactionsExample2_Download_json"))).Fetch(t.Context(), access(), asked)
	if e := bankError(t, err); e.Code != bank.CodeBadData || e.Detail != "the bank offers the transactions as a download only" {
		t.Errorf("error %v", e)
	}
}

func TestPublishedStandingOrdersAreNoTransactions(t *testing.T) {
	t.Parallel()
	a, err := berlingroup.ReadTransactions([]byte(fixture(t, "transactionsResponse200JsonExample")))
	if err != nil || len(a.Transactions) != 0 || a.Number.Reveal() != "DE2310010010123456788" {
		t.Errorf("%d transactions, error %v", len(a.Transactions), err)
	}
}

func TestPublishedCardBalancesSkipWhatHasNoAmount(t *testing.T) {
	t.Parallel()
	s := oneAccount(`{"transactions":{"booked":[]}}`)
	s.answers["/v1/accounts/a1/balances"] = fixture(t, "balancesExample_CardAccount")
	st, err := open(t, s).Fetch(t.Context(), access(), asked)
	if err != nil || len(st.Accounts[0].Balances) != 2 || st.Accounts[0].Balances[1].Type != bank.BalanceOther {
		t.Errorf("error %v, statement %v", err, st)
	}
}
