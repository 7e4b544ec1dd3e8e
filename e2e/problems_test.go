package e2e_test

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"acme.example/creditscore/acme/keyset"
)

// marker stands in for a token or a person's data in bad requests. No answer
// and no line of the log may repeat it.
const marker = "Zq7-planted-secret-x9"

// wrong is a request that is refused, and how.
type wrong struct {
	name, method, path, body string
	headers                  []string
	status                   int
	kind                     string // the end of the problem's type
	fields                   []string
	header                   string // "Name: part of its value" that the answer must carry
}

// TestProblems sends bad requests to a real server and checks that each gets
// its documented problem, and that nobody else notices.
func TestProblems(t *testing.T) {
	t.Parallel()
	dataDir := filepath.Join(t.TempDir(), "data")
	config := writeConfig(t, settings{dataDir: dataDir, bank: silentBank(t), timeout: "4s", more: "limits:\n  max_accepted: 3"})
	server := begin(t, "serve", "-config", config)
	p := newPartner(t, server.url(), "demo")
	other := newPartner(t, server.url(), "other")
	theirs := belongings(t, other)
	expired := "consent_id\":\"" + consentUntil(t, p, time.Now().Add(-time.Minute)) + "\""

	score := func(more string) string {
		return `{"bank":"sandbox","subject":"s","access_token":"` + marker + `"` + more + `}`
	}
	cases := []wrong{
		// What cannot be read.
		{name: "no JSON", body: `{"bank": ` + marker, status: 400, kind: "malformed-request"},
		{name: "JSON cut off", body: score("")[:40], status: 400, kind: "malformed-request"},
		{name: "text after the JSON", body: score("") + score(""), status: 400, kind: "malformed-request"},
		{name: "a member twice", body: score(`,"bank":"` + marker + `"`), status: 400, kind: "malformed-request", fields: []string{"bank"}},
		{name: "not UTF-8", body: score(",\"webhook_url\":\"\xff\xfe\""), status: 400, kind: "malformed-request"},
		{name: "nested too deep", body: score(`,"metadata":` + strings.Repeat(`{"a":`, 400) + "1" + strings.Repeat("}", 400)), status: 400, kind: "malformed-request"},
		{name: "empty body", body: " ", status: 400, kind: "malformed-request"},
		{name: "a list", body: `["` + marker + `"]`, status: 422, kind: "invalid-request"},

		// What can be read and is wrong; every fault at once.
		{name: "unknown member", body: score(`,"acess_token":"` + marker + `"`), status: 422, kind: "invalid-request", fields: []string{"acess_token"}},
		{name: "wrong types", body: `{"bank":7,"subject":["` + marker + `"],"access_token":{"v":"` + marker + `"},"metadata":"` + marker + `","loan":1}`,
			status: 422, kind: "invalid-request", fields: []string{"bank", "subject", "access_token", "metadata", "loan"}},
		{name: "nothing given", body: `{}`, status: 422, kind: "invalid-request", fields: []string{"bank", "subject", "access_token"}},
		{name: "both ways at once", body: score(`,"consent_id":"con_x"`), status: 422, kind: "invalid-request", fields: []string{"bank", "subject", "access_token"}},
		{name: "loan out of range", body: score(`,"loan":{"amount":"-1","currency":"euro","term_months":0}`),
			status: 422, kind: "invalid-request", fields: []string{"loan.amount", "loan.currency", "loan.term_months"}},
		{name: "loan as a number", body: score(`,"loan":{"amount":5000.00,"currency":"EUR","term_months":1.5}`),
			status: 422, kind: "invalid-request", fields: []string{"loan.amount", "loan.term_months"}},
		{name: "unknown member of the loan", body: score(`,"loan":{"amount":"1.00","currency":"EUR","term_months":1,"rate":"` + marker + `"}`),
			status: 422, kind: "invalid-request", fields: []string{"loan.rate"}},
		{name: "an IBAN in metadata", body: score(`,"metadata":{"note":"` + plantedIBAN + `"}`), status: 422, kind: "invalid-request", fields: []string{"metadata.note"}},
		{name: "control characters", body: `{"bank":"sandbox","subject":"a\u0000b","access_token":"` + marker + `"}`, status: 422, kind: "invalid-request", fields: []string{"subject"}},
		{name: "webhook over http", body: score(`,"webhook_url":"http://partner.example/hook"`), status: 422, kind: "invalid-request", fields: []string{"webhook_url"}},
		{name: "webhook to loopback", body: score(`,"webhook_url":"https://127.0.0.1/hook"`), status: 422, kind: "invalid-request", fields: []string{"webhook_url"}},
		{name: "webhook to a cloud's metadata", body: score(`,"webhook_url":"https://169.254.169.254/latest"`), status: 422, kind: "invalid-request", fields: []string{"webhook_url"}},
		{name: "idempotency key too long", headers: []string{"Idempotency-Key: " + strings.Repeat("k", 256)}, body: score(""),
			status: 422, kind: "invalid-request", fields: []string{"Idempotency-Key"}},
		{name: "unknown bank", body: `{"bank":"nobody","subject":"s","access_token":"` + marker + `"}`, status: 422, kind: "unknown-bank", fields: []string{"bank"}},
		{name: "redirect elsewhere", path: "/v1/consents", body: `{"bank":"sandbox","subject":"s","redirect_uri":"https://evil.example/"}`,
			status: 422, kind: "invalid-request", fields: []string{"redirect_uri"}},
		{name: "no authorization at this bank", path: "/v1/consents", body: `{"bank":"tokens-only","subject":"s","redirect_uri":"https://partner.example/done"}`,
			status: 422, kind: "bank-takes-tokens-only", fields: []string{"redirect_uri"}},
		{name: "expiry that is no time", path: "/v1/consents", body: `{"bank":"sandbox","subject":"s","access_token":"` + marker + `","expires_at":"tomorrow"}`,
			status: 422, kind: "invalid-request", fields: []string{"expires_at"}},
		{name: "unknown event", path: "/v1/webhook-endpoints", body: `{"url":"https://partner.example/h","events":["score.guessed"]}`,
			status: 422, kind: "invalid-request", fields: []string{"events[0]"}},

		// Consents that cannot be used.
		{name: "expired consent", body: `{"` + expired + `}`, status: 409, kind: "consent-not-authorized"},
		{name: "consent still waiting", body: `{"consent_id":"` + waitingConsent(t, p) + `"}`, status: 409, kind: "consent-not-authorized"},
		{name: "unknown consent", body: `{"consent_id":"con_00000000000000000000000000"}`, status: 404, kind: "not-found"},
		{name: "another partner's consent", body: `{"consent_id":"` + theirs["consent"] + `"}`, status: 404, kind: "not-found"},

		// Who may not call.
		{name: "no token", headers: []string{"Authorization:"}, body: score(""), status: 401, kind: "unauthorized", header: `WWW-Authenticate: Bearer realm="acme"`},
		{name: "another scheme", headers: []string{"Authorization: Basic ZGVtbzpkZW1vLXNlY3JldA=="}, body: score(""), status: 401, kind: "unauthorized", header: "WWW-Authenticate: Bearer"},
		{name: "garbage for a token", headers: []string{"Authorization: Bearer " + marker}, body: score(""), status: 401, kind: "unauthorized", header: `WWW-Authenticate: error="invalid_token"`},
		{name: "altered token", headers: []string{"Authorization: Bearer " + altered(p.token)}, body: score(""), status: 401, kind: "unauthorized", header: `WWW-Authenticate: error="invalid_token"`},
		{name: "expired token", headers: []string{"Authorization: Bearer " + expiredToken(t, dataDir)}, body: score(""), status: 401, kind: "unauthorized", header: `WWW-Authenticate: error="invalid_token"`},
		{name: "the bank's token instead of ours", method: "GET", headers: []string{"Authorization: Bearer sandbox-token-alice"}, status: 401, kind: "unauthorized", header: "WWW-Authenticate: Bearer"},

		// HTTP itself.
		{name: "wrong method", method: "DELETE", status: 405, kind: "method-not-allowed", header: "Allow: GET, HEAD, POST"},
		{name: "wrong method at the token endpoint", method: "GET", path: "/oauth/token", status: 405, kind: "method-not-allowed", header: "Allow: POST"},
		{name: "made-up method", method: "BREW", path: "/v1/consents", status: 405, kind: "method-not-allowed", header: "Allow: POST"},
		{name: "wrong content type", headers: []string{"Content-Type: text/plain"}, body: score(""), status: 415, kind: "unsupported-media-type"},
		{name: "no content type", headers: []string{"Content-Type:"}, body: score(""), status: 415, kind: "unsupported-media-type"},
		{name: "another charset", headers: []string{"Content-Type: application/json; charset=latin1"}, body: score(""), status: 415, kind: "unsupported-media-type"},
		{name: "body too large", body: score(`,"metadata":{"a":"` + strings.Repeat("x", 1<<20) + `"}`), status: 413, kind: "body-too-large"},
		{name: "no such path", method: "GET", path: "/v2/" + marker, status: 404, kind: "not-found"},
		{name: "a path with dots", method: "GET", path: "/v1/../etc/passwd", status: 404, kind: "not-found"},
		{name: "an id of another form", method: "GET", path: "/v1/scores/%2e%2e%2f" + marker, status: 404, kind: "not-found"},

		// Lists.
		{name: "bad cursor", method: "GET", path: "/v1/scores?cursor=" + marker, status: 400, kind: "malformed-request", fields: []string{"cursor"}},
		{name: "cursor of other bytes", method: "GET", path: "/v1/scores?cursor=AAAAAAAAAAAAAAAAAAAA", status: 400, kind: "malformed-request", fields: []string{"cursor"}},
		{name: "limit 0", method: "GET", path: "/v1/scores?limit=0", status: 422, kind: "invalid-request", fields: []string{"limit"}},
		{name: "limit 101", method: "GET", path: "/v1/webhook-endpoints?limit=101", status: 422, kind: "invalid-request", fields: []string{"limit"}},
		{name: "limit of words", method: "GET", path: "/v1/deliveries?limit=" + marker, status: 422, kind: "invalid-request", fields: []string{"limit"}},
		{name: "unknown status", method: "GET", path: "/v1/scores?status=" + marker, status: 422, kind: "invalid-request", fields: []string{"status"}},
	}
	for name, paths := range map[string][]string{
		"consent":  {"GET /v1/consents/%", "DELETE /v1/consents/%"},
		"job":      {"GET /v1/scores/%", "GET /v1/scores/%/events"},
		"endpoint": {"GET /v1/webhook-endpoints/%", "DELETE /v1/webhook-endpoints/%", "POST /v1/webhook-endpoints/%/test", "POST /v1/webhook-endpoints/%/rotate-secret", "GET /v1/webhook-endpoints/%/deliveries"},
		"delivery": {"GET /v1/deliveries/%", "POST /v1/deliveries/%/replay"},
	} {
		for _, line := range paths {
			method, path, _ := strings.Cut(line, " ")
			cases = append(cases, wrong{name: "another partner's " + line, method: method,
				path: strings.Replace(path, "%", theirs[name], 1), status: 404, kind: "not-found"})
		}
	}
	t.Run("table", func(t *testing.T) {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) { t.Parallel(); c.check(t, p) })
		}
	})
	t.Run("oauth errors have OAuth's form", func(t *testing.T) { checkTokenEndpoint(t, p) })
	t.Run("keys and room", func(t *testing.T) { checkKeysAndRoom(t, p) })

	if page := other.want(t, 200, "GET", "/v1/scores", "").body; !strings.Contains(string(page), theirs["job"]) {
		t.Error("the other partner's job is gone")
	}
	for _, line := range server.lines() {
		for _, secret := range []string{marker, plantedIBAN, "panic", p.token} {
			if strings.Contains(line, secret) {
				t.Errorf("the log holds %q: %s", secret, line)
			}
		}
	}
	server.stop()
}

