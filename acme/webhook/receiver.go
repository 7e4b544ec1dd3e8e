package webhook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Received is a verified webhook.
type Received struct {
	// ID is the webhook-id: the same on every attempt at the same event, so
	// the key under which to do the work once.
	ID string
	// SentAt is the time of this attempt.
	SentAt time.Time
	// Event is what the body held.
	Event Event
}

// ErrGone, returned or wrapped by ReceiverConfig.Handle, answers 410: the
// sender disables the endpoint and sends nothing more.
var ErrGone = errors.New("webhook: endpoint gone")

// ReceiverConfig is what a Receiver needs.
type ReceiverConfig struct {
	// Verifier checks each request. Required.
	Verifier *Verifier
	// Handle is called with each verified event, concurrently, while the
	// sender waits: keep it short and queue what is long. nil answers 204,
	// ErrGone 410, any other error 500, after which the sender tries again
	// later. The error's text is sent to nobody. Required.
	Handle func(ctx context.Context, m Received) error
	// MaxBytes bounds the body. 0: MaxBody, the most a Sender sends.
	MaxBytes int64
}

// Receiver is the http.Handler of a webhook endpoint. It answers 405 to
// anything but POST, 413 to a body over the bound, 400 to headers or a body
// that are not a webhook's, 403 to a timestamp or signature that does not
// hold, and only then calls Handle. Its answers say what was wrong in words of
// its own. The timeouts of reading are those of the http.Server it runs in.
//
// Safe for concurrent use.
type Receiver struct{ cfg ReceiverConfig }

// NewReceiver makes a Receiver of cfg. It returns every fault of cfg.
func NewReceiver(cfg ReceiverConfig) (*Receiver, error) {
	var faults []error
	if cfg.Verifier == nil {
		faults = append(faults, errors.New("webhook: Verifier is nil; one is required"))
	}
	if cfg.Handle == nil {
		faults = append(faults, errors.New("webhook: Handle is nil; a function is required"))
	}
	if cfg.MaxBytes < 0 {
		faults = append(faults, fmt.Errorf("webhook: MaxBytes is %d; allowed: 0 (%d) or more", cfg.MaxBytes, MaxBody))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = MaxBody
	}
	return &Receiver{cfg}, nil
}

// ServeHTTP answers one attempt.
func (rc *Receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "webhook: only POST is allowed", http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, rc.cfg.MaxBytes))
	if err != nil {
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			http.Error(w, fmt.Sprintf("webhook: body over %d bytes", rc.cfg.MaxBytes), http.StatusRequestEntityTooLarge)
			return
		}
		http.Error(w, "webhook: body could not be read", http.StatusBadRequest)
		return
	}
	envelope, err := rc.cfg.Verifier.verify(r.Header, body)
	if err != nil {
		status := http.StatusBadRequest
		if errors.Is(err, ErrTimestamp) || errors.Is(err, ErrSignature) {
			status = http.StatusForbidden
		}
		http.Error(w, err.Error(), status)
		return
	}
	event, err := ParseEvent(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	err = rc.cfg.Handle(r.Context(), Received{ID: envelope.id, SentAt: envelope.sentAt, Event: event})
	switch {
	case err == nil:
		w.WriteHeader(http.StatusNoContent)
	case errors.Is(err, ErrGone):
		http.Error(w, "webhook: gone", http.StatusGone)
	default:
		http.Error(w, "webhook: event not accepted", http.StatusInternalServerError)
	}
}
