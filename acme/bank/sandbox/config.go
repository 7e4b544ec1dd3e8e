package sandbox

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"
)

// Config says what kind of bank it is. The zero Config is a good one.
type Config struct {
	// BaseURL is the issuer, scheme and host only, such as
	// "https://bank.example". Empty: derived from each request's Host.
	BaseURL string
	// Latency is how long one fetch takes: it is spent once, before the first
	// page of transactions of a person's first account, so that reading one
	// person takes Latency in all, however many accounts and pages there are.
	// 0 is none.
	Latency time.Duration
	// Clients maps client ids to their secrets. Empty: acme, sandbox-secret.
	Clients map[string]string
	// Faults is what goes wrong from the start; none by default.
	Faults Faults
	// Admin mounts /sandbox/faults, which needs no authentication.
	Admin bool
	// Seed picks the people's histories and the moments of faults; any value
	// is as good as another.
	Seed uint64
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// AccountsDir is a folder of payloads to serve; see the package comment.
	AccountsDir string
	// PageSize is the number of booked transactions a page holds; 0 is 500.
	PageSize int
	// History is how far back histories reach; 0 is two years (730 days).
	// Whole days count.
	History time.Duration
	// Transactions is the number of booked transactions of each generated
	// person, exactly; 0 is what such a person would have (600 to 1,500 in
	// two years). Fewer than two a month shortens the history.
	Transactions int
	// NewestFirst turns the order of the seeded and generated people's
	// transactions round, as many banks have it.
	NewestFirst bool
	// AccessTokenLifetime and RefreshTokenLifetime bound what /token gives
	// out; 0 is an hour and 90 days.
	AccessTokenLifetime, RefreshTokenLifetime time.Duration
	// MaxGrants caps the consents and the tokens of each kind that are
	// remembered, the oldest are forgotten first; 0 is 100,000.
	MaxGrants int
	// CacheBytes caps the rendered histories kept; 0 is 64 MiB. A history of
	// 1,000 transactions takes about 0.5 MB, and one that was dropped is
	// generated again.
	CacheBytes int
	// Logger gets one line a request at debug level: route, status and fault,
	// nothing of the person. Nil is none.
	Logger *slog.Logger
}

const (
	defaultPageSize   = 500
	defaultHistory    = 730 * day
	defaultMaxGrants  = 100_000
	defaultCacheBytes = 64 << 20
	codeLifetime      = 5 * time.Minute
	requestLifetime   = 10 * time.Minute
	day               = 24 * time.Hour
)

// withDefaults returns c with every zero filled in.
func (c Config) withDefaults() Config {
	if len(c.Clients) == 0 {
		c.Clients = map[string]string{"acme": "sandbox-secret"}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.PageSize = orDefault(c.PageSize, defaultPageSize)
	c.MaxGrants = orDefault(c.MaxGrants, defaultMaxGrants)
	c.CacheBytes = orDefault(c.CacheBytes, defaultCacheBytes)
	c.History = orDefault(c.History, defaultHistory)
	c.AccessTokenLifetime = orDefault(c.AccessTokenLifetime, time.Hour)
	c.RefreshTokenLifetime = orDefault(c.RefreshTokenLifetime, 90*day)
	return c
}

func orDefault[T int | time.Duration](v, other T) T {
	if v == 0 {
		return other
	}
	return v
}

// validate reports every fault of a Config with its defaults.
func (c Config) validate() error {
	var faults []error
	bad := func(field string, value any, want string) {
		faults = append(faults, fmt.Errorf("%s is %v, want %s", field, value, want))
	}
	if c.BaseURL != "" {
		u, err := url.Parse(c.BaseURL)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil ||
			u.Path != "" || u.RawQuery != "" || u.Fragment != "" {
			bad("BaseURL", fmt.Sprintf("%q", c.BaseURL), "http or https, a host and nothing more")
		}
	}
	for _, f := range []struct {
		name  string
		value int64
		shown any
	}{
		{"Latency", int64(c.Latency), c.Latency},
		{"PageSize", int64(c.PageSize), c.PageSize},
		{"Transactions", int64(c.Transactions), c.Transactions},
		{"AccessTokenLifetime", int64(c.AccessTokenLifetime), c.AccessTokenLifetime},
		{"RefreshTokenLifetime", int64(c.RefreshTokenLifetime), c.RefreshTokenLifetime},
		{"MaxGrants", int64(c.MaxGrants), c.MaxGrants},
		{"CacheBytes", int64(c.CacheBytes), c.CacheBytes},
	} {
		if f.value < 0 {
			bad(f.name, f.shown, "0 or more")
		}
	}
	if c.Transactions > maxTransactions {
		bad("Transactions", c.Transactions, fmt.Sprintf("at most %d", maxTransactions))
	}
	if c.History < 30*day || c.History > 10*365*day {
		bad("History", c.History, "30 days to 10 years")
	}
	for id, secret := range c.Clients {
		if id == "" || secret == "" {
			bad("Clients", fmt.Sprintf("%d entries", len(c.Clients)), "no empty id and no empty secret")
			break
		}
	}
	if err := c.Faults.validate(); err != nil {
		faults = append(faults, err)
	}
	if len(faults) > 0 {
		return fmt.Errorf("sandbox: %w", errors.Join(faults...))
	}
	return nil
}
