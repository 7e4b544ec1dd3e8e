package webhook_test

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"acme.example/creditscore/acme/webhook"
)

func verifierAt(tb testing.TB, now time.Time, secrets ...webhook.Secret) *webhook.Verifier {
	tb.Helper()
	v, err := webhook.NewVerifierWith(webhook.VerifierConfig{Secrets: secrets, Now: func() time.Time { return now }})
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

func TestVerifyTakesThePublishedVector(t *testing.T) {
	t.Parallel()
	v := verifierAt(t, vectorTime, mustParse(t, vectorSecret))
	if err := v.Verify(headers(vectorID, vectorTime, vectorSignature), []byte(vectorBody)); err != nil {
		t.Fatal(err)
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	const other = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc="
	set := func(name, value string) func(http.Header) { return func(h http.Header) { h.Set(name, value) } }
	del := func(name string) func(http.Header) { return func(h http.Header) { h.Del(name) } }
	add := func(name, value string) func(http.Header) { return func(h http.Header) { h.Add(name, value) } }
	for _, tc := range []struct {
		rule   string
		change func(http.Header)
		body   string
		skew   time.Duration // of the receiver's clock
		want   error
	}{
		{rule: "as signed"},
		{rule: "one of several signatures fits", change: set(webhook.HeaderSignature, other+" v2,abc v1a,xyz "+vectorSignature+" "+other)},
		{rule: "no signature fits", change: set(webhook.HeaderSignature, other+" "+other), want: webhook.ErrSignature},
		{rule: "right signature under another scheme", change: set(webhook.HeaderSignature, strings.Replace(vectorSignature, "v1,", "v1a,", 1)), want: webhook.ErrSignature},
		{rule: "right signature under no scheme", change: set(webhook.HeaderSignature, strings.TrimPrefix(vectorSignature, "v1,")), want: webhook.ErrSignature},
		{rule: "empty signature", change: set(webhook.HeaderSignature, "v1,"), want: webhook.ErrSignature},
		{rule: "shortened signature", change: set(webhook.HeaderSignature, "v1,g0hM9SsE"), want: webhook.ErrSignature},
		{rule: "lengthened signature", change: set(webhook.HeaderSignature, vectorSignature+"AAAA"), want: webhook.ErrSignature},
		{rule: "another body", body: `{"test": 2432232315}`, want: webhook.ErrSignature},
		{rule: "another id", change: set(webhook.HeaderID, vectorID+"x"), want: webhook.ErrSignature},
		{rule: "another time", change: set(webhook.HeaderTimestamp, "1614265331"), want: webhook.ErrSignature},
		{rule: "no id", change: del(webhook.HeaderID), want: webhook.ErrMissingHeader},
		{rule: "no timestamp", change: del(webhook.HeaderTimestamp), want: webhook.ErrMissingHeader},
		{rule: "no signature", change: del(webhook.HeaderSignature), want: webhook.ErrMissingHeader},
		{rule: "empty id", change: set(webhook.HeaderID, ""), want: webhook.ErrMissingHeader},
		{rule: "two ids", change: add(webhook.HeaderID, "x"), want: webhook.ErrBadHeader},
		{rule: "two timestamps", change: add(webhook.HeaderTimestamp, "1"), want: webhook.ErrBadHeader},
		{rule: "two signature headers", change: add(webhook.HeaderSignature, vectorSignature), want: webhook.ErrBadHeader},
		{rule: "id with a full stop", change: set(webhook.HeaderID, "a.b"), want: webhook.ErrBadHeader},
		{rule: "timestamp in words", change: set(webhook.HeaderTimestamp, "now"), want: webhook.ErrBadHeader},
		{rule: "timestamp with a sign", change: set(webhook.HeaderTimestamp, "+1614265330"), want: webhook.ErrBadHeader},
		{rule: "timestamp with a zero before", change: set(webhook.HeaderTimestamp, "01614265330"), want: webhook.ErrBadHeader},
		{rule: "timestamp with a fraction", change: set(webhook.HeaderTimestamp, "1614265330.0"), want: webhook.ErrBadHeader},
		{rule: "negative timestamp", change: set(webhook.HeaderTimestamp, "-1"), want: webhook.ErrBadHeader},
		{rule: "timestamp beyond 64 bits", change: set(webhook.HeaderTimestamp, "99999999999999999999"), want: webhook.ErrBadHeader},
		{rule: "timestamp at the end of 64 bits", change: set(webhook.HeaderTimestamp, "9223372036854775807"), want: webhook.ErrTimestampTooNew},
		{rule: "five minutes old", skew: 5 * time.Minute},
		{rule: "five minutes and a fraction old", skew: 5*time.Minute + 999*time.Millisecond},
		{rule: "over five minutes old", skew: 5*time.Minute + time.Second, want: webhook.ErrTimestampTooOld},
		{rule: "five minutes ahead", skew: -5 * time.Minute},
		{rule: "over five minutes ahead", skew: -5*time.Minute - time.Second, want: webhook.ErrTimestampTooNew},
		{rule: "time is checked whatever the signature", skew: time.Hour, change: set(webhook.HeaderSignature, other), want: webhook.ErrTimestamp},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			t.Parallel()
			v := verifierAt(t, vectorTime.Add(tc.skew), newSecret(t), mustParse(t, vectorSecret))
			h, body := headers(vectorID, vectorTime, vectorSignature), vectorBody
			if tc.change != nil {
				tc.change(h)
			}
			if tc.body != "" {
				body = tc.body
			}
			if err := v.Verify(h, []byte(body)); !errors.Is(err, tc.want) {
				t.Fatalf("got %v, want %v", err, tc.want)
			}
		})
	}
}

