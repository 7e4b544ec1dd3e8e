package acme_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"acme.example/creditscore/acme"
	"acme.example/creditscore/acme/acmetest"
	"acme.example/creditscore/acme/bank"
	"acme.example/creditscore/acme/keyset"
	"acme.example/creditscore/acme/pebblestore"
	"acme.example/creditscore/acme/webhook"
)

// chaosQueue loses, repeats and delays messages, by a seeded die.
type chaosQueue struct {
	*acme.MemoryQueue
	mu                      sync.Mutex
	rng                     *rand.Rand
	lost, repeated, delayed int
}

func (q *chaosQueue) Publish(ctx context.Context, m acme.Message) error {
	q.mu.Lock()
	roll, wait := q.rng.IntN(10), time.Duration(q.rng.IntN(5000))*time.Millisecond
	switch roll {
	case 0:
		q.lost++
	case 1:
		q.repeated++
	case 2:
		q.delayed++
	}
	q.mu.Unlock()
	switch roll {
	case 0:
		return nil
	case 1:
		if err := q.MemoryQueue.Publish(ctx, m); err != nil {
			return err
		}
	case 2:
		time.AfterFunc(wait, func() { _ = q.MemoryQueue.Publish(context.Background(), m) })
		return nil
	}
	return q.MemoryQueue.Publish(ctx, m)
}

func TestQueueMayLoseRepeatAndReorder(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				q := &chaosQueue{MemoryQueue: acme.NewMemoryQueue(), rng: rand.New(rand.NewPCG(seed, 7))}
				b := setup(t, func(b *bundle, cfg *acme.Config) {
					b.bank.latency, b.scorer.latency = time.Second, time.Second
					cfg.Queue = q
					cfg.Timeouts.Job = 24 * time.Hour // every loss costs a lease
				})
				var ids []acme.JobID
				for i := range 100 {
					r := request()
					r.Subject, r.WebhookURL = userID(i), "http://partner.example/hook"
					ids = append(ids, mustSubmit(t, b.Engine, r).ID)
				}
				time.Sleep(24 * time.Hour)
				for _, id := range ids {
					if job, err := b.Job(t.Context(), id); err != nil || job.Status != acme.StatusCompleted {
						t.Fatalf("%s is %+v (%v), want completed", id, job, err)
					}
				}
				events := map[string]string{} // job → webhook-id
				for _, m := range b.inbox.messages() {
					_, data := eventData(t, m.Body)
					id := data["id"].(string)
					if known, ok := events[id]; ok && known != m.ID {
						t.Errorf("job %s was told of under two ids", id)
					}
					events[id] = m.ID
				}
				if len(events) != len(ids) {
					t.Errorf("%d jobs told of, want %d", len(events), len(ids))
				}
				if q.lost == 0 || q.repeated == 0 || q.delayed == 0 {
					t.Error("the queue was not unruly")
				}
				if n := b.Stats().Unfinished; n != 0 {
					t.Errorf("%d unfinished, want 0", n)
				}
			})
		})
	}
}

// twiceQueue gives every message twice.
type twiceQueue struct{ *acme.MemoryQueue }

func (q twiceQueue) Publish(ctx context.Context, m acme.Message) error {
	if err := q.MemoryQueue.Publish(ctx, m); err != nil {
		return err
	}
	return q.MemoryQueue.Publish(ctx, m)
}

func TestRepeatedAnswersCountOnce(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		b := setup(t, func(b *bundle, cfg *acme.Config) {
			cfg.Queue = twiceQueue{acme.NewMemoryQueue()}
			b.bank.fail = func(call int, _ bank.Access) error {
				if call <= 4 { // two attempts, each twice
					return unavailable(503)
				}
				return nil
			}
			b.inbox.answer = func(int, webhook.Message) webhook.Result { return webhook.Result{Class: webhook.ClassConnect} }
		})
		endpoint(t, b)
		if job := mustScore(t, b.Engine, request()); job.Status != acme.StatusCompleted {
			t.Fatalf("job %+v, want completed with the third attempt", job.Error)
		}
		time.Sleep(time.Second)
		if d := onlyDelivery(t, b); len(d.Attempts) != 1 {
			t.Errorf("%d attempts on record, want 1: the others are the same one", len(d.Attempts))
		}
	})
}

