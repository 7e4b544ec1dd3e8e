package anonymize_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"acme.example/creditscore/acme/anonymize"
	"acme.example/creditscore/acme/bank"
	"acme.example/creditscore/acme/keyset"
)

var (
	eur   = bank.Currency{'E', 'U', 'R'}
	usd   = bank.Currency{'U', 'S', 'D'}
	today = bank.NewDate(2026, 3, 31)
	who   = anonymize.Subject{Partner: "demo", ID: "user-42"}
)

// fixedKeys is a PRF for tests that need the same pseudonyms every time.
type fixedKeys struct{}

func (fixedKeys) PRF(input []byte, n int) ([]byte, error) {
	out := make([]byte, n)
	for i, c := range input {
		out[i%n] = out[i%n]*31 + c + byte(i)
	}
	return out, nil
}

func booked(id string, day bank.Date, minor int64, text string) bank.Transaction {
	return bank.Transaction{
		ID: bank.NewText(id), Status: bank.Booked, Booking: day,
		Amount:     bank.Money{Minor: minor, Currency: eur},
		Remittance: bank.NewText(text),
	}
}

func account(number string, list ...bank.Transaction) bank.Account {
	return bank.Account{
		ID: bank.NewText("res-" + number), Number: bank.NewText(number), Holder: bank.NewText("Anna Nováková"),
		Kind: bank.AccountCurrent, Currency: eur, Complete: true, Transactions: list,
	}
}

