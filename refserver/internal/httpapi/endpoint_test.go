package httpapi_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"acme.example/creditscore/acme/webhook"
)

// receiver is a partner's webhook endpoint.
type receiver struct {
	*httptest.Server
	verifier atomic.Pointer[webhook.Receiver]
	got      chan webhook.Received
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	rc := &receiver{got: make(chan webhook.Received, 16)}
	rc.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rc.verifier.Load().ServeHTTP(w, r)
	}))
	t.Cleanup(rc.Close)
	return rc
}

// trust verifies with these secrets from now on.
func (rc *receiver) trust(t *testing.T, secrets ...string) {
	t.Helper()
	var keys []webhook.Secret
	for _, text := range secrets {
		key, err := webhook.ParseSecret(text)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key)
	}
	v, err := webhook.NewVerifier(keys...)
	if err != nil {
		t.Fatal(err)
	}
	r, err := webhook.NewReceiver(webhook.ReceiverConfig{Verifier: v, Handle: func(_ context.Context, m webhook.Received) error {
		rc.got <- m
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	rc.verifier.Store(r)
}

type endpoint struct {
	ID, URL, Status, Secret string
	Events                  []string
}

// TestEndpoint is the life of a webhook endpoint.
func TestEndpoint(t *testing.T) {
	t.Parallel()
	w := setup(t, options{})
	rc := newReceiver(t)
	made := w.call("POST", "/v1/webhook-endpoints", `{"url":"`+rc.URL+`","events":["score.completed"]}`)
	var e endpoint
	made.into(t, &e)
	if made.status != 201 || !strings.HasPrefix(e.Secret, "whsec_") || e.Status != "enabled" || len(e.Events) != 1 {
		t.Fatalf("%d %s", made.status, made.body)
	}
	path := "/v1/webhook-endpoints/" + e.ID
	if made.header.Get("Location") != w.server.URL+path {
		t.Errorf("Location %s", made.header.Get("Location"))
	}
	rc.trust(t, e.Secret)

	job := w.call("POST", "/v1/scores", inline, "Prefer: wait=20").job(t)
	m := <-rc.got
	if m.Event.Type != "score.completed" || !strings.Contains(string(m.Event.Data), string(job.ID)) || strings.Contains(string(m.Event.Data), "cash_flow") {
		t.Errorf("%s %s", m.Event.Type, m.Event.Data)
	}

	if got := w.call("POST", path+"/test", ""); got.status != 202 || got.header.Get("Location") == "" {
		t.Errorf("test: %d %s", got.status, got.body)
	}
	if m := <-rc.got; m.Event.Type != "endpoint.test" {
		t.Errorf("got %s", m.Event.Type)
	}

	var page struct {
		Data []struct {
			ID, Type, Status string
			WebhookID        string `json:"webhook_id"`
			Attempts         []struct {
				StatusCode int `json:"status_code"`
			}
		}
	}
	// The answer reaches the receiver before it is written down here.
	for range 200 {
		got := w.call("GET", path+"/deliveries?status=delivered", "")
		got.into(t, &page)
		if len(page.Data) == 2 {
			break
		}
	}
	if len(page.Data) != 2 || page.Data[1].Type != "score.completed" || page.Data[1].WebhookID != m.ID || page.Data[1].Attempts[0].StatusCode != 204 {
		t.Fatalf("%+v", page)
	}
	replay := w.call("POST", "/v1/deliveries/"+page.Data[1].ID+"/replay", "")
	if again := <-rc.got; replay.status != 202 || again.ID != m.ID {
		t.Errorf("replay: %d %s, webhook-id %s want %s", replay.status, replay.body, again.ID, m.ID)
	}
	if got := w.call("GET", "/v1/deliveries/"+page.Data[1].ID, ""); got.status != 200 {
		t.Errorf("%d", got.status)
	}
	if got := w.call("GET", "/v1/deliveries?status=late", ""); got.status != 422 {
		t.Errorf("%d", got.status)
	}

	rotated := w.call("POST", path+"/rotate-secret", "")
	var next endpoint
	rotated.into(t, &next)
	if rotated.status != 200 || !strings.HasPrefix(next.Secret, "whsec_") || next.Secret == e.Secret {
		t.Fatalf("%d %s", rotated.status, rotated.body)
	}
	for _, secret := range []string{e.Secret, next.Secret} {
		rc.trust(t, secret) // both sign for a day
		w.call("POST", path+"/test", "")
		<-rc.got
	}

	for _, c := range []struct{ method, path string }{
		{"GET", path}, {"DELETE", path}, {"POST", path + "/test"}, {"POST", path + "/rotate-secret"}, {"GET", path + "/deliveries"},
		{"POST", "/v1/deliveries/" + page.Data[1].ID + "/replay"}, {"GET", "/v1/deliveries/" + page.Data[1].ID},
	} {
		if got := w.call(c.method, c.path, "", w.asOther()); got.status != 404 {
			t.Errorf("another partner: %s %s: %d", c.method, c.path, got.status)
		}
	}
	for _, p := range []string{path, "/v1/webhook-endpoints"} {
		if got := w.call("GET", p, ""); got.status != 200 || !strings.Contains(got.body, e.ID) || strings.Contains(got.body, "whsec_") {
			t.Errorf("%s: %d %s", p, got.status, got.body)
		}
	}
	if got := w.call("DELETE", path, ""); got.status != 204 {
		t.Errorf("delete: %d", got.status)
	}
	if got := w.call("GET", path, ""); got.status != 404 {
		t.Errorf("after delete: %d", got.status)
	}
	if strings.Contains(w.log.String(), "whsec_") {
		t.Error("the log holds a secret")
	}
}

// TestWebhookSecret: the default secret is shown once and signs what goes to
// a webhook_url.
func TestWebhookSecret(t *testing.T) {
	t.Parallel()
	w := setup(t, options{})
	var first, second, third struct{ Secret *string }
	w.call("HEAD", "/v1/webhook-secret", "")
	w.call("GET", "/v1/webhook-secret", "").into(t, &first)
	got := w.call("GET", "/v1/webhook-secret", "")
	got.into(t, &second)
	if first.Secret == nil || !strings.HasPrefix(*first.Secret, "whsec_") || second.Secret != nil || got.status != 200 {
		t.Fatalf("%v %s", first.Secret != nil, got.body)
	}
	rc := newReceiver(t)
	rc.trust(t, *first.Secret)
	body := strings.Replace(inline, "{", `{"webhook_url":"`+rc.URL+`",`, 1)
	w.call("POST", "/v1/scores", body)
	if m := <-rc.got; m.Event.Type != "score.completed" {
		t.Errorf("got %s", m.Event.Type)
	}
	w.call("POST", "/v1/webhook-secret", "").into(t, &third)
	if third.Secret == nil || *third.Secret == *first.Secret {
		t.Fatal("not rotated")
	}
	rc.trust(t, *third.Secret)
	w.call("POST", "/v1/scores", body)
	<-rc.got
}
