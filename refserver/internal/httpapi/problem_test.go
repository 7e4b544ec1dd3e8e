package httpapi_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write golden files")

var instance = regexp.MustCompile(`^urn:uuid:[0-9a-f-]{36}$`)

// TestProblems shows the problem for each way to call wrongly; the documents
// themselves are in testdata/problems.json.
func TestProblems(t *testing.T) {
	t.Parallel()
	w := setup(t, options{})
	consent := w.call("POST", "/v1/consents", `{"bank":"sandbox","subject":"u","redirect_uri":"http://127.0.0.1:1/"}`)
	var con struct{ ID string }
	consent.into(t, &con)
	others := w.call("POST", "/v1/scores", inline, w.asOther())
	used := "Idempotency-Key: used"
	w.call("POST", "/v1/scores", inline, used)
	const json, scores = "application/json", "/v1/scores"
	score := func(members string) string {
		return `{"bank":"sandbox","subject":"u","access_token":"inline-token-1"` + members + `}`
	}
	golden := map[string]any{}
	for _, c := range []struct {
		name, method, path, body string
		headers                  []string
		status                   int
		kind                     string
		field                    string // named by errors[0]
	}{
		{name: "malformed JSON", method: "POST", path: scores, body: `{"bank":"sandbox",`, status: 400, kind: "malformed-request"},
		{name: "JSON with text after it", method: "POST", path: scores, body: `{} {}`, status: 400, kind: "malformed-request"},
		{name: "empty body", method: "POST", path: scores, body: " ", status: 400, kind: "malformed-request"},
		{name: "not UTF-8", method: "POST", path: scores, body: "{\"bank\":\"\xff\"}", status: 400, kind: "malformed-request"},
		{name: "member twice", method: "POST", path: scores, body: `{"bank":"a","bank":"b"}`, status: 400, kind: "malformed-request", field: "bank"},
		{name: "too deep", method: "POST", path: scores, body: `{"metadata":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`, status: 400, kind: "malformed-request"},
		{name: "not an object", method: "POST", path: scores, body: `[]`, status: 422, kind: "invalid-request", field: ""},
		{name: "unknown field", method: "POST", path: scores, body: score(`,"acount":1`), status: 422, kind: "invalid-request", field: "acount"},
		{name: "unknown field inside", method: "POST", path: scores, body: score(`,"loan":{"amount":"1.00","currency":"EUR","term_months":1,"rate":2}`), status: 422, kind: "invalid-request", field: "loan.rate"},
		{name: "number for a string", method: "POST", path: scores, body: `{"bank":7,"subject":"u","access_token":"t"}`, status: 422, kind: "invalid-request", field: "bank"},
		{name: "number for money", method: "POST", path: scores, body: score(`,"loan":{"amount":5000,"currency":"EUR","term_months":24}`), status: 422, kind: "invalid-request", field: "loan.amount"},
		{name: "fraction of a month", method: "POST", path: scores, body: score(`,"loan":{"amount":"1.00","currency":"EUR","term_months":1.5}`), status: 422, kind: "invalid-request", field: "loan.term_months"},
		{name: "loan that is a string", method: "POST", path: scores, body: score(`,"loan":"5000"`), status: 422, kind: "invalid-request", field: "loan"},
		{name: "loan out of range", method: "POST", path: scores, body: score(`,"loan":{"amount":"1.00","currency":"EUR","term_months":0}`), status: 422, kind: "invalid-request", field: "loan.term_months"},
		{name: "metadata that is not text", method: "POST", path: scores, body: score(`,"metadata":{"a":1}`), status: 422, kind: "invalid-request", field: "metadata.a"},
		{name: "personal metadata", method: "POST", path: scores, body: score(`,"metadata":{"a":"jane.doe@example.org"}`), status: 422, kind: "invalid-request", field: "metadata.a"},
		{name: "nothing to score", method: "POST", path: scores, body: `{}`, status: 422, kind: "invalid-request"},
		{name: "consent and token", method: "POST", path: scores, body: `{"consent_id":"con_1","access_token":"t"}`, status: 422, kind: "invalid-request", field: "access_token"},
		{name: "unknown bank", method: "POST", path: scores, body: `{"bank":"nope","subject":"u","access_token":"t"}`, status: 422, kind: "unknown-bank", field: "bank"},
		{name: "webhook by ftp", method: "POST", path: scores, body: score(`,"webhook_url":"ftp://x.example/"`), status: 422, kind: "invalid-request", field: "webhook_url"},
		{name: "consent unknown", method: "POST", path: scores, body: `{"consent_id":"con_01jd0000000000000000000000"}`, status: 404, kind: "not-found"},
		{name: "consent not authorized", method: "POST", path: scores, body: `{"consent_id":"` + con.ID + `"}`, status: 409, kind: "consent-not-authorized"},
		{name: "idempotency key reused", method: "POST", path: scores, body: score(``), headers: []string{used}, status: 422, kind: "idempotency-key-reused", field: "Idempotency-Key"},
		{name: "idempotency key too long", method: "POST", path: scores, body: inline, headers: []string{"Idempotency-Key: " + strings.Repeat("k", 256)}, status: 422, kind: "invalid-request", field: "Idempotency-Key"},
		{name: "oversize body", method: "POST", path: scores, body: `{"bank":"` + strings.Repeat("x", 1<<20) + `"}`, status: 413, kind: "body-too-large"},
		{name: "form for JSON", method: "POST", path: scores, body: inline, headers: []string{"Content-Type: application/x-www-form-urlencoded"}, status: 415, kind: "unsupported-media-type"},
		{name: "JSON in Latin-1", method: "POST", path: scores, body: inline, headers: []string{"Content-Type: application/json; charset=iso-8859-1"}, status: 415, kind: "unsupported-media-type"},
		{name: "no content type", method: "POST", path: scores, body: inline, headers: []string{"-Content-Type"}, status: 415, kind: "unsupported-media-type"},
		{name: "no token", method: "GET", path: scores, headers: []string{"-Authorization"}, status: 401, kind: "unauthorized"},
		{name: "bad token", method: "GET", path: scores, headers: []string{"Authorization: Bearer nonsense"}, status: 401, kind: "unauthorized"},
		{name: "basic for bearer", method: "GET", path: scores, headers: []string{"Authorization: Basic ZGVtbzpkZW1v"}, status: 401, kind: "unauthorized"},
		{name: "wrong method", method: "PUT", path: scores, status: 405, kind: "method-not-allowed"},
		{name: "unknown path", method: "GET", path: "/v1/nothing", status: 404, kind: "not-found"},
		{name: "path that is not clean", method: "GET", path: "//v1/scores", status: 404, kind: "not-found"},
		{name: "unknown score", method: "GET", path: "/v1/scores/scr_01jd0000000000000000000000", status: 404, kind: "not-found"},
		{name: "score id of no form", method: "GET", path: "/v1/scores/%FF%00", status: 404, kind: "not-found"},
		{name: "another partner's score", method: "GET", path: "/v1/scores/" + string(others.job(t).ID), status: 404, kind: "not-found"},
		{name: "bad cursor", method: "GET", path: "/v1/scores?cursor=abc", status: 400, kind: "malformed-request", field: "cursor"},
		{name: "bad limit", method: "GET", path: "/v1/scores?limit=101", status: 422, kind: "invalid-request", field: "limit"},
		{name: "bad status", method: "GET", path: "/v1/scores?status=done", status: 422, kind: "invalid-request", field: "status"},
		{name: "redirect to elsewhere", method: "POST", path: "/v1/consents", body: `{"bank":"sandbox","subject":"u","redirect_uri":"https://evil.example/"}`, status: 422, kind: "invalid-request", field: "redirect_uri"},
		{name: "redirect by https on loopback", method: "POST", path: "/v1/consents", body: `{"bank":"sandbox","subject":"u","redirect_uri":"https://127.0.0.1/"}`, status: 422, kind: "invalid-request", field: "redirect_uri"},
		{name: "consent at a bank of tokens only", method: "POST", path: "/v1/consents", body: `{"bank":"tokens-only","subject":"u","redirect_uri":"http://localhost/"}`, status: 422, kind: "bank-takes-tokens-only", field: "redirect_uri"},
		{name: "consent at an unknown bank", method: "POST", path: "/v1/consents", body: `{"bank":"nope","subject":"u","access_token":"t"}`, status: 422, kind: "unknown-bank", field: "bank"},
		{name: "time that is none", method: "POST", path: "/v1/consents", body: `{"bank":"sandbox","subject":"u","access_token":"t","expires_at":"tomorrow"}`, status: 422, kind: "invalid-request", field: "expires_at"},
		{name: "endpoint without url", method: "POST", path: "/v1/webhook-endpoints", body: `{}`, status: 422, kind: "invalid-request", field: "url"},
		{name: "endpoint for an unknown event", method: "POST", path: "/v1/webhook-endpoints", body: `{"url":"https://x.example/","events":["a"]}`, status: 422, kind: "invalid-request"},
		{name: "endpoint for events that are no list", method: "POST", path: "/v1/webhook-endpoints", body: `{"url":"https://x.example/","events":"all"}`, status: 422, kind: "invalid-request", field: "events"},
		{name: "token request in JSON", method: "POST", path: "/oauth/token", body: `{}`, headers: []string{"Content-Type: " + json}, status: 415, kind: "unsupported-media-type"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := w.call(c.method, c.path, c.body, c.headers...)
			if got.status != c.status {
				t.Fatalf("status %d, want %d: %s", got.status, c.status, got.body)
			}
			if ct := got.header.Get("Content-Type"); ct != "application/problem+json" {
				t.Errorf("content type %q", ct)
			}
			var p struct {
				Type, Title, Detail, Instance string
				Status                        int
				Errors                        []struct{ Field, Detail string }
			}
			got.into(t, &p)
			if p.Type != "/problems/"+c.kind || p.Status != c.status || p.Title == "" || p.Detail == "" || !instance.MatchString(p.Instance) {
				t.Errorf("got %s", got.body)
			}
			if "urn:uuid:"+got.header.Get("X-Request-ID") != p.Instance {
				t.Error("instance is not the request's id")
			}
			if c.status == 422 && len(p.Errors) == 0 {
				t.Error("no errors named")
			}
			if c.field != "" && (len(p.Errors) == 0 || p.Errors[0].Field != c.field) {
				t.Errorf("want field %q first: %s", c.field, got.body)
			}
			if strings.Contains(got.body, "inline-token-1") || strings.Contains(got.body, "jane.doe") {
				t.Errorf("echoes a value: %s", got.body)
			}
			if c.status == 401 && got.header.Get("WWW-Authenticate") == "" {
				t.Error("no WWW-Authenticate")
			}
			if c.status == 405 && got.header.Get("Allow") != "GET, HEAD, POST" {
				t.Errorf("Allow %q", got.header.Get("Allow"))
			}
			p.Instance = "urn:uuid:…"
			golden[c.name] = p
			text := w.call("GET", p.Type, "", "-Authorization")
			if text.status != 200 || !strings.HasPrefix(text.body, p.Title) {
				t.Errorf("%s: %d %s", p.Type, text.status, text.body)
			}
		})
	}
	compareGolden(t, "problems.json", golden)
	if strings.Contains(w.log.String(), "inline-token-1") || strings.Contains(w.log.String(), "jane.doe") {
		t.Error("the log holds what a caller sent")
	}
}