func TestBackOffSurvivesARestart(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		limited := &bank.Error{Code: bank.CodeRateLimited, Op: "accounts", Status: 429, RetryAfter: 10 * time.Minute}
		b := setup(t, func(b *bundle, _ *acme.Config) { b.bank.fail = func(int, bank.Access) error { return limited } })
		start := time.Now()
		job := mustSubmit(t, b.Engine, request())
		time.Sleep(time.Minute)
		stop(t, b.Engine)
		b2 := setup(t, func(n *bundle, _ *acme.Config) { n.store, n.keys = b.store, b.keys })
		if _, err := b2.Wait(t.Context(), job.ID); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took < 10*time.Minute || b2.bank.count() != 1 {
			t.Errorf("the bank was asked again after %v, want the 10m it had asked for", took)
		}
	})
}

func TestFailingStoreLosesNothing(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		var faults *acmetest.FaultStore
		b := setup(t, func(b *bundle, cfg *acme.Config) {
			faults = acmetest.NewFaultStore(b.store)
			cfg.Store = faults
			b.bank.latency = time.Second
		})
		job := mustSubmit(t, b.Engine, request())
		broken := errors.New("disk full")
		time.Sleep(500 * time.Millisecond)
		faults.Add(acmetest.Fault{Call: acmetest.CallCommit, Err: broken})
		faults.Add(acmetest.Fault{Call: acmetest.CallGet, Err: broken})
		time.Sleep(5 * time.Minute)
		faults.Clear()
		got := waitPatiently(t, b.Engine, job.ID)
		if got.Status != acme.StatusCompleted {
			t.Errorf("job %+v, want completed", got)
		}
		if faults.Hits() == 0 {
			t.Error("no fault was met")
		}
		faults.Add(acmetest.Fault{Call: acmetest.CallCommit, Err: broken})
		if _, err := b.Submit(t.Context(), request()); !errors.Is(err, broken) {
			t.Errorf("submit over a failing store: %v, want its error", err)
		}
		if n := b.Stats().Unfinished; n != 0 {
			t.Errorf("%d unfinished, want 0: a refused request must give its place back", n)
		}
	})
}

func TestUnknownOutcomeOfAWriteIsCountedOnce(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		lost := errors.New("connection lost")
		var faults *acmetest.FaultStore
		b := setup(t, func(b *bundle, cfg *acme.Config) {
			faults = acmetest.NewFaultStore(b.store)
			cfg.Store = faults
		})
		faults.Add(acmetest.Fault{Call: acmetest.CallCommit, Err: lost, After: true})
		if _, err := b.Submit(t.Context(), keyed("k")); !errors.Is(err, lost) {
			t.Fatalf("submit: %v, want the store's error", err)
		}
		faults.Clear()
		job := mustSubmit(t, b.Engine, keyed("k"))
		if !job.Replayed {
			t.Error("the job that was written is not found again by its key")
		}
		if got := waitPatiently(t, b.Engine, job.ID); got.Status != acme.StatusCompleted {
			t.Errorf("job %+v, want completed: the sweep finds it", got)
		}
		synctest.Wait()
		if n := b.Stats().Unfinished; n != 0 {
			t.Errorf("%d unfinished, want 0", n)
		}
	})
}

// waitPatiently waits through errors of the store.
func waitPatiently(t *testing.T, e *acme.Engine, id acme.JobID) *acme.Job {
	t.Helper()
	for range 1000 {
		if job, err := e.Wait(t.Context(), id); err == nil {
			return job
		}
		time.Sleep(time.Second)
	}
	t.Fatal("the job never finished")
	return nil
}

// TestPowerCutsLoseNoAcceptedJob cuts the power at random moments under
// load, over and over: what was not synced is gone, and whatever Submit
// acknowledged must finish all the same, once.
func TestPowerCutsLoseNoAcceptedJob(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			inBubble(t, func(t *testing.T) { powerCuts(t, seed, 12) })
		})
	}
}

