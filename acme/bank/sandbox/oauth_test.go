package sandbox_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"acme.example/creditscore/acme/bank/sandbox"
)

func TestAuthorizationCodeFlow(t *testing.T) {
	t.Parallel()
	f := setup(t, sandbox.Config{})
	q := back(t, f.answerPage(authorizeQuery(), "bob", "allow"))
	if q.Get("state") != "st-1" || q.Get("iss") != f.url || q.Get("code") == "" {
		t.Fatalf("redirect carries %v", q)
	}
	var tok tokenAnswer
	a := f.post("/token", exchangeForm(q.Get("code")))
	a.into(t, &tok)
	if a.status != 200 || tok.TokenType != "Bearer" || tok.ExpiresIn != 3600 || tok.RefreshToken == "" || tok.ConsentID == "" {
		t.Fatalf("HTTP %d %s", a.status, a.body)
	}
	if a.header.Get("Cache-Control") != "no-store" {
		t.Error("tokens may be cached")
	}
	mine, fixed := f.get("/v1/accounts", tok.AccessToken), f.get("/v1/accounts", sandbox.Token("bob"))
	if mine.status != 200 || string(mine.body) != string(fixed.body) {
		t.Errorf("HTTP %d %s, want bob's accounts", mine.status, mine.body)
	}
	status := f.get("/v1/consents/"+tok.ConsentID+"/status", "")
	if !strings.Contains(string(status.body), `"valid"`) {
		t.Errorf("consent is %s", status.body)
	}
}

func TestDenialIsAccessDenied(t *testing.T) {
	t.Parallel()
	f := setup(t, sandbox.Config{})
	q := back(t, f.answerPage(authorizeQuery(), "", "deny"))
	if q.Get("error") != "access_denied" || q.Get("state") != "st-1" || q.Get("iss") != f.url || q.Has("code") {
		t.Errorf("redirect carries %v", q)
	}
}

func TestReplayedCodeRevokesItsTokens(t *testing.T) {
	t.Parallel()
	f := setup(t, sandbox.Config{})
	code := back(t, f.answerPage(authorizeQuery(), "alice", "allow")).Get("code")
	var tok tokenAnswer
	f.post("/token", exchangeForm(code)).into(t, &tok)
	if a := f.post("/token", exchangeForm(code)); a.status != 400 || a.code() != "invalid_grant" {
		t.Errorf("second use: HTTP %d %s", a.status, a.code())
	}
	if a := f.get("/v1/accounts", tok.AccessToken); a.status != 401 || a.code() != "CONSENT_INVALID" {
		t.Errorf("first token: HTTP %d %s", a.status, a.code())
	}
}

func TestCodeIsGivenToItsClientAlone(t *testing.T) {
	t.Parallel()
	f := setup(t, sandbox.Config{Clients: map[string]string{"acme": "sandbox-secret", "other": "other-secret"}})
	code := back(t, f.answerPage(authorizeQuery(), "alice", "allow")).Get("code")
	for _, c := range []struct {
		name   string
		change url.Values
		status int
		code   string
	}{
		{"wrong verifier", url.Values{"code_verifier": {strings.Repeat("a", 43)}}, 400, "invalid_grant"},
		{"no verifier", url.Values{"code_verifier": {""}}, 400, "invalid_grant"},
		{"another redirect_uri", url.Values{"redirect_uri": {redirect + "/"}}, 400, "invalid_grant"},
		{"another client", url.Values{"client_id": {"other"}, "client_secret": {"other-secret"}}, 400, "invalid_grant"},
		{"wrong secret", url.Values{"client_secret": {"guess"}}, 401, "invalid_client"},
		{"unknown client", url.Values{"client_id": {"nobody"}, "client_secret": {""}}, 401, "invalid_client"},
		{"unknown code", url.Values{"code": {"guess"}}, 400, "invalid_grant"},
		{"unknown grant type", url.Values{"grant_type": {"password"}}, 400, "unsupported_grant_type"},
		{"twice the code", url.Values{"code": {"a", "b"}}, 400, "invalid_request"},
	} {
		form := exchangeForm(code)
		for k, v := range c.change {
			form[k] = v
		}
		a := f.post("/token", form)
		if a.status != c.status || a.code() != c.code {
			t.Errorf("%s: HTTP %d %s, want %d %s", c.name, a.status, a.code(), c.status, c.code)
		}
		if c.status == 401 && a.header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s: 401 without WWW-Authenticate", c.name)
		}
	}
	if a := f.post("/token", exchangeForm(code)); a.status != 200 {
		t.Errorf("the right request after all: HTTP %d %s", a.status, a.body)
	}
}