func compareGolden(t *testing.T, name string, got any) {
	t.Helper()
	text, err := json.MarshalIndent(got, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, append(text, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != string(text)+"\n" {
		t.Errorf("%s differs (run with -update and read the diff):\n%s", file, text)
	}
}

// TestEveryFaultIsNamedAtOnce: a caller mends a request once.
func TestEveryFaultIsNamedAtOnce(t *testing.T) {
	t.Parallel()
	w := setup(t, options{})
	got := w.call("POST", "/v1/scores", `{"bank":1,"subject":[],"acces_token":"x","loan":{"amount":2,"term":3}}`)
	var p struct{ Errors []struct{ Field string } }
	got.into(t, &p)
	var fields []string
	for _, e := range p.Errors {
		fields = append(fields, e.Field)
	}
	if s := fmt.Sprint(fields); s != "[bank subject loan.amount loan.term acces_token]" {
		t.Errorf("fields %s", s)
	}
}

// TestBusy: with every place taken a request is refused with when to come
// back, and accepted again when there is room.
func TestBusy(t *testing.T) {
	t.Parallel()
	w := setup(t, options{maxAccepted: 1})
	w.bank.shut()
	first := w.call("POST", "/v1/scores", inline)
	if first.status != 202 {
		t.Fatal(first.body)
	}
	got := w.call("POST", "/v1/scores", inline)
	if got.status != 503 || got.header.Get("Retry-After") == "" || !strings.Contains(got.body, "/problems/busy") {
		t.Errorf("%d %s", got.status, got.body)
	}
	w.bank.open()
	w.call("GET", "/v1/scores/"+string(first.job(t).ID), "", "Prefer: wait=20")
	if got := w.call("POST", "/v1/scores", inline); got.status != 202 {
		t.Errorf("%d %s", got.status, got.body)
	}
}

// TestNotStarted: a server that is not ready says so, and when to try again.
func TestNotStarted(t *testing.T) {
	t.Parallel()
	w := setup(t, options{notStarted: true})
	for _, path := range []string{"/readyz", "/v1/scores"} {
		method, body := "GET", ""
		if path == "/v1/scores" {
			method, body = "POST", inline
		}
		got := w.call(method, path, body)
		if got.status != 503 || got.header.Get("Retry-After") == "" || !strings.Contains(got.body, "/problems/unavailable") {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	if got := w.call("GET", "/healthz", ""); got.status != 200 {
		t.Errorf("healthz %d", got.status)
	}
}

// TestDrain: who waits is answered at once with the job as it stands, new
// calls are refused, health is still served.
func TestDrain(t *testing.T) {
	t.Parallel()
	w := setup(t, options{})
	w.bank.shut()
	w.token("demo", "demo+secret%2F 1")
	held := make(chan answer, 1)
	go func() { held <- w.call("POST", "/v1/scores", inline, "Prefer: wait=50") }()
	for len(w.list()) == 0 {
		time.Sleep(time.Millisecond) // until it is accepted; nothing signals that from outside
	}
	began := time.Now()
	w.api.Drain()
	if got := <-held; got.status != 202 || time.Since(began) > 20*time.Second {
		t.Errorf("held call: %d %s after %s", got.status, got.body, time.Since(began))
	}
	got := w.call("POST", "/v1/scores", inline)
	if got.status != http.StatusServiceUnavailable {
		t.Errorf("new call: %d", got.status)
	}
	if got := w.call("GET", "/readyz", ""); got.status != 503 || !strings.Contains(got.body, "draining") {
		t.Errorf("readyz: %d %s", got.status, got.body)
	}
	if got := w.call("GET", "/healthz", ""); got.status != 200 {
		t.Errorf("healthz: %d", got.status)
	}
}

func (w *world) list() []json.RawMessage {
	var page struct{ Data []json.RawMessage }
	w.call("GET", "/v1/scores", "").into(w.t, &page)
	return page.Data
}

// TestSlowBody: a body that does not arrive ends the call, and the connection.
func TestSlowBody(t *testing.T) {
	t.Parallel()
	w := setup(t, options{readTimeout: 200 * time.Millisecond})
	conn, err := net.Dial("tcp", w.server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /v1/scores HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n"+
		"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{", w.token("demo", "demo+secret%2F 1"))
	text, err := io.ReadAll(conn) // returns only when the server closes
	if err != nil || !strings.HasPrefix(string(text), "HTTP/1.1 408 ") || !strings.Contains(string(text), "/problems/request-timeout") {
		t.Errorf("%v: %s", err, text)
	}
}

// TestMetrics: calls are counted by route, never by what a caller made up.
func TestMetrics(t *testing.T) {
	t.Parallel()
	w := setup(t, options{})
	w.call("POST", "/v1/scores", inline, "Prefer: wait=20")
	w.call("GET", "/made/up", "")
	w.call("BREW", "/v1/scores", "")
	got := w.call("GET", "/metrics", "", "-Authorization")
	for _, want := range []string{
		`acme_http_requests_total{method="POST",route="/v1/scores",status="200"} 1`,
		`acme_http_requests_total{method="GET",route="none",status="404"} 1`,
		`acme_http_requests_total{method="OTHER",route="/v1/scores",status="405"} 1`,
		"acme_http_request_duration_seconds_bucket", "acme_http_requests_in_flight 1",
	} {
		if !strings.Contains(got.body, want) {
			t.Errorf("no %s in\n%s", want, got.body)
		}
	}
	for _, not := range []string{"made", "BREW", "user-42", "inline-token"} {
		if strings.Contains(got.body, not) {
			t.Errorf("%q is in the metrics", not)
		}
	}
}
