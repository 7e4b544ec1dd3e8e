package bank_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"acme.example/creditscore/acme/bank"
)

const origin = "https://bank.test"

// call is a GET of /DE89, an address that no error may tell.
func call(t *testing.T, h *bank.HTTP) bank.Call {
	t.Helper()
	return bank.Call{Op: "things", URL: h.Base().JoinPath("DE89"), Token: bank.NewToken("secret")}
}

func newHTTP(t *testing.T, c bank.HTTPConfig) *bank.HTTP {
	t.Helper()
	if c.BaseURL == "" {
		c.BaseURL = origin
	}
	h, err := bank.NewHTTP(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

// TestAnswers tells, answer by answer, what becomes of it and how often it
// is tried. Time is virtual.
func TestAnswers(t *testing.T) {
	t.Parallel()
	const ok = `{"n":1}`
	inAnHour := func() string { return time.Now().Add(time.Hour).UTC().Format(http.TimeFormat) }
	for _, c := range []struct {
		rule    string
		answer  func(try int) (*http.Response, error)
		code    bank.Code // "" for success
		detail  string
		wait    time.Duration
		tries   int
		atLeast time.Duration
	}{
		{"200", fixed(200, ok), "", "", 0, 1, 0},
		{"200 of another JSON type", fixed(200, ok, "Content-Type", "application/hal+json; charset=utf-8"), "", "", 0, 1, 0},
		{"200 without a type", fixed(200, ok, "Content-Type", ""), "", "", 0, 1, 0},
		{"a page for people", fixed(200, "<html>", "Content-Type", "text/html"), bank.CodeBadData, "answer is not of a JSON content type", 0, 1, 0},
		{"cut off", fixed(200, `{"n":`), bank.CodeBadData, "answer is not JSON from byte 5 of 5 on", 0, 1, 0},
		{"another type", fixed(200, `{"n":"DE89"}`), bank.CodeBadData, `field "n" is of another type than the standard's`, 0, 1, 0},
		{"nothing", fixed(200, ""), bank.CodeBadData, "answer is empty", 0, 1, 0},
		{"too large, announced", fixed(200, strings.Repeat(" ", 2000)), bank.CodeBadData, "answer is larger than 1000 bytes", 0, 1, 0},
		{"too large, unannounced", func(int) (*http.Response, error) {
			r := answer(200, strings.Repeat(" ", 2000))
			r.ContentLength = -1
			return r, nil
		}, bank.CodeBadData, "answer is larger than 1000 bytes", 0, 1, 0},
		{"broken in the body", func(int) (*http.Response, error) {
			r := answer(200, "")
			r.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"n"`), errReader{io.ErrUnexpectedEOF}))
			return r, nil
		}, bank.CodeBadData, "answer is cut off or garbled", 0, 1, 0},
		{"204", fixed(204, ""), bank.CodeBadData, "unexpected status", 0, 1, 0},
		{"401", fixed(401, "DE89"), bank.CodeUnauthorized, "", 0, 1, 0},
		{"403", fixed(403, "DE89"), bank.CodeUnauthorized, "", 0, 1, 0},
		{"404", fixed(404, "DE89"), bank.CodeBadData, "unexpected status", 0, 1, 0},
		{"429 without Retry-After", fixed(429, ""), bank.CodeRateLimited, "", 0, 1, 0},
		{"429 with a short Retry-After", fixed(429, "", "Retry-After", "2"), bank.CodeRateLimited, "", 2 * time.Second, 3, 4 * time.Second},
		{"429 with a long Retry-After", fixed(429, "", "Retry-After", "3600"), bank.CodeRateLimited, "", time.Hour, 1, 0},
		{"429 with a date", func(int) (*http.Response, error) { return answer(429, "", "Retry-After", inAnHour()), nil }, bank.CodeRateLimited, "", time.Hour, 1, 0},
		{"429 with a date in the past", fixed(429, "", "Retry-After", "Mon, 02 Jan 1995 15:04:05 GMT"), bank.CodeRateLimited, "", 0, 3, 0},
		{"429 with an endless Retry-After", fixed(429, "", "Retry-After", "99999999999"), bank.CodeRateLimited, "", 24 * time.Hour, 1, 0},
		{"429 with nonsense", fixed(429, "", "Retry-After", "soon"), bank.CodeRateLimited, "", 0, 1, 0},
		{"500", fixed(500, "DE89"), bank.CodeUnavailable, "", 0, 1, 0},
		{"502", fixed(502, ""), bank.CodeUnavailable, "", 0, 3, 300 * time.Millisecond},
		{"503", fixed(503, ""), bank.CodeUnavailable, "", 0, 3, 300 * time.Millisecond},
		{"503 with a long Retry-After", fixed(503, "", "Retry-After", "60"), bank.CodeUnavailable, "", time.Minute, 1, 0},
		{"503 that passes", func(try int) (*http.Response, error) {
			if try < 3 {
				return answer(503, "", "Retry-After", "1"), nil
			}
			return answer(200, ok), nil
		}, "", "", 0, 3, 2 * time.Second},
		{"connection refused", failing(syscall.ECONNREFUSED), bank.CodeUnavailable, "connection refused", 0, 3, 300 * time.Millisecond},
		{"connection reset", failing(syscall.ECONNRESET), bank.CodeUnavailable, "connection broken", 0, 3, 0},
		{"unknown host", failing(&net.DNSError{Name: "bank.test"}), bank.CodeUnavailable, "host name not found", 0, 3, 0},
		{"wrong certificate", failing(&tls.CertificateVerificationError{Err: x509.HostnameError{Host: "bank.test"}}), bank.CodeUnavailable, "certificate not accepted", 0, 1, 0},
		{"anything else", failing(errors.New("dial bank.test secret")), bank.CodeUnavailable, "connection failed", 0, 3, 0},
	} {
		t.Run(c.rule, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tries := 0
				h := newHTTP(t, bank.HTTPConfig{MaxBody: 1000, Transport: transport(func(r *http.Request) (*http.Response, error) {
					tries++
					return c.answer(tries)
				})})
				var got struct {
					N int `json:"n"`
				}
				start := time.Now()
				err := h.GetJSON(t.Context(), call(t, h), &got)
				if tries != c.tries || time.Since(start) < c.atLeast || time.Since(start) > 10*time.Second {
					t.Errorf("%d tries in %s, want %d in at least %s", tries, time.Since(start), c.tries, c.atLeast)
				}
				if c.code == "" {
					if err != nil || got.N != 1 {
						t.Errorf("read %d, error %v", got.N, err)
					}
					return
				}
				e := asError(t, err)
				if e.Code != c.code || e.Detail != c.detail || e.RetryAfter.Round(time.Second) != c.wait || e.Op != "things" {
					t.Errorf("error %v, wait %s, want %s %q %s", e, e.RetryAfter, c.code, c.detail, c.wait)
				}
			})
		})
	}
}

func fixed(status int, body string, header ...string) func(int) (*http.Response, error) {
	return func(int) (*http.Response, error) { return answer(status, body, header...), nil }
}

func failing(err error) func(int) (*http.Response, error) {
	return func(int) (*http.Response, error) { return nil, err }
}

type errReader struct{ err error }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }

// stuck answers nothing until the request is given up.
func stuck(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestNoAnswerInTime(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rule      string
		transport transport
		caller    time.Duration
		after     time.Duration
		cause     error
		detail    string
	}{
		{"the request's own bound", stuck, time.Hour, 60 * time.Second, context.DeadlineExceeded, "no answer within 60s"},
		{"the caller's bound", stuck, 5 * time.Second, 5 * time.Second, context.DeadlineExceeded, "no answer before the caller's deadline"},
		{"the bound while waiting to try again", func(*http.Request) (*http.Response, error) {
			return answer(502, ""), nil
		}, 50 * time.Millisecond, 50 * time.Millisecond, context.DeadlineExceeded, "no answer before the caller's deadline"},
		{"a body that never ends", func(r *http.Request) (*http.Response, error) {
			resp := answer(200, "")
			resp.ContentLength = -1
			resp.Body = io.NopCloser(readFunc(func([]byte) (int, error) {
				<-r.Context().Done()
				return 0, r.Context().Err()
			}))
			return resp, nil
		}, time.Hour, 60 * time.Second, context.DeadlineExceeded, "no answer within 60s"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := newHTTP(t, bank.HTTPConfig{Transport: c.transport})
				ctx, cancel := context.WithTimeout(t.Context(), c.caller)
				defer cancel()
				start := time.Now()
				_, err := h.Get(ctx, call(t, h))
				e := asError(t, err)
				if e.Code != bank.CodeUnavailable || !errors.Is(err, c.cause) || e.Detail != c.detail || time.Since(start) != c.after {
					t.Errorf("error %v after %s", err, time.Since(start))
				}
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		h := newHTTP(t, bank.HTTPConfig{Transport: transport(stuck)})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, err := h.Get(ctx, call(t, h))
		if e := asError(t, err); !errors.Is(err, context.Canceled) || e.Detail != "given up by the caller" {
			t.Errorf("error %v", err)
		}
	})
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

func TestARetryAfterBeyondTheTimeLeftIsReported(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHTTP(t, bank.HTTPConfig{Transport: transport(func(*http.Request) (*http.Response, error) { return answer(429, "", "Retry-After", "5"), nil })})
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		start := time.Now()
		_, err := h.Get(ctx, call(t, h))
		if e := asError(t, err); e.Code != bank.CodeRateLimited || e.RetryAfter != 5*time.Second || time.Since(start) != 0 {
			t.Errorf("error %v after %s, want the bank's wish at once", err, time.Since(start))
		}
	})
}

func TestEveryAttemptCarriesTheTokenAndItsOwnHeaders(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var ids []string
		h := newHTTP(t, bank.HTTPConfig{Transport: transport(func(r *http.Request) (*http.Response, error) {
			if r.Header.Get("Authorization") != "Bearer secret" || r.Header.Get("Accept") != "application/json" || r.Method != http.MethodGet {
				t.Error("request without its headers")
			}
			ids = append(ids, r.Header.Get("X-Request-ID"))
			return answer(502, ""), nil
		})})
		c := call(t, h)
		n := 0
		c.Header = func(h http.Header) { n++; h.Set("X-Request-ID", fmt.Sprint(n)) }
		_, err := h.Get(t.Context(), c)
		asError(t, err)
		if strings.Join(ids, " ") != "1 2 3" {
			t.Errorf("ids %v", ids)
		}
	})
}

func TestRedirectsStayWithinTheOrigin(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("a request with headers %v left the bank", r.Header)
	}))
	defer other.Close()
	mine := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/out":
			http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
		case "/in":
			http.Redirect(w, r, "/there", http.StatusTemporaryRedirect)
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		case "/there":
			if r.Header.Get("Authorization") != "Bearer secret" {
				t.Error("the token is lost on the way")
			}
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{}`)
		}
	}))
	defer mine.Close()
	h := newHTTP(t, bank.HTTPConfig{BaseURL: mine.URL})
	for path, refused := range map[string]bool{"/in": false, "/out": true, "/loop": true} {
		_, err := h.Get(t.Context(), bank.Call{Op: "things", URL: h.Base().JoinPath(path), Token: bank.NewToken("secret")})
		if !refused && err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if refused {
			if e := asError(t, err); e.Detail != "redirect refused" || e.Code != bank.CodeBadData {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
	elsewhere, _ := url.Parse(other.URL)
	_, err := h.Get(t.Context(), bank.Call{Op: "things", URL: elsewhere})
	if e := asError(t, err); e.Detail != "address outside the bank's origin" {
		t.Error(err)
	}
}

func TestGzipIsReadAndBounded(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "gzip" {
			t.Error("gzip is not asked for")
		}
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = io.WriteString(z, `{"n":1}`)
		if r.URL.Path == "/bomb" {
			_, _ = z.Write(bytes.Repeat([]byte(" "), 1<<20))
		}
		_ = z.Close()
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Encoding", "gzip")
		if r.URL.Path == "/cut" {
			b.Truncate(b.Len() - 6)
		}
		_, _ = w.Write(b.Bytes())
	}))
	defer server.Close()
	h := newHTTP(t, bank.HTTPConfig{BaseURL: server.URL, MaxBody: 100_000})
	for path, detail := range map[string]string{"/fine": "", "/bomb": "answer is larger than 100000 bytes", "/cut": "answer is cut off or garbled"} {
		body, err := h.Get(t.Context(), bank.Call{Op: "things", URL: h.Base().JoinPath(path)})
		if detail == "" {
			if err != nil || string(body) != `{"n":1}` {
				t.Errorf("%s: %q, error %v", path, body, err)
			}
		} else if e := asError(t, err); e.Detail != detail || e.Code != bank.CodeBadData {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// TestFailuresLeaveOtherConnectionsOpen: a bank that refuses one request
// must not cost the others their connections.
func TestFailuresLeaveOtherConnectionsOpen(t *testing.T) {
	t.Parallel()
	var opened atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/bad" {
			w.WriteHeader(http.StatusBadGateway)
		}
		_, _ = io.WriteString(w, `{}`)
	}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	h := newHTTP(t, bank.HTTPConfig{BaseURL: server.URL})
	for range 3 {
		for _, path := range []string{"/good", "/bad"} {
			_, _ = h.Get(t.Context(), bank.Call{Op: "things", URL: h.Base().JoinPath(path)})
		}
	}
	h.Close()
	server.Close()
	if n := opened.Load(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

func TestHTTPConfigFaultsAreAllReported(t *testing.T) {
	t.Parallel()
	_, err := bank.NewHTTP(bank.HTTPConfig{BaseURL: "bank.test", Timeout: -time.Second, MaxBody: -1, MaxPages: -1})
	if err == nil {
		t.Fatal("no error")
	}
	for _, field := range []string{`BaseURL: "bank.test"`, "Timeout: -1s", "MaxBody: -1", "MaxPages: -1"} {
		if !strings.Contains(err.Error(), field) {
			t.Errorf("error does not tell %s: %v", field, err)
		}
	}
	for _, bad := range []string{"", "/x", "https://", "https://u:hunter2@bank.test", "ftp://bank.test", "https://bank.test/#x", "http://[::1"} {
		if _, err := bank.NewHTTP(bank.HTTPConfig{BaseURL: bad}); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: error %v", bad, err)
		}
	}
	h := newHTTP(t, bank.HTTPConfig{BaseURL: origin + "/xs2a/"})
	if got := h.Base().String(); got != origin+"/xs2a" {
		t.Errorf("base %s", got)
	}
}
