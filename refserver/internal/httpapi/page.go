package httpapi

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"html/template"
	"net/http"

	"acme.example/creditscore/acme"
	"acme.example/creditscore/acme/bank"
)

// pages shows the few pages a person can meet: when a consent cannot go on
// and there is no partner to send the browser back to. They hold no script
// and nothing that came in with the request.
type pages struct {
	template *template.Template
	policy   string
}

const pageStyle = `:root{color-scheme:light dark}
body{font:1.125rem/1.5 system-ui,sans-serif;max-width:36rem;margin:12vh auto;padding:0 1.25rem}
h1{font-size:1.5rem;line-height:1.25}`

const pageText = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{{.Title}}</title>
<style>` + pageStyle + `</style>
</head>
<body>
<main>
<h1>{{.Title}}</h1>
<p>{{.Text}}</p>
<p>You can close this page.</p>
</main>
</body>
</html>
`

func newPages() *pages {
	sum := sha256.Sum256([]byte(pageStyle))
	return &pages{
		template: template.Must(template.New("page").Parse(pageText)),
		policy: "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
			"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	}
}

// message is what a page says.
type message struct {
	status      int
	Title, Text string
}

// messageOf says what happened in words for the person at the browser.
func messageOf(c *acme.Consent, err error) message {
	var atBank *bank.Error
	switch {
	case errors.Is(err, acme.ErrFlowUnknown):
		return message{http.StatusBadRequest, "This link has been used or has run out",
			"Nothing was shared. Go back to the application you came from and start again there."}
	case errors.Is(err, acme.ErrNotFound):
		return message{http.StatusNotFound, "This link is not known",
			"Go back to the application you came from and start again there."}
	case errors.As(err, &atBank):
		return message{http.StatusBadGateway, "Your bank did not answer as expected",
			"Nothing was shared. Go back to the application you came from and try again later."}
	case errors.Is(err, acme.ErrStopped), errors.Is(err, acme.ErrStoreClosed):
		return message{http.StatusServiceUnavailable, "Please try again in a moment",
			"The service is being restarted. Go back to the application you came from and try again."}
	case err != nil && !errors.Is(err, acme.ErrConsentUnusable):
		return message{http.StatusInternalServerError, "Something went wrong on our side",
			"Go back to the application you came from and try again later."}
	case c != nil && c.Status == acme.ConsentAuthorized:
		return message{http.StatusOK, "Your consent was given", "Go back to the application you came from."}
	case c != nil && c.Status == acme.ConsentDenied:
		return message{http.StatusOK, "You said no, and nothing was shared", "Go back to the application you came from."}
	}
	return message{http.StatusConflict, "This consent is no longer open",
		"Go back to the application you came from and start again there."}
}

func (p *pages) show(w http.ResponseWriter, c *acme.Consent, err error) {
	m := messageOf(c, err)
	var out bytes.Buffer
	if err := p.template.Execute(&out, m); err != nil {
		panic(err) // the template and its data are fixed
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", p.policy)
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(m.status)
	_, _ = w.Write(out.Bytes())
}
