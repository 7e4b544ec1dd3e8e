package acme_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"acme.example/creditscore/acme"
	"acme.example/creditscore/acme/acmetest"
	"acme.example/creditscore/acme/bank"
	"acme.example/creditscore/acme/keyset"
	"acme.example/creditscore/acme/webhook"
)

// cut stops an engine at once, as a crash would.
func cut(t *testing.T, e *acme.Engine) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_ = e.Stop(ctx)
	<-e.Stopped()
}

func finished(t *testing.T, b *bundle, id acme.JobID, code acme.ErrorCode) {
	t.Helper()
	job, err := b.Job(t.Context(), id)
	if err != nil || job.Error == nil || job.Error.Code != code {
		t.Errorf("job %+v (%v), want failed with %s", job, err, code)
	}
	if n := b.Stats().Unfinished; n != 0 {
		t.Errorf("%d unfinished, want 0", n)
	}
}

func TestAJobWhoseProfileIsGoneFails(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		b := setup(t, func(b *bundle, cfg *acme.Config) {
			b.scorer.latency = time.Hour
			cfg.Timeouts.Score, cfg.Timeouts.Job = 2*time.Minute, 24*time.Hour
			cfg.Retention.Profiles = time.Minute
		})
		job := mustSubmit(t, b.Engine, request())
		time.Sleep(time.Hour)
		finished(t, b, job.ID, acme.CodeScoreFailed)
	})
}

func TestAJobWhoseTokenCannotBeOpenedFails(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		b, _ := setupConsents(t, func(cb *consentingBank, _ *acme.Config) { cb.latency = time.Minute })
		c := given(t, b, nil)
		byConsent := mustSubmit(t, b.Engine, acme.Request{ConsentID: c.ID})
		inline := mustSubmit(t, b.Engine, request())
		cut(t, b.Engine)
		other, err := keyset.New()
		if err != nil {
			t.Fatal(err)
		}
		b2 := setup(t, func(n *bundle, _ *acme.Config) { n.store, n.keys = b.store, other })
		time.Sleep(time.Minute)
		finished(t, b2, byConsent.ID, acme.CodeBankUnauthorized)
		finished(t, b2, inline.ID, acme.CodeBankUnauthorized)
	})
}

func TestADeliveryThatCannotBeSignedEnds(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		b := setup(t, func(b *bundle, _ *acme.Config) {
			b.inbox.answer = func(int, webhook.Message) webhook.Result { return webhook.Result{Class: webhook.ClassConnect} }
		})
		endpoint(t, b)
		mustScore(t, b.Engine, request())
		time.Sleep(time.Second)
		stop(t, b.Engine)
		other, err := keyset.New()
		if err != nil {
			t.Fatal(err)
		}
		b2 := setup(t, func(n *bundle, _ *acme.Config) { n.store, n.keys = b.store, other })
		time.Sleep(time.Minute)
		if d := onlyDelivery(t, b2); d.Status != acme.DeliveryDead || len(d.Attempts) != 2 {
			t.Errorf("%s after %d attempts, want dead after two", d.Status, len(d.Attempts))
		}
	})
}

func TestJobsPastTheirTimeEnd(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		b := setup(t, func(b *bundle, cfg *acme.Config) {
			b.bank.latency, cfg.Limits.FetchConcurrency = 4*time.Minute, 1
			cfg.Timeouts.Job = 10 * time.Minute
		})
		var last *acme.Job
		for range 30 {
			last = mustSubmit(t, b.Engine, request())
		}
		time.Sleep(30 * time.Minute)
		finished(t, b, last.ID, acme.CodeTimeout)
	})
}

func TestTimeWithoutAnEngineDoesNotCount(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		b := setup(t, func(b *bundle, _ *acme.Config) { b.bank.latency = time.Minute })
		job := mustSubmit(t, b.Engine, request())
		time.Sleep(time.Second)
		cut(t, b.Engine)
		time.Sleep(24 * time.Hour)
		b2 := setup(t, func(n *bundle, _ *acme.Config) {
			n.store, n.keys = b.store, b.keys
			n.bank.fail = func(call int, _ bank.Access) error {
				if call == 1 {
					return unavailable(503)
				}
				return nil
			}
		})
		if got, err := b2.Wait(t.Context(), job.ID); err != nil || got.Status != acme.StatusCompleted {
			t.Errorf("after a day's downtime and one 503: %+v, %v", got, err)
		}
	})
}