func TestClientMayUseBasic(t *testing.T) {
	t.Parallel()
	f := setup(t, sandbox.Config{Clients: map[string]string{"ac me": "s%:cret"}})
	q := authorizeQuery()
	q.Set("client_id", "ac me")
	form := exchangeForm(back(t, f.answerPage(q, "alice", "allow")).Get("code"))
	form.Del("client_id")
	form.Del("client_secret")
	req := f.request("POST", "/token", form.Encode())
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(url.QueryEscape("ac me"), url.QueryEscape("s%:cret"))
	if a := f.do(req); a.status != 200 {
		t.Errorf("HTTP %d %s", a.status, a.body)
	}
}

func TestUntrustedRequestsGetAPageNotARedirect(t *testing.T) {
	t.Parallel()
	f := setup(t, sandbox.Config{})
	for name, change := range map[string]url.Values{
		"unknown client":       {"client_id": {"evil"}},
		"no redirect":          {"redirect_uri": {""}},
		"http elsewhere":       {"redirect_uri": {"http://evil.example/cb"}},
		"relative":             {"redirect_uri": {"/cb"}},
		"script":               {"redirect_uri": {"javascript:alert(1)"}},
		"fragment":             {"redirect_uri": {"https://a.example/#x"}},
		"user info":            {"redirect_uri": {"https://127.0.0.1@evil.example/"}},
		"two redirect_uris":    {"redirect_uri": {redirect, "https://evil.example"}},
		"loopback look-alike":  {"redirect_uri": {"http://127.0.0.1.evil.example/"}},
		"localhost look-alike": {"redirect_uri": {"http://localhost.evil.example/"}},
	} {
		q := authorizeQuery()
		for k, v := range change {
			q[k] = v
		}
		a := f.get("/authorize?"+q.Encode(), "")
		if a.status != 400 || a.header.Get("Location") != "" || !strings.Contains(string(a.body), "This did not work") {
			t.Errorf("%s: HTTP %d to %q", name, a.status, a.header.Get("Location"))
		}
	}
}

func TestBadRequestsGoBackWithAnError(t *testing.T) {
	t.Parallel()
	f := setup(t, sandbox.Config{})
	for name, c := range map[string]struct {
		change url.Values
		want   string
	}{
		"token flow":      {url.Values{"response_type": {"token"}}, "unsupported_response_type"},
		"no PKCE":         {url.Values{"code_challenge": {""}}, "invalid_request"},
		"plain PKCE":      {url.Values{"code_challenge_method": {"plain"}}, "invalid_request"},
		"short challenge": {url.Values{"code_challenge": {"abc"}}, "invalid_request"},
		"two states":      {url.Values{"state": {"st-1", "b"}}, "invalid_request"},
		"unknown consent": {url.Values{"scope": {"AIS:nothing"}}, "invalid_scope"},
	} {
		q := authorizeQuery()
		for k, v := range c.change {
			q[k] = v
		}
		got := back(t, f.get("/authorize?"+q.Encode(), ""))
		if got.Get("error") != c.want || got.Get("state") != "st-1" || got.Get("iss") != f.url {
			t.Errorf("%s: %v, want %s", name, got, c.want)
		}
	}
}

