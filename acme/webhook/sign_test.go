package webhook_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"acme.example/creditscore/acme/webhook"
)

func TestSignGivesThePublishedVector(t *testing.T) {
	t.Parallel()
	got, err := webhook.Sign(vectorID, vectorTime, []byte(vectorBody), mustParse(t, vectorSecret))
	if err != nil || got != vectorSignature {
		t.Fatalf("got %s, %v\nwant %s", got, err, vectorSignature)
	}
}

func TestSignWithSeveralSecretsKeepsTheirOrder(t *testing.T) {
	t.Parallel()
	other := newSecret(t)
	got, err := webhook.Sign(vectorID, vectorTime, []byte(vectorBody), other, mustParse(t, vectorSecret))
	if err != nil {
		t.Fatal(err)
	}
	alone, err := webhook.Sign(vectorID, vectorTime, []byte(vectorBody), other)
	if err != nil || got != alone+" "+vectorSignature {
		t.Fatalf("got %s, %v", got, err)
	}
}

func TestSignRefuses(t *testing.T) {
	t.Parallel()
	good := mustParse(t, vectorSecret)
	for _, tc := range []struct {
		rule, id string
		at       time.Time
		secrets  []webhook.Secret
		want     error
	}{
		{"no id", "", vectorTime, []webhook.Secret{good}, webhook.ErrBadMessage},
		{"id with a full stop", "msg.1", vectorTime, []webhook.Secret{good}, webhook.ErrBadMessage},
		{"id with a space", "msg 1", vectorTime, []webhook.Secret{good}, webhook.ErrBadMessage},
		{"id with a line break", "msg\r\nX: y", vectorTime, []webhook.Secret{good}, webhook.ErrBadMessage},
		{"id beyond ASCII", "msg_é", vectorTime, []webhook.Secret{good}, webhook.ErrBadMessage},
		{"id too long", strings.Repeat("a", 257), vectorTime, []webhook.Secret{good}, webhook.ErrBadMessage},
		{"no time", "msg_1", time.Time{}, []webhook.Secret{good}, webhook.ErrBadMessage},
		{"no secret", "msg_1", vectorTime, nil, webhook.ErrBadSecret},
		{"an empty secret", "msg_1", vectorTime, []webhook.Secret{good, {}}, webhook.ErrBadSecret},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			t.Parallel()
			if got, err := webhook.Sign(tc.id, tc.at, nil, tc.secrets...); !errors.Is(err, tc.want) || got != "" {
				t.Fatalf("got %q, %v; want %v", got, err, tc.want)
			}
		})
	}
}

// The reference library takes what we sign, and we take what it signs.
func TestBothWaysWithTheReferenceLibrary(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, body := range []string{"", "{}", vectorBody, string(eventBody(t)), strings.Repeat("x", 100_000), "\x00\xff"} {
		secret, old := newSecret(t), newSecret(t)
		reference, err := standardwebhooks.NewWebhook(secret.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		ours, err := webhook.Sign(vectorID, now, []byte(body), old, secret)
		if err != nil {
			t.Fatal(err)
		}
		if err := reference.Verify([]byte(body), headers(vectorID, now, ours)); err != nil {
			t.Errorf("the reference refuses ours: %v", err)
		}
		theirs, err := reference.Sign(vectorID, now, []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		verifier, err := webhook.NewVerifier(old, secret)
		if err != nil {
			t.Fatal(err)
		}
		if err := verifier.Verify(headers(vectorID, now, theirs), []byte(body)); err != nil {
			t.Errorf("we refuse the reference's: %v", err)
		}
	}
	if http.CanonicalHeaderKey(standardwebhooks.HeaderWebhookID) != webhook.HeaderID ||
		http.CanonicalHeaderKey(standardwebhooks.HeaderWebhookTimestamp) != webhook.HeaderTimestamp ||
		http.CanonicalHeaderKey(standardwebhooks.HeaderWebhookSignature) != webhook.HeaderSignature {
		t.Error("header names differ")
	}
}
