package acme_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"acme.example/creditscore/acme"
	"acme.example/creditscore/acme/bank"
	"acme.example/creditscore/acme/score"
	"acme.example/creditscore/acme/webhook"
)

func TestScoreGoesThroughEveryState(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		b := setup(t, func(b *bundle, _ *acme.Config) {
			b.bank.latency, b.scorer.latency = 10*time.Second, 10*time.Second
		})
		start := time.Now()
		r := request()
		r.WebhookURL = "http://partner.example/hook"
		r.Metadata = map[string]string{"order": "order-12345"}
		job := mustSubmit(t, b.Engine, r)
		if job.Status != acme.StatusAccepted {
			t.Fatalf("status %s, want accepted", job.Status)
		}
		var seen []acme.Status
		for version := uint64(0); !job.Status.Finished(); version = job.Version {
			var err error
			if job, err = b.Changed(t.Context(), job.ID, version); err != nil {
				t.Fatal(err)
			}
			seen = append(seen, job.Status)
		}
		want := []acme.Status{acme.StatusAccepted, acme.StatusFetching, acme.StatusScoring, acme.StatusCompleted}
		if len(seen) != len(want) {
			t.Fatalf("states %v, want %v", seen, want)
		}
		for i := range want {
			if seen[i] != want[i] {
				t.Fatalf("states %v, want %v", seen, want)
			}
		}
		if took := time.Since(start); took != 20*time.Second {
			t.Errorf("took %v, want exactly the two steps' 20s", took)
		}
		if job.Score == nil || job.Score.Value != 683 || job.CompletedAt == nil || job.Error != nil {
			t.Errorf("job %+v is not a completed one", job)
		}
		synctest.Wait()
		msgs := b.inbox.messages()
		if len(msgs) != 1 {
			t.Fatalf("%d webhooks, want 1", len(msgs))
		}
		typ, data := eventData(t, msgs[0].Body)
		if typ != acme.EventScoreCompleted || data["id"] != string(job.ID) {
			t.Errorf("event %s about %v", typ, data["id"])
		}
		if _, has := data["score"].(map[string]any)["cash_flow"]; has {
			t.Error("the event carries the cash flow")
		}
		if data["metadata"].(map[string]any)["order"] != "order-12345" {
			t.Error("metadata did not come back")
		}
	})
}

func TestStepsOfManyJobsOverlap(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		b := setup(t, func(b *bundle, cfg *acme.Config) {
			b.bank.latency, b.scorer.latency = 10*time.Second, 10*time.Second
			cfg.Limits.FetchConcurrency, cfg.Limits.ScoreConcurrency = 400, 300 // a bank has three quarters of it
		})
		start := time.Now()
		var wg sync.WaitGroup
		for i := range 300 {
			wg.Go(func() {
				r := request()
				r.Subject = userID(i)
				mustScore(t, b.Engine, r)
			})
		}
		wg.Wait()
		if took := time.Since(start); took != 20*time.Second {
			t.Errorf("300 jobs took %v, want 20s", took)
		}
		if n := b.Stats().Unfinished; n != 0 {
			t.Errorf("%d unfinished, want 0", n)
		}
	})
}

func TestConcurrencyOfFetchesIsBounded(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		b := setup(t, func(b *bundle, cfg *acme.Config) {
			b.bank.latency = time.Second
			cfg.Limits.FetchConcurrency = 3
		})
		var last *acme.Job
		for range 12 {
			last = mustSubmit(t, b.Engine, request())
		}
		if _, err := b.Wait(t.Context(), last.ID); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if b.bank.most != 3 {
			t.Errorf("%d fetches at once, want 3", b.bank.most)
		}
	})
}

