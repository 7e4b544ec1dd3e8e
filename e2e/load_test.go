package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"
)

// load posts requests for scores as a careful partner does: each with an
// Idempotency-Key, again and again until it is answered. It holds every
// answer against what was answered before.
type load struct {
	p       *partner
	consent string        // of a consent, used by some of the requests
	hook    string        // the webhook_url of each request
	acked   chan struct{} // told of each answer, if anybody listens

	mu      sync.Mutex
	order   []string // keys, in the order they were acknowledged
	sent    map[string]string
	ids     map[string]string // job by key
	keys    map[string]string // key by job
	final   map[string]string // outcome by job, once one was shown
	repeats int
	tries   int
	faults  []string
}

func newLoad(p *partner, consent, hook string) *load {
	return &load{p: p, consent: consent, hook: hook, acked: make(chan struct{}),
		sent: map[string]string{}, ids: map[string]string{}, keys: map[string]string{}, final: map[string]string{}}
}

// run posts from so many workers, each waiting a random time of at most pause
// between two requests, until ctx ends. It returns when every request sent is
// acknowledged, which takes a server that is up.
func (l *load) run(ctx context.Context, t *testing.T, seed uint64, workers int, pause time.Duration) {
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			rng := rand.New(rand.NewPCG(seed, uint64(w)))
			for n := 0; ctx.Err() == nil; n++ {
				key := fmt.Sprintf("key-%d-%d", w, n)
				if old, ok := l.oldKey(rng); ok && rng.IntN(8) == 0 {
					key = old // a client that is not sure asks again
				}
				l.post(t, key, rng)
				select {
				case <-ctx.Done():
				case <-time.After(upTo(rng, pause)):
				}
			}
		})
	}
	all.Wait()
}

func (l *load) oldKey(rng *rand.Rand) (string, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.order) == 0 {
		return "", false
	}
	return l.order[rng.IntN(len(l.order))], true
}

// people have histories that are long enough to be scored.
var people = []string{"alice", "bob", "carol", "dave", "erin", "grace", "heidi"}

// body is the request of a key: the same one each time.
func (l *load) body(key string, rng *rand.Rand) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if body, again := l.sent[key]; again {
		l.repeats++
		return body
	}
	body := fmt.Sprintf(`{"bank":"sandbox","subject":"user-%d","access_token":"sandbox-token-%s","webhook_url":%q,"metadata":{"key":%q}}`,
		rng.IntN(20), people[rng.IntN(len(people))], l.hook, key)
	switch rng.IntN(5) {
	case 0:
		body = fmt.Sprintf(`{"consent_id":%q,"webhook_url":%q}`, l.consent, l.hook)
	case 1:
		body = fmt.Sprintf(`{"bank":"sandbox","subject":"user-x","access_token":"sandbox-token-%s","webhook_url":%q,`+
			`"loan":{"amount":"5000.00","currency":"EUR","term_months":24}}`, people[rng.IntN(len(people))], l.hook)
	}
	l.sent[key] = body
	return body
}

// post sends one request until it is answered, and keeps the answer.
func (l *load) post(t *testing.T, key string, rng *rand.Rand) {
	headers := []string{"Idempotency-Key: " + key}
	if rng.IntN(5) == 0 {
		headers = append(headers, "Prefer: wait=2")
	}
	body := l.body(key, rng)
	for t.Context().Err() == nil {
		l.mu.Lock()
		l.tries++
		ended := l.final[l.ids[key]] != ""
		l.mu.Unlock()
		a, err := l.p.do(t.Context(), "POST", "/v1/scores", body, headers...)
		if err == nil && a.status != http.StatusServiceUnavailable {
			l.keep(key, a, ended)
			return
		}
		select {
		case <-t.Context().Done():
		case <-time.After(10*time.Millisecond + upTo(rng, 20*time.Millisecond)):
		}
	}
}

// keep holds an acknowledged job against what is known of its key. ended tells
// whether the job was known to be finished before the call.
func (l *load) keep(key string, a *answer, ended bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var j job
	if err := json.Unmarshal(a.body, &j); err != nil || a.status != http.StatusAccepted && a.status != http.StatusOK {
		l.faultf("POST with %s: %d %s", key, a.status, a.body)
		return
	}
	if known, again := l.ids[key]; again {
		if known != j.ID {
			l.faultf("key %s gave job %s, and now %s", key, known, j.ID)
		}
	} else if other, taken := l.keys[j.ID]; taken {
		l.faultf("keys %s and %s both gave job %s", other, key, j.ID)
	} else {
		l.ids[key], l.keys[j.ID] = j.ID, key
		l.order = append(l.order, key)
	}
	l.seen(j, ended)
	tell(l.acked)
}

