package acme_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"acme.example/creditscore/acme"
	"acme.example/creditscore/acme/bank"
	"acme.example/creditscore/acme/webhook"
)

// hangingBanks is a fakeBank at which every bank but "sandbox" hangs.
type hangingBanks struct{ *fakeBank }

func (hangingBanks) Has(string) bool { return true }

func (b hangingBanks) Fetch(ctx context.Context, a bank.Access, asked bank.Range) (*bank.Statement, error) {
	if a.Bank != "sandbox" {
		<-ctx.Done()
		return nil, &bank.Error{Code: bank.CodeUnavailable, Op: "fetch", Err: ctx.Err()}
	}
	return b.fakeBank.Fetch(ctx, a, asked)
}

// receivers is a Notifier that takes as long as pace says.
type receivers struct {
	pace func(url string) time.Duration

	mu    sync.Mutex
	posts int
	first map[string]time.Time // by URL, the first that was answered
}

func (n *receivers) Send(ctx context.Context, m webhook.Message) webhook.Result {
	n.mu.Lock()
	n.posts++
	n.mu.Unlock()
	if d := n.pace(m.URL); d > 0 {
		select {
		case <-time.After(d):
		case <-ctx.Done():
			return webhook.Result{Class: webhook.ClassTimeout}
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, ok := n.first[m.URL]; !ok {
		n.first[m.URL] = time.Now()
	}
	return webhook.Result{Status: 200}
}

func TestABacklogIsWorkedOnOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*bundle, *acme.Config)
		calls  func(*bundle) int
	}{
		"at the bank": {func(b *bundle, cfg *acme.Config) {
			b.bank.latency, cfg.Limits.FetchConcurrency = 10*time.Second, 2
		}, func(b *bundle) int { return b.bank.count() }},
		"at the scorer": {func(b *bundle, cfg *acme.Config) {
			b.scorer.latency, cfg.Limits.ScoreConcurrency = 10*time.Second, 2
		}, func(b *bundle) int { return b.scorer.count() }},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				b := setup(t, c.change)
				for range 300 {
					mustSubmit(t, b.Engine, request())
				}
				time.Sleep(50 * time.Minute)
				if n := c.calls(b); n != 300 {
					t.Errorf("%d calls for 300 jobs", n)
				}
			})
		})
	}
	t.Run("at a receiver", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			n := &receivers{pace: func(string) time.Duration { return 10 * time.Second }, first: map[string]time.Time{}}
			b := setup(t, func(_ *bundle, cfg *acme.Config) { cfg.Notifier, cfg.Limits.DeliverConcurrency = n, 4 })
			endpoint(t, b)
			for range 300 {
				mustSubmit(t, b.Engine, request())
			}
			time.Sleep(time.Hour)
			synctest.Wait()
			if n.posts != 300 {
				t.Errorf("%d posts of 300 events, each answered with 200", n.posts)
			}
		})
	})
}

func TestABankThatHangsLeavesRoomForOthers(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		b := setup(t, func(b *bundle, cfg *acme.Config) { cfg.Bank = hangingBanks{b.bank} })
		for range 700 {
			r := request()
			r.Bank = "stuck"
			mustSubmit(t, b.Engine, r)
		}
		time.Sleep(time.Second)
		start := time.Now()
		mustScore(t, b.Engine, request())
		if took := time.Since(start); took > time.Second {
			t.Errorf("a job at a healthy bank took %v", took)
		}
	})
}

func TestAReceiverThatHangsLeavesRoomForOthers(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		n := &receivers{first: map[string]time.Time{}, pace: func(url string) time.Duration {
			if url == "http://hang.example/" {
				return time.Hour
			}
			return 0
		}}
		b := setup(t, func(_ *bundle, cfg *acme.Config) { cfg.Notifier, cfg.Limits.DeliverConcurrency = n, 8 })
		for range 600 {
			r := request()
			r.WebhookURL = "http://hang.example/"
			mustSubmit(t, b.Engine, r)
			time.Sleep(100 * time.Millisecond)
		}
		start := time.Now()
		r := request()
		r.Partner, r.WebhookURL = "other", "http://good.example/"
		mustSubmit(t, b.Engine, r)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if at, ok := n.first["http://good.example/"]; !ok || at.Sub(start) > time.Second {
			t.Errorf("another partner's event took %v (arrived: %v)", at.Sub(start), ok)
		}
	})
}

