package berlingroup

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"acme.example/creditscore/acme/bank"
	"golang.org/x/sync/errgroup"
)

// Adapter reads from one bank. It implements bank.Adapter, and
// bank.Consenter when it was built with OAuth (CanConsent tells). It is safe
// for concurrent use.
type Adapter struct {
	http            *bank.HTTP
	oauth           *bank.OAuth
	parallel        int
	maxTransactions int
	// bookedOnly is set when the bank refused bookingStatus=both and then
	// answered to booked, so that the refusal is not paid for again.
	bookedOnly atomic.Bool
}

var (
	_ bank.Adapter   = (*Adapter)(nil)
	_ bank.Consenter = (*Adapter)(nil)
)

// Config is one bank. Only BaseURL is required.
type Config struct {
	// BaseURL is what "/v1/accounts" is under.
	BaseURL string
	// OAuth is where the bank grants consents; the zero value is a bank to
	// which the person's token is brought. Its Timeout, Transport and Now
	// default to those below.
	OAuth bank.OAuthConfig
	// Timeout bounds one request with its short retries. Default 60 s.
	Timeout time.Duration
	// MaxBody bounds one answer in bytes (default 16 MiB), MaxPages the pages
	// of one account's transactions (default 1,000), MaxTransactions their
	// number (default 200,000).
	MaxBody         int64
	MaxPages        int
	MaxTransactions int
	// ParallelAccounts is how many accounts of one person are read at the
	// same time. Default 4.
	ParallelAccounts int
	// Transport carries all requests; nil takes a pool of its own.
	Transport http.RoundTripper
	// Now is the clock for Retry-After dates and token lifetimes. Default
	// time.Now.
	Now func() time.Time
}

// Defaults of Config.
const (
	DefaultMaxTransactions  = 200_000
	DefaultParallelAccounts = 4
)

// maxAccounts bounds what one consent may cover.
const maxAccounts = 500

// New checks the configuration and reports every fault at once, each naming
// the field, its value and what is allowed. It makes no request.
func New(c Config) (*Adapter, error) {
	var faults []error
	a := &Adapter{parallel: c.ParallelAccounts, maxTransactions: c.MaxTransactions}
	var err error
	a.http, err = bank.NewHTTP(bank.HTTPConfig{
		BaseURL: c.BaseURL, Timeout: c.Timeout, MaxBody: c.MaxBody, MaxPages: c.MaxPages,
		Transport: c.Transport, Now: c.Now, Refused: refused,
	})
	faults = append(faults, err)
	if c.ParallelAccounts < 0 {
		faults = append(faults, fmt.Errorf("ParallelAccounts: %d, want a positive number or 0 for %d", c.ParallelAccounts, DefaultParallelAccounts))
	}
	if c.MaxTransactions < 0 {
		faults = append(faults, fmt.Errorf("MaxTransactions: %d, want a positive number or 0 for %d", c.MaxTransactions, DefaultMaxTransactions))
	}
	if o := c.OAuth; wantsOAuth(o) {
		if o.Timeout == 0 {
			o.Timeout = max(c.Timeout, 0) // a negative one is reported above
		}
		if o.Transport == nil {
			o.Transport = c.Transport
		}
		if o.Now == nil {
			o.Now = c.Now
		}
		if a.oauth, err = bank.NewOAuth(o); err != nil {
			faults = append(faults, fmt.Errorf("OAuth: %w", err))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, fmt.Errorf("berlin group bank: %w", err)
	}
	if a.parallel == 0 {
		a.parallel = DefaultParallelAccounts
	}
	if a.maxTransactions == 0 {
		a.maxTransactions = DefaultMaxTransactions
	}
	return a, nil
}

// wantsOAuth tells whether anything of it was filled in: half a
// configuration must be reported, not ignored.
func wantsOAuth(o bank.OAuthConfig) bool {
	return o.ClientID != "" || !o.ClientSecret.IsZero() || o.AuthorizationURL != "" || o.TokenURL != "" ||
		o.RevocationURL != "" || o.Issuer != "" || o.RequireIssuer || len(o.Scopes) > 0
}

// Close closes idle connections. Requests under way go on.
func (a *Adapter) Close() {
	a.http.Close()
	if a.oauth != nil {
		a.oauth.Close()
	}
}

// Fetch reads every account that the consent covers, its balances and its
// transactions, ParallelAccounts at a time; accounts stand in the bank's
// order. The first failure ends the whole: a Statement is never partial
// without saying so. Errors: *bank.Error with any Code.
func (a *Adapter) Fetch(ctx context.Context, access bank.Access, asked bank.Range) (*bank.Statement, error) {
	if asked.To < asked.From {
		return nil, &bank.Error{Code: bank.CodeBadData, Op: "transactions", Detail: "the range asked for ends before it starts"}
	}
	var list accountList
	if err := a.http.GetJSON(ctx, a.call(access, "accounts", a.address("accounts")), &list); err != nil {
		return nil, err
	}
	switch {
	case list.Accounts == nil:
		return nil, &bank.Error{Code: bank.CodeBadData, Op: "accounts", Detail: "answer has no accounts field"}
	case len(list.Accounts) > maxAccounts:
		return nil, &bank.Error{Code: bank.CodeBadData, Op: "accounts", Detail: fmt.Sprintf("more than %d accounts", maxAccounts)}
	}
	open := list.Accounts[:0]
	for _, w := range list.Accounts {
		if w.Status != "deleted" {
			open = append(open, w)
		}
	}
	s := &bank.Statement{Asked: asked, Accounts: make([]bank.Account, len(open))}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(a.parallel)
	for i := range open {
		group.Go(func() error {
			return a.fetchAccount(ctx, access, asked, &open[i], &s.Accounts[i])
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return s, nil
}

// fetchAccount reads one account of the list into its place.
func (a *Adapter) fetchAccount(ctx context.Context, access bank.Access, asked bank.Range, w *wireAccount, into *bank.Account) error {
	if w.ResourceID == "" || w.ResourceID == "." || w.ResourceID == ".." {
		return &bank.Error{Code: bank.CodeBadData, Op: "accounts", Detail: "an account has no usable resourceId"}
	}
	if err := mapAccount(w, into); err != nil {
		return err
	}
	balances := w.Balances
	if len(balances) == 0 && w.Links.offers(w.Links.balances(), w.Links.transactions()) {
		var list balanceList
		if err := a.http.GetJSON(ctx, a.call(access, "balances", a.address("accounts", w.ResourceID, "balances")), &list); err != nil {
			return err
		}
		balances = list.Balances
	}
	var err error
	if into.Balances, err = mapBalances(balances); err != nil {
		return err
	}
	if !w.Links.offers(w.Links.transactions(), w.Links.balances()) {
		into.Complete = true
		return nil
	}
	return a.fetchTransactions(ctx, access, asked, w.ResourceID, into)
}

// address builds a URL under the base from path segments, each escaped, so
// that a resourceId with a slash in it stays one segment.
func (a *Adapter) address(segments ...string) *url.URL {
	u := a.http.Base().JoinPath("v1")
	for _, s := range segments {
		u = u.JoinPath(url.PathEscape(s))
	}
	return u
}

func (a *Adapter) call(access bank.Access, op string, u *url.URL) bank.Call {
	return bank.Call{Op: op, URL: u, Token: access.Token, Header: func(h http.Header) {
		h.Set("X-Request-ID", requestID())
		if !access.ConsentID.IsZero() {
			h.Set("Consent-ID", access.ConsentID.Reveal())
		}
	}}
}

// requestID is a random UUID (RFC 9562, version 4).
func requestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand since Go 1.24)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
