package sandbox

import (
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"acme.example/creditscore/acme/bank"
)

// Bank is the pretend bank: an http.Handler, safe for concurrent use. It
// starts no goroutine; a request that waits costs the server's own goroutine
// and a timer.
type Bank struct {
	cfg    Config
	mux    *http.ServeMux
	page   *consentPage
	people *people
	grants *grants
	cache  *ledgerCache
	faults faultBox

	closing chan struct{}
	close   sync.Once
}

// New checks cfg, reads AccountsDir and builds the bank. The error joins
// every fault found, each naming its field or file.
func New(cfg Config) (*Bank, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	given, err := loadAccountsDir(cfg.AccountsDir)
	if err != nil {
		return nil, err
	}
	b := &Bank{
		cfg:     cfg,
		mux:     http.NewServeMux(),
		page:    newConsentPage(),
		people:  newPeople(cfg, given),
		grants:  newGrants(cfg),
		cache:   newLedgerCache(cfg.CacheBytes),
		closing: make(chan struct{}),
	}
	b.faults.set(cfg.Seed, cfg.Faults)
	b.routes()
	return b, nil
}

// Close lets every request that waits (latency, timeout, drip) go at once, so
// that a server can shut down without waiting for them. Requests made later
// wait no more either. It never fails.
func (b *Bank) Close() error {
	b.close.Do(func() { close(b.closing) })
	return nil
}

func (b *Bank) routes() {
	b.handle("/authorize", map[string]http.HandlerFunc{"GET": b.getAuthorize, "POST": b.postAuthorize})
	b.handle("/token", map[string]http.HandlerFunc{"POST": b.atOAuth(b.postToken)})
	b.handle("/revoke", map[string]http.HandlerFunc{"POST": b.postRevoke})
	b.handle("/.well-known/oauth-authorization-server", map[string]http.HandlerFunc{"GET": b.getMetadata})
	b.handle("/favicon.ico", map[string]http.HandlerFunc{"GET": noContent})

	b.handle("/v1/consents", map[string]http.HandlerFunc{"POST": b.atConsents(b.postConsent)})
	b.handle("/v1/consents/{id}", map[string]http.HandlerFunc{"GET": b.atConsents(b.getConsent), "DELETE": b.atConsents(b.deleteConsent)})
	b.handle("/v1/consents/{id}/status", map[string]http.HandlerFunc{"GET": b.atConsents(b.getConsentStatus)})
	b.handle("/v1/accounts", map[string]http.HandlerFunc{"GET": b.authorized(OnAccounts, b.getAccounts)})
	b.handle("/v1/accounts/{id}", map[string]http.HandlerFunc{"GET": b.authorized(OnAccount, b.getAccount)})
	b.handle("/v1/accounts/{id}/balances", map[string]http.HandlerFunc{"GET": b.authorized(OnBalances, b.getBalances)})
	b.handle("/v1/accounts/{id}/transactions", map[string]http.HandlerFunc{"GET": b.authorized(OnTransactions, b.getTransactions)})
	b.mux.HandleFunc("/v1/", func(w http.ResponseWriter, r *http.Request) {
		writeTPP(w, http.StatusNotFound, "RESOURCE_UNKNOWN", "no such resource")
	})
	if b.cfg.Admin {
		b.handle("/sandbox/faults", map[string]http.HandlerFunc{
			"GET": b.getFaults, "PUT": b.putFaults, "DELETE": b.deleteFaults,
		})
	}
}

// handle mounts a path with its methods; any other is a 405 that names them.
func (b *Bank) handle(path string, methods map[string]http.HandlerFunc) {
	var allow []string
	for method, h := range methods {
		b.mux.HandleFunc(method+" "+path, h)
		allow = append(allow, method)
	}
	slices.Sort(allow)
	b.mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Allow", strings.Join(allow, ", "))
		writeTPP(w, http.StatusMethodNotAllowed, "SERVICE_INVALID", "method not allowed")
	})
}

func noContent(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }

// ServeHTTP answers one request.
func (b *Bank) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if id := r.Header.Get("X-Request-Id"); id != "" && len(id) <= 128 {
		w.Header().Set("X-Request-ID", id)
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if !b.cfg.Logger.Enabled(r.Context(), slog.LevelDebug) {
		b.mux.ServeHTTP(w, r)
		return
	}
	began := b.cfg.Now()
	rec := &statusRecorder{ResponseWriter: w, status: http.StatusOK}
	b.mux.ServeHTTP(rec, r)
	b.cfg.Logger.DebugContext(r.Context(), "sandbox request", "method", r.Method, "route", r.Pattern,
		"status", rec.status, "took", b.cfg.Now().Sub(began))
}

const maxBody = 1 << 20

// statusRecorder notes the status for the log line.
type statusRecorder struct {
	http.ResponseWriter
	status int
}

func (s *statusRecorder) WriteHeader(code int) {
	s.status = code
	s.ResponseWriter.WriteHeader(code)
}

// Unwrap lets http.ResponseController reach Flush and Hijack.
func (s *statusRecorder) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// issuer is BaseURL, or what the client called us by.
func (b *Bank) issuer(r *http.Request) string {
	if b.cfg.BaseURL != "" {
		return b.cfg.BaseURL
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return fmt.Sprintf("%s://%s", scheme, r.Host)
}

func (b *Bank) today() bank.Date { return bank.DateOf(b.cfg.Now()) }

// wait spends d; false when the client left or the bank closes first.
func (b *Bank) wait(r *http.Request, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-r.Context().Done():
	case <-b.closing:
	}
	return false
}