func TestConsentPageIsClosedToOthers(t *testing.T) {
	t.Parallel()
	f := setup(t, sandbox.Config{})
	page := f.get("/authorize?"+authorizeQuery().Encode()+"&login_hint=grace", "")
	csp := page.header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "style-src 'sha256-", "form-action 'self'"} {
		if !strings.Contains(csp, want) {
			t.Errorf("policy %q lacks %q", csp, want)
		}
	}
	text := string(page.body)
	for _, want := range []string{`<html lang="en">`, `name="viewport"`, "<legend>", `value="grace" required checked`, `value="deny"`} {
		if !strings.Contains(text, want) {
			t.Errorf("page lacks %s", want)
		}
	}
	if strings.Contains(text, "<script") || strings.Contains(text, "ZgotmplZ") || strings.Contains(text, "://") {
		t.Error("page has a script, a filtered value or an outside address")
	}
	id := requestField.FindStringSubmatch(text)[1]
	form := url.Values{"request": {id}, "person": {"grace"}, "decision": {"allow"}}
	req := f.request("POST", "/authorize", form.Encode())
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	if a := f.do(req); a.status != 403 || a.header.Get("Location") != "" {
		t.Errorf("from another site: HTTP %d", a.status)
	}
	if a := f.post("/authorize", url.Values{"request": {id}, "person": {"nobody"}, "decision": {"allow"}}); a.status != 422 || !strings.Contains(string(a.body), `role="alert"`) {
		t.Errorf("unknown person: HTTP %d", a.status)
	}
	if a := f.post("/authorize", form); a.status != 303 {
		t.Errorf("answer: HTTP %d", a.status)
	}
	if a := f.post("/authorize", form); a.status != 400 || a.header.Get("Location") != "" {
		t.Errorf("second answer: HTTP %d", a.status)
	}
	if a := f.post("/authorize", url.Values{"request": {"guess"}, "person": {"alice"}, "decision": {"allow"}}); a.status != 400 {
		t.Errorf("guessed request: HTTP %d", a.status)
	}
}

func TestRefreshRotatesAndReuseRevokes(t *testing.T) {
	t.Parallel()
	f := setup(t, sandbox.Config{})
	first := f.login("alice")
	refresh := func(token string) (tokenAnswer, answer) {
		a := f.post("/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}, "client_id": {"acme"}, "client_secret": {"sandbox-secret"}})
		var v tokenAnswer
		a.into(t, &v)
		return v, a
	}
	second, a := refresh(first.RefreshToken)
	if a.status != 200 || second.RefreshToken == first.RefreshToken || second.ConsentID != first.ConsentID {
		t.Fatalf("HTTP %d %s", a.status, a.body)
	}
	if a := f.get("/v1/accounts", second.AccessToken); a.status != 200 {
		t.Errorf("new token: HTTP %d", a.status)
	}
	if _, a := refresh(first.RefreshToken); a.code() != "invalid_grant" {
		t.Errorf("reuse: HTTP %d %s", a.status, a.code())
	}
	if _, a := refresh(second.RefreshToken); a.code() != "invalid_grant" {
		t.Errorf("after reuse: HTTP %d %s", a.status, a.code())
	}
	if a := f.get("/v1/accounts", second.AccessToken); a.status != 401 {
		t.Errorf("after reuse: HTTP %d", a.status)
	}
}

func TestRevocationEndsTheGrant(t *testing.T) {
	t.Parallel()
	f := setup(t, sandbox.Config{Clients: map[string]string{"acme": "sandbox-secret", "other": "s"}})
	tok := f.login("erin")
	revoke := func(client, secret, token string) int {
		return f.post("/revoke", url.Values{"token": {token}, "client_id": {client}, "client_secret": {secret}}).status
	}
	if s := revoke("acme", "sandbox-secret", "unknown"); s != 200 {
		t.Errorf("unknown token: HTTP %d", s)
	}
	if s := revoke("other", "s", tok.RefreshToken); s != 200 || f.get("/v1/accounts", tok.AccessToken).status != 200 {
		t.Errorf("another client's: HTTP %d, or the grant ended", s)
	}
	if s := revoke("acme", "wrong", tok.RefreshToken); s != 401 {
		t.Errorf("wrong secret: HTTP %d", s)
	}
	if s := revoke("acme", "sandbox-secret", tok.RefreshToken); s != 200 {
		t.Errorf("own: HTTP %d", s)
	}
	if a := f.get("/v1/accounts", tok.AccessToken); a.status != 401 {
		t.Errorf("after revocation: HTTP %d", a.status)
	}
}

func TestTokensExpire(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	now := today
	f := setup(t, sandbox.Config{AccessTokenLifetime: time.Minute, Now: func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return now
	}})
	tok := f.login("alice")
	mu.Lock()
	now = now.Add(time.Minute)
	mu.Unlock()
	a := f.get("/v1/accounts", tok.AccessToken)
	if a.status != 401 || a.code() != "TOKEN_EXPIRED" || !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer") {
		t.Errorf("HTTP %d %s", a.status, a.code())
	}
}

