package httpapi

import (
	"context"
	"net/http"
	"slices"
	"time"

	"acme.example/creditscore/acme"
	"acme.example/creditscore/acme/bank"
	"acme.example/creditscore/refserver/internal/config"
)

// consentView is a consent as partners see it.
type consentView struct {
	*acme.Consent
	// AuthorizeURL is where to send the person's browser.
	AuthorizeURL string `json:"authorize_url,omitempty"`
}

func (a *API) viewConsent(c *acme.Consent) consentView {
	v := consentView{Consent: c}
	if c.Status == acme.ConsentAwaiting {
		v.AuthorizeURL = a.cfg.PublicURL + "/consents/" + string(c.ID) + "/authorize"
	}
	return v
}

func (a *API) postConsent(w http.ResponseWriter, r *http.Request) error {
	o, err := readObject(r)
	if err != nil {
		return err
	}
	partner := callOf(r).partner
	req := acme.ConsentRequest{
		Partner:       partner,
		Bank:          o.text("bank"),
		Subject:       o.text("subject"),
		RedirectURI:   o.text("redirect_uri"),
		AccessToken:   bank.NewToken(o.text("access_token")),
		RefreshToken:  bank.NewToken(o.text("refresh_token")),
		ExpiresAt:     o.instant("expires_at"),
		BankConsentID: bank.NewText(o.text("bank_consent_id")),
	}
	if req.RedirectURI != "" && !a.mayRedirect(partner, req.RedirectURI) {
		o.fault("redirect_uri", "must be one of the partner's redirect_uris, or http on loopback")
	}
	if err := o.done(); err != nil {
		return err
	}
	c, err := a.cfg.Engine.CreateConsent(r.Context(), req)
	if err != nil {
		return err
	}
	w.Header().Set("Location", a.cfg.PublicURL+"/v1/consents/"+string(c.ID))
	writeJSON(w, http.StatusCreated, a.viewConsent(c))
	return nil
}

// mayRedirect compares to the letter: prefixes and patterns are how open
// redirectors come about (RFC 9700 section 2.1).
func (a *API) mayRedirect(partner, uri string) bool {
	return slices.Contains(a.partners[partner].RedirectURIs, uri) || config.IsLoopbackURL(uri)
}

func (a *API) getConsent(w http.ResponseWriter, r *http.Request) error {
	c, err := a.ownConsent(r)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, a.viewConsent(c))
	return nil
}

func (a *API) deleteConsent(w http.ResponseWriter, r *http.Request) error {
	c, err := a.ownConsent(r)
	if err != nil {
		return err
	}
	// What counts is done first and here; the bank is given a while to follow.
	ctx, cancel := context.WithTimeout(r.Context(), revokePatience)
	defer cancel()
	if err := a.cfg.Engine.RevokeConsent(ctx, c.ID); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// revokePatience is how long a caller waits for the bank's own revocation.
const revokePatience = 15 * time.Second

// ownConsent finds the consent of the path. Another partner's is not found.
func (a *API) ownConsent(r *http.Request) (*acme.Consent, error) {
	id, ok := pathID(r)
	if !ok {
		return nil, acme.ErrNotFound
	}
	c, err := a.cfg.Engine.Consent(r.Context(), acme.ConsentID(id))
	if err != nil {
		return nil, err
	}
	if c.Partner != callOf(r).partner {
		return nil, acme.ErrNotFound
	}
	return c, nil
}
