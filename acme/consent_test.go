package acme_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"acme.example/creditscore/acme"
	"acme.example/creditscore/acme/bank"
)

type bankAccess = bank.Access

func unauthorized() error {
	return &bank.Error{Code: bank.CodeUnauthorized, Op: "accounts", Status: 401}
}

// consentingBank is a fakeBank with an authorization server.
type consentingBank struct {
	*fakeBank
	mu        sync.Mutex
	starts    int
	refreshes int
	revoked   int
	lifetime  time.Duration
	exchange  error
	refresh   error
}

func (b *consentingBank) Consenter(id string) (bank.Consenter, bool) { return b, id == "sandbox" }

func (b *consentingBank) Authorize(context.Context, string) (bank.Authorization, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.starts++
	return bank.Authorization{
		URL: "https://bank.example/authorize", State: bank.NewToken(fmt.Sprintf("state-%d", b.starts)), Verifier: bank.NewToken("verifier"),
	}, nil
}

func (b *consentingBank) Exchange(_ context.Context, redirect string, a bank.Authorization, cb bank.Callback) (bank.Grant, error) {
	if b.exchange != nil {
		return bank.Grant{}, b.exchange
	}
	if cb.Error == "access_denied" {
		return bank.Grant{}, &bank.Error{Code: bank.CodeUnauthorized, Op: "authorize", Err: bank.ErrDenied}
	}
	if redirect != "https://score.example/oauth/callback" || a.Verifier.Reveal() != "verifier" || a.State.Reveal() != cb.State.Reveal() {
		return bank.Grant{}, errors.New("the flow's secrets did not come back")
	}
	return b.grant("access-0"), nil
}

func (b *consentingBank) grant(token string) bank.Grant {
	g := bank.Grant{AccessToken: bank.NewToken(token), RefreshToken: bank.NewToken("refresh")}
	if b.lifetime > 0 {
		g.ExpiresAt = time.Now().Add(b.lifetime)
	}
	return g
}

func (b *consentingBank) Refresh(context.Context, bank.Grant) (bank.Grant, error) {
	time.Sleep(time.Second)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refreshes++
	if b.refresh != nil {
		return bank.Grant{}, b.refresh
	}
	return b.grant(fmt.Sprintf("access-%d", b.refreshes)), nil
}

func (b *consentingBank) Revoke(context.Context, bank.Grant) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.revoked++
	return nil
}

func setupConsents(t *testing.T, change func(*consentingBank, *acme.Config)) (*bundle, *consentingBank) {
	t.Helper()
	cb := &consentingBank{}
	b := setup(t, func(b *bundle, cfg *acme.Config) {
		cb.fakeBank = b.bank
		cfg.Bank, cfg.CallbackURL = cb, "https://score.example/oauth/callback"
		if change != nil {
			change(cb, cfg)
		}
	})
	return b, cb
}

// consented takes a consent through the redirects.
func consented(t *testing.T, b *bundle) *acme.Consent {
	t.Helper()
	c, err := b.CreateConsent(t.Context(), acme.ConsentRequest{Bank: "sandbox", Subject: "user-42", RedirectURI: "https://partner.example/done"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.AuthorizeConsent(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	c, err = b.CompleteConsent(t.Context(), bank.Callback{Code: bank.NewToken("code"), State: bank.NewToken("state-1")})
	if err != nil {
		t.Fatal(err)
	}
	if c.Status != acme.ConsentAuthorized {
		t.Fatalf("consent is %s, want authorized", c.Status)
	}
	return c
}

func TestConsentLeadsToScores(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		b, cb := setupConsents(t, nil)
		endpoint(t, b, acme.EventConsentAuthorized)
		c := consented(t, b)
		job := mustScore(t, b.Engine, acme.Request{ConsentID: c.ID})
		if job.Status != acme.StatusCompleted || job.Subject != "user-42" || job.Bank != "sandbox" {
			t.Errorf("job %+v", job)
		}
		if got := cb.seen[0].Token.Reveal(); got != "access-0" {
			t.Error("the bank was called with another token")
		}
		synctest.Wait()
		if typ, data := eventData(t, b.inbox.messages()[0].Body); typ != acme.EventConsentAuthorized || data["id"] != string(c.ID) {
			t.Errorf("event %s %v", typ, data)
		}
	})
}

func TestForeignAndUsedStatesAreRefused(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		b, _ := setupConsents(t, nil)
		consented(t, b)
		for name, cb := range map[string]bank.Callback{
			"a foreign state": {Code: bank.NewToken("code"), State: bank.NewToken("state-9")},
			"a used state":    {Code: bank.NewToken("code"), State: bank.NewToken("state-1")},
			"no state":        {Code: bank.NewToken("code")},
		} {
			if _, err := b.CompleteConsent(t.Context(), cb); !errors.Is(err, acme.ErrFlowUnknown) {
				t.Errorf("%s: %v, want ErrFlowUnknown", name, err)
			}
		}
	})
}