func profileOf(t *testing.T, accounts ...bank.Account) *anonymize.Profile {
	t.Helper()
	p, err := anonymize.New(fixedKeys{}).Profile(&bank.Statement{Accounts: accounts}, who, today)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func categories(a anonymize.Account) []anonymize.Category {
	var out []anonymize.Category
	for _, x := range a.Transactions {
		out = append(out, x.Category)
	}
	return out
}

func TestBookedOnlyOnceAndInOrder(t *testing.T) {
	t.Parallel()
	pending := booked("p", 0, -5, "coffee")
	pending.Status = bank.Pending
	valueOnly := booked("v", 0, 7, "x")
	valueOnly.Value = today - 3
	p := profileOf(t, account("A",
		booked("3", today, 3, "c"),
		booked("2", today-1, 2, "b"),
		booked("2", today-1, 2, "b"),       // the same again
		booked("2", today-1, 2, "b other"), // same id, another entry
		booked("", today-2, 4, "coffee"),
		booked("", today-2, 4, "coffee"), // two coffees
		valueOnly,
		pending,
	))
	a := p.Accounts[0]
	var got []int64
	for _, x := range a.Transactions {
		got = append(got, x.Amount)
	}
	if want := []int64{7, 4, 4, 2, 2, 3}; !reflect.DeepEqual(got, want) {
		t.Errorf("amounts %v, want %v", got, want)
	}
	if a.Pending != 1 || a.Delivered != (bank.Range{From: today - 3, To: today}) || !a.Complete {
		t.Errorf("pending %d, delivered %v, complete %v", a.Pending, a.Delivered, a.Complete)
	}
}

func TestNewestFirstWithinOneDayIsTurnedByBalances(t *testing.T) {
	t.Parallel()
	var list []bank.Transaction
	for _, x := range [][2]int64{{-30, 70}, {-20, 100}, {120, 120}} {
		e := booked("", today, x[0], "x")
		e.HasBalanceAfter, e.BalanceAfter = true, bank.Money{Minor: x[1], Currency: eur}
		list = append(list, e)
	}
	a := profileOf(t, account("A", list...)).Accounts[0]
	if a.Transactions[0].Amount != 120 || a.Balance != 70 || !a.HasBalance || a.BalanceDate != today {
		t.Errorf("%+v", a)
	}
}

func TestUndatedBookedEntryIsRefused(t *testing.T) {
	t.Parallel()
	st := &bank.Statement{Accounts: []bank.Account{account("A", booked("secret-id", 0, 1, "secret text"))}}
	_, err := anonymize.New(fixedKeys{}).Profile(st, who, today)
	if !errors.Is(err, anonymize.ErrBadStatement) || strings.Contains(err.Error(), "secret") {
		t.Error(err)
	}
}

func TestBalanceIsTheBookedOne(t *testing.T) {
	t.Parallel()
	bal := func(kind bank.BalanceType, minor int64, day bank.Date, limit bool) bank.Balance {
		return bank.Balance{Type: kind, Amount: bank.Money{Minor: minor, Currency: eur}, Date: day, CreditLimitIncluded: limit}
	}
	after := booked("1", today-5, 10, "x")
	after.HasBalanceAfter, after.BalanceAfter = true, bank.Money{Minor: 50, Currency: eur}
	for name, c := range map[string]struct {
		balances []bank.Balance
		list     []bank.Transaction
		want     int64
		day      bank.Date
		none     bool
	}{
		"closing before interim":     {balances: []bank.Balance{bal("interim_booked", 2, today, false), bal("closing_booked", 1, today-1, false)}, want: 1, day: today - 1},
		"newest closing":             {balances: []bank.Balance{bal("closing_booked", 1, today-1, false), bal("closing_booked", 3, today, false)}, want: 3, day: today},
		"interim before after":       {balances: []bank.Balance{bal("interim_booked", 2, 0, false)}, list: []bank.Transaction{after}, want: 2, day: today},
		"after before available":     {balances: []bank.Balance{bal("available", 9, today, false)}, list: []bank.Transaction{after}, want: 50, day: today - 5},
		"available alone":            {balances: []bank.Balance{bal("available", 9, today, false)}, want: 9, day: today},
		"credit limit is no balance": {balances: []bank.Balance{bal("available", 9, today, true), bal("closing_booked", 8, today, true)}, none: true},
		"other is no balance":        {balances: []bank.Balance{bal("other", 9, today, false)}, none: true},
	} {
		acc := account("A", c.list...)
		acc.Balances = c.balances
		a := profileOf(t, acc).Accounts[0]
		if a.HasBalance == c.none || a.Balance != c.want || a.BalanceDate != c.day {
			t.Errorf("%s: %v %d on %s", name, a.HasBalance, a.Balance, a.BalanceDate)
		}
	}
}

func TestOneAccountACurrency(t *testing.T) {
	t.Parallel()
	dollar := booked("2", today, -7, "x")
	dollar.Amount.Currency = usd
	acc := account("A", booked("1", today, 5, "x"), dollar)
	acc.Balances = []bank.Balance{
		{Type: bank.BalanceClosingBooked, Amount: bank.Money{Minor: 11, Currency: usd}},
		{Type: bank.BalanceClosingBooked, Amount: bank.Money{Minor: 22, Currency: eur}},
	}
	p := profileOf(t, acc)
	if len(p.Accounts) != 2 || p.Accounts[0].Currency != eur || p.Accounts[1].Currency != usd ||
		p.Accounts[0].ID != p.Accounts[1].ID || p.Accounts[0].Balance != 22 || p.Accounts[1].Balance != 11 ||
		len(p.Accounts[0].Transactions) != 1 || p.Accounts[1].Transactions[0].Amount != -7 {
		t.Errorf("%+v", p.Accounts)
	}
}

func TestReversalAndWhatItUndoes(t *testing.T) {
	t.Parallel()
	from := func(x bank.Transaction, name string) bank.Transaction {
		x.Counterparty = bank.NewText(name)
		return x
	}
	coded := booked("5", today-1, 900, "")
	coded.BankCode = bank.NewText("PMNT-RDDT-UPDD")
	p := profileOf(t, account("A",
		from(booked("1", today-9, -500, "Miete"), "Haus A"),
		from(booked("2", today-8, -500, "Miete"), "Haus B"),
		booked("3", today-7, -900, "Strom"),
		from(booked("4", today-6, 500, "Storno Miete"), "Haus A"),
		coded,
		booked("6", today, 77, "reversal"), // of something before the range
	))
	want := []anonymize.Category{anonymize.Reversal, anonymize.Rent, anonymize.Reversal, anonymize.Reversal, anonymize.Reversal, anonymize.Reversal}
	if got := categories(p.Accounts[0]); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestOwnTransfers(t *testing.T) {
	t.Parallel()
	to := func(x bank.Transaction, number, name string) bank.Transaction {
		x.CounterpartyAccount, x.Counterparty = bank.NewText(number), bank.NewText(name)
		return x
	}
	loan := account("LOAN 1")
	loan.Kind = bank.AccountLoan
	p := profileOf(t, account("CZ11 22",
		to(booked("1", today, -1, "salary"), "cz33-44", ""),
		to(booked("2", today, -2, "x"), "DE99", "NOVAKOVA ANNA"),
		to(booked("3", today, -3, "x"), "DE98", "Anna Dvořák"),
		to(booked("4", today, -4, "x"), "loan1", ""),
		to(booked("5", today, 5, "Gehalt"), "DE97", "Anna Nováková"),
	), account("CZ33 44"), loan)
	want := []anonymize.Category{anonymize.OwnTransfer, anonymize.OwnTransfer, anonymize.TransferOut, anonymize.LoanRepayment, anonymize.Salary}
	if got := categories(p.Accounts[0]); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if p.Accounts[0].Transactions[0].Counterparty != p.Accounts[1].ID {
		t.Error("an own transfer does not lead to the other account")
	}
}

func TestPseudonymsRecurWithinOneSubjectOnly(t *testing.T) {
	t.Parallel()
	keys, err := keyset.New()
	if err != nil {
		t.Fatal(err)
	}
	other, err := keyset.New()
	if err != nil {
		t.Fatal(err)
	}
	named := func(number, name string) bank.Transaction {
		x := booked("", today, -1, "x")
		x.CounterpartyAccount, x.Counterparty = bank.NewText(number), bank.NewText(name)
		return x
	}
	st := &bank.Statement{Accounts: []bank.Account{account("A",
		named("CZ65 0800", "Shop"), named("cz650800", "Other name"),
		named("", "Tesco Stores 2231"), named("", "TESCO STÓRES, 88"),
		named("", "Светлана"), named("", "中村"), named("", "山田"), named("", ""),
	)}}
	ids := func(k anonymize.Keys, s anonymize.Subject) []anonymize.Pseudonym {
		p, err := anonymize.New(k).Profile(st, s, today)
		if err != nil {
			t.Fatal(err)
		}
		var out []anonymize.Pseudonym
		for _, x := range p.Accounts[0].Transactions {
			out = append(out, x.Counterparty)
		}
		return out
	}
	a := ids(keys, who)
	if a[0] != a[1] || a[2] != a[3] || a[0] == a[2] || a[4] == a[2] || a[5] == a[6] || a[5].IsZero() || !a[7].IsZero() {
		t.Errorf("pseudonyms %v", a)
	}
	if !reflect.DeepEqual(a, ids(keys, who)) {
		t.Error("pseudonyms change from one reading to the next")
	}
	seen := map[anonymize.Pseudonym]bool{}
	for _, s := range []anonymize.Subject{who, {"demo", "user-43"}, {"demo2", "user-42"}, {"dem", "ouser-42"}, {"a\x00\x00\x00\x00b", "c"}, {"a", "b\x00\x00\x00\x00c"}} {
		if id := ids(keys, s)[0]; seen[id] {
			t.Errorf("%v shares a pseudonym", s)
		} else {
			seen[id] = true
		}
	}
	if seen[ids(other, who)[0]] {
		t.Error("another keyset gives the same pseudonym")
	}
}

type failingKeys struct{ short bool }

var errKeys = errors.New("no key today")

func (k failingKeys) PRF([]byte, int) ([]byte, error) {
	if k.short {
		return make([]byte, 3), nil
	}
	return nil, errKeys
}

func TestProfileWithoutKeysFails(t *testing.T) {
	t.Parallel()
	for _, k := range []anonymize.Keys{nil, failingKeys{}, failingKeys{short: true}} {
		if p, err := anonymize.New(k).Profile(&bank.Statement{}, who, today); err == nil || p != nil {
			t.Errorf("%T: %v, %v", k, p, err)
		}
	}
	if _, err := anonymize.New(failingKeys{}).Profile(&bank.Statement{}, who, today); !errors.Is(err, errKeys) {
		t.Error(err)
	}
}

// Nothing that a Profile can reach has room for a text.
func TestProfileHasNoRoomForText(t *testing.T) {
	t.Parallel()
	seen := map[reflect.Type]bool{}
	var walk func(at string, x reflect.Type)
	walk = func(at string, x reflect.Type) {
		if seen[x] {
			return
		}
		seen[x] = true
		switch x.Kind() {
		case reflect.Struct:
			for i := range x.NumField() {
				walk(at+"."+x.Field(i).Name, x.Field(i).Type)
			}
		case reflect.Slice:
			if x.Elem().Kind() != reflect.Struct {
				t.Errorf("%s is a %s", at, x)
			}
			walk(at, x.Elem())
		case reflect.Array:
			if x != reflect.TypeFor[anonymize.Pseudonym]() && x != reflect.TypeFor[bank.Currency]() {
				t.Errorf("%s is a %s", at, x)
			}
		case reflect.Bool, reflect.Int, reflect.Int32, reflect.Int64, reflect.Uint8:
		default:
			t.Errorf("%s is a %s, which could hold a text", at, x)
		}
	}
	walk("Profile", reflect.TypeFor[anonymize.Profile]())
	if len(seen) < 10 {
		t.Fatalf("walked %d types only", len(seen))
	}
}
