package bank_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"acme.example/creditscore/acme/bank"
)

const redirect = "https://acme.test/oauth/callback"

var clock = time.Date(2025, 3, 1, 12, 0, 0, 0, time.UTC)

// form reads what a request posted.
func form(t *testing.T, r *http.Request) url.Values {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Error(err)
	}
	v, err := url.ParseQuery(string(b))
	if err != nil {
		t.Error(err)
	}
	return v
}

func newOAuth(t *testing.T, bankDoes transport, change ...func(*bank.OAuthConfig)) *bank.OAuth {
	t.Helper()
	c := bank.OAuthConfig{
		ClientID: "acme:1", ClientSecret: bank.NewToken("secret/+"), Issuer: origin,
		AuthorizationURL: origin + "/authorize?tenant=7", TokenURL: origin + "/token", RevocationURL: origin + "/revoke",
		Scopes: []string{"accounts", "AIS:1"}, Transport: bankDoes, Now: func() time.Time { return clock },
	}
	for _, f := range change {
		f(&c)
	}
	o, err := bank.NewOAuth(c)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func authorize(t *testing.T, o *bank.OAuth) bank.Authorization {
	t.Helper()
	a, err := o.Authorize(t.Context(), redirect)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAuthorizeSendsChallengeAndState(t *testing.T) {
	t.Parallel()
	o := newOAuth(t, nil)
	a, b := authorize(t, o), authorize(t, o)
	u, err := url.Parse(a.URL)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(a.Verifier.Reveal()))
	for name, want := range map[string]string{
		"tenant": "7", "response_type": "code", "client_id": "acme:1", "redirect_uri": redirect, "scope": "accounts AIS:1",
		"state": a.State.Reveal(), "code_challenge_method": "S256", "code_challenge": base64.RawURLEncoding.EncodeToString(sum[:]),
	} {
		if got := u.Query().Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if len(a.State.Reveal()) < 43 || len(a.Verifier.Reveal()) < 43 || a.State.Reveal() == a.Verifier.Reveal() ||
		a.State.Reveal() == b.State.Reveal() || a.Verifier.Reveal() == b.Verifier.Reveal() {
		t.Error("state and verifier are 256 random bits each")
	}
	if strings.Contains(a.URL, a.Verifier.Reveal()) || strings.Contains(a.URL, "secret") {
		t.Error("the address tells a secret")
	}
}

func TestExchange(t *testing.T) {
	t.Parallel()
	var asked url.Values
	o := newOAuth(t, func(r *http.Request) (*http.Response, error) {
		asked = form(t, r)
		id, secret, _ := r.BasicAuth()
		if id != "acme%3A1" || secret != "secret%2F%2B" || r.URL.Path != "/token" || r.Method != http.MethodPost {
			t.Errorf("client authentication %q %q", id, secret)
		}
		return answer(200, `{"access_token":"at","token_type":"bearer","refresh_token":"rt","expires_in":3600,"consentId":"c-9"}`), nil
	})
	a := authorize(t, o)
	g, err := o.Exchange(t.Context(), redirect, a, bank.Callback{Code: bank.NewToken("co-de"), State: a.State, Issuer: origin})
	if err != nil {
		t.Fatal(err)
	}
	if g.AccessToken.Reveal() != "at" || g.RefreshToken.Reveal() != "rt" || !g.ExpiresAt.Equal(clock.Add(time.Hour)) || g.ConsentID.Reveal() != "c-9" {
		t.Error("grant misread")
	}
	for name, want := range map[string]string{"grant_type": "authorization_code", "code": "co-de", "redirect_uri": redirect, "code_verifier": a.Verifier.Reveal(), "client_secret": ""} {
		if asked.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, asked.Get(name), want)
		}
	}
}

