package keyset

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/tink-crypto/tink-go/v2/aead"
	tinkkeyset "github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/prf"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// Set is the open keys of one installation. It cannot be printed, logged or
// marshalled. It is immutable and safe for concurrent use.
type Set struct {
	aead tink.AEAD
	prf  *prf.Set
}

// The errors that callers match.
var (
	// ErrSealed tells that sealed bytes cannot be opened: another key or
	// context sealed them, or they were changed. Which of these is not told.
	ErrSealed = errors.New("keyset: cannot unseal")
	// ErrMode tells that a keyset file may be read by others than its owner.
	ErrMode = errors.New("keyset: file readable by others")
	// ErrBadKeyset tells that a file is no keyset of the kind wanted, or
	// that the one file does not open the other.
	ErrBadKeyset = errors.New("keyset: unusable keyset file")
	// ErrSecret is what marshalling a Set gives.
	ErrSecret = errors.New("keyset: keys cannot be marshalled")
)

// MaxPRF is the most bytes that PRF gives: one SHA-256 digest.
const MaxPRF = 32

// New returns fresh keys that are held in memory only and lost with it: for
// tests and throw-away use.
func New() (*Set, error) {
	a, err := newAEADHandle()
	if err != nil {
		return nil, err
	}
	p, err := newPRFHandle()
	if err != nil {
		return nil, err
	}
	return newSet(a, p)
}

func newAEADHandle() (*tinkkeyset.Handle, error) {
	h, err := tinkkeyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return nil, fmt.Errorf("generating AEAD key: %w", err)
	}
	return h, nil
}

func newPRFHandle() (*tinkkeyset.Handle, error) {
	h, err := tinkkeyset.NewHandle(prf.HMACSHA256PRFKeyTemplate())
	if err != nil {
		return nil, fmt.Errorf("generating PRF key: %w", err)
	}
	return h, nil
}

func newSet(a, p *tinkkeyset.Handle) (*Set, error) {
	sealer, err := aead.New(a)
	if err != nil {
		return nil, fmt.Errorf("%w: not an AEAD keyset", ErrBadKeyset)
	}
	set, err := prf.NewPRFSet(p)
	if err != nil {
		return nil, fmt.Errorf("%w: not a PRF keyset", ErrBadKeyset)
	}
	return &Set{aead: sealer, prf: set}, nil
}

// Seal encrypts plaintext under the primary key (AES-256-GCM in keysets made
// here), bound to context as associated data: what it is and whose, such as
// "consent:con_…", so that sealed bytes put in another place do not open.
// The context itself is not part of the result, which is 33 bytes longer
// than plaintext. One key seals safely up to 2^32 times (NIST SP 800-38D).
func (s *Set) Seal(plaintext []byte, context string) ([]byte, error) {
	sealed, err := s.aead.Encrypt(plaintext, []byte(context))
	if err != nil {
		return nil, fmt.Errorf("sealing: %w", err)
	}
	return sealed, nil
}

// Unseal decrypts what Seal gave, under the same context and any key of the
// set. Errors: ErrSealed.
func (s *Set) Unseal(sealed []byte, context string) ([]byte, error) {
	plaintext, err := s.aead.Decrypt(sealed, []byte(context))
	if err != nil {
		return nil, ErrSealed
	}
	return plaintext, nil
}

// PRF returns the first n bytes, 1 to MaxPRF, of the pseudo-random function
// of input under the PRF keyset's primary key (HMAC-SHA-256 in keysets made
// here): the same for the same input, and telling nothing of it or of other
// inputs to who has no key. Callers keep their inputs apart by a label.
func (s *Set) PRF(input []byte, n int) ([]byte, error) {
	if n < 1 || n > MaxPRF {
		return nil, fmt.Errorf("prf: %d bytes asked, want 1 to %d", n, MaxPRF)
	}
	out, err := s.prf.ComputePrimaryPRF(input, uint32(n))
	if err != nil {
		return nil, fmt.Errorf("prf: %w", err)
	}
	return out, nil
}

// Format answers every verb of fmt with "[keyset]".
func (s Set) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// String returns "[keyset]".
func (s Set) String() string { return "[keyset]" }

// LogValue answers slog like String.
func (s Set) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText fails with ErrSecret, and with it every encoder that asks it.
func (s Set) MarshalText() ([]byte, error) { return nil, ErrSecret }

// MarshalBinary fails with ErrSecret.
func (s Set) MarshalBinary() ([]byte, error) { return nil, ErrSecret }
