package httpapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"

	"acme.example/creditscore/acme"
	"acme.example/creditscore/acme/bank"
	"acme.example/creditscore/acme/keyset"
	"acme.example/creditscore/acme/pebblestore"
	"acme.example/creditscore/acme/score"
	"acme.example/creditscore/refserver/internal/httpapi"
)

// world is an API on a real engine, with a bank and a scorer that do as told.
type world struct {
	t      *testing.T
	api    *httpapi.API
	engine *acme.Engine
	bank   *fakeBank
	keys   *keyset.Set
	server *httptest.Server
	log    *safeBuffer
	tokens map[string]string
}

// options is what a case cares about.
type options struct {
	maxAccepted int
	maxWait     time.Duration
	notStarted  bool
	// deadlines are those of the http.Server, readTimeout one of them alone.
	deadlines, readTimeout time.Duration
	now                    func() time.Time
}

func setup(t *testing.T, o options) *world {
	t.Helper()
	keys, err := keyset.New()
	if err != nil {
		t.Fatal(err)
	}
	store, err := pebblestore.Open("data", pebblestore.Options{FS: vfs.NewMem()})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, bank: newFakeBank(), keys: keys, log: &safeBuffer{}, tokens: map[string]string{}}
	logger := slog.New(slog.NewJSONHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w.server = httptest.NewUnstartedServer(nil)
	base := "http://" + w.server.Listener.Addr().String()
	registry := prometheus.NewRegistry()
	w.engine, err = acme.New(acme.Config{
		Bank: w.bank, Store: store, Keys: keys, Scorer: fakeScorer{}, CallbackURL: base + "/oauth/callback",
		AllowPrivateNetworks: true, Limits: acme.Limits{MaxAccepted: o.maxAccepted}, Logger: logger, Registerer: registry,
		Retry: acme.Retry{Attempts: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	if o.maxWait == 0 {
		o.maxWait = time.Minute
	}
	w.api, err = httpapi.New(httpapi.Config{
		Engine: w.engine, Keys: keys, PublicURL: base, MaxWait: o.maxWait, Registry: registry, Logger: logger, Now: o.now,
		Partners: []httpapi.Partner{
			{ID: "demo", Secret: bank.NewToken("demo+secret%2F 1"), RedirectURIs: []string{"https://partner.example/done?a=b"}},
			{ID: "other", Secret: bank.NewToken("other-secret")},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.server.Config.Handler = w.api
	w.server.Config.ReadTimeout, w.server.Config.WriteTimeout = o.deadlines, o.deadlines
	if o.readTimeout > 0 {
		w.server.Config.ReadTimeout = o.readTimeout
	}
	w.server.Start()
	if !o.notStarted {
		if err := w.engine.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		w.bank.open()
		w.api.Drain()
		w.server.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := w.engine.Stop(ctx); err != nil {
			t.Error(err)
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// answer is what came back of a call.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) into(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), v); err != nil {
		t.Fatalf("%v in %s", err, a.body)
	}
}

func (a answer) job(t *testing.T) acme.Job {
	t.Helper()
	var j acme.Job
	a.into(t, &j)
	return j
}

// call makes a call as partner demo unless a header says otherwise; headers
// are "Name: value", and "-Name" leaves one out.
func (w *world) call(method, path, body string, headers ...string) answer {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.server.URL+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	if body == "" {
		req.Body = nil
	}
	req.Header.Set("Authorization", "Bearer "+w.token("demo", "demo+secret%2F 1"))
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		if name, drop := strings.CutPrefix(h, "-"); drop {
			req.Header.Del(name)
			continue
		}
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	return w.do(req)
}

func (w *world) do(req *http.Request) answer {
	w.t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(text)}
}

func (w *world) asOther() string { return "Authorization: Bearer " + w.token("other", "other-secret") }

// token signs a partner in, once.
func (w *world) token(id, secret string) string {
	w.t.Helper()
	if w.tokens[id] == "" {
		got := w.signIn(func(r *http.Request) { r.SetBasicAuth(id, secret) }, "grant_type=client_credentials")
		var token struct {
			AccessToken string `json:"access_token"`
		}
		got.into(w.t, &token)
		w.tokens[id] = token.AccessToken
	}
	return w.tokens[id]
}

func (w *world) signIn(change func(*http.Request), form string) answer {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.server.URL+"/oauth/token", strings.NewReader(form))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	change(req)
	return w.do(req)
}

// fakeBank answers with a fixed statement, after its gate was opened.
type fakeBank struct {
	mu       sync.Mutex
	gate     chan struct{}
	exchange error
	fetch    error
	revoked  int
}

func newFakeBank() *fakeBank {
	b := &fakeBank{gate: make(chan struct{})}
	close(b.gate)
	return b
}

// shut makes fetches wait; open lets them go.
func (b *fakeBank) shut() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.gate = make(chan struct{})
}

func (b *fakeBank) open() {
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case <-b.gate:
	default:
		close(b.gate)
	}
}

func (b *fakeBank) set(change func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change()
}

func (b *fakeBank) Has(id string) bool { return id == "sandbox" || id == "tokens-only" }

func (b *fakeBank) Consenter(id string) (bank.Consenter, bool) { return b, id == "sandbox" }

func (b *fakeBank) Fetch(ctx context.Context, _ bank.Access, asked bank.Range) (*bank.Statement, error) {
	b.mu.Lock()
	gate, err := b.gate, b.fetch
	b.mu.Unlock()
	select {
	case <-gate:
	case <-ctx.Done():
		return nil, &bank.Error{Code: bank.CodeUnavailable, Op: "accounts", Err: ctx.Err()}
	}
	if err != nil {
		return nil, err
	}
	eur := bank.Currency{'E', 'U', 'R'}
	a := bank.Account{ID: bank.NewText("a"), Currency: eur, Kind: bank.AccountCurrent, Complete: true}
	for i := range 30 {
		a.Transactions = append(a.Transactions, bank.Transaction{Status: bank.Booked, Booking: asked.To.AddDays(-4 * (30 - i)),
			Amount: bank.Money{Minor: 1000, Currency: eur}})
	}
	return &bank.Statement{Asked: asked, Accounts: []bank.Account{a}}, nil
}

func (b *fakeBank) Authorize(_ context.Context, redirect string) (bank.Authorization, error) {
	state := "state-" + time.Now().Format(time.RFC3339Nano)
	q := url.Values{"state": {state}, "redirect_uri": {redirect}}
	return bank.Authorization{URL: "https://bank.example/authorize?" + q.Encode(), State: bank.NewToken(state), Verifier: bank.NewToken("verifier")}, nil
}

func (b *fakeBank) Exchange(_ context.Context, _ string, _ bank.Authorization, cb bank.Callback) (bank.Grant, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.exchange != nil {
		return bank.Grant{}, b.exchange
	}
	if cb.Error == "access_denied" {
		return bank.Grant{}, &bank.Error{Code: bank.CodeUnauthorized, Op: "authorization", Err: bank.ErrDenied}
	}
	if cb.Code.Reveal() != "code-1" {
		return bank.Grant{}, &bank.Error{Code: bank.CodeUnauthorized, Op: "authorization"}
	}
	return bank.Grant{AccessToken: bank.NewToken("bank-token-1"), RefreshToken: bank.NewToken("bank-refresh-1")}, nil
}

func (b *fakeBank) Refresh(context.Context, bank.Grant) (bank.Grant, error) {
	return bank.Grant{}, errors.New("not asked for here")
}

func (b *fakeBank) Revoke(context.Context, bank.Grant) error {
	b.set(func() { b.revoked++ })
	return nil
}

// fakeScorer gives everybody the same score.
type fakeScorer struct{}

func (fakeScorer) Score(context.Context, score.Input) (*score.Report, error) {
	return &score.Report{Value: 683, Min: score.Min, Max: score.Max, ProbabilityOfDefault: 0.043,
		CashFlow: score.CashFlow{Currency: bank.Currency{'E', 'U', 'R'}, Months: []score.Month{{Month: "2030-01", Income: "1.00", Spending: "0.00", Balance: "1.00"}}},
		Model:    score.Model{Name: "fake", Version: "1", Digest: "sha256:00"}, InputDigest: "sha256:00"}, nil
}

// safeBuffer collects a log from many goroutines.
type safeBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// inline is a score request with the partner's own token.
const inline = `{"bank":"sandbox","subject":"user-42","access_token":"inline-token-1"}`
