package httpapi_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"acme.example/creditscore/acme/bank"
)

type consent struct {
	ID, Status   string
	AuthorizeURL string `json:"authorize_url"`
}

func (w *world) newConsent(redirect string) consent {
	w.t.Helper()
	got := w.call("POST", "/v1/consents", `{"bank":"sandbox","subject":"user-42","redirect_uri":"`+redirect+`"}`)
	if got.status != 201 {
		w.t.Fatalf("%d %s", got.status, got.body)
	}
	var c consent
	got.into(w.t, &c)
	if got.header.Get("Location") != w.server.URL+"/v1/consents/"+c.ID {
		w.t.Errorf("Location %s", got.header.Get("Location"))
	}
	return c
}

// follow goes to the authorize_url and comes back with what the bank says.
func (w *world) follow(c consent, says url.Values) answer {
	w.t.Helper()
	there := w.browse(c.AuthorizeURL)
	if there.status != 302 {
		w.t.Fatalf("%d %s", there.status, there.body)
	}
	target, err := url.Parse(there.header.Get("Location"))
	if err != nil || target.Host != "bank.example" {
		w.t.Fatalf("Location %s", target)
	}
	if target.Query().Get("redirect_uri") != w.server.URL+"/oauth/callback" {
		w.t.Errorf("redirect_uri %s", target)
	}
	says.Set("state", target.Query().Get("state"))
	return w.browse(w.server.URL + "/oauth/callback?" + says.Encode())
}

func (w *world) browse(address string) answer {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), "GET", address, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.do(req)
}

// TestConsent shows what the browser meets after each answer of the bank.
func TestConsent(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		redirect string
		says     url.Values
		exchange error
		location string // with %s for the consent's id
		status   string
	}{
		{"allowed", "http://127.0.0.1:1/done", url.Values{"code": {"code-1"}}, nil,
			"http://127.0.0.1:1/done?consent_id=%s&status=authorized", "authorized"},
		{"allowed, a redirect_uri with a query", "https://partner.example/done?a=b", url.Values{"code": {"code-1"}}, nil,
			"https://partner.example/done?a=b&consent_id=%s&status=authorized", "authorized"},
		{"denied", "http://localhost/", url.Values{"error": {"access_denied"}}, nil,
			"http://localhost/?consent_id=%s&status=denied", "denied"},
		{"wrong code", "http://[::1]:7/x", url.Values{"code": {"wrong"}}, nil,
			"http://[::1]:7/x?consent_id=%s&error=bank_unauthorized&status=awaiting_authorization", "awaiting_authorization"},
		{"bank down", "http://localhost/", url.Values{"code": {"code-1"}}, &bank.Error{Code: bank.CodeUnavailable, Op: "authorization"},
			"http://localhost/?consent_id=%s&error=bank_unavailable&status=awaiting_authorization", "awaiting_authorization"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := setup(t, options{})
			con := w.newConsent(c.redirect)
			if con.Status != "awaiting_authorization" || con.AuthorizeURL == "" {
				t.Fatalf("%+v", con)
			}
			w.bank.set(func() { w.bank.exchange = c.exchange })
			got := w.follow(con, c.says)
			want := strings.Replace(c.location, "%s", con.ID, 1)
			if got.status != 302 || got.header.Get("Location") != want {
				t.Errorf("%d %s, want %s", got.status, got.header.Get("Location"), want)
			}
			if got.header.Get("Referrer-Policy") != "no-referrer" || got.header.Get("Cache-Control") != "no-store" {
				t.Errorf("headers %v", got.header)
			}
			var now consent
			w.call("GET", "/v1/consents/"+con.ID, "").into(t, &now)
			if now.Status != c.status || (now.AuthorizeURL != "") != (c.status == "awaiting_authorization") {
				t.Errorf("%+v", now)
			}
			for _, secret := range []string{"code-1", "state-", "bank-token-1"} {
				if strings.Contains(w.log.String(), secret) {
					t.Errorf("the log holds %q", secret)
				}
			}
		})
	}
}

