package httpapi

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"acme.example/creditscore/acme"
	"acme.example/creditscore/acme/bank"
)

// getAuthorize is what authorize_url leads to: it starts the authorization at
// the bank and sends the browser there. A consent that is no longer waiting
// sends it back to the partner with the status it has.
func (a *API) getAuthorize(w http.ResponseWriter, r *http.Request) error {
	text, ok := pathID(r)
	if !ok {
		return a.sendBack(w, r, nil, acme.ErrNotFound)
	}
	id := acme.ConsentID(text)
	target, err := a.cfg.Engine.AuthorizeConsent(r.Context(), id)
	if err == nil {
		redirect(w, target)
		return nil
	}
	c, lookup := a.cfg.Engine.Consent(r.Context(), id)
	if lookup != nil {
		c = nil
	}
	return a.sendBack(w, r, c, err)
}

// getCallback is where the bank sends the browser back to (RFC 6749 section
// 4.1.2). Whatever the bank said, the browser goes on to the partner where
// the consent is known.
func (a *API) getCallback(w http.ResponseWriter, r *http.Request) error {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err == nil {
		for _, name := range []string{"code", "state", "iss", "error"} {
			if len(q[name]) > 1 {
				err = errors.New("a parameter is given more than once")
			}
		}
	}
	if err != nil || q.Get("state") == "" {
		return a.sendBack(w, r, nil, acme.ErrFlowUnknown)
	}
	// The code is traded for tokens now, which a slow bank draws out.
	a.hold(w, bankPatience)
	ctx, cancel := context.WithTimeout(r.Context(), bankPatience)
	defer cancel()
	c, err := a.cfg.Engine.CompleteConsent(ctx, bank.Callback{
		Code:   bank.NewToken(q.Get("code")),
		State:  bank.NewToken(q.Get("state")),
		Issuer: q.Get("iss"),
		Error:  q.Get("error"),
	})
	return a.sendBack(w, r, c, err)
}

// bankPatience is how long a call that has to wait for a bank may take.
const bankPatience = time.Minute

// sendBack takes the browser to the partner's redirect_uri with what became
// of the consent; where there is none to be trusted it shows a page.
func (a *API) sendBack(w http.ResponseWriter, r *http.Request, c *acme.Consent, err error) error {
	code := ""
	if err != nil {
		p, known := problemOf(err)
		if !known || p.Status >= 500 {
			a.cfg.Logger.WarnContext(r.Context(), "consent could not go on", "request_id", callOf(r).id, "error", err.Error())
		}
		code = browserCode(err)
	}
	if c == nil || c.RedirectURI == "" || !a.mayRedirect(c.Partner, c.RedirectURI) {
		a.pages.show(w, c, err)
		return nil
	}
	target, parseErr := url.Parse(c.RedirectURI)
	if parseErr != nil {
		a.pages.show(w, c, err)
		return nil
	}
	q := target.Query()
	q.Set("consent_id", string(c.ID))
	q.Set("status", string(c.Status))
	if code != "" {
		q.Set("error", code)
	}
	target.RawQuery = q.Encode()
	redirect(w, target.String())
	return nil
}

// browserCode is the word for an error that goes into a redirect; "" where
// the status says it all.
func browserCode(err error) string {
	var atBank *bank.Error
	switch {
	case errors.As(err, &atBank):
		return string(atBank.Code)
	case errors.Is(err, acme.ErrConsentUnusable):
		return ""
	case errors.Is(err, acme.ErrStopped), errors.Is(err, acme.ErrStoreClosed):
		return "temporarily_unavailable"
	}
	return "server_error"
}

// redirect keeps the addresses on the way, which hold codes and states, out of
// caches and Referer headers.
func redirect(w http.ResponseWriter, target string) {
	h := w.Header()
	h.Set("Location", target)
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(http.StatusFound)
}