// tell sends on c when somebody listens.
func tell(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// seen notes what a job was shown as; l.mu is held. An end once shown is the
// end, whatever dies: ended tells that it was known before this was asked.
func (l *load) seen(j job, ended bool) {
	switch {
	case j.Status != "completed" && j.Status != "failed":
		if ended {
			l.faultf("job %s was finished, and now is %s", j.ID, j.Status)
		}
		return
	case j.Status == "failed":
		l.faultf("job %s failed: %s", j.ID, j.Error)
	}
	outcome, err := j.outcome()
	if err != nil {
		l.faultf("%v", err)
	}
	if before := l.final[j.ID]; before != "" && before != outcome {
		l.faultf("job %s had two outcomes:\n%s\n%s", j.ID, before, outcome)
	}
	l.final[j.ID] = outcome
}

func (l *load) faultf(format string, args ...any) {
	l.faults = append(l.faults, fmt.Sprintf(format, args...))
}

// known is every acknowledged job.
func (l *load) known() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	ids := make([]string, 0, len(l.keys))
	for id := range l.keys {
		ids = append(ids, id)
	}
	return ids
}

// list reads the whole list and holds it against what is known: every job
// acknowledged before is there, none twice.
func (l *load) list(ctx context.Context, limit int, pause time.Duration) (map[string]job, error) {
	before := l.known()
	ended := map[string]bool{}
	l.mu.Lock()
	for id := range l.final {
		ended[id] = true
	}
	l.mu.Unlock()
	found, err := l.p.jobs(ctx, limit, pause)
	if err != nil {
		return found, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range before {
		if _, there := found[id]; !there {
			l.faultf("job %s was acknowledged and is not in the list", id)
		}
	}
	for _, j := range found {
		l.seen(j, ended[j.ID])
	}
	return found, nil
}

// settle waits until all are finished and their webhooks taken, and makes
// the final comparison of everything with everything.
func (l *load) settle(t *testing.T, h *hooks, paths ...string) {
	t.Helper()
	// A lost job would never be delivered: it is missed here, and named.
	if _, err := l.list(t.Context(), 100, 0); err != nil {
		t.Fatal(err)
	}
	l.reportFaults(t)
	if t.Failed() {
		t.FailNow()
	}
	left := l.known()
	eventually(t, fmt.Sprintf("all of %d jobs finished and delivered", len(left)), func() bool {
		for len(left) > 0 && h.took(left[0], paths...) {
			left = left[1:]
		}
		return len(left) == 0
	})
	rng := rand.New(rand.NewPCG(1, 1))
	for key := range l.copyIDs() {
		l.post(t, key, rng)
	}
	listed, err := l.list(t.Context(), 100, 0)
	if err != nil {
		t.Fatal(err)
	}
	for id := range listed {
		if _, acked := l.keys[id]; !acked {
			t.Errorf("job %s is listed, and no key leads to it: a request made two jobs", id)
		}
	}
	for _, id := range l.known() {
		j := l.p.want(t, 200, "GET", "/v1/scores/"+id, "").job(t)
		l.mu.Lock()
		l.seen(j, true)
		l.mu.Unlock()
		if j.Status != "completed" {
			t.Errorf("job %s is %s", id, j.Status)
		}
		for _, path := range paths {
			e := h.event(path, id)
			if len(e.ids) != 1 {
				t.Errorf("%s: job %s came under %d webhook-ids: %v", path, id, len(e.ids), e.ids)
			}
			if e.kind != "score.completed" || e.outcome != l.final[id] {
				t.Errorf("%s: job %s came as %s:\n%s\nbut is\n%s", path, id, e.kind, e.outcome, l.final[id])
			}
		}
	}
	h.reportFaults(t)
	l.reportFaults(t)
}

// reportFaults fails the test with everything found wrong so far.
func (l *load) reportFaults(t *testing.T) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.faults {
		t.Error(f)
	}
	l.faults = nil
}

func (l *load) copyIDs() map[string]string {
	l.mu.Lock()
	defer l.mu.Unlock()
	ids := make(map[string]string, len(l.ids))
	for k, v := range l.ids {
		ids[k] = v
	}
	return ids
}