// check sends the request and checks the answer's form and content.
func (c wrong) check(t *testing.T, p *partner) {
	method, path := c.method, c.path
	if method == "" {
		method = "POST"
	}
	if path == "" {
		path = "/v1/scores"
	}
	a, err := p.do(t.Context(), method, path, c.body, c.headers...)
	if err != nil {
		t.Fatal(err)
	}
	checkProblem(t, a, c.status, c.kind)
	var got struct {
		Errors []struct{ Field, Detail string }
	}
	a.decode(t, &got)
	for _, want := range c.fields {
		if !slices.ContainsFunc(got.Errors, func(e struct{ Field, Detail string }) bool { return e.Field == want && e.Detail != "" }) {
			t.Errorf("errors do not name %s: %s", want, a.body)
		}
	}
	if name, part, _ := strings.Cut(c.header, ": "); !strings.Contains(strings.Join(a.header.Values(name), ", "), part) {
		t.Errorf("%s is %q, want %s in it", name, a.header.Values(name), part)
	}
	for _, secret := range []string{marker, plantedIBAN, p.token} {
		if strings.Contains(string(a.body), secret) || slices.ContainsFunc(slices.Concat(flat(a.header)...), func(v string) bool { return strings.Contains(v, secret) }) {
			t.Errorf("the answer repeats %q: %v %s", secret, a.header, a.body)
		}
	}
}

