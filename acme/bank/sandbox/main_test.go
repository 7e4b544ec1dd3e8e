package sandbox_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"acme.example/creditscore/acme/bank/sandbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// today is the day every test's bank lives in.
var today = time.Date(2026, time.March, 18, 10, 30, 0, 0, time.UTC)

func fixedNow() time.Time { return today }

// setup starts a bank behind a server and returns a client of it.
type fixture struct {
	t    *testing.T
	bank *sandbox.Bank
	url  string
	http *http.Client
}

func setup(t *testing.T, cfg sandbox.Config) *fixture {
	t.Helper()
	if cfg.Now == nil {
		cfg.Now = fixedNow
	}
	b, err := sandbox.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(b)
	srv.Config.ErrorLog = nil
	srv.Start()
	client := &http.Client{Transport: &http.Transport{}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	t.Cleanup(func() {
		client.CloseIdleConnections()
		_ = b.Close()
		srv.Close()
	})
	return &fixture{t: t, bank: b, url: srv.URL, http: client}
}

// answer is a response read to its end.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) into(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal(a.body, v); err != nil {
		t.Fatalf("HTTP %d, not JSON (%v): %.200s", a.status, err, a.body)
	}
}

// code is the first tppMessage's code or the OAuth error.
func (a answer) code() string {
	var v struct {
		TPPMessages []struct{ Code string } `json:"tppMessages"`
		Error       string                  `json:"error"`
	}
	if json.Unmarshal(a.body, &v) == nil && len(v.TPPMessages) > 0 {
		return v.TPPMessages[0].Code
	}
	return v.Error
}

func (f *fixture) do(req *http.Request) answer {
	f.t.Helper()
	res, err := f.http.Do(req)
	if err != nil {
		f.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, body}
}

func (f *fixture) request(method, path, body string) *http.Request {
	f.t.Helper()
	target := path
	if strings.HasPrefix(path, "/") {
		target = f.url + path
	}
	req, err := http.NewRequestWithContext(f.t.Context(), method, target, strings.NewReader(body))
	if err != nil {
		f.t.Fatal(err)
	}
	return req
}

func (f *fixture) get(path, token string) answer {
	f.t.Helper()
	req := f.request("GET", path, "")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return f.do(req)
}

func (f *fixture) post(path string, form url.Values) answer {
	f.t.Helper()
	req := f.request("POST", path, form.Encode())
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return f.do(req)
}

const (
	verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" // RFC 7636 appendix B
	redirect = "http://127.0.0.1:8080/oauth/callback"
)

// authorizeQuery is a good authorization request.
func authorizeQuery() url.Values {
	sum := sha256.Sum256([]byte(verifier))
	return url.Values{"response_type": {"code"}, "client_id": {"acme"}, "redirect_uri": {redirect}, "state": {"st-1"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"}, "nonce": {"ignored"}}
}

var requestField = regexp.MustCompile(`name="request" value="([^"]+)"`)

// answerPage opens the consent page and posts its form.
func (f *fixture) answerPage(q url.Values, person, decision string) answer {
	f.t.Helper()
	page := f.get("/authorize?"+q.Encode(), "")
	m := requestField.FindSubmatch(page.body)
	if page.status != 200 || m == nil {
		f.t.Fatalf("HTTP %d, no form in %s %s", page.status, page.header.Get("Location"), page.body)
	}
	return f.post("/authorize", url.Values{"request": {string(m[1])}, "person": {person}, "decision": {decision}})
}

// back is the query of the redirect to the client.
func back(t *testing.T, a answer) url.Values {
	t.Helper()
	u, err := url.Parse(a.header.Get("Location"))
	if err != nil || a.status != http.StatusSeeOther || !strings.HasPrefix(u.String(), redirect) {
		t.Fatalf("HTTP %d to %q (%v)", a.status, a.header.Get("Location"), err)
	}
	return u.Query()
}

func exchangeForm(code string) url.Values {
	return url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {redirect}, "code_verifier": {verifier},
		"client_id": {"acme"}, "client_secret": {"sandbox-secret"}}
}

type tokenAnswer struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int    `json:"expires_in"`
	ConsentID    string `json:"consentId"`
}

// login takes a person through the whole dance.
func (f *fixture) login(person string) tokenAnswer {
	f.t.Helper()
	a := f.post("/token", exchangeForm(back(f.t, f.answerPage(authorizeQuery(), person, "allow")).Get("code")))
	var v tokenAnswer
	if a.into(f.t, &v); a.status != 200 {
		f.t.Fatalf("HTTP %d %s", a.status, a.body)
	}
	return v
}