func TestRequestsWhoseCallersLeftStillCount(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		b := setup(t, func(b *bundle, cfg *acme.Config) {
			slow := acmetest.NewFaultStore(b.store)
			slow.Add(acmetest.Fault{Call: acmetest.CallCommit, Delay: 100 * time.Millisecond})
			cfg.Store = slow
			b.bank.latency = time.Minute
			cfg.Limits.MaxAccepted = 5
		})
		for range 50 {
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			if _, err := b.Submit(ctx, request()); err == nil {
				t.Fatal("the caller was meant to leave first")
			}
			cancel()
			time.Sleep(200 * time.Millisecond)
		}
		page, err := b.Jobs(t.Context(), acme.JobQuery{Limit: 100})
		if err != nil || len(page.Jobs) != 5 || b.Stats().Unfinished != 5 {
			t.Errorf("%d jobs, %d counted (%v); want the 5 that are allowed", len(page.Jobs), b.Stats().Unfinished, err)
		}
	})
}

func TestOtherEndpointsHearOfADisabledOne(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		b := setup(t, func(b *bundle, _ *acme.Config) {
			b.inbox.answer = func(_ int, m webhook.Message) webhook.Result {
				if m.URL == "http://gone.example/" {
					return webhook.Result{Status: 410, Class: webhook.ClassGone}
				}
				return webhook.Result{Status: 200}
			}
		})
		gone, _, err := b.CreateEndpoint(t.Context(), acme.EndpointRequest{URL: "http://gone.example/"})
		if err != nil {
			t.Fatal(err)
		}
		endpoint(t, b, acme.EventEndpointDisabled)
		mustScore(t, b.Engine, request())
		time.Sleep(time.Minute)
		heard := 0
		for _, m := range b.inbox.messages() {
			if typ, data := eventData(t, m.Body); typ == acme.EventEndpointDisabled && data["id"] == string(gone.ID) && data["disabled_reason"] == "gone" {
				heard++
			}
		}
		if heard != 1 {
			t.Errorf("heard %d times, want once", heard)
		}
	})
}

// slowRevocation is a bank that takes a second to revoke.
type slowRevocation struct {
	*consentingBank
	tokens []string
}

func (h *slowRevocation) Consenter(string) (bank.Consenter, bool) { return h, true }

func (h *slowRevocation) Revoke(ctx context.Context, g bank.Grant) error {
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
		return ctx.Err()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tokens = append(h.tokens, g.AccessToken.Reveal())
	return nil
}

func TestRevocationReachesTheBank(t *testing.T) {
	t.Parallel()
	start := func(t *testing.T) (*bundle, *slowRevocation) {
		h := &slowRevocation{}
		b := setup(t, func(b *bundle, cfg *acme.Config) {
			h.consentingBank = &consentingBank{fakeBank: b.bank, lifetime: time.Hour}
			cfg.Bank, cfg.CallbackURL = h, "https://score.example/oauth/callback"
		})
		return b, h
	}
	t.Run("though the caller leaves", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			b, h := start(t)
			c := given(t, b, nil)
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer cancel()
			_ = b.RevokeConsent(ctx, c.ID)
			time.Sleep(time.Minute)
			synctest.Wait()
			if len(h.tokens) != 1 || h.tokens[0] != "old" {
				t.Errorf("revoked %d tokens, want the one", len(h.tokens))
			}
		})
	})
	t.Run("also of a token that is just being refreshed", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			b, h := start(t)
			soon := time.Now().Add(time.Minute)
			c := given(t, b, &soon)
			mustSubmit(t, b.Engine, acme.Request{ConsentID: c.ID})
			time.Sleep(500 * time.Millisecond)
			if err := b.RevokeConsent(t.Context(), c.ID); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
			synctest.Wait()
			if len(h.tokens) != 2 {
				t.Errorf("revoked %v, want the old one and the fresh one", h.tokens)
			}
		})
	})
}

func TestAKeyThatOutlivesItsJobMakesANewOne(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		b := setup(t, func(_ *bundle, cfg *acme.Config) { cfg.Retention.Jobs = time.Hour })
		first := mustScore(t, b.Engine, keyed("k"))
		time.Sleep(2 * time.Hour)
		if again := mustSubmit(t, b.Engine, keyed("k")); again.ID == first.ID {
			t.Error("the deleted job came back")
		}
	})
}

