package e2e_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// hooks is a partner's webhook receiver. It verifies with the library of the
// Standard Webhooks project, not with our own.
type hooks struct {
	server *httptest.Server
	// refuse, where set, tells whether to answer 503 to an event about a job
	// that comes for the nth time (from 1) to this path.
	refuse func(path, job string, n int) bool
	// meanwhile, where set, is called before an event is answered.
	meanwhile func()

	mu      sync.Mutex
	secrets map[string]*standardwebhooks.Webhook // by path
	events  map[string]map[string]*event         // by path and job
	faults  []string
	raw     [][]byte // every request, headers included
}

// event is all that came about one job.
type event struct {
	ids                 map[string]bool // webhook-ids
	arrived, took       int             // times it came, times it was answered with 2xx
	kind, outcome, body string
}

func newHooks(t *testing.T) *hooks {
	t.Helper()
	h := &hooks{secrets: map[string]*standardwebhooks.Webhook{}, events: map[string]map[string]*event{}}
	h.server = httptest.NewServer(h)
	t.Cleanup(h.server.Close)
	return h
}

func (h *hooks) url(path string) string { return h.server.URL + path }

// expect sets the secret that signs what comes to a path.
func (h *hooks) expect(t *testing.T, path, secret string) {
	t.Helper()
	wh, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatalf("the secret for %s: %v", path, err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.secrets[path] = wh
	h.events[path] = map[string]*event{}
}

// expectDefault asks for the partner's default secret, which is shown once.
func (h *hooks) expectDefault(t *testing.T, p *partner, path string) string {
	t.Helper()
	var got struct{ Secret string }
	p.want(t, 200, "GET", "/v1/webhook-secret", "").decode(t, &got)
	h.expect(t, path, got.Secret)
	return got.Secret
}

// expectEndpoint registers an endpoint at the path and returns its secret.
func (h *hooks) expectEndpoint(t *testing.T, p *partner, path string) string {
	t.Helper()
	var got struct{ Secret string }
	p.want(t, 201, "POST", "/v1/webhook-endpoints", `{"url":"`+h.url(path)+`","events":["score.completed","score.failed"]}`).decode(t, &got)
	h.expect(t, path, got.Secret)
	return got.Secret
}

// ServeHTTP takes one webhook in.
func (h *hooks) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the sender died in the middle
	}
	if h.meanwhile != nil {
		h.meanwhile()
	}
	if !h.take(r, body) {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}

func (h *hooks) take(r *http.Request, body []byte) (ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.raw = append(h.raw, fmt.Appendf(nil, "%v\n%s", r.Header, body))
	path := r.URL.Path
	secret := h.secrets[path]
	if secret == nil {
		h.faultf("a webhook came to %s", path)
		return false
	}
	if err := secret.Verify(body, r.Header); err != nil {
		h.faultf("%s: %v", path, err)
		return false
	}
	var got struct {
		Type string
		Data job
	}
	if err := json.Unmarshal(body, &got); err != nil {
		h.faultf("%s: %v in %s", path, err, body)
		return false
	}
	outcome, err := got.Data.outcome()
	if err != nil && got.Type == "score.completed" {
		h.faultf("%s: %v in %s", path, err, body)
	}
	e := h.events[path][got.Data.ID]
	if e == nil {
		e = &event{ids: map[string]bool{}, kind: got.Type, outcome: outcome, body: string(body)}
		h.events[path][got.Data.ID] = e
	}
	e.arrived++
	e.ids[r.Header.Get("webhook-id")] = true
	if e.body != string(body) {
		h.faultf("%s: two bodies about %s:\n%s\n%s", path, got.Data.ID, e.body, body)
	}
	if h.refuse != nil && h.refuse(path, got.Data.ID, e.arrived) {
		return false
	}
	e.took++
	return true
}

func (h *hooks) faultf(format string, args ...any) {
	h.faults = append(h.faults, fmt.Sprintf(format, args...))
}

// took tells whether an event about the job was taken at each of the paths.
func (h *hooks) took(job string, paths ...string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, path := range paths {
		if e := h.events[path][job]; e == nil || e.took == 0 {
			return false
		}
	}
	return true
}

// event is a copy of what came about a job.
func (h *hooks) event(path, job string) event {
	h.mu.Lock()
	defer h.mu.Unlock()
	if e := h.events[path][job]; e != nil {
		return *e
	}
	return event{}
}

// reportFaults fails the test with everything that was wrong with what came.
func (h *hooks) reportFaults(t *testing.T) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, f := range h.faults {
		t.Error(f)
	}
}

// requests is everything that came, headers included.
func (h *hooks) requests() [][]byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([][]byte(nil), h.raw...)
}