func flat(h http.Header) (values [][]string) {
	for _, v := range h {
		values = append(values, v)
	}
	return values
}

// checkProblem checks what every problem has (RFC 9457).
func checkProblem(t *testing.T, a *answer, status int, kind string) {
	t.Helper()
	var got struct {
		Type, Title, Detail, Instance string
		Status                        int
	}
	if a.status != status || a.header.Get("Content-Type") != "application/problem+json" {
		t.Fatalf("%d %s, want %d: %s", a.status, a.header.Get("Content-Type"), status, a.body)
	}
	if err := json.Unmarshal(a.body, &got); err != nil {
		t.Fatalf("%v in %s", err, a.body)
	}
	if !strings.HasSuffix(got.Type, "/problems/"+kind) || got.Status != status || got.Title == "" || got.Detail == "" || got.Instance == "" {
		t.Errorf("want /problems/%s, got %s", kind, a.body)
	}
	if a.header.Get("Cache-Control") != "no-store" || a.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("headers %v", a.header)
	}
	for _, never := range []string{"goroutine", ".go:", "<html", "panic"} {
		if strings.Contains(string(a.body), never) {
			t.Errorf("the answer holds %q: %s", never, a.body)
		}
	}
}

// checkTokenEndpoint: RFC 6749 section 5.2 has a form of its own for errors.
func checkTokenEndpoint(t *testing.T, p *partner) {
	for _, c := range []struct {
		name, form, code string
		status           int
	}{
		{"wrong secret", "grant_type=client_credentials&client_id=demo&client_secret=" + marker, "invalid_client", 401},
		{"unknown client", "grant_type=client_credentials&client_id=nobody&client_secret=demo-secret", "invalid_client", 401},
		{"no grant", "client_id=demo&client_secret=demo-secret", "invalid_request", 400},
		{"another grant", "grant_type=password&client_id=demo&client_secret=demo-secret", "unsupported_grant_type", 400},
		{"twice", "grant_type=client_credentials&client_id=demo&client_id=other&client_secret=demo-secret", "invalid_request", 400},
	} {
		a, err := p.do(t.Context(), "POST", "/oauth/token", c.form, "Authorization:", "Content-Type: application/x-www-form-urlencoded")
		if err != nil {
			t.Fatal(err)
		}
		var got struct{ Error string }
		a.decode(t, &got)
		if a.status != c.status || got.Error != c.code || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %s", c.name, a.status, a.body)
		}
		if a.status == 401 && !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Basic ") {
			t.Errorf("%s: WWW-Authenticate %q", c.name, a.header.Get("WWW-Authenticate"))
		}
		if strings.Contains(string(a.body), marker) {
			t.Errorf("%s: the answer repeats the secret: %s", c.name, a.body)
		}
	}
	a, err := p.do(t.Context(), "POST", "/oauth/token", `{"grant_type":"client_credentials"}`, "Authorization:")
	if err != nil {
		t.Fatal(err)
	}
	checkProblem(t, a, 415, "unsupported-media-type")
}

