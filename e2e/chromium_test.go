package e2e_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"acme.example/creditscore/acme/bank/sandbox"
)

// TestChromiumShowsThePages opens every page a person can meet: the bank's
// consent page, reached over the server's own redirects, the bank's error
// page and the server's.
func TestChromiumShowsThePages(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	pretend, err := sandbox.New(sandbox.Config{})
	if err != nil {
		t.Fatal(err)
	}
	site := httptest.NewServer(pretend)
	t.Cleanup(site.Close)
	bank := site.URL
	p := begin(t, "serve", "-config", writeConfig(t, settings{dataDir: t.TempDir(), bank: bank}))
	server := p.url()
	var consent struct {
		AuthorizeURL string `json:"authorize_url"`
	}
	newPartner(t, server, "demo").want(t, http.StatusCreated, http.MethodPost, "/v1/consents",
		`{"bank":"sandbox","subject":"user-42","redirect_uri":"http://127.0.0.1:9/done"}`).decode(t, &consent)

	pages := []struct {
		name, url string
		says      []string
		form      bool
	}{
		{
			name: "consent", url: consent.AuthorizeURL, form: true,
			says: []string{
				"Sandbox Bank", "Share your account data with acme?", "If you allow it, it can read", "It cannot",
				"move money or change anything", "Who are you?", "alice", "heidi", "Allow", "Deny",
			},
		},
		{
			name: "bank-error", url: bank + "/authorize?" + url.Values{"client_id": {"nobody"}}.Encode(),
			says: []string{"This did not work", "not known to this bank", "Nothing was shared. You can close this page."},
		},
		{
			name: "server-unknown-link", url: server + "/consents/con_00000000000000000000000000/authorize",
			says: []string{"This link is not known", "start again there", "You can close this page."},
		},
		{
			name: "server-used-link", url: server + "/oauth/callback?" + url.Values{"code": {"x"}, "state": {"used-before"}}.Encode(),
			says: []string{"This link has been used or has run out", "Nothing was shared.", "You can close this page."},
		},
	}
	for _, page := range pages {
		t.Run(page.name, func(t *testing.T) {
			t.Parallel()
			markup, words := b.dom(t, page.url)
			for _, want := range page.says {
				if !strings.Contains(words, want) {
					t.Errorf("the page does not say %q; it says:\n%s", want, words)
				}
			}
			for _, must := range []string{`lang="en"`, `name="viewport"`, "<h1>", "<main>"} {
				if !strings.Contains(markup, must) {
					t.Errorf("the page has no %s", must)
				}
			}
			if has := strings.Contains(markup, `<form`); has != page.form {
				t.Errorf("the page has a form: %v", has)
			}
			if strings.Contains(markup, "<script") {
				t.Error("the page has a script")
			}
			h := get(t, page.url)
			if policy := h.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'none'") {
				t.Errorf("content security policy %q", policy)
			}
			b.shot(t, page.name, markup, phone)
			b.shot(t, page.name, markup, desktop)
		})
	}
}