func TestBankFaultsBecomeRetriesOrErrors(t *testing.T) {
	t.Parallel()
	down := func(n int, err error) func(int, bank.Access) error {
		return func(call int, _ bank.Access) error {
			if call <= n {
				return err
			}
			return nil
		}
	}
	for name, c := range map[string]struct {
		fail     func(int, bank.Access) error
		code     acme.ErrorCode // "" for completed
		calls    int
		min, max time.Duration
	}{
		"an outage is waited out": {down(2, unavailable(503)), "", 3, 1500 * time.Millisecond, 4500 * time.Millisecond},
		"an outage without end fails after every attempt": {
			down(99, unavailable(503)), acme.CodeBankUnavailable, 5, 7 * time.Second, 23 * time.Second},
		"a refused token fails at once": {
			down(99, &bank.Error{Code: bank.CodeUnauthorized, Op: "accounts", Status: 401}), acme.CodeBankUnauthorized, 1, 0, 0},
		"Retry-After is waited for in full": {
			down(1, &bank.Error{Code: bank.CodeRateLimited, Op: "accounts", Status: 429, RetryAfter: 90 * time.Second}), "", 2, 90 * time.Second, 91 * time.Second},
		"a Retry-After beyond the job's time fails at once": {
			down(1, &bank.Error{Code: bank.CodeRateLimited, Op: "accounts", Status: 429, RetryAfter: 24 * time.Hour}), acme.CodeBankRateLimited, 1, 0, 0},
		"an unknown error is an outage":  {down(99, errors.New("secret text of a bank")), acme.CodeBankUnavailable, 5, 7 * time.Second, 23 * time.Second},
		"a panic is bad data, contained": {func(int, bank.Access) error { panic("iban DE02120300000000202051") }, acme.CodeBankBadData, 1, 0, 0},
		"no answer is a timeout": {
			down(99, &bank.Error{Code: bank.CodeUnavailable, Op: "accounts", Err: context.DeadlineExceeded, Detail: "no answer within 60s"}),
			acme.CodeTimeout, 5, 7 * time.Second, 23 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				b := setup(t, func(b *bundle, _ *acme.Config) { b.bank.fail = c.fail })
				start := time.Now()
				job := mustScore(t, b.Engine, request())
				took := time.Since(start)
				switch {
				case c.code == "" && job.Status != acme.StatusCompleted:
					t.Fatalf("status %s (%+v), want completed", job.Status, job.Error)
				case c.code != "" && (job.Error == nil || job.Error.Code != c.code):
					t.Fatalf("error %+v, want %s", job.Error, c.code)
				}
				if job.Error != nil && (job.Error.Title == "" || strings.Contains(job.Error.Detail, "secret text") || strings.Contains(job.Error.Detail, "DE02")) {
					t.Errorf("error %+v", job.Error)
				}
				if b.bank.count() != c.calls || took < c.min || took > c.max {
					t.Errorf("%d calls in %v, want %d in %v to %v", b.bank.count(), took, c.calls, c.min, c.max)
				}
			})
		})
	}
}

func TestScorerFaults(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fail    func() error
		latency time.Duration
		code    acme.ErrorCode
		calls   int
	}{
		"too little history has a code of its own": {func() error { return score.ErrInsufficientHistory }, 0, acme.CodeInsufficientHistory, 1},
		"an error fails the score":                 {func() error { return errors.New("boom") }, 0, acme.CodeScoreFailed, 1},
		"a panic fails that job only":              {func() error { panic("boom") }, 0, acme.CodeScoreFailed, 1},
		"a scorer that hangs is cut off":           {nil, time.Hour, acme.CodeTimeout, 5},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				b := setup(t, func(b *bundle, _ *acme.Config) { b.scorer.fail, b.scorer.latency = c.fail, c.latency })
				job := mustScore(t, b.Engine, request())
				if job.Error == nil || job.Error.Code != c.code {
					t.Fatalf("error %+v, want %s", job.Error, c.code)
				}
				if b.scorer.count() != c.calls {
					t.Errorf("%d calls, want %d", b.scorer.count(), c.calls)
				}
				if b.bank.count() != 1 {
					t.Errorf("the bank was called %d times, want once: the profile is kept", b.bank.count())
				}
			})
		})
	}
}

func TestBusyWhenTooManyAreUnfinished(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		b := setup(t, func(b *bundle, cfg *acme.Config) {
			b.bank.latency = time.Second
			cfg.Limits.MaxAccepted = 2
		})
		first := mustSubmit(t, b.Engine, request())
		mustSubmit(t, b.Engine, request())
		_, err := b.Submit(t.Context(), request())
		var busy *acme.BusyError
		if !errors.Is(err, acme.ErrBusy) || !errors.As(err, &busy) || busy.RetryAfter <= 0 {
			t.Fatalf("error %v, want ErrBusy with a time", err)
		}
		if _, err := b.Wait(t.Context(), first.ID); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		mustSubmit(t, b.Engine, request())
	})
}

