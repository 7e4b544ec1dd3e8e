package httpapi_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestToken shows each way to ask for a token.
func TestToken(t *testing.T) {
	t.Parallel()
	w := setup(t, options{})
	const secret = "demo+secret%2F 1" // with what form-encoding would change
	grant := "grant_type=client_credentials"
	basic := func(id, secret string) func(*http.Request) {
		return func(r *http.Request) { r.SetBasicAuth(id, secret) }
	}
	none := func(*http.Request) {}
	inForm := url.Values{"grant_type": {"client_credentials"}, "client_id": {"demo"}, "client_secret": {secret}}.Encode()
	for _, c := range []struct {
		name   string
		change func(*http.Request)
		form   string
		status int
		error  string
	}{
		{"basic, as it stands", basic("demo", secret), grant, 200, ""},
		{"basic, form-encoded", basic("demo", url.QueryEscape(secret)), grant, 200, ""},
		{"basic and the same client_id", basic("demo", secret), grant + "&client_id=demo", 200, ""},
		{"form", none, inForm, 200, ""},
		{"wrong secret", basic("demo", "wrong"), grant, 401, "invalid_client"},
		{"another's secret", basic("demo", "other-secret"), grant, 401, "invalid_client"},
		{"unknown client", basic("nobody", secret), grant, 401, "invalid_client"},
		{"unknown client, empty secret", basic("nobody", ""), grant, 401, "invalid_client"},
		{"no credentials", none, grant, 401, "invalid_client"},
		{"bearer for basic", func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }, grant, 401, "invalid_client"},
		{"two ways at once", basic("demo", secret), inForm, 400, "invalid_request"},
		{"another client_id", basic("demo", secret), grant + "&client_id=other", 400, "invalid_request"},
		{"parameter twice", basic("demo", secret), grant + "&" + grant, 400, "invalid_request"},
		{"no grant type", basic("demo", secret), "", 400, "invalid_request"},
		{"another grant type", basic("demo", secret), "grant_type=password", 400, "unsupported_grant_type"},
		{"a scope", basic("demo", secret), grant + "&scope=all", 400, "invalid_scope"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := w.signIn(c.change, c.form)
			if got.status != c.status || got.header.Get("Cache-Control") != "no-store" || got.header.Get("Content-Type") != "application/json" {
				t.Errorf("%d %v %s", got.status, got.header, got.body)
			}
			var body struct {
				AccessToken string `json:"access_token"`
				TokenType   string `json:"token_type"`
				ExpiresIn   int    `json:"expires_in"`
				Error       string
			}
			got.into(t, &body)
			if body.Error != c.error {
				t.Errorf("error %q, want %q", body.Error, c.error)
			}
			if c.status == 200 && (body.AccessToken == "" || body.TokenType != "Bearer" || body.ExpiresIn != 3600) {
				t.Errorf("got %s", got.body)
			}
			if c.status == 401 && !strings.HasPrefix(got.header.Get("WWW-Authenticate"), "Basic ") {
				t.Error("no WWW-Authenticate")
			}
		})
	}
}

// TestTokenInQueryIsNoCredential: what ends up in logs on the way is refused.
func TestTokenInQueryIsNoCredential(t *testing.T) {
	t.Parallel()
	w := setup(t, options{})
	req, err := http.NewRequestWithContext(t.Context(), "POST", w.server.URL+"/oauth/token?grant_type=client_credentials&client_id=other&client_secret=other-secret", nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := w.do(req); got.status != 401 {
		t.Errorf("%d %s", got.status, got.body)
	}
}

// TestTokenEnds: an access token is good for an hour, and no longer.
func TestTokenEnds(t *testing.T) {
	t.Parallel()
	var later atomic.Int64
	w := setup(t, options{now: func() time.Time { return time.Now().Add(time.Duration(later.Load())) }})
	if got := w.call("GET", "/v1/scores", ""); got.status != 200 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	later.Store(int64(59 * time.Minute))
	if got := w.call("GET", "/v1/scores", ""); got.status != 200 {
		t.Errorf("after 59 minutes: %d", got.status)
	}
	later.Store(int64(time.Hour + time.Second))
	if got := w.call("GET", "/v1/scores", ""); got.status != 401 || !strings.Contains(got.header.Get("WWW-Authenticate"), "invalid_token") {
		t.Errorf("after an hour: %d", got.status)
	}
}

// TestTokenIsSealed: no byte of a token can be changed.
func TestTokenIsSealed(t *testing.T) {
	t.Parallel()
	w := setup(t, options{})
	token := w.token("demo", "demo+secret%2F 1")
	for i := range token {
		changed := []byte(token)
		changed[i] = 'A' + (changed[i]-'A'+1)%26
		if string(changed) == token {
			continue
		}
		if got := w.call("GET", "/v1/scores", "", "Authorization: Bearer "+string(changed)); got.status != 401 {
			t.Fatalf("byte %d changed: %d", i, got.status)
		}
	}
}

func TestMetadata(t *testing.T) {
	t.Parallel()
	w := setup(t, options{})
	got := w.call("GET", "/.well-known/oauth-authorization-server", "", "-Authorization")
	var m struct {
		Issuer        string
		TokenEndpoint string `json:"token_endpoint"`
	}
	got.into(t, &m)
	if m.Issuer != w.server.URL || m.TokenEndpoint != w.server.URL+"/oauth/token" {
		t.Errorf("got %s", got.body)
	}
}