// hangingRefresh is a bank whose token endpoint takes its time.
type hangingRefresh struct {
	*consentingBank
	takes time.Duration
	cut   int
}

func (*hangingRefresh) Has(string) bool { return true }

func (h *hangingRefresh) Consenter(id string) (bank.Consenter, bool) { return h, id == "sandbox" }

func (h *hangingRefresh) Refresh(ctx context.Context, _ bank.Grant) (bank.Grant, error) {
	select {
	case <-time.After(h.takes):
		return h.grant("fresh"), nil
	case <-ctx.Done():
		h.mu.Lock()
		defer h.mu.Unlock()
		h.cut++
		return bank.Grant{}, &bank.Error{Code: bank.CodeUnavailable, Op: "refresh", Err: ctx.Err()}
	}
}

// given is a consent whose tokens the partner brought.
func given(t *testing.T, b *bundle, expires *time.Time) *acme.Consent {
	t.Helper()
	c, err := b.CreateConsent(t.Context(), acme.ConsentRequest{
		Bank: "sandbox", Subject: "u", AccessToken: bank.NewToken("old"), RefreshToken: bank.NewToken("r"), ExpiresAt: expires,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func setupRefresh(t *testing.T, takes time.Duration) (*bundle, *hangingRefresh) {
	t.Helper()
	h := &hangingRefresh{takes: takes}
	b := setup(t, func(b *bundle, cfg *acme.Config) {
		h.consentingBank = &consentingBank{fakeBank: b.bank}
		cfg.Bank, cfg.CallbackURL = h, "https://score.example/oauth/callback"
	})
	return b, h
}

func TestATokenEndpointThatHangsLeavesRoomForOthers(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		b, _ := setupRefresh(t, time.Hour)
		soon := time.Now().Add(time.Minute)
		for range 600 {
			mustSubmit(t, b.Engine, acme.Request{ConsentID: given(t, b, &soon).ID})
		}
		time.Sleep(time.Second)
		start := time.Now()
		r := request()
		r.Bank = "other"
		mustScore(t, b.Engine, r)
		if took := time.Since(start); took > time.Second {
			t.Errorf("a job at another bank took %v", took)
		}
	})
}

func TestAGracefulStopLetsARefreshFinish(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		b, h := setupRefresh(t, 3*time.Second)
		soon := time.Now().Add(time.Minute)
		c := given(t, b, &soon)
		mustSubmit(t, b.Engine, acme.Request{ConsentID: c.ID})
		time.Sleep(time.Second)
		stop(t, b.Engine)
		synctest.Wait()
		if h.cut != 0 {
			t.Error("the refresh was cut off: a rotated refresh token would be lost")
		}
	})
}

func TestARefusedTokenIsRefreshedOnce(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		b, cb := setupConsents(t, func(cb *consentingBank, _ *acme.Config) {
			cb.fail = func(_ int, a bank.Access) error {
				if a.Token.Reveal() == "old" {
					return unauthorized()
				}
				return nil
			}
		})
		c := given(t, b, nil)
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				if job := mustScore(t, b.Engine, acme.Request{ConsentID: c.ID}); job.Status != acme.StatusCompleted {
					t.Errorf("%s: %+v", job.Status, job.Error)
				}
			})
		}
		wg.Wait()
		synctest.Wait()
		if cb.refreshes != 1 {
			t.Errorf("%d refreshes, want 1", cb.refreshes)
		}
		cb.fail = func(int, bank.Access) error { return unauthorized() }
		before := cb.count()
		job := mustScore(t, b.Engine, acme.Request{ConsentID: c.ID})
		if job.Error == nil || job.Error.Code != acme.CodeBankUnauthorized || cb.count()-before != 2 {
			t.Errorf("a token that stays refused: %+v after %d calls, want bank_unauthorized after 2", job.Error, cb.count()-before)
		}
	})
}
