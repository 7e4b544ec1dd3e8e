package sandbox_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"acme.example/creditscore/acme/bank"
	"acme.example/creditscore/acme/bank/sandbox"
)

type amount struct{ Currency, Amount string }

func (a amount) minor(t *testing.T) int64 {
	t.Helper()
	m, err := bank.ParseMoney(a.Amount, a.Currency)
	if err != nil {
		t.Fatal(err)
	}
	return m.Minor
}

type transaction struct {
	TransactionID     string
	CreditorName      string
	DebtorName        string
	CreditorAccount   struct{ IBAN string }
	DebtorAccount     struct{ IBAN string }
	TransactionAmount amount
	BookingDate       string
	ValueDate         string
	Remittance        string                          `json:"remittanceInformationUnstructured"`
	Code              string                          `json:"bankTransactionCode"`
	BalanceAfter      *struct{ BalanceAmount amount } `json:"balanceAfterTransaction"`
}

type account struct {
	ResourceID, IBAN, OwnerName, CashAccountType string
}

type statement struct {
	account
	balances        map[string]int64
	booked, pending []transaction
	pages           int
}

// fetch reads a person as a client would, following the pages.
func (f *fixture) fetch(token, query string) []statement {
	f.t.Helper()
	var list struct{ Accounts []account }
	f.get("/v1/accounts", token).into(f.t, &list)
	var out []statement
	for _, a := range list.Accounts {
		s := statement{account: a, balances: map[string]int64{}}
		var balances struct {
			Balances []struct {
				BalanceType   string
				BalanceAmount amount
			}
		}
		f.get("/v1/accounts/"+a.ResourceID+"/balances", token).into(f.t, &balances)
		for _, b := range balances.Balances {
			s.balances[b.BalanceType] = b.BalanceAmount.minor(f.t)
		}
		for next := "/v1/accounts/" + a.ResourceID + "/transactions?" + query; next != ""; s.pages++ {
			res := f.get(next, token)
			if res.status != 200 {
				f.t.Fatalf("HTTP %d %s", res.status, res.body)
			}
			var page struct {
				Transactions struct {
					Booked, Pending []transaction
					Links           struct{ Next struct{ Href string } } `json:"_links"`
				}
			}
			res.into(f.t, &page)
			s.booked = append(s.booked, page.Transactions.Booked...)
			s.pending = append(s.pending, page.Transactions.Pending...)
			next = page.Transactions.Links.Next.Href
		}
		out = append(out, s)
	}
	return out
}

func TestPagesHoldEveryTransactionOnce(t *testing.T) {
	t.Parallel()
	f := setup(t, sandbox.Config{PageSize: 77})
	whole := setup(t, sandbox.Config{PageSize: 100_000})
	paged, one := f.fetch(sandbox.Token("alice"), "bookingStatus=both"), whole.fetch(sandbox.Token("alice"), "bookingStatus=both")
	for i := range one {
		if one[i].pages != 1 || paged[i].pages != (len(one[i].booked)+76)/77 {
			t.Errorf("account %d: %d and %d pages", i, paged[i].pages, one[i].pages)
		}
		if fmt.Sprint(ids(paged[i].booked)) != fmt.Sprint(ids(one[i].booked)) || len(paged[i].pending) != len(one[i].pending) {
			t.Errorf("account %d: the pages do not add up to the whole", i)
		}
		seen := map[string]bool{}
		for _, x := range paged[i].booked {
			if seen[x.TransactionID] {
				t.Fatalf("account %d: a transaction twice", i)
			}
			seen[x.TransactionID] = true
		}
	}
}

func ids(list []transaction) (out []string) {
	for _, x := range list {
		out = append(out, x.TransactionID)
	}
	return out
}

func TestDatesBoundTheAnswer(t *testing.T) {
	t.Parallel()
	f := setup(t, sandbox.Config{PageSize: 10})
	s := f.fetch(sandbox.Token("alice"), "bookingStatus=booked&dateFrom=2025-11-01&dateTo=2025-11-30")[0]
	if len(s.booked) < 20 || s.pages < 3 || len(s.pending) != 0 {
		t.Fatalf("%d booked on %d pages, %d pending", len(s.booked), s.pages, len(s.pending))
	}
	for _, x := range s.booked {
		if !strings.HasPrefix(x.BookingDate, "2025-11-") {
			t.Errorf("booked on %s", x.BookingDate)
		}
	}
	if p := f.fetch(sandbox.Token("alice"), "bookingStatus=pending")[0]; len(p.booked) != 0 || p.pages != 1 {
		t.Errorf("pending alone: %d booked on %d pages", len(p.booked), p.pages)
	}
}