func TestAuthorizationsEndInTime(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		b, _ := setupConsents(t, nil)
		c, err := b.CreateConsent(t.Context(), acme.ConsentRequest{Bank: "sandbox", Subject: "u", RedirectURI: "https://p.example/"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.AuthorizeConsent(t.Context(), c.ID); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if _, err := b.CompleteConsent(t.Context(), bank.Callback{Code: bank.NewToken("c"), State: bank.NewToken("state-1")}); !errors.Is(err, acme.ErrFlowUnknown) {
			t.Errorf("after an hour: %v, want ErrFlowUnknown", err)
		}
		time.Sleep(24 * time.Hour)
		if got, _ := b.Consent(t.Context(), c.ID); got.Status != acme.ConsentExpired {
			t.Errorf("a day later the consent is %s, want expired", got.Status)
		}
	})
}

func TestOfTwoCallbacksOneGoesOn(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		b, _ := setupConsents(t, nil)
		c, err := b.CreateConsent(t.Context(), acme.ConsentRequest{Bank: "sandbox", Subject: "u", RedirectURI: "https://p.example/"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.AuthorizeConsent(t.Context(), c.ID); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		errs := make([]error, 8)
		for i := range errs {
			wg.Go(func() {
				_, errs[i] = b.CompleteConsent(t.Context(), bank.Callback{Code: bank.NewToken("c"), State: bank.NewToken("state-1")})
			})
		}
		wg.Wait()
		won := 0
		for _, err := range errs {
			switch {
			case err == nil:
				won++
			case !errors.Is(err, acme.ErrFlowUnknown):
				t.Errorf("%v, want ErrFlowUnknown", err)
			}
		}
		if won != 1 {
			t.Errorf("%d callbacks went on, want 1", won)
		}
	})
}

func TestDeniedConsentStaysDenied(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		b, _ := setupConsents(t, nil)
		c, err := b.CreateConsent(t.Context(), acme.ConsentRequest{Bank: "sandbox", Subject: "u", RedirectURI: "https://p.example/"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.AuthorizeConsent(t.Context(), c.ID); err != nil {
			t.Fatal(err)
		}
		c, err = b.CompleteConsent(t.Context(), bank.Callback{State: bank.NewToken("state-1"), Error: "access_denied"})
		if err != nil || c.Status != acme.ConsentDenied {
			t.Fatalf("%+v, %v; want denied", c, err)
		}
		if _, err := b.AuthorizeConsent(t.Context(), c.ID); !errors.Is(err, acme.ErrConsentUnusable) {
			t.Errorf("authorizing a denied consent: %v", err)
		}
		if _, err := b.Submit(t.Context(), acme.Request{ConsentID: c.ID}); !errors.Is(err, acme.ErrConsentUnusable) {
			t.Errorf("scoring a denied consent: %v", err)
		}
	})
}

func TestFailedExchangeLeavesTheConsentOpen(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		b, cb := setupConsents(t, nil)
		cb.exchange = unavailable(503)
		c, err := b.CreateConsent(t.Context(), acme.ConsentRequest{Bank: "sandbox", Subject: "u", RedirectURI: "https://p.example/"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.AuthorizeConsent(t.Context(), c.ID); err != nil {
			t.Fatal(err)
		}
		got, err := b.CompleteConsent(t.Context(), bank.Callback{Code: bank.NewToken("c"), State: bank.NewToken("state-1")})
		var be *bank.Error
		if !errors.As(err, &be) || got == nil || got.Status != acme.ConsentAwaiting {
			t.Errorf("%+v, %v; want the awaiting consent and the bank's error", got, err)
		}
		if _, err := b.AuthorizeConsent(t.Context(), c.ID); err != nil {
			t.Errorf("starting anew: %v", err)
		}
	})
}