// TestConsentUsedUp: an authorized consent scores, is not authorized twice,
// and is gone for everybody else.
func TestConsentUsedUp(t *testing.T) {
	t.Parallel()
	w := setup(t, options{})
	con := w.newConsent("http://127.0.0.1:1/done")
	w.follow(con, url.Values{"code": {"code-1"}})

	if got := w.browse(con.AuthorizeURL); got.status != 302 || !strings.HasSuffix(got.header.Get("Location"), "status=authorized") {
		t.Errorf("authorize_url again: %d %s", got.status, got.header.Get("Location"))
	}
	if got := w.call("POST", "/v1/scores", `{"consent_id":"`+con.ID+`"}`, "Prefer: wait=20"); got.status != 200 || got.job(t).Status != "completed" {
		t.Errorf("score: %d %s", got.status, got.body)
	}
	for _, c := range []struct{ method, path, body string }{
		{"GET", "/v1/consents/" + con.ID, ""}, {"DELETE", "/v1/consents/" + con.ID, ""},
		{"POST", "/v1/scores", `{"consent_id":"` + con.ID + `"}`},
	} {
		if got := w.call(c.method, c.path, c.body, w.asOther()); got.status != 404 {
			t.Errorf("another partner: %s %d", c.method, got.status)
		}
	}
	if got := w.call("DELETE", "/v1/consents/"+con.ID, ""); got.status != 204 || w.bank.revoked != 1 {
		t.Errorf("revoke: %d, at the bank %d times", got.status, w.bank.revoked)
	}
	if got := w.call("POST", "/v1/scores", `{"consent_id":"`+con.ID+`"}`); got.status != 409 || !strings.Contains(got.body, "consent-not-authorized") {
		t.Errorf("after revocation: %d %s", got.status, got.body)
	}
}

// TestConsentByToken: the partner already holds the token.
func TestConsentByToken(t *testing.T) {
	t.Parallel()
	w := setup(t, options{})
	got := w.call("POST", "/v1/consents", `{"bank":"tokens-only","subject":"u","access_token":"t-1","refresh_token":"t-2","expires_at":"2099-01-01T00:00:00Z"}`)
	var c consent
	got.into(t, &c)
	if got.status != 201 || c.Status != "authorized" || c.AuthorizeURL != "" || strings.Contains(got.body, "t-1") {
		t.Errorf("%d %s", got.status, got.body)
	}
	past := w.call("POST", "/v1/consents", `{"bank":"sandbox","subject":"u","access_token":"t-1","expires_at":"2001-01-01T00:00:00Z"}`)
	past.into(t, &c)
	if got := w.call("POST", "/v1/scores", `{"consent_id":"`+c.ID+`"}`); got.status != 409 {
		t.Errorf("expired consent: %d %s", got.status, got.body)
	}
}

// TestPages: where there is nobody to send the browser back to, a page says
// what happened, and holds nothing of the request.
func TestPages(t *testing.T) {
	t.Parallel()
	w := setup(t, options{})
	for _, c := range []struct {
		path   string
		status int
		says   string
	}{
		{"/oauth/callback?code=c&state=<script>", 400, "This link has been used or has run out"},
		{"/oauth/callback", 400, "This link has been used or has run out"},
		{"/oauth/callback?state=a&state=b", 400, "This link has been used or has run out"},
		{"/consents/con_01jd0000000000000000000000/authorize", 404, "This link is not known"},
		{"/consents/%3Cscript%3E/authorize", 404, "This link is not known"},
	} {
		got := w.browse(w.server.URL + c.path)
		if got.status != c.status || !strings.Contains(got.body, c.says) || strings.Contains(got.body, "script") {
			t.Errorf("%s: %d %s", c.path, got.status, got.body)
		}
		policy := got.header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("policy %q", policy)
		}
	}
	req, err := http.NewRequestWithContext(t.Context(), "HEAD", w.server.URL+"/oauth/callback?state=a", nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := w.do(req); got.status != 405 || got.header.Get("Allow") != "GET" {
		t.Errorf("HEAD: %d, Allow %q", got.status, got.header.Get("Allow"))
	}
}