// checkKeysAndRoom: a key stands for one body, and a full server says when to
// come back, but still answers for what it has accepted.
func checkKeysAndRoom(t *testing.T, p *partner) {
	first := `{"bank":"sandbox","subject":"a","access_token":"sandbox-token-alice"}`
	id := p.want(t, 202, "POST", "/v1/scores", first, "Idempotency-Key: once").job(t).ID
	mismatch, err := p.do(t.Context(), "POST", "/v1/scores", strings.Replace(first, `"a"`, `"b"`, 1), "Idempotency-Key: once")
	if err != nil {
		t.Fatal(err)
	}
	checkProblem(t, mismatch, 422, "idempotency-key-reused")

	// The other partner's job and this one are unfinished: one more has room.
	p.want(t, 202, "POST", "/v1/scores", first)
	full, err := p.do(t.Context(), "POST", "/v1/scores", first)
	if err != nil {
		t.Fatal(err)
	}
	checkProblem(t, full, 503, "busy")
	if full.header.Get("Retry-After") == "" {
		t.Error("503 without Retry-After")
	}
	again := p.want(t, 202, "POST", "/v1/scores", first, "Idempotency-Key: once")
	if got := again.job(t).ID; got != id || again.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("the repeated key gave %s, want %s; %v", got, id, again.header)
	}
	p.want(t, 200, "GET", "/readyz", "")
}