func TestExchangeRefusesForeignAnswers(t *testing.T) {
	t.Parallel()
	mine := bank.NewToken("my-state")
	strict := func(c *bank.OAuthConfig) { c.RequireIssuer = true }
	for _, c := range []struct {
		rule   string
		change func(*bank.OAuthConfig)
		a      bank.Authorization
		cb     bank.Callback
		cause  error
		detail string
	}{
		{"another state", nil, bank.Authorization{State: mine}, bank.Callback{State: bank.NewToken("other"), Code: mine}, bank.ErrStateMismatch, "state does not match"},
		{"no state", nil, bank.Authorization{State: mine}, bank.Callback{Code: mine}, bank.ErrStateMismatch, "state does not match"},
		{"no authorization", nil, bank.Authorization{}, bank.Callback{Code: mine}, bank.ErrStateMismatch, "state does not match"},
		{"a mix-up of servers", nil, bank.Authorization{State: mine}, bank.Callback{State: mine, Code: mine, Issuer: "https://evil.test"}, bank.ErrIssuerMismatch, "issuer does not match"},
		{"a mix-up that is an error too", nil, bank.Authorization{State: mine}, bank.Callback{State: mine, Error: "access_denied", Issuer: "https://evil.test"}, bank.ErrIssuerMismatch, "issuer does not match"},
		{"no issuer where it is sent", strict, bank.Authorization{State: mine}, bank.Callback{State: mine, Code: mine}, bank.ErrIssuerMismatch, "issuer does not match"},
		{"denied", nil, bank.Authorization{State: mine}, bank.Callback{State: mine, Error: "access_denied"}, bank.ErrDenied, "access_denied"},
		{"an error of the standard", nil, bank.Authorization{State: mine}, bank.Callback{State: mine, Error: "invalid_scope"}, nil, "invalid_scope"},
		{"an error of its own", nil, bank.Authorization{State: mine}, bank.Callback{State: mine, Error: "DE89 secret"}, nil, "the bank answered with an error outside the standard"},
		{"nothing", nil, bank.Authorization{State: mine}, bank.Callback{State: mine}, nil, "the answer holds neither a code nor an error"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			t.Parallel()
			change := c.change
			if change == nil {
				change = func(*bank.OAuthConfig) {}
			}
			o := newOAuth(t, func(*http.Request) (*http.Response, error) {
				t.Error("the bank is asked")
				return nil, io.EOF
			}, change)
			_, err := o.Exchange(t.Context(), redirect, c.a, c.cb)
			if e := asError(t, err); e.Code != bank.CodeUnauthorized || e.Detail != c.detail || (c.cause != nil && !errors.Is(err, c.cause)) {
				t.Errorf("error %v, want %s", err, c.detail)
			}
		})
	}
}

func TestTokenFailures(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rule   string
		answer func(int) (*http.Response, error)
		code   bank.Code
		detail string
	}{
		{"invalid_grant", fixed(400, `{"error":"invalid_grant","error_description":"DE89 secret"}`), bank.CodeUnauthorized, "invalid_grant"},
		{"invalid_client", fixed(401, `{"error":"invalid_client"}`), bank.CodeUnauthorized, "invalid_client"},
		{"an error with 200", fixed(200, `{"error":"invalid_grant"}`), bank.CodeUnauthorized, "invalid_grant"},
		{"unknown words", fixed(400, `{"error":"DE89"}`), bank.CodeBadData, "unexpected answer"},
		{"401 for people", fixed(401, `<html>secret`), bank.CodeUnauthorized, ""},
		{"429", fixed(429, `{}`, "Retry-After", "7"), bank.CodeRateLimited, ""},
		{"503", fixed(503, `secret`), bank.CodeUnavailable, ""},
		{"a redirect", fixed(302, ``, "Location", "https://evil.test/"), bank.CodeBadData, "unexpected answer"},
		{"no token", fixed(200, `{}`), bank.CodeBadData, "the token answer could not be read"},
		{"no JSON", fixed(200, `DE89`), bank.CodeBadData, "the token answer could not be read"},
		{"another kind of token", fixed(200, `{"access_token":"at","token_type":"mac"}`), bank.CodeBadData, "the token is not a bearer token"},
		{"no connection", failing(io.EOF), bank.CodeUnavailable, "connection broken"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			t.Parallel()
			tries := 0
			o := newOAuth(t, func(*http.Request) (*http.Response, error) { tries++; return c.answer(tries) })
			g, err := o.Refresh(t.Context(), bank.Grant{RefreshToken: bank.NewToken("rt")})
			e := asError(t, err)
			if e.Code != c.code || e.Detail != c.detail || tries != 1 || !g.AccessToken.IsZero() {
				t.Errorf("error %v after %d tries, want %s %q after one", e, tries, c.code, c.detail)
			}
			if c.rule == "429" && e.RetryAfter != 7*time.Second {
				t.Errorf("wait %s", e.RetryAfter)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		_, err := newOAuth(t, stuck).Refresh(t.Context(), bank.Grant{RefreshToken: bank.NewToken("rt")})
		if e := asError(t, err); !errors.Is(err, context.DeadlineExceeded) || e.Detail != "no answer within 60s" {
			t.Errorf("error %v", err)
		}
	})
}

