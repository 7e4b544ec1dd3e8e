package sandbox

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"net/url"
	"strings"
)

// consentPage renders the pages a person sees. They load nothing, run no
// script, and their one style sheet is allowed by its hash.
type consentPage struct {
	askT   *template.Template
	failT  *template.Template
	style  template.CSS
	policy string
	csrf   *http.CrossOriginProtection
}

//go:embed consent.css
var consentCSS string

//go:embed consent.html
var consentHTML string

//go:embed error.html
var errorHTML string

// pageData is what the consent page shows.
type pageData struct {
	Request, Client, Error, Chosen string
	People                         []Person
	Style                          template.CSS
	redirect                       string
}

func newConsentPage() *consentPage {
	sum := sha256.Sum256([]byte(consentCSS))
	return &consentPage{
		askT:  template.Must(template.New("consent").Parse(consentHTML)),
		failT: template.Must(template.New("error").Parse(errorHTML)),
		style: template.CSS(consentCSS),
		policy: "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
			"'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action ",
		csrf: http.NewCrossOriginProtection(),
	}
}

// ask shows the consent page. Browsers hold the redirect that answers the
// form to form-action too, and every redirect after it, so the client's own
// kind of address has to be allowed.
func (p *consentPage) ask(w http.ResponseWriter, status int, d pageData) {
	formAction := "'self' https: http://127.0.0.1:* http://localhost:*"
	if u, err := url.Parse(d.redirect); err == nil && u.Scheme == "http" && u.Hostname() != "127.0.0.1" && u.Hostname() != "localhost" {
		formAction = "'self' https: http:" // a loopback address that CSP cannot write, such as [::1]
	}
	if d.Chosen == "" && d.Error == "" && len(d.People) > 0 {
		d.Chosen = d.People[0].Login
	}
	d.Style = p.style
	p.write(w, status, p.policy+formAction, p.askT, d)
}

// fail shows an error to the person; text is ours.
func (p *consentPage) fail(w http.ResponseWriter, status int, text string) {
	p.write(w, status, p.policy+"'none'", p.failT, struct {
		Text  string
		Style template.CSS
	}{text, p.style})
}

func (p *consentPage) write(w http.ResponseWriter, status int, policy string, t *template.Template, data any) {
	var page strings.Builder
	if err := t.Execute(&page, data); err != nil {
		http.Error(w, "rendering the page", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	// Not no-referrer: that would turn the form's Origin into "null", which
	// the cross-origin check could not tell from another site.
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	writeHTML(w, status, page.String())
}
