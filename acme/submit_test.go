package acme_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"acme.example/creditscore/acme"
	"acme.example/creditscore/acme/bank"
)

func keyed(key string) acme.Request {
	r := request()
	r.IdempotencyKey = key
	return r
}

func TestSameKeyAndRequestGiveTheSameJob(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		b := setup(t, nil)
		first := mustSubmit(t, b.Engine, keyed("k1"))
		again := mustSubmit(t, b.Engine, keyed("k1"))
		if again.ID != first.ID || !again.Replayed || first.Replayed {
			t.Errorf("got %s (replayed %v), want %s", again.ID, again.Replayed, first.ID)
		}
		if other := mustSubmit(t, b.Engine, keyed("k2")); other.ID == first.ID {
			t.Error("another key gave the same job")
		}
		foreign := keyed("k1")
		foreign.Partner = "someone-else"
		if other := mustSubmit(t, b.Engine, foreign); other.ID == first.ID {
			t.Error("another partner's key gave the same job")
		}
	})
}

func TestSameKeyWithAnotherRequestIsRefused(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		b := setup(t, nil)
		mustSubmit(t, b.Engine, keyed("k1"))
		for name, change := range map[string]func(*acme.Request){
			"subject":  func(r *acme.Request) { r.Subject = "user-43" },
			"token":    func(r *acme.Request) { r.AccessToken = bank.NewToken("other") },
			"webhook":  func(r *acme.Request) { r.WebhookURL = "http://partner.example/x" },
			"metadata": func(r *acme.Request) { r.Metadata = map[string]string{"a": "b"} },
			"loan":     func(r *acme.Request) { r.Loan = &acme.LoanTerms{Amount: "1.00", Currency: "EUR", TermMonths: 1} },
		} {
			r := keyed("k1")
			change(&r)
			if _, err := b.Submit(t.Context(), r); !errors.Is(err, acme.ErrIdempotencyMismatch) {
				t.Errorf("other %s: %v, want ErrIdempotencyMismatch", name, err)
			}
		}
	})
}

func TestConcurrentDuplicatesMakeOneJob(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		b := setup(t, nil)
		var wg sync.WaitGroup
		ids := make([]acme.JobID, 50)
		for i := range ids {
			wg.Go(func() {
				job, err := b.Submit(t.Context(), keyed("k"))
				if err != nil {
					t.Error(err)
					return
				}
				ids[i] = job.ID
			})
		}
		wg.Wait()
		for _, id := range ids {
			if id != ids[0] {
				t.Fatalf("jobs %s and %s", id, ids[0])
			}
		}
		synctest.Wait()
		if n := b.bank.count(); n != 1 {
			t.Errorf("the bank was called %d times, want once", n)
		}
		if n := b.Stats().Unfinished; n != 0 {
			t.Errorf("%d unfinished, want 0: losers must give their place back", n)
		}
	})
}

func TestKeysSurviveRestartsAndEndInTime(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		b := setup(t, nil)
		first := mustSubmit(t, b.Engine, keyed("k1"))
		stop(t, b.Engine)
		b2 := setup(t, func(n *bundle, _ *acme.Config) { n.store, n.keys = b.store, b.keys })
		if again := mustSubmit(t, b2.Engine, keyed("k1")); again.ID != first.ID {
			t.Error("the key did not survive the restart")
		}
		time.Sleep(48*time.Hour + time.Second)
		if again := mustSubmit(t, b2.Engine, keyed("k1")); again.ID == first.ID {
			t.Error("the key outlived its retention")
		}
	})
}

