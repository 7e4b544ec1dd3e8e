package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"acme.example/creditscore/acme/webhook"
)

func TestReceiver(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	secret := newSecret(t)
	body := string(eventBody(t))
	for _, tc := range []struct {
		rule   string
		method string
		body   string // as sent; signed is body unless tampered
		signed string
		at     time.Time
		header func(http.Header)
		answer error
		max    int64
		status int
		called bool
	}{
		{rule: "a verified event is handed on", status: 204, called: true},
		{rule: "an error asks for another attempt", answer: errors.New("IBAN of somebody"), status: 500, called: true},
		{rule: "ErrGone asks for no more", answer: fmt.Errorf("moved: %w", webhook.ErrGone), status: 410, called: true},
		{rule: "only POST", method: http.MethodGet, status: 405},
		{rule: "a changed body", signed: strings.Replace(body, "scr_1", "scr_2", 1), status: 403},
		{rule: "an old message", at: now.Add(-time.Hour), status: 403},
		{rule: "a message from the future", at: now.Add(time.Hour), status: 403},
		{rule: "no signature", header: func(h http.Header) { h.Del(webhook.HeaderSignature) }, status: 400},
		{rule: "a bad timestamp", header: func(h http.Header) { h.Set(webhook.HeaderTimestamp, "x") }, status: 400},
		{rule: "a body over the bound", max: int64(len(body)) - 1, status: 413},
		{rule: "a body at the bound", max: int64(len(body)), status: 204, called: true},
		{rule: "signed, but no event", body: vectorBody, status: 400},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			t.Parallel()
			var got []webhook.Received
			receiver, err := webhook.NewReceiver(webhook.ReceiverConfig{
				Verifier: verifierAt(t, now, secret),
				Handle: func(_ context.Context, m webhook.Received) error {
					got = append(got, m)
					return tc.answer
				},
				MaxBytes: tc.max,
			})
			if err != nil {
				t.Fatal(err)
			}
			sent, signed, at, method := body, body, now, http.MethodPost
			if tc.body != "" {
				sent, signed = tc.body, tc.body
			}
			if tc.signed != "" {
				signed = tc.signed
			}
			if !tc.at.IsZero() {
				at = tc.at
			}
			if tc.method != "" {
				method = tc.method
			}
			signature, err := webhook.Sign("msg_1", at, []byte(signed), secret)
			if err != nil {
				t.Fatal(err)
			}
			request := httptest.NewRequestWithContext(t.Context(), method, "/", strings.NewReader(sent))
			request.Header = headers("msg_1", at, signature)
			if tc.header != nil {
				tc.header(request.Header)
			}
			answer := httptest.NewRecorder()
			receiver.ServeHTTP(answer, request)
			if answer.Code != tc.status || (len(got) == 1) != tc.called {
				t.Fatalf("status %d, handled %d; want %d, %t (%s)", answer.Code, len(got), tc.status, tc.called, answer.Body)
			}
			if tc.called && (got[0].ID != "msg_1" || !got[0].SentAt.Equal(at) || got[0].Event.Type != "score.completed") {
				t.Fatalf("handed on %+v", got[0])
			}
			if strings.Contains(answer.Body.String(), "IBAN") {
				t.Fatal("the handler's error was sent")
			}
			if tc.status == 405 && answer.Header().Get("Allow") != "POST" {
				t.Fatal("405 without Allow")
			}
		})
	}
}

func TestNewReceiverReturnsEveryFault(t *testing.T) {
	t.Parallel()
	_, err := webhook.NewReceiver(webhook.ReceiverConfig{MaxBytes: -1})
	for _, field := range []string{"Verifier", "Handle", "MaxBytes"} {
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s is not named: %v", field, err)
		}
	}
}