func powerCuts(t *testing.T, seed uint64, cuts int) {
	rng := rand.New(rand.NewPCG(seed, 11))
	keys, err := keyset.New()
	if err != nil {
		t.Fatal(err)
	}
	fs := vfs.NewCrashableMem()
	var mu sync.Mutex
	accepted := map[acme.JobID]string{} // job → idempotency key
	told := map[string]map[string]bool{}
	b := &bundle{bank: &fakeBank{latency: 3 * time.Second}, scorer: &fakeScorer{latency: 2 * time.Second}, inbox: &inbox{}, keys: keys}
	b.inbox.answer = func(_ int, m webhook.Message) webhook.Result {
		_, data := eventData(t, m.Body)
		id := data["id"].(string)
		mu.Lock()
		defer mu.Unlock()
		if told[id] == nil {
			told[id] = map[string]bool{}
		}
		told[id][m.ID] = true
		return webhook.Result{Status: 200}
	}
	open := func() (*pebblestore.Store, *acme.Engine) {
		st, err := pebblestore.Open("data", pebblestore.Options{FS: fs})
		if err != nil {
			t.Fatal(err)
		}
		e, err := acme.New(acme.Config{
			Bank: b.bank, Scorer: b.scorer, Notifier: b.inbox, Store: st, Keys: keys, AllowPrivateNetworks: true,
			Limits: acme.Limits{ScoreConcurrency: 64},
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		return st, e
	}
	submitted := 0
	for range cuts {
		st, e := open()
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			for ctx.Err() == nil {
				r := request()
				r.Subject, r.WebhookURL = userID(submitted), "http://partner.example/hook"
				r.IdempotencyKey = fmt.Sprintf("key-%d", submitted)
				submitted++
				if job, err := e.Submit(ctx, r); err == nil {
					mu.Lock()
					accepted[job.ID] = r.IdempotencyKey
					mu.Unlock()
				}
				time.Sleep(100 * time.Millisecond)
			}
		})
		time.Sleep(time.Duration(rng.IntN(12_000)) * time.Millisecond)
		// What is acknowledged by now must be in the clone.
		after := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(101), RNG: rng})
		mu.Lock()
		atCut := make(map[acme.JobID]string, len(accepted))
		for id, key := range accepted {
			atCut[id] = key
		}
		mu.Unlock()
		cancel()
		wg.Wait()
		stopped, end := context.WithTimeout(t.Context(), time.Nanosecond)
		_ = e.Stop(stopped)
		end()
		<-e.Stopped()
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
		fs = after
		mu.Lock()
		accepted = atCut
		mu.Unlock()
	}
	st, e := open()
	time.Sleep(time.Hour)
	jobOf := map[string]acme.JobID{}
	for id, key := range accepted {
		job, err := e.Job(t.Context(), id)
		if err != nil || job.Status != acme.StatusCompleted {
			t.Errorf("accepted job %s is %+v (%v), want completed", id, job, err)
		}
		if other, ok := jobOf[key]; ok {
			t.Errorf("key %s has the jobs %s and %s", key, id, other)
		}
		jobOf[key] = id
		if len(told[string(id)]) == 0 {
			t.Errorf("nobody was told of %s", id)
		}
	}
	if len(accepted) < cuts {
		t.Errorf("only %d jobs in %d rounds: too few to show anything", len(accepted), cuts)
	}
	stop(t, e)
	synctest.Wait()
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestNothingPersonalReachesStoreQueueOrLog(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		var log strings.Builder
		b := setup(t, func(b *bundle, cfg *acme.Config) {
			cfg.Logger = textLogger(&log)
			b.bank.fail = func(call int, _ bank.Access) error {
				if call == 1 {
					return errors.New("bank said: tok-secret DE02120300000000202051")
				}
				return nil
			}
		})
		r := keyed("key-secret")
		r.WebhookURL = "http://partner.example/hook"
		job := mustScore(t, b.Engine, r)
		synctest.Wait()
		everything := log.String() + dump(t, b.store)
		for _, m := range b.inbox.messages() {
			everything += string(m.Body)
		}
		if !strings.Contains(everything, string(job.ID)) {
			t.Fatal("the search would find nothing")
		}
		for _, secret := range []string{"tok-secret", "key-secret", "DE02120300000000202051", "SALARY OCTOBER", "RENT FLAT", "acc-1"} {
			if strings.Contains(everything, secret) {
				t.Errorf("%q was written", secret)
			}
		}
	})
}

func textLogger(w *strings.Builder) *slog.Logger {
	var mu sync.Mutex
	return slog.New(slog.NewTextHandler(writerFunc(func(p []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return w.Write(p)
	}), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// dump is every byte the store holds of a partner.
func dump(t *testing.T, st acme.Store) string {
	t.Helper()
	var out strings.Builder
	for _, kind := range []acme.Kind{acme.KindJob, acme.KindProfile, acme.KindDelivery, acme.KindConsent, acme.KindFlow,
		acme.KindEndpoint, acme.KindSecret, acme.KindIdempotency} {
		records, err := st.List(t.Context(), acme.ListQuery{Kind: kind, Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			fmt.Fprintf(&out, "%v %s %s %s\n", r.Key, r.Group, r.Status, r.Body.Bytes())
		}
	}
	return out.String()
}