func TestEveryFaultOfARequestIsReported(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	r := acme.Request{
		Subject: "a\x00b", Loan: &acme.LoanTerms{Amount: "12,50", Currency: "eur", TermMonths: 601},
		WebhookURL: "ftp://x", Metadata: map[string]string{"mail": "jane.doe@example.org"},
	}
	_, err := b.Submit(t.Context(), r)
	var invalid *acme.InvalidError
	if !errors.As(err, &invalid) {
		t.Fatalf("error %v, want *InvalidError", err)
	}
	got := map[string]string{}
	for _, f := range invalid.Faults {
		got[f.Field] = f.Error()
	}
	for _, field := range []string{"bank", "subject", "access_token", "loan.amount", "loan.currency", "loan.term_months", "webhook_url", "metadata.mail"} {
		if got[field] == "" {
			t.Errorf("no fault for %s; have %v", field, got)
		}
	}
	if strings.Contains(err.Error(), "jane.doe") {
		t.Error("the error repeats personal data")
	}
	if !strings.Contains(got["loan.term_months"], "at most 600") || !strings.Contains(got["loan.term_months"], "601") {
		t.Errorf("fault %q names neither value nor bound", got["loan.term_months"])
	}
}

func TestRequestsThatContradictThemselves(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	r := request()
	r.ConsentID = "con_x"
	_, err := b.Submit(t.Context(), r)
	var invalid *acme.InvalidError
	if !errors.As(err, &invalid) || !strings.Contains(err.Error(), "access_token") {
		t.Errorf("consent and token together: %v", err)
	}
	r = request()
	r.Bank = "nowhere"
	if _, err := b.Submit(t.Context(), r); !errors.Is(err, acme.ErrUnknownBank) {
		t.Errorf("unknown bank: %v", err)
	}
	if _, err := b.Submit(t.Context(), acme.Request{ConsentID: "con_none"}); !errors.Is(err, acme.ErrNotFound) {
		t.Errorf("unknown consent: %v", err)
	}
}

func TestEveryFaultOfAConfigurationIsReported(t *testing.T) {
	t.Parallel()
	_, err := acme.New(acme.Config{
		Roles: []acme.Role{"request", "cook"}, CallbackURL: "not a url",
		Limits: acme.Limits{FetchConcurrency: -1}, Retry: acme.Retry{Base: time.Minute, Max: time.Second},
	})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"Bank: is required", "Store: is required", "Keys: is required", `Roles[1]: "cook": must be one of request, bank`,
		"CallbackURL", "Limits.FetchConcurrency", `"-1"`, "Retry.Base"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not mention %q", err, want)
		}
	}
}

func TestJobsAreListedNewestFirstInPages(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		b := setup(t, nil)
		var ids []acme.JobID
		for i := range 7 {
			r := request()
			r.Subject = userID(i % 2)
			ids = append(ids, mustSubmit(t, b.Engine, r).ID)
			time.Sleep(time.Second)
		}
		var got []acme.JobID
		q := acme.JobQuery{Limit: 3}
		for {
			page, err := b.Jobs(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			for _, j := range page.Jobs {
				got = append(got, j.ID)
			}
			if len(got) == 3 { // a write between pages neither skips nor repeats
				mustSubmit(t, b.Engine, request())
			}
			if page.Next.IsZero() {
				break
			}
			q.After = page.Next
		}
		if len(got) != 7 {
			t.Fatalf("%d jobs, want 7", len(got))
		}
		for i := range got {
			if got[i] != ids[6-i] {
				t.Fatalf("place %d: %s, want %s", i, got[i], ids[6-i])
			}
		}
		page, err := b.Jobs(t.Context(), acme.JobQuery{Subject: userID(1), Status: acme.StatusCompleted})
		if err != nil || len(page.Jobs) != 3 {
			t.Errorf("%d completed jobs of user-1 (%v), want 3", len(page.Jobs), err)
		}
		if page, _ := b.Jobs(t.Context(), acme.JobQuery{Partner: "other"}); len(page.Jobs) != 0 {
			t.Error("another partner sees jobs")
		}
		for _, q := range []acme.JobQuery{{Limit: 101}, {Limit: -1}, {Status: "odd"}} {
			var invalid *acme.InvalidError
			if _, err := b.Jobs(t.Context(), q); !errors.As(err, &invalid) {
				t.Errorf("%+v: %v, want *InvalidError", q, err)
			}
		}
	})
}
