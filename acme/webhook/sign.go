package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// The headers of a webhook (Standard Webhooks 1.0, "Webhook headers").
const (
	HeaderID        = "Webhook-Id"
	HeaderTimestamp = "Webhook-Timestamp"
	HeaderSignature = "Webhook-Signature"
)

const (
	schemeHMAC = "v1"
	maxIDBytes = 256
)

// ErrBadMessage is wrapped by errors about something that cannot be signed:
// an id or a time that must not stand in a header.
var ErrBadMessage = errors.New("webhook: bad message")

// Sign returns the webhook-signature header for one attempt: "v1," and the
// base64 of HMAC-SHA256 over "id.timestamp.body", once per secret, separated
// by spaces. Give the new secret and the old one while a secret is rotated.
//
// The id stays the same on every attempt; at is the time of this one, sent
// as webhook-timestamp in whole Unix seconds. An id of other than 1 to 256
// visible ASCII characters, or with a full stop in it (which would let one
// signature fit two messages), and a time before 1970 give ErrBadMessage; no
// secret, or an empty one, gives ErrBadSecret.
func Sign(id string, at time.Time, body []byte, secrets ...Secret) (string, error) {
	if err := checkID(id); err != nil {
		return "", err
	}
	if at.Unix() <= 0 {
		return "", fmt.Errorf("%w: timestamp before 1970", ErrBadMessage)
	}
	if len(secrets) == 0 {
		return "", fmt.Errorf("%w: none given", ErrBadSecret)
	}
	prefix := signedPrefix(id, strconv.FormatInt(at.Unix(), 10))
	out := make([]byte, 0, len(secrets)*(len(schemeHMAC)+2+base64.StdEncoding.EncodedLen(sha256.Size)))
	for i, s := range secrets {
		if s.IsZero() {
			return "", fmt.Errorf("%w: number %d of %d is empty", ErrBadSecret, i+1, len(secrets))
		}
		if i > 0 {
			out = append(out, ' ')
		}
		out = append(out, schemeHMAC+","...)
		out = base64.StdEncoding.AppendEncode(out, s.mac(prefix, body))
	}
	return string(out), nil
}

// signedPrefix is what is signed before the body.
func signedPrefix(id, timestamp string) []byte {
	prefix := make([]byte, 0, len(id)+len(timestamp)+2)
	prefix = append(prefix, id...)
	prefix = append(prefix, '.')
	prefix = append(prefix, timestamp...)
	return append(prefix, '.')
}

func (s Secret) mac(prefix, body []byte) []byte {
	h := hmac.New(sha256.New, []byte(*s.key))
	h.Write(prefix)
	h.Write(body)
	return h.Sum(nil)
}

func checkID(id string) error {
	if id == "" || len(id) > maxIDBytes {
		return fmt.Errorf("%w: id of %d bytes; allowed: 1 to %d", ErrBadMessage, len(id), maxIDBytes)
	}
	for i := range len(id) {
		if c := id[i]; c <= ' ' || c > '~' || c == '.' {
			return fmt.Errorf("%w: id has a character that is not allowed (visible ASCII but the full stop is)", ErrBadMessage)
		}
	}
	return nil
}
