package bank

import (
	"context"
	"time"
)

// Access is what a call to a bank needs: whose account, by which bank.
type Access struct {
	// Bank is the id of the bank in the configuration.
	Bank string
	// Token is the access token the person's consent gave.
	Token Token
	// ConsentID is the bank's own id of the consent (Berlin Group's
	// Consent-ID header), empty where the bank uses none.
	ConsentID Text
}

// Grant is what an authorization gives: the tokens and how long they last.
type Grant struct {
	AccessToken  Token
	RefreshToken Token
	// ExpiresAt is when the access token ends; zero when the bank did not say.
	ExpiresAt time.Time
	// ConsentID is as in Access.
	ConsentID Text
}

// Authorization is a consent that was started and waits for the person: the
// address to send the browser to, and the secrets that tie the answer to it.
type Authorization struct {
	// URL is the bank's authorization endpoint with every parameter.
	URL string
	// State is the RFC 6749 state, Verifier the RFC 7636 code verifier.
	State    Token
	Verifier Token
	// ConsentID is the bank's own id of the consent, where one was created.
	ConsentID Text
}

// Callback is what the bank sent back with the browser.
type Callback struct {
	Code   Token
	State  Token
	Issuer string // RFC 9207, empty when absent
	// Error is the RFC 6749 section 4.1.2.1 code, such as "access_denied".
	Error string
}

// Adapter speaks one bank's API with one standard. Implementations are safe
// for concurrent use and report every failure as an *Error. They retry only
// single requests within the ctx they are given; retries of a whole step are
// the engine's.
type Adapter interface {
	// Fetch reads all accounts that access permits, their balances and the
	// transactions booked within asked (and what is pending).
	// Errors: *Error with any Code.
	Fetch(ctx context.Context, access Access, asked Range) (*Statement, error)
}

// Consenter is what an Adapter also does when the person's consent is
// obtained through it, and not by the partner.
type Consenter interface {
	// Authorize starts a consent: redirect is ACME's own callback address.
	Authorize(ctx context.Context, redirect string) (Authorization, error)
	// Exchange turns the bank's answer into tokens; it checks Issuer.
	Exchange(ctx context.Context, redirect string, a Authorization, cb Callback) (Grant, error)
	// Refresh trades the refresh token for a new grant.
	Refresh(ctx context.Context, g Grant) (Grant, error)
	// Revoke ends the grant at the bank (RFC 7009). A bank without
	// revocation answers nil.
	Revoke(ctx context.Context, g Grant) error
}