func TestStopLetsRunningStepsFinish(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		b := setup(t, func(b *bundle, _ *acme.Config) { b.bank.latency = 10 * time.Second })
		job := mustSubmit(t, b.Engine, request())
		time.Sleep(time.Second)
		start := time.Now()
		stop(t, b.Engine)
		if took := time.Since(start); took < 8*time.Second || took > 11*time.Second {
			t.Errorf("stop took %v, want the rest of the fetch", took)
		}
		if got, err := b.Job(t.Context(), job.ID); err != nil || got.Status != acme.StatusScoring {
			t.Errorf("job is %v (%v), want scoring: its fetch had finished", got, err)
		}
		if _, err := b.Submit(t.Context(), request()); !errors.Is(err, acme.ErrStopped) {
			t.Errorf("submit after stop: %v, want ErrStopped", err)
		}
		select {
		case <-b.Stopped():
		default:
			t.Error("Stopped is not closed")
		}
	})
}

func TestWorkCutOffByStopIsNoFailedAttempt(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		b := setup(t, func(b *bundle, cfg *acme.Config) {
			b.bank.latency = time.Hour // blocked
			cfg.Timeouts.Job, cfg.Timeouts.Fetch = 3*time.Hour, 2*time.Hour
			cfg.Retry.Attempts = 1 // a failed attempt would be the end
		})
		job := mustSubmit(t, b.Engine, request())
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		start := time.Now()
		if err := b.Stop(ctx); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took != 5*time.Second {
			t.Errorf("stop took %v, want its timeout, 5s", took)
		}
		again := setup(t, func(n *bundle, _ *acme.Config) { n.store, n.keys = b.store, b.keys })
		done, err := again.Wait(t.Context(), job.ID)
		if err != nil || done.Status != acme.StatusCompleted {
			t.Fatalf("after the restart: %+v, %v", done, err)
		}
	})
}

func TestWaitersAreToldWhenTheEngineDrains(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		b := setup(t, func(b *bundle, _ *acme.Config) { b.bank.latency = 10 * time.Second })
		job := mustSubmit(t, b.Engine, request())
		told := make(chan error, 1)
		go func() { _, err := b.Wait(t.Context(), job.ID); told <- err }()
		time.Sleep(time.Second)
		stop(t, b.Engine)
		if err := <-told; !errors.Is(err, acme.ErrStopped) {
			t.Errorf("waiter got %v, want ErrStopped", err)
		}
	})
}

func TestWaitGivesTheJobWhenTimeLapses(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		b := setup(t, func(b *bundle, _ *acme.Config) { b.bank.latency = 10 * time.Second })
		job := mustSubmit(t, b.Engine, request())
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		got, err := b.Wait(ctx, job.ID)
		if !errors.Is(err, context.DeadlineExceeded) || got == nil || got.Status != acme.StatusFetching {
			t.Errorf("got %+v, %v; want the fetching job and DeadlineExceeded", got, err)
		}
	})
}

func TestEngineStartsOnce(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		b := setup(t, nil)
		if err := b.Start(t.Context()); !errors.Is(err, acme.ErrStopped) {
			t.Errorf("second start: %v, want ErrStopped", err)
		}
		never := prepare(t, nil)
		if err := never.Ready(); err == nil {
			t.Error("ready before Start")
		}
		stop(t, never.Engine)
		stop(t, never.Engine)
		if err := never.Start(t.Context()); !errors.Is(err, acme.ErrStopped) {
			t.Errorf("start after stop: %v, want ErrStopped", err)
		}
	})
}

func TestPanickingNotifierIsContained(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		b := setup(t, func(b *bundle, _ *acme.Config) {
			b.inbox.answer = func(int, webhook.Message) webhook.Result { panic("boom") }
		})
		r := request()
		r.WebhookURL = "http://partner.example/hook"
		mustScore(t, b.Engine, r)
		synctest.Wait()
		page, err := b.Deliveries(t.Context(), acme.DeliveryQuery{})
		if err != nil || len(page.Deliveries) != 1 || page.Deliveries[0].Status != acme.DeliveryDead {
			t.Errorf("deliveries %+v, %v; want one, dead", page.Deliveries, err)
		}
	})
}