func TestOldestTokenIsForgottenAtTheCap(t *testing.T) {
	t.Parallel()
	f := setup(t, sandbox.Config{MaxGrants: 2})
	a, b, c := f.login("alice"), f.login("bob"), f.login("carol")
	if got := f.get("/v1/accounts", a.AccessToken); got.code() != "TOKEN_UNKNOWN" {
		t.Errorf("oldest: HTTP %d %s", got.status, got.code())
	}
	for _, tok := range []tokenAnswer{b, c} {
		if got := f.get("/v1/accounts", tok.AccessToken); got.status != 200 {
			t.Errorf("newer: HTTP %d %s", got.status, got.code())
		}
	}
}

func TestConsentIsTakenUpByScope(t *testing.T) {
	t.Parallel()
	f := setup(t, sandbox.Config{})
	create := func(body string) answer { return f.do(f.request("POST", "/v1/consents", body)) }
	a := create(`{"access":{"allPsd2":"allAccounts"},"recurringIndicator":true,"validUntil":"2026-06-01","frequencyPerDay":4}`)
	var c struct {
		ConsentID string `json:"consentId"`
		Status    string `json:"consentStatus"`
	}
	a.into(t, &c)
	if a.status != 201 || c.Status != "received" || !strings.HasSuffix(a.header.Get("Location"), "/v1/consents/"+c.ConsentID) ||
		!strings.Contains(string(a.body), `"scaOAuth":{"href":"`+f.url+`/.well-known/oauth-authorization-server"}`) {
		t.Fatalf("HTTP %d %s", a.status, a.body)
	}
	q := authorizeQuery()
	q.Set("scope", "AIS:"+c.ConsentID)
	var tok tokenAnswer
	f.post("/token", exchangeForm(back(t, f.answerPage(q, "alice", "allow")).Get("code"))).into(t, &tok)
	if tok.ConsentID != c.ConsentID {
		t.Errorf("the token's consent is not the one created")
	}
	for id, want := range map[string]int{c.ConsentID: 200, "other": 403} {
		req := f.request("GET", "/v1/accounts", "")
		req.Header.Set("Authorization", "Bearer "+tok.AccessToken)
		req.Header.Set("Consent-ID", id)
		if a := f.do(req); a.status != want {
			t.Errorf("Consent-ID: HTTP %d, want %d", a.status, want)
		}
	}
	if a := f.do(f.request("DELETE", "/v1/consents/"+c.ConsentID, "")); a.status != 204 {
		t.Errorf("delete: HTTP %d", a.status)
	}
	if a := f.get("/v1/accounts", tok.AccessToken); a.code() != "CONSENT_INVALID" {
		t.Errorf("after deletion: HTTP %d %s", a.status, a.code())
	}
	for body, want := range map[string]string{
		`{`: "FORMAT_ERROR", `{"access":{}}`: "FORMAT_ERROR",
		`{"access":{"allPsd2":"allAccounts"},"validUntil":"2020-01-01","frequencyPerDay":4}`: "PERIOD_INVALID",
	} {
		if a := create(body); a.status != 400 || a.code() != want {
			t.Errorf("%s: HTTP %d %s", body, a.status, a.code())
		}
	}
}

func TestMetadataNamesTheEndpoints(t *testing.T) {
	t.Parallel()
	f := setup(t, sandbox.Config{BaseURL: "https://bank.example"})
	var m map[string]any
	f.get("/.well-known/oauth-authorization-server", "").into(t, &m)
	if m["issuer"] != "https://bank.example" || m["token_endpoint"] != "https://bank.example/token" || m["authorization_response_iss_parameter_supported"] != true {
		t.Errorf("metadata %v", m)
	}
	if iss := back(t, f.answerPage(authorizeQuery(), "alice", "allow")).Get("iss"); iss != "https://bank.example" {
		t.Errorf("iss %q", iss)
	}
	a := f.do(f.request("PUT", "/token", ""))
	if a.status != http.StatusMethodNotAllowed || a.header.Get("Allow") != "POST" {
		t.Errorf("wrong method: HTTP %d, Allow %q", a.status, a.header.Get("Allow"))
	}
}
