package httpapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"acme.example/creditscore/acme"
	"acme.example/creditscore/api"
)

// newBare is an API around nothing, for what needs no engine.
func newBare(t *testing.T, log io.Writer) *API {
	t.Helper()
	a, err := New(Config{Engine: new(acme.Engine), Keys: noKeys{}, PublicURL: "http://x.example", Registry: prometheus.NewRegistry(),
		Logger: slog.New(slog.NewJSONHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

type noKeys struct{}

func (noKeys) Seal([]byte, string) ([]byte, error)   { return nil, errors.New("no keys") }
func (noKeys) Unseal([]byte, string) ([]byte, error) { return nil, errors.New("no keys") }

// TestOpenAPIHasEveryRoute: the document and the routes name the same paths
// and methods.
func TestOpenAPIHasEveryRoute(t *testing.T) {
	t.Parallel()
	var doc struct {
		OpenAPI string
		Paths   map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(api.OpenAPI(), &doc); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(doc.OpenAPI, "3.1.") {
		t.Errorf("openapi %q", doc.OpenAPI)
	}
	var documented, routed []string
	for path, item := range doc.Paths {
		for method := range item {
			if method != "parameters" {
				documented = append(documented, strings.ToUpper(method)+" "+path)
			}
		}
	}
	for _, rt := range newBare(t, io.Discard).routes() {
		for method := range rt.methods {
			routed = append(routed, method+" "+rt.path)
		}
	}
	slices.Sort(documented)
	slices.Sort(routed)
	if !slices.Equal(documented, routed) {
		t.Errorf("documented:\n%s\nrouted:\n%s", strings.Join(documented, "\n"), strings.Join(routed, "\n"))
	}
	for _, k := range kinds() {
		if !strings.Contains(string(api.OpenAPI()), `"/problems/`+k.name+`"`) {
			t.Errorf("problem %s is not in the document", k.name)
		}
	}
}

// TestPanic: a caller gets a problem, the log the stack, and neither what the
// panic quoted.
func TestPanic(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]any{
		"text": "account of Jane Doe", "error": errors.New("account of Jane Doe"), "index": nil,
	} {
		var log strings.Builder
		a := newBare(t, &log)
		a.mux.HandleFunc("GET /panic", a.serve(forClients, func(http.ResponseWriter, *http.Request) error {
			if fault == nil {
				fmt.Println([]int{}[len(name)])
			}
			panic(fault)
		}))
		rec := httptest.NewRecorder()
		a.ServeHTTP(rec, httptest.NewRequest("GET", "/panic", nil))
		if rec.Code != 500 || !strings.Contains(rec.Body.String(), "/problems/internal-error") || strings.Contains(rec.Body.String(), "goroutine") {
			t.Errorf("%s: %d %s", name, rec.Code, rec.Body)
		}
		if !strings.Contains(log.String(), "api_internal_test.go") || strings.Contains(log.String(), "Jane") {
			t.Errorf("%s: log %s", name, log.String())
		}
		if fault == nil && !strings.Contains(log.String(), "index out of range") {
			t.Errorf("log %s", log.String())
		}
	}
}

// TestPanicInTheMiddle: half an answer must not look whole.
func TestPanicInTheMiddle(t *testing.T) {
	t.Parallel()
	a := newBare(t, io.Discard)
	a.mux.HandleFunc("GET /panic", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"data":[`))
		panic("half-way")
	})
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	resp, err := http.Get(server.URL + "/panic")
	if err == nil {
		_, err = io.ReadAll(resp.Body)
		_ = resp.Body.Close()
	}
	if err == nil {
		t.Error("the answer looks whole")
	}
}

// TestErrorTable: each error of the engine has its place.
func TestErrorTable(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err    error
		status int
		known  bool
	}{
		{fmt.Errorf("x: %w", acme.ErrNotFound), 404, true},
		{&acme.BusyError{RetryAfter: 1500 * time.Millisecond}, 503, true},
		{fmt.Errorf("x: %w", acme.ErrBusy), 503, true},
		{acme.ErrStopped, 503, true},
		{acme.ErrStoreClosed, 503, true},
		{acme.ErrConflict, 409, true},
		{errors.New("disk on fire"), 500, false},
	} {
		p, known := problemOf(c.err)
		if p.Status != c.status || known != c.known || strings.Contains(p.Detail, "disk") {
			t.Errorf("%v: %d %v", c.err, p.Status, known)
		}
		if c.status == 503 && p.retryAfter <= 0 {
			t.Errorf("%v: no Retry-After", c.err)
		}
	}
	if s := seconds(1500 * time.Millisecond); s != "2" {
		t.Errorf("seconds %s", s)
	}
}

// TestNewNamesEveryFault: a wrong Config is told in full.
func TestNewNamesEveryFault(t *testing.T) {
	t.Parallel()
	_, err := New(Config{PublicURL: "http://x.example/", MaxWait: -1})
	for _, field := range []string{"Engine", "Keys", "Registry", "PublicURL", "MaxWait"} {
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s is not named: %v", field, err)
		}
	}
}

// TestRequestID: only what cannot say anything about a person is taken over.
func TestRequestID(t *testing.T) {
	t.Parallel()
	for sent, taken := range map[string]bool{
		"2f1c8a5e-6d0b-4b53-9c5e-0a1b2c3d4e5f": true, "DE89370400440532013000": false, "jane": false, "": false,
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("X-Request-ID", sent)
		if got := requestID(r); (got == sent) != taken || !uuid.MatchString(got) {
			t.Errorf("%q became %q", sent, got)
		}
	}
}

// FuzzParseObject: whatever is sent is either an object or a problem, which
// quotes none of its values.
func FuzzParseObject(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"a":"secret-value","a":2}`, `[1]`, `{"a":{"b":["secret-value",{}]}}`, `{"a":1e999}`, "{\"\xff\":1}", `null`, `{"a":"\ud800"}`, `{`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		o, err := parseObject(body)
		if err != nil {
			var p *problem
			if !errors.As(err, &p) || p.Status < 400 || p.Status > 499 {
				t.Fatalf("not a problem: %v", err)
			}
			return
		}
		if !json.Valid(body) {
			t.Fatal("took what is not JSON")
		}
		_ = o.text("a")
		_ = o.integer("b")
		_ = o.instant("c")
		_ = o.texts("d")
		_ = o.textMap("e")
		if inner := o.object("f"); inner != nil {
			inner.close()
		}
		if err := o.done(); err != nil {
			var p *problem
			if !errors.As(err, &p) || len(p.Errors) == 0 {
				t.Fatalf("a fault without a field: %v", err)
			}
		}
	})
}

// FuzzDecodeCursor: what is taken for a cursor writes back as it was.
func FuzzDecodeCursor(f *testing.F) {
	f.Add(encodeCursor(acme.Cursor{CreatedAt: time.UnixMicro(1_700_000_000_000_000), ID: "scr_01jd0000000000000000000000"}))
	f.Add("")
	f.Add("AQAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := decodeCursor(text)
		if err != nil || c.IsZero() {
			return
		}
		if again := encodeCursor(c); again != text {
			t.Fatalf("%q became %q", text, again)
		}
	})
}
