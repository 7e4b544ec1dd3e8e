package bank_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"acme.example/creditscore/acme/bank"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// transport is a bank without a network.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// answer builds a response; header is name, value, name, value …
func answer(status int, body string, header ...string) *http.Response {
	h := http.Header{"Content-Type": {"application/json"}}
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body))}
}

// asError fails unless err is a *bank.Error that tells nothing it must not.
func asError(t *testing.T, err error) *bank.Error {
	t.Helper()
	var e *bank.Error
	if !errors.As(err, &e) {
		t.Fatalf("error is %T %v, want *bank.Error", err, err)
	}
	for _, secret := range []string{"secret", "bank.test", "127.0.0.1", "DE89"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("error %q tells %q", err, secret)
		}
	}
	return e
}
