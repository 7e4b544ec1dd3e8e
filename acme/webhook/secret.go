package webhook

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

// Secret is a symmetric signing secret: 24 to 64 random bytes, written as
// whsec_ and their base64 (Standard Webhooks 1.0, "Signature scheme"). It
// cannot be printed, logged or marshalled: fmt and slog see "[redacted]",
// encoders fail with ErrSecret. Reveal is the only way to its text, so that
// each use can be found by searching for that one name.
//
// The zero Secret is empty and signs nothing. A Secret is immutable and safe
// for concurrent use. Compare with Equal, not with ==.
type Secret struct {
	// key holds the raw bytes behind a pointer: fmt walks into unexported
	// fields without asking them for a String method, and prints a pointer
	// found there as an address, never as what it points to.
	key *string
}

const (
	secretPrefix    = "whsec_"
	secretMinBytes  = 24
	secretMaxBytes  = 64
	secretMadeBytes = 32
	redacted        = "[redacted]"
)

var (
	// ErrSecret is returned by every marshalling method of Secret: a secret
	// has no written form but Reveal's.
	ErrSecret = errors.New("webhook: a secret cannot be marshalled")
	// ErrBadSecret is wrapped by ParseSecret's errors and by those about an
	// empty Secret or none where one is needed.
	ErrBadSecret = errors.New("webhook: bad secret")
)

var strictBase64 = base64.StdEncoding.Strict()

// NewSecret makes a Secret of 32 bytes from the system's random source. The
// error is always nil: crypto/rand ends the process rather than fail.
func NewSecret() (Secret, error) {
	raw := make([]byte, secretMadeBytes)
	if _, err := rand.Read(raw); err != nil {
		return Secret{}, fmt.Errorf("webhook: make a secret: %w", err)
	}
	return newSecret(raw), nil
}

// ParseSecret reads a secret as Reveal writes it, with or without its prefix
// whsec_. Its errors wrap ErrBadSecret and never hold the text.
func ParseSecret(text string) (Secret, error) {
	encoded := strings.TrimPrefix(text, secretPrefix)
	// The decoder would skip line breaks: two texts for one secret.
	if strings.ContainsAny(encoded, "\r\n") {
		return Secret{}, fmt.Errorf("%w: line break in it; allowed: whsec_ and base64", ErrBadSecret)
	}
	raw, err := strictBase64.DecodeString(encoded)
	if err != nil {
		return Secret{}, fmt.Errorf("%w: not whsec_ and base64 with padding", ErrBadSecret)
	}
	if len(raw) < secretMinBytes || len(raw) > secretMaxBytes {
		return Secret{}, fmt.Errorf("%w: %d bytes; allowed: %d to %d", ErrBadSecret, len(raw), secretMinBytes, secretMaxBytes)
	}
	return newSecret(raw), nil
}

func newSecret(raw []byte) Secret {
	key := string(raw)
	return Secret{&key}
}

// Reveal returns the secret's text, whsec_ and base64, or "" when empty.
func (s Secret) Reveal() string {
	if s.key == nil {
		return ""
	}
	return secretPrefix + base64.StdEncoding.EncodeToString([]byte(*s.key))
}

// IsZero tells whether the Secret is empty.
func (s Secret) IsZero() bool { return s.key == nil }

// Equal tells, in constant time for secrets of one length, whether both hold
// the same bytes.
func (s Secret) Equal(other Secret) bool {
	if s.key == nil || other.key == nil {
		return s.key == other.key
	}
	return subtle.ConstantTimeCompare([]byte(*s.key), []byte(*other.key)) == 1
}

// String returns "[redacted]", or nothing for an empty Secret.
func (s Secret) String() string {
	if s.key == nil {
		return ""
	}
	return redacted
}

// GoString answers %#v like String.
func (s Secret) GoString() string { return s.String() }

// Format answers every verb of fmt like String.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// LogValue answers slog like String.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalJSON fails with ErrSecret.
func (s Secret) MarshalJSON() ([]byte, error) { return nil, ErrSecret }

// MarshalText fails with ErrSecret.
func (s Secret) MarshalText() ([]byte, error) { return nil, ErrSecret }

// MarshalBinary fails with ErrSecret.
func (s Secret) MarshalBinary() ([]byte, error) { return nil, ErrSecret }

// GobEncode fails with ErrSecret.
func (s Secret) GobEncode() ([]byte, error) { return nil, ErrSecret }

// MarshalYAML fails with ErrSecret.
func (s Secret) MarshalYAML() (any, error) { return nil, ErrSecret }
