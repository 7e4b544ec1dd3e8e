package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"acme.example/creditscore/acme"
	"acme.example/creditscore/acme/bank"
	"acme.example/creditscore/acme/bank/berlingroup"
	"acme.example/creditscore/acme/bank/sandbox"
	"acme.example/creditscore/acme/keyset"
	"acme.example/creditscore/acme/pebblestore"
	"acme.example/creditscore/acme/webhook"
)

// startEngine runs a whole engine over a sandbox bank.
func startEngine(t *testing.T) *acme.Engine {
	t.Helper()
	pretend, err := sandbox.New(sandbox.Config{})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(pretend)
	t.Cleanup(server.Close)
	adapter, err := berlingroup.New(berlingroup.Config{BaseURL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(adapter.Close)
	dir := t.TempDir()
	keys, err := keyset.Open(filepath.Join(dir, "keyset.json"))
	if err != nil {
		t.Fatal(err)
	}
	store, err := pebblestore.Open(filepath.Join(dir, "store"), pebblestore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	eng, err := acme.New(acme.Config{
		Bank: bank.NewDirectory(map[string]bank.Adapter{"sandbox": adapter}), Store: store, Keys: keys,
		AllowPrivateNetworks: true, // the receiver is on loopback
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := eng.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := eng.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return eng
}

// recorder keeps each request as it came, to send it again.
type recorder struct {
	next   http.Handler
	mu     sync.Mutex
	header http.Header
	body   []byte
	served chan int // the status of each answer
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	r.mu.Lock()
	r.header, r.body = req.Header.Clone(), body
	r.mu.Unlock()
	req.Body = io.NopCloser(bytes.NewReader(body))
	answer := httptest.NewRecorder()
	r.next.ServeHTTP(answer, req)
	w.WriteHeader(answer.Code)
	r.served <- answer.Code
}

func TestReceiverTakesARealDeliveryOnceAndNothingElse(t *testing.T) {
	t.Parallel()
	eng := startEngine(t)
	secret, shown, err := eng.WebhookSecret(t.Context(), "")
	if err != nil || !shown {
		t.Fatalf("the secret was shown: %v; error: %v", shown, err)
	}
	var out bytes.Buffer
	receiver, err := newReceiver(secret.Reveal(), &out)
	if err != nil {
		t.Fatal(err)
	}
	rec := &recorder{next: receiver, served: make(chan int, 8)}
	site := httptest.NewServer(rec)
	defer site.Close()

	if _, err := eng.Submit(t.Context(), acme.Request{
		Bank: "sandbox", Subject: "user-42", AccessToken: bank.NewToken(sandbox.Token("alice")), WebhookURL: site.URL + "/hooks",
	}); err != nil {
		t.Fatal(err)
	}
	if status := <-rec.served; status != http.StatusNoContent {
		t.Fatalf("the delivery was answered %d", status)
	}
	want := regexp.MustCompile(`^score\.completed: user-42 scores [3-8]\d\d\n$`)
	if !want.MatchString(out.String()) {
		t.Errorf("printed %q", out.String())
	}

	again := func(change func(http.Header, []byte) []byte) int {
		rec.mu.Lock()
		header, body := rec.header.Clone(), bytes.Clone(rec.body)
		rec.mu.Unlock()
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/hooks", bytes.NewReader(change(header, body)))
		req.Header = header
		answer := httptest.NewRecorder()
		receiver.ServeHTTP(answer, req)
		return answer.Code
	}
	printed := out.Len()
	for rule, c := range map[string]struct {
		change func(http.Header, []byte) []byte
		status int
	}{
		"the same event again is taken and not acted on": {func(_ http.Header, b []byte) []byte { return b }, http.StatusNoContent},
		"a changed body is refused":                      {func(_ http.Header, b []byte) []byte { return append(b, ' ') }, http.StatusForbidden},
		"a changed id is refused": {func(h http.Header, b []byte) []byte {
			h.Set(webhook.HeaderID, "msg_another")
			return b
		}, http.StatusForbidden},
		"a message without a signature is refused": {func(h http.Header, b []byte) []byte {
			h.Del(webhook.HeaderSignature)
			return b
		}, http.StatusBadRequest},
	} {
		if status := again(c.change); status != c.status {
			t.Errorf("%s: answered %d, want %d", rule, status, c.status)
		}
	}
	if out.Len() != printed {
		t.Errorf("acted again: %q", out.String()[printed:])
	}
}

func TestReceiverSaysWhyAScoreFailed(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	for _, e := range []webhook.Event{
		{Type: "score.failed", Data: []byte(`{"id":"scr_1","subject":"user-1","score":null,"error":{"code":"bank_unauthorized"}}`)},
		{Type: "consent.revoked", Data: []byte(`{"id":"con_1"}`)},
	} {
		if err := act(&out, e); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := out.String(), "score.failed: user-1: bank_unauthorized\nconsent.revoked\n"; got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
}

func TestReceiverNeedsASecret(t *testing.T) {
	t.Parallel()
	if _, err := newReceiver("", io.Discard); err == nil || !strings.Contains(err.Error(), "secret") {
		t.Errorf("error %v", err)
	}
}