func TestOneRefreshServesManyJobs(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		b, cb := setupConsents(t, func(cb *consentingBank, _ *acme.Config) { cb.lifetime = time.Hour })
		c := consented(t, b)
		time.Sleep(59 * time.Minute)
		var wg sync.WaitGroup
		for range 40 {
			wg.Go(func() { mustScore(t, b.Engine, acme.Request{ConsentID: c.ID}) })
		}
		wg.Wait()
		synctest.Wait()
		if cb.refreshes != 1 {
			t.Errorf("%d refreshes, want 1", cb.refreshes)
		}
		for _, a := range cb.seen {
			if a.Token.Reveal() != "access-1" {
				t.Fatal("a fetch used the old token")
			}
		}
	})
}

func TestRefusedRefreshEndsTheConsent(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		b, cb := setupConsents(t, func(cb *consentingBank, _ *acme.Config) {
			cb.lifetime, cb.refresh = time.Hour, unauthorized()
		})
		c := consented(t, b)
		time.Sleep(59 * time.Minute)
		job := mustScore(t, b.Engine, acme.Request{ConsentID: c.ID})
		if job.Error == nil || job.Error.Code != acme.CodeBankUnauthorized || cb.count() != 0 {
			t.Errorf("job %+v after %d fetches", job.Error, cb.count())
		}
		if got, _ := b.Consent(t.Context(), c.ID); got.Status != acme.ConsentExpired {
			t.Errorf("consent is %s, want expired", got.Status)
		}
	})
}

func TestRevocationDestroysTheTokens(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		b, cb := setupConsents(t, nil)
		endpoint(t, b, acme.EventConsentRevoked)
		c := consented(t, b)
		for range 2 {
			if err := b.RevokeConsent(t.Context(), c.ID); err != nil {
				t.Fatal(err)
			}
		}
		if cb.revoked != 1 {
			t.Errorf("revoked %d times at the bank, want once", cb.revoked)
		}
		if got, _ := b.Consent(t.Context(), c.ID); got.Status != acme.ConsentRevoked {
			t.Errorf("consent is %s, want revoked", got.Status)
		}
		if _, err := b.Submit(t.Context(), acme.Request{ConsentID: c.ID}); !errors.Is(err, acme.ErrConsentUnusable) {
			t.Errorf("scoring: %v, want ErrConsentUnusable", err)
		}
		synctest.Wait()
		if n := len(b.inbox.messages()); n != 1 {
			t.Errorf("%d events, want 1", n)
		}
	})
}

func TestGivenTokensExpireByTheirTime(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		b, _ := setupConsents(t, nil)
		at := time.Now().Add(time.Hour)
		c, err := b.CreateConsent(t.Context(), acme.ConsentRequest{Bank: "sandbox", Subject: "u", AccessToken: bank.NewToken("t"), ExpiresAt: &at})
		if err != nil || c.Status != acme.ConsentAuthorized {
			t.Fatalf("%+v, %v", c, err)
		}
		time.Sleep(2 * time.Hour)
		if got, _ := b.Consent(t.Context(), c.ID); got.Status != acme.ConsentExpired {
			t.Errorf("consent is %s, want expired", got.Status)
		}
	})
}

func TestConsentRequestsThatContradictThemselves(t *testing.T) {
	t.Parallel()
	b, _ := setupConsents(t, nil)
	var invalid *acme.InvalidError
	for name, r := range map[string]acme.ConsentRequest{
		"neither redirect nor token": {Bank: "sandbox", Subject: "u"},
		"both":                       {Bank: "sandbox", Subject: "u", RedirectURI: "https://x.example/", AccessToken: bank.NewToken("t")},
		"refresh token alone":        {Bank: "sandbox", Subject: "u", RedirectURI: "https://x.example/", RefreshToken: bank.NewToken("t")},
	} {
		if _, err := b.CreateConsent(t.Context(), r); !errors.As(err, &invalid) {
			t.Errorf("%s: %v, want *InvalidError", name, err)
		}
	}
	if _, err := b.CreateConsent(t.Context(), acme.ConsentRequest{Bank: "x", Subject: "u", AccessToken: bank.NewToken("t")}); !errors.Is(err, acme.ErrUnknownBank) {
		t.Errorf("unknown bank: %v", err)
	}
}
