package bank

import (
	"errors"
	"fmt"
	"log/slog"
)

// redacted stands wherever a secret would have been written.
const redacted = "[redacted]"

// ErrSecret is returned by every marshalling method of Token and Text: a
// secret has no written form.
var ErrSecret = errors.New("bank: a secret cannot be marshalled")

// Token is a bearer secret (an access or a refresh token). It cannot be
// printed, logged or marshalled: every verb of fmt, slog and the encoders
// sees "[redacted]" or fails with ErrSecret. Reveal is the only way to its
// text, so that each use can be found by searching for that one name.
//
// The zero Token is empty. A Token is immutable and safe for concurrent use.
type Token struct{ secret }

// NewToken keeps text as a Token.
func NewToken(text string) Token { return Token{newSecret(text)} }

// Text is what a person or a bank wrote: a name, an account number, a
// remittance line. It obeys the same rules as Token, so that a Statement
// can be neither logged nor stored by mistake.
type Text struct{ secret }

// NewText keeps text as a Text.
func NewText(text string) Text { return Text{newSecret(text)} }

// secret holds its text behind a pointer: fmt walks into unexported fields
// without asking them for a String method, and prints a *string found there
// as an address, never as its contents.
type secret struct{ p *string }

func newSecret(text string) secret {
	if text == "" {
		return secret{}
	}
	return secret{&text}
}

// Reveal returns the text itself.
func (s secret) Reveal() string {
	if s.p == nil {
		return ""
	}
	return *s.p
}

// IsZero tells whether there is no text.
func (s secret) IsZero() bool { return s.p == nil }

// String returns "[redacted]", or nothing for an empty secret.
func (s secret) String() string {
	if s.p == nil {
		return ""
	}
	return redacted
}

// GoString answers %#v like String.
func (s secret) GoString() string { return s.String() }

// Format answers every verb of fmt like String, %d and %x too. Only a secret
// in an unexported field is out of its reach, and shows as an address.
func (s secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// LogValue answers slog like String.
func (s secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalJSON fails with ErrSecret.
func (s secret) MarshalJSON() ([]byte, error) { return nil, ErrSecret }

// MarshalText fails with ErrSecret.
func (s secret) MarshalText() ([]byte, error) { return nil, ErrSecret }

// MarshalBinary fails with ErrSecret.
func (s secret) MarshalBinary() ([]byte, error) { return nil, ErrSecret }

// GobEncode fails with ErrSecret.
func (s secret) GobEncode() ([]byte, error) { return nil, ErrSecret }

// MarshalYAML fails with ErrSecret.
func (s secret) MarshalYAML() (any, error) { return nil, ErrSecret }
