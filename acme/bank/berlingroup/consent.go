package berlingroup

import (
	"context"

	"acme.example/creditscore/acme/bank"
)

// CanConsent tells whether consents can be obtained through this Adapter:
// whether it was built with OAuth.
func (a *Adapter) CanConsent() bool { return a.oauth != nil }

// errNoConsent answers the methods of bank.Consenter of an Adapter without OAuth.
func errNoConsent() error {
	return &bank.Error{Code: bank.CodeUnauthorized, Op: "authorization", Detail: "no authorization server is configured for this bank"}
}

// Authorize is bank.OAuth's.
func (a *Adapter) Authorize(ctx context.Context, redirect string) (bank.Authorization, error) {
	if a.oauth == nil {
		return bank.Authorization{}, errNoConsent()
	}
	return a.oauth.Authorize(ctx, redirect)
}

// Exchange is bank.OAuth's.
func (a *Adapter) Exchange(ctx context.Context, redirect string, started bank.Authorization, cb bank.Callback) (bank.Grant, error) {
	if a.oauth == nil {
		return bank.Grant{}, errNoConsent()
	}
	return a.oauth.Exchange(ctx, redirect, started, cb)
}

// Refresh is bank.OAuth's.
func (a *Adapter) Refresh(ctx context.Context, g bank.Grant) (bank.Grant, error) {
	if a.oauth == nil {
		return bank.Grant{}, errNoConsent()
	}
	return a.oauth.Refresh(ctx, g)
}

// Revoke is bank.OAuth's; without OAuth there is nothing to end at the bank.
func (a *Adapter) Revoke(ctx context.Context, g bank.Grant) error {
	if a.oauth == nil {
		return nil
	}
	return a.oauth.Revoke(ctx, g)
}