func TestRefreshKeepsWhatTheBankLeavesOut(t *testing.T) {
	t.Parallel()
	body := `{"access_token":"at2","token_type":"Bearer"}`
	o := newOAuth(t, func(r *http.Request) (*http.Response, error) {
		if f := form(t, r); f.Get("grant_type") != "refresh_token" || f.Get("refresh_token") != "rt" || f.Get("client_secret") != "secret/+" || f.Get("client_id") != "acme:1" {
			t.Errorf("asked %v", f)
		}
		return answer(200, body), nil
	}, func(c *bank.OAuthConfig) { c.SecretInBody = true })
	old := bank.Grant{RefreshToken: bank.NewToken("rt"), ConsentID: bank.NewText("c")}
	g, err := o.Refresh(t.Context(), old)
	if err != nil || g.AccessToken.Reveal() != "at2" || g.RefreshToken.Reveal() != "rt" || g.ConsentID.Reveal() != "c" || !g.ExpiresAt.IsZero() {
		t.Errorf("error %v", err)
	}
	body = `{"access_token":"at3","refresh_token":"rt3","expires_in":99999999999,"consent_id":"c3"}`
	g, err = o.Refresh(t.Context(), old)
	if err != nil || g.RefreshToken.Reveal() != "rt3" || g.ConsentID.Reveal() != "c3" || !g.ExpiresAt.After(clock) {
		t.Errorf("error %v, until %s", err, g.ExpiresAt)
	}
	if _, err := o.Refresh(t.Context(), bank.Grant{}); asError(t, err).Code != bank.CodeUnauthorized {
		t.Error(err)
	}
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	whole := bank.Grant{AccessToken: bank.NewToken("at"), RefreshToken: bank.NewToken("rt")}
	for _, c := range []struct {
		rule   string
		answer func(hint string) *http.Response
		asked  string
		code   bank.Code
	}{
		{"both tokens, refresh token first", func(string) *http.Response { return answer(200, "") }, "rt refresh_token, at access_token", ""},
		{"a server without access token revocation", func(hint string) *http.Response {
			if hint == "access_token" {
				return answer(400, `{"error":"unsupported_token_type"}`)
			}
			return answer(200, "")
		}, "rt refresh_token, at access_token", ""},
		{"a server that is down", func(string) *http.Response { return answer(503, "secret", "Retry-After", "9") }, "rt refresh_token", bank.CodeUnavailable},
		{"a wrong secret", func(string) *http.Response { return answer(401, `{"error":"invalid_client"}`) }, "rt refresh_token", bank.CodeUnauthorized},
	} {
		t.Run(c.rule, func(t *testing.T) {
			t.Parallel()
			var asked []string
			o := newOAuth(t, func(r *http.Request) (*http.Response, error) {
				f := form(t, r)
				if id, _, ok := r.BasicAuth(); !ok || id != "acme%3A1" || r.URL.Path != "/revoke" {
					t.Error("client is not authenticated")
				}
				asked = append(asked, f.Get("token")+" "+f.Get("token_type_hint"))
				return c.answer(f.Get("token_type_hint")), nil
			})
			err := o.Revoke(t.Context(), whole)
			if got := strings.Join(asked, ", "); got != c.asked {
				t.Errorf("asked %s, want %s", got, c.asked)
			}
			if c.code == "" && err != nil {
				t.Error(err)
			}
			if c.code != "" {
				if e := asError(t, err); e.Code != c.code {
					t.Error(err)
				}
			}
		})
	}
	o := newOAuth(t, stuck, func(c *bank.OAuthConfig) { c.RevocationURL = "" })
	if err := o.Revoke(t.Context(), whole); err != nil {
		t.Errorf("a bank without revocation: %v", err)
	}
}

func TestOAuthConfigFaultsAreAllReported(t *testing.T) {
	t.Parallel()
	_, err := bank.NewOAuth(bank.OAuthConfig{RevocationURL: "x", RequireIssuer: true, Timeout: -1, ClientSecret: bank.NewToken("secret")})
	if err == nil {
		t.Fatal("no error")
	}
	for _, field := range []string{"ClientID", "AuthorizationURL", "TokenURL", `RevocationURL: "x"`, "RequireIssuer", "Timeout: -1ns"} {
		if !strings.Contains(err.Error(), field) {
			t.Errorf("error does not tell %s: %v", field, err)
		}
	}
	if strings.Contains(err.Error(), "secret") {
		t.Error("the secret is told")
	}
}