// silentBank never answers, so that jobs stay unfinished.
func silentBank(t *testing.T) string {
	t.Helper()
	end := make(chan struct{})
	bank := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-end:
		}
	}))
	t.Cleanup(bank.Close)
	t.Cleanup(func() { close(end) })
	return bank.URL
}

// belongings makes one of each kind of thing for a partner.
func belongings(t *testing.T, p *partner) map[string]string {
	t.Helper()
	var endpoint, delivery struct{ ID string }
	p.want(t, 201, "POST", "/v1/webhook-endpoints", `{"url":"https://partner.example/hook","events":["score.failed"]}`).decode(t, &endpoint)
	p.want(t, 202, "POST", "/v1/webhook-endpoints/"+endpoint.ID+"/test", "").decode(t, &delivery)
	return map[string]string{
		"consent": givenConsent(t, p, "alice"), "endpoint": endpoint.ID, "delivery": delivery.ID,
		"job": p.want(t, 202, "POST", "/v1/scores", `{"bank":"sandbox","subject":"s","access_token":"sandbox-token-alice"}`).job(t).ID,
	}
}

// consentUntil hands over a token that is good until then, and cannot be
// refreshed.
func consentUntil(t *testing.T, p *partner, end time.Time) string {
	t.Helper()
	var got struct{ ID string }
	p.want(t, 201, "POST", "/v1/consents", `{"bank":"sandbox","subject":"s","access_token":"sandbox-token-alice","expires_at":"`+
		end.UTC().Format(time.RFC3339)+`"}`).decode(t, &got)
	var now struct{ Status string }
	p.want(t, 200, "GET", "/v1/consents/"+got.ID, "").decode(t, &now)
	if now.Status != "expired" {
		t.Errorf("a consent past its time is %s", now.Status)
	}
	return got.ID
}

// waitingConsent starts a consent that nobody answers.
func waitingConsent(t *testing.T, p *partner) string {
	t.Helper()
	var got struct{ ID string }
	p.want(t, 201, "POST", "/v1/consents", `{"bank":"sandbox","subject":"s","redirect_uri":"https://partner.example/done"}`).decode(t, &got)
	return got.ID
}

// altered changes one character in the middle of a token.
func altered(token string) string {
	middle := len(token) / 2
	with := byte('A')
	if token[middle] == with {
		with = 'B'
	}
	return token[:middle] + string(with) + token[middle+1:]
}

// expiredToken makes, with the server's own keys, a token of demo whose hour
// was over a minute ago.
func expiredToken(t *testing.T, dataDir string) string {
	t.Helper()
	keys, err := keyset.Open(filepath.Join(dataDir, "keyset.json"))
	if err != nil {
		t.Fatal(err)
	}
	note := binary.BigEndian.AppendUint64([]byte{1}, uint64(time.Now().Add(-time.Minute).Unix()))
	sealed, err := keys.Seal(append(note, "demo"...), "access-token")
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(sealed)
}