func TestAPIErrorsAreTPPMessages(t *testing.T) {
	t.Parallel()
	f := setup(t, sandbox.Config{})
	alice := sandbox.Token("alice")
	id := f.fetch(alice, "bookingStatus=pending")[0].ResourceID
	bobs := f.fetch(sandbox.Token("bob"), "bookingStatus=pending")[0].ResourceID
	tx := "/v1/accounts/" + id + "/transactions"
	for _, c := range []struct {
		name, path, token string
		status            int
		code              string
	}{
		{"no token", "/v1/accounts", "", 401, "TOKEN_UNKNOWN"},
		{"unknown token", "/v1/accounts", "guess", 401, "TOKEN_UNKNOWN"},
		{"nobody's fixed token", "/v1/accounts", sandbox.Token("nobody"), 401, "TOKEN_UNKNOWN"},
		{"person number misspelt", "/v1/accounts", sandbox.Token("person-007"), 401, "TOKEN_UNKNOWN"},
		{"unknown fault", "/v1/accounts", sandbox.Token("fault-none"), 401, "TOKEN_UNKNOWN"},
		{"another's account", "/v1/accounts/" + bobs, alice, 404, "RESOURCE_UNKNOWN"},
		{"no such path", "/v1/cards", alice, 404, "RESOURCE_UNKNOWN"},
		{"no bookingStatus", tx, alice, 400, "FORMAT_ERROR"},
		{"information", tx + "?bookingStatus=information", alice, 400, "PARAMETER_NOT_SUPPORTED"},
		{"bad date", tx + "?bookingStatus=booked&dateFrom=1.2.2025", alice, 400, "FORMAT_ERROR"},
		{"reversed dates", tx + "?bookingStatus=booked&dateFrom=2025-02-01&dateTo=2025-01-01", alice, 400, "PERIOD_INVALID"},
		{"page of another day", tx + "?bookingStatus=booked&page=2020-01-01.500", alice, 400, "FORMAT_ERROR"},
		{"negative page", tx + "?bookingStatus=booked&page=2026-03-18.-5", alice, 400, "FORMAT_ERROR"},
		{"admin is off", "/sandbox/faults", alice, 404, ""},
	} {
		if a := f.get(c.path, c.token); a.status != c.status || a.code() != c.code {
			t.Errorf("%s: HTTP %d %s, want %d %s", c.name, a.status, a.code(), c.status, c.code)
		}
	}
	req := f.request("GET", "/v1/accounts", "")
	req.Header.Set("Authorization", "bearer "+alice)
	req.Header.Set("Accept", "application/xml")
	req.Header.Set("X-Request-ID", "99391c7e-ad88-49ec-a2ad-99ddcb1f7721")
	if a := f.do(req); a.status != 406 || a.header.Get("X-Request-ID") != req.Header.Get("X-Request-ID") {
		t.Errorf("HTTP %d, X-Request-ID %q", a.status, a.header.Get("X-Request-ID"))
	}
	if a := f.get("/v1/accounts/"+id, alice); a.status != 200 || !strings.HasPrefix(string(a.body), `{"account":{"resourceId":`) {
		t.Errorf("details: HTTP %d %s", a.status, a.body)
	}
	if a := f.do(f.request("POST", "/v1/accounts", "")); a.status != http.StatusMethodNotAllowed || a.header.Get("Allow") != "GET" {
		t.Errorf("wrong method: HTTP %d", a.status)
	}
}

// A page link asked for after midnight goes on with the history of the day
// before.
func TestMidnightBetweenPagesChangesNothing(t *testing.T) {
	t.Parallel()
	now := today
	f := setup(t, sandbox.Config{PageSize: 200, NewestFirst: true, Now: func() time.Time { return now }})
	want := f.fetch(sandbox.Token("alice"), "bookingStatus=booked")[0]
	path := "/v1/accounts/" + want.ResourceID + "/transactions?bookingStatus=booked&page=2026-03-18.200"
	before := f.get(path, sandbox.Token("alice"))
	now = now.Add(24 * time.Hour)
	if after := f.get(path, sandbox.Token("alice")); string(after.body) != string(before.body) || after.status != 200 {
		t.Errorf("HTTP %d, the second page changed over night", after.status)
	}
	if want.booked[0].BookingDate < want.booked[1].BookingDate {
		t.Error("not newest first")
	}
}

// Latency is spent once a fetch, whatever the number of accounts and pages,
// and ends when the client leaves or the bank closes.
func TestLatencyIsSpentOnceAFetch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, err := sandbox.New(sandbox.Config{Latency: 10 * time.Second, PageSize: 300})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		s := direct(t, b, sandbox.Token("alice"))
		if took := time.Since(began); took != 10*time.Second || len(s) != 2 || s[0].pages < 3 {
			t.Errorf("took %v for %d accounts", took, len(s))
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		began = time.Now()
		direct(t, b, sandbox.Token("alice"))
		if took := time.Since(began); took != 0 {
			t.Errorf("took %v after Close", took)
		}
	})
}

// Waiting costs nothing but time: a thousand slow calls end together.
func TestSlowCallsRunSideBySide(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, err := sandbox.New(sandbox.Config{Latency: 10 * time.Second, Transactions: 50})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		var all sync.WaitGroup
		for n := range uint64(1000) {
			all.Go(func() {
				if s := direct(t, b, sandbox.PersonToken(n%100)); len(s[0].booked) != 50 {
					t.Errorf("person %d: %d rows", n, len(s[0].booked))
				}
			})
		}
		all.Wait()
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("took %v", took)
		}
	})
}