func TestNewVerifierRefuses(t *testing.T) {
	t.Parallel()
	if _, err := webhook.NewVerifier(); !errors.Is(err, webhook.ErrBadSecret) {
		t.Errorf("no secret: %v", err)
	}
	_, err := webhook.NewVerifierWith(webhook.VerifierConfig{Secrets: []webhook.Secret{{}}, Tolerance: -1})
	if !errors.Is(err, webhook.ErrBadSecret) || !strings.Contains(err.Error(), "Tolerance") {
		t.Errorf("two faults: %v", err)
	}
}

func TestVerifierKeepsItsOwnSecrets(t *testing.T) {
	t.Parallel()
	secrets := []webhook.Secret{mustParse(t, vectorSecret)}
	v := verifierAt(t, vectorTime, secrets...)
	secrets[0] = newSecret(t)
	if err := v.Verify(headers(vectorID, vectorTime, vectorSignature), []byte(vectorBody)); err != nil {
		t.Fatal(err)
	}
}

// Whatever comes, Verify neither panics nor takes what was not signed.
func FuzzVerify(f *testing.F) {
	f.Add(vectorID, "1614265330", vectorSignature, []byte(vectorBody))
	f.Add(vectorID, "1614265330", "v1, v1,,  v1a,"+vectorSignature, []byte(vectorBody))
	f.Add("a.1", "2", "v1,=", []byte(nil))
	f.Add("", "-9223372036854775808", " ", []byte{0})
	f.Fuzz(func(t *testing.T, id, timestamp, signature string, body []byte) {
		v := verifierAt(t, vectorTime, mustParse(t, vectorSecret))
		h := http.Header{webhook.HeaderID: {id}, webhook.HeaderTimestamp: {timestamp}, webhook.HeaderSignature: {signature}}
		err := v.Verify(h, body)
		genuine := id == vectorID && timestamp == "1614265330" && bytes.Equal(body, []byte(vectorBody)) &&
			strings.Contains(" "+signature+" ", " "+vectorSignature+" ")
		if (err == nil) != genuine {
			t.Fatalf("genuine %t, verified %v", genuine, err)
		}
		if err == nil {
			return
		}
		for _, known := range []error{webhook.ErrMissingHeader, webhook.ErrBadHeader, webhook.ErrTimestampTooOld, webhook.ErrTimestampTooNew, webhook.ErrSignature} {
			if errors.Is(err, known) {
				return
			}
		}
		t.Fatalf("unnamed error %v", err)
	})
}
