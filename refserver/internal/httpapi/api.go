package httpapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"acme.example/creditscore/acme"
	"acme.example/creditscore/acme/bank"
)

// API is an http.Handler. It is safe for concurrent use, starts no goroutine
// of its own, and ends nothing it was given.
type API struct {
	cfg      Config
	mux      *http.ServeMux
	metrics  *metrics
	tokens   *tokens
	partners map[string]Partner
	pages    *pages

	// draining is done once Drain was called: calls that wait return then.
	draining context.Context
	drain    context.CancelFunc
}

// Config is what an API is made of. Everything is required but what says
// otherwise.
type Config struct {
	Engine *acme.Engine
	// Keys seals access tokens, so that they outlive the process and are
	// good wherever the same keys are.
	Keys Sealer
	// PublicURL is what callers reach this API under, without a trailing
	// slash: "https://score.example".
	PublicURL string
	// Partners may call; nobody when empty.
	Partners []Partner
	// MaxWait caps Prefer: wait; 0: nobody waits.
	MaxWait time.Duration
	// Registry gets this package's metrics and is what /metrics shows.
	Registry *prometheus.Registry
	// OperatorOnly serves health and metrics alone: for a process that does
	// not run the request role.
	OperatorOnly bool
	// Logger gets one line a call; nil: none.
	Logger *slog.Logger
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

// Sealer seals bytes for a purpose; *keyset.Set is one.
type Sealer interface {
	Seal(plain []byte, context string) ([]byte, error)
	Unseal(sealed []byte, context string) ([]byte, error)
}

// Partner is one who may call.
type Partner struct {
	ID     string
	Secret bank.Token
	// RedirectURIs are where a browser may be sent after a consent, besides
	// http on loopback.
	RedirectURIs []string
}

// New checks cfg and registers the metrics. Errors name the field.
func New(cfg Config) (*API, error) {
	var faults []error
	if cfg.Engine == nil {
		faults = append(faults, errors.New("httpapi: Engine is nil; one is required"))
	}
	if cfg.Keys == nil {
		faults = append(faults, errors.New("httpapi: Keys is nil; a Sealer is required"))
	}
	if cfg.Registry == nil {
		faults = append(faults, errors.New("httpapi: Registry is nil; one is required"))
	}
	if u, err := url.Parse(cfg.PublicURL); err != nil || u.Host == "" || strings.HasSuffix(cfg.PublicURL, "/") {
		faults = append(faults, errors.New("httpapi: PublicURL is not an absolute URL without trailing slash"))
	}
	if cfg.MaxWait < 0 {
		faults = append(faults, fmt.Errorf("httpapi: MaxWait is %s; allowed: 0 or more", cfg.MaxWait))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	m, err := newMetrics(cfg.Registry)
	if err != nil {
		return nil, fmt.Errorf("httpapi: registering metrics: %w", err)
	}
	a := &API{
		cfg:      cfg,
		mux:      http.NewServeMux(),
		metrics:  m,
		tokens:   &tokens{keys: cfg.Keys, now: cfg.Now},
		partners: make(map[string]Partner, len(cfg.Partners)),
		pages:    newPages(),
	}
	a.draining, a.drain = context.WithCancel(context.Background())
	for _, p := range cfg.Partners {
		p.RedirectURIs = slices.Clone(p.RedirectURIs)
		a.partners[p.ID] = p
	}
	a.mount()
	return a, nil
}

// Drain ends every call that waits (with the job as it stands) and lets no
// new call in but for health and metrics. It returns at once; to wait for
// calls under way is the http.Server's part.
func (a *API) Drain() { a.drain() }

func (a *API) isDraining() bool { return a.draining.Err() != nil }