func TestAShortStoreFailureCostsNoFetch(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		var faults *acmetest.FaultStore
		b := setup(t, func(b *bundle, cfg *acme.Config) {
			faults = acmetest.NewFaultStore(b.store)
			cfg.Store = faults
			b.bank.latency = 10 * time.Second
		})
		for range 380 {
			mustSubmit(t, b.Engine, request())
		}
		time.Sleep(9 * time.Second)
		faults.Add(acmetest.Fault{Call: acmetest.CallCommit, Err: errors.New("disk busy")})
		time.Sleep(1500 * time.Millisecond)
		faults.Clear()
		time.Sleep(time.Hour)
		if n := b.bank.count(); n != 380 {
			t.Errorf("the bank was asked %d times for 380 jobs", n)
		}
	})
}

func TestEndpointsAreBounded(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	var wg sync.WaitGroup
	var made atomic.Int32
	for range 150 {
		wg.Go(func() {
			if _, _, err := b.CreateEndpoint(t.Context(), acme.EndpointRequest{URL: "http://partner.example/"}); err == nil {
				made.Add(1)
			}
		})
	}
	wg.Wait()
	if made.Load() != 100 {
		t.Errorf("%d endpoints, want 100", made.Load())
	}
}

func TestRateLimitsAndBadDataAreNotHammered(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		code  bank.Code
		calls int
		least time.Duration
	}{
		"429 without Retry-After": {bank.CodeRateLimited, 5, 4 * time.Minute},
		"an answer nobody reads":  {bank.CodeBadData, 2, 0},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				b := setup(t, func(b *bundle, _ *acme.Config) {
					b.bank.fail = func(int, bank.Access) error { return &bank.Error{Code: c.code, Op: "accounts"} }
				})
				start := time.Now()
				mustScore(t, b.Engine, request())
				if took := time.Since(start); b.bank.count() != c.calls || took < c.least {
					t.Errorf("asked %d times in %v, want %d in at least %v", b.bank.count(), took, c.calls, c.least)
				}
			})
		})
	}
}

// panickingStore panics when a job is read.
type panickingStore struct {
	acme.Store
	on atomic.Bool
}

func (s *panickingStore) Get(ctx context.Context, k acme.Key) (acme.Record, error) {
	if k.Kind == acme.KindJob && s.on.Load() {
		panic("plugged-in store")
	}
	return s.Store.Get(ctx, k)
}

func TestAPanickingStoreIsContained(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		var st *panickingStore
		b := setup(t, func(b *bundle, cfg *acme.Config) {
			st = &panickingStore{Store: b.store}
			cfg.Store = st
		})
		st.on.Store(true)
		job := mustSubmit(t, b.Engine, request())
		time.Sleep(time.Minute)
		st.on.Store(false)
		if got := waitPatiently(t, b.Engine, job.ID); got.Status != acme.StatusCompleted {
			t.Errorf("job %+v, want completed once the store answers", got)
		}
	})
}

func TestAStoreThatHangsIsNotReady(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		var slow *acmetest.FaultStore
		b := setup(t, func(b *bundle, cfg *acme.Config) {
			slow = acmetest.NewFaultStore(b.store)
			cfg.Store = slow
		})
		slow.Add(acmetest.Fault{Call: acmetest.CallCommit, Delay: time.Minute})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := b.Submit(ctx, request()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("submit: %v, want DeadlineExceeded", err)
		}
		time.Sleep(15 * time.Second)
		if b.Ready() == nil {
			t.Error("ready though no write has gone through for 15s")
		}
		slow.Clear()
		time.Sleep(2 * time.Minute)
		if err := b.Ready(); err != nil {
			t.Errorf("not ready again: %v", err)
		}
	})
}

// stubbornBank finishes its work whatever its context says.
type stubbornBank struct{ *fakeBank }

func (b stubbornBank) Fetch(ctx context.Context, a bank.Access, asked bank.Range) (*bank.Statement, error) {
	return b.fakeBank.Fetch(context.WithoutCancel(ctx), a, asked)
}

func TestAStepThatFinishesAtTheCutIsKept(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		b := setup(t, func(b *bundle, cfg *acme.Config) {
			b.bank.latency = 10 * time.Second
			cfg.Bank = stubbornBank{b.bank}
		})
		job := mustSubmit(t, b.Engine, request())
		time.Sleep(5 * time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		defer cancel()
		_ = b.Stop(ctx)
		<-b.Stopped()
		if got, err := b.Job(t.Context(), job.ID); err != nil || got.Status != acme.StatusScoring {
			t.Errorf("job %+v (%v), want scoring: its fetch had ended well", got, err)
		}
	})
}
