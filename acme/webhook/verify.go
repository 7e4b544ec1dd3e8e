package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The reasons why a Verifier refuses a message.
var (
	// ErrMissingHeader: one of the three headers is not there.
	ErrMissingHeader = errors.New("webhook: missing header")
	// ErrBadHeader: a header is there twice or is not of its form.
	ErrBadHeader = errors.New("webhook: bad header")
	// ErrTimestamp is wrapped by the two below.
	ErrTimestamp = errors.New("webhook: timestamp outside the tolerance")
	// ErrTimestampTooOld: sent too long ago, perhaps a replay.
	ErrTimestampTooOld = fmt.Errorf("%w: too old", ErrTimestamp)
	// ErrTimestampTooNew: sent in the future; one of the two clocks is wrong.
	ErrTimestampTooNew = fmt.Errorf("%w: too new", ErrTimestamp)
	// ErrSignature: no signature fits any of the secrets.
	ErrSignature = errors.New("webhook: no matching signature")
)

// DefaultTolerance is how far a webhook-timestamp may be from the receiver's
// clock, either way.
const DefaultTolerance = 5 * time.Minute

// VerifierConfig is what a Verifier needs.
type VerifierConfig struct {
	// Secrets are those a message may be signed with: one, or the new and
	// the old while they are rotated. At least one.
	Secrets []Secret
	// Tolerance bounds the timestamp's distance from now both ways, in whole
	// seconds as the timestamp is.
	// 0: DefaultTolerance. Negative is refused: without a bound, whoever
	// recorded a message once can send it for ever.
	Tolerance time.Duration
	// Now is the clock. nil: time.Now.
	Now func() time.Time
}

// Verifier checks that a message was signed with one of its secrets, just
// now. It is immutable and safe for concurrent use.
//
// It does not remember messages: the same one passes again while its
// timestamp is fresh. A receiver does each webhook-id once.
type Verifier struct{ cfg VerifierConfig }

// NewVerifier makes a Verifier with DefaultTolerance. No secret, or an empty
// one, gives ErrBadSecret.
func NewVerifier(secrets ...Secret) (*Verifier, error) {
	return NewVerifierWith(VerifierConfig{Secrets: secrets})
}

// NewVerifierWith makes a Verifier of cfg. It returns every fault of cfg.
func NewVerifierWith(cfg VerifierConfig) (*Verifier, error) {
	var faults []error
	if len(cfg.Secrets) == 0 {
		faults = append(faults, fmt.Errorf("%w: Secrets: none given; at least one is needed", ErrBadSecret))
	}
	for i, s := range cfg.Secrets {
		if s.IsZero() {
			faults = append(faults, fmt.Errorf("%w: Secrets[%d] is empty", ErrBadSecret, i))
		}
	}
	if cfg.Tolerance < 0 {
		faults = append(faults, fmt.Errorf("webhook: Tolerance is %s; allowed: 0 (%s) or more", cfg.Tolerance, DefaultTolerance))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	if cfg.Tolerance == 0 {
		cfg.Tolerance = DefaultTolerance
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	cfg.Secrets = append([]Secret(nil), cfg.Secrets...)
	return &Verifier{cfg}, nil
}

// Verify checks the three headers against the raw body, the very bytes that
// came. nil means that it was signed with one of the secrets and sent within
// the tolerance. Otherwise the error wraps ErrMissingHeader, ErrBadHeader,
// ErrTimestampTooOld, ErrTimestampTooNew or ErrSignature, and holds nothing
// that came. Signatures of schemes other than v1 are passed over.
func (v *Verifier) Verify(header http.Header, body []byte) error {
	_, err := v.verify(header, body)
	return err
}

// envelope is what the headers said, once verified.
type envelope struct {
	id     string
	sentAt time.Time
}

func (v *Verifier) verify(header http.Header, body []byte) (envelope, error) {
	id, err := single(header, HeaderID)
	if err != nil {
		return envelope{}, err
	}
	timestamp, err := single(header, HeaderTimestamp)
	if err != nil {
		return envelope{}, err
	}
	signatures, err := single(header, HeaderSignature)
	if err != nil {
		return envelope{}, err
	}
	if checkID(id) != nil {
		return envelope{}, fmt.Errorf("%w: %s", ErrBadHeader, HeaderID)
	}
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	// One time has one spelling ("+1" and "01" are others), so that what is
	// signed is what was compared with the clock.
	if err != nil || seconds <= 0 || strconv.FormatInt(seconds, 10) != timestamp {
		return envelope{}, fmt.Errorf("%w: %s is not a number of Unix seconds", ErrBadHeader, HeaderTimestamp)
	}
	// Compared in whole seconds, the unit of the header: a difference of
	// times would saturate, and a fraction would shorten one side.
	now, tolerance := v.cfg.Now().Unix(), int64(v.cfg.Tolerance/time.Second)
	switch {
	case seconds < now-tolerance:
		return envelope{}, ErrTimestampTooOld
	case seconds > now+tolerance:
		return envelope{}, ErrTimestampTooNew
	}
	if !v.signed(signatures, signedPrefix(id, timestamp), body) {
		return envelope{}, ErrSignature
	}
	return envelope{id: id, sentAt: time.Unix(seconds, 0).UTC()}, nil
}

// signed compares every signature with every secret's, whichever fits first,
// so that the time it takes tells nothing of where it fitted.
func (v *Verifier) signed(signatures string, prefix, body []byte) bool {
	macs := make([][]byte, len(v.cfg.Secrets))
	for i, s := range v.cfg.Secrets {
		macs[i] = s.mac(prefix, body)
	}
	fits := false
	var raw [sha256.Size + 3]byte
	for one := range strings.SplitSeq(signatures, " ") {
		encoded, ok := strings.CutPrefix(one, schemeHMAC+",")
		if !ok || strictBase64.DecodedLen(len(encoded)) > len(raw) {
			continue
		}
		n, err := strictBase64.Decode(raw[:], []byte(encoded))
		if err != nil {
			continue
		}
		for _, mac := range macs {
			if hmac.Equal(mac, raw[:n]) {
				fits = true
			}
		}
	}
	return fits
}

// single returns the header's only value.
func single(header http.Header, name string) (string, error) {
	values := header.Values(name)
	switch {
	case len(values) == 0 || len(values) == 1 && values[0] == "":
		return "", fmt.Errorf("%w: %s", ErrMissingHeader, name)
	case len(values) > 1:
		return "", fmt.Errorf("%w: %s more than once", ErrBadHeader, name)
	}
	return values[0], nil
}
