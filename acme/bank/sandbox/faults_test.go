package sandbox_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"acme.example/creditscore/acme/bank/sandbox"
)

func TestEveryFaultTokenShowsItsFault(t *testing.T) {
	t.Parallel()
	f := setup(t, sandbox.Config{Faults: sandbox.Faults{DripEvery: time.Microsecond, RetryAfterSeconds: 7}})
	good := f.get("/v1/accounts", sandbox.Token("alice"))
	checks := map[sandbox.Fault]func(a answer, err error) bool{
		sandbox.FaultTimeout: func(_ answer, err error) bool { return errors.Is(err, context.DeadlineExceeded) },
		sandbox.FaultRateLimited: func(a answer, _ error) bool {
			return a.status == 429 && a.header.Get("Retry-After") == "7" && a.code() == "ACCESS_EXCEEDED"
		},
		sandbox.Fault500: func(a answer, _ error) bool { return a.status == 500 && a.code() == "INTERNAL_SERVER_ERROR" },
		sandbox.Fault502: func(a answer, _ error) bool { return a.status == 502 && strings.Contains(string(a.body), "<h1>") },
		sandbox.Fault503: func(a answer, _ error) bool { return a.status == 503 && a.code() == "SERVICE_UNAVAILABLE" },
		sandbox.FaultTruncated: func(a answer, err error) bool {
			return err == nil && a.status == 200 && !json.Valid(a.body) && strings.HasPrefix(string(good.body), string(a.body))
		},
		sandbox.FaultWrongJSON: func(a answer, _ error) bool {
			return a.status == 200 && json.Valid(a.body) && string(a.body) != string(good.body)
		},
		sandbox.FaultHTML: func(a answer, _ error) bool {
			return a.status == 200 && strings.HasPrefix(a.header.Get("Content-Type"), "text/html")
		},
		sandbox.FaultExpired: func(a answer, _ error) bool { return a.status == 401 && a.code() == "TOKEN_EXPIRED" },
		sandbox.FaultDrip:    func(a answer, err error) bool { return err == nil && string(a.body) == string(good.body) },
		sandbox.FaultReset: func(_ answer, err error) bool {
			return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.ErrUnexpectedEOF)
		},
	}
	for _, fault := range sandbox.AllFaults() {
		check, ok := checks[fault]
		if !ok {
			t.Errorf("%s is not tested", fault)
			continue
		}
		if a, err := f.attempt("/v1/accounts", sandbox.FaultToken(fault)); !check(a, err) {
			t.Errorf("%s: HTTP %d, error %v, body %.100s", fault, a.status, err, a.body)
		}
	}
}

// attempt is get with the error handed back, and little patience for a call
// that will hang.
func (f *fixture) attempt(path, token string) (answer, error) {
	f.t.Helper()
	patience := time.Minute
	if token == sandbox.FaultToken(sandbox.FaultTimeout) {
		patience = 100 * time.Millisecond
	}
	ctx, cancel := context.WithTimeout(f.t.Context(), patience)
	defer cancel()
	req := f.request("GET", path, "").WithContext(ctx)
	req.Body, req.GetBody, req.ContentLength = nil, nil, 0
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := f.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header, body}, err
}

func TestRulesPickTheirCalls(t *testing.T) {
	t.Parallel()
	f := setup(t, sandbox.Config{Faults: sandbox.Faults{Rules: []sandbox.Rule{
		{Fault: sandbox.Fault503, On: sandbox.OnAccounts, Every: 3, Limit: 2},
		{Fault: sandbox.FaultExpired, On: sandbox.OnToken, Every: 1},
		{Fault: sandbox.Fault500, On: sandbox.OnConsents, Every: 1},
	}}})
	var got []int
	for range 12 {
		got = append(got, f.get("/v1/accounts", sandbox.Token("bob")).status)
	}
	want := []int{200, 200, 503, 200, 200, 503, 200, 200, 200, 200, 200, 200}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
	if a := f.post("/token", url.Values{}); a.status != 400 || a.code() != "invalid_grant" {
		t.Errorf("token: HTTP %d %s", a.status, a.code())
	}
	if a := f.get("/v1/consents/x", ""); a.status != 500 {
		t.Errorf("consents: HTTP %d", a.status)
	}
}

func TestProbabilityFollowsTheSeed(t *testing.T) {
	t.Parallel()
	run := func(seed uint64) (hits int, pattern string) {
		f := setup(t, sandbox.Config{Seed: seed, Faults: sandbox.Faults{Rules: []sandbox.Rule{{Fault: sandbox.Fault500, Probability: 0.25}}}})
		for range 200 {
			if f.get("/v1/accounts", sandbox.Token("bob")).status == 500 {
				hits++
				pattern += "x"
			} else {
				pattern += "."
			}
		}
		return hits, pattern
	}
	hits, one := run(1)
	if _, again := run(1); again != one {
		t.Error("one seed gave two patterns")
	}
	if _, other := run(2); other == one {
		t.Error("two seeds gave one pattern")
	}
	if hits < 25 || hits > 75 {
		t.Errorf("%d of 200 at a quarter", hits)
	}
}

func TestAdminSwitchesFaults(t *testing.T) {
	t.Parallel()
	f := setup(t, sandbox.Config{Admin: true})
	put := func(body string) answer { return f.do(f.request("PUT", "/sandbox/faults", body)) }
	if a := put(`{"rules":[{"fault":"500","every":1}]}`); a.status != 200 {
		t.Fatalf("HTTP %d %s", a.status, a.body)
	}
	if a := f.get("/v1/accounts", sandbox.Token("bob")); a.status != 500 {
		t.Errorf("with a rule: HTTP %d", a.status)
	}
	for _, bad := range []string{`{`, `{"rule":[]}`, `{"rules":[{"fault":"fire","every":1}]}`, `{"rules":[{"fault":"500"}]}`,
		`{"rules":[{"fault":"500","probability":2}]}`, `{"rules":[{"fault":"500","every":1,"on":"moon"}]}`} {
		if a := put(bad); a.status != 400 || a.code() != "FORMAT_ERROR" {
			t.Errorf("%s: HTTP %d", bad, a.status)
		}
	}
	if a := f.do(f.request("DELETE", "/sandbox/faults", "")); a.status != 204 {
		t.Errorf("delete: HTTP %d", a.status)
	}
	if a := f.get("/v1/accounts", sandbox.Token("bob")); a.status != 200 {
		t.Errorf("without: HTTP %d", a.status)
	}
}

// A call that hangs ends when its client leaves and when the bank closes.
func TestHangingCallsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, err := sandbox.New(sandbox.Config{Latency: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		serve := func(ctx context.Context, token string) chan any {
			done := make(chan any, 1)
			go func() {
				defer func() { done <- recover() }()
				req, err := http.NewRequestWithContext(ctx, "GET", "http://bank.test/v1/accounts", nil)
				if err != nil {
					panic(err)
				}
				req.Header.Set("Authorization", "Bearer "+token)
				_, _ = handlerTransport{b}.RoundTrip(req)
			}()
			return done
		}
		ctx, leave := context.WithCancel(t.Context())
		left, closed := serve(ctx, sandbox.FaultToken(sandbox.FaultTimeout)), serve(t.Context(), sandbox.FaultToken(sandbox.FaultTimeout))
		synctest.Wait()
		leave()
		if p := <-left; p != http.ErrAbortHandler {
			t.Errorf("panic %v", p)
		}
		_ = b.Close()
		if p := <-closed; p != http.ErrAbortHandler {
			t.Errorf("panic %v", p)
		}
	})
}
