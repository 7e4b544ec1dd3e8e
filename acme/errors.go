package acme

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Errors of the Engine. ErrNotFound, ErrConflict and ErrStoreClosed are the
// Store's.
var (
	// ErrBusy: as many unfinished jobs as Config.MaxAccepted allows. Wrapped
	// by *BusyError, which says when to come back.
	ErrBusy = errors.New("too many unfinished jobs")
	// ErrStopped: the Engine was not started, or is draining or stopped.
	ErrStopped = errors.New("engine is not running")
	// ErrIdempotencyMismatch: the key was used before with another request.
	ErrIdempotencyMismatch = errors.New("idempotency key was used with another request")
	// ErrUnknownBank: no bank of that id is configured.
	ErrUnknownBank = errors.New("unknown bank")
	// ErrConsentUnusable: the consent is not authorized (any more).
	ErrConsentUnusable = errors.New("consent is not authorized")
	// ErrNoAuthorization: the bank takes tokens only; no consent can be
	// started at it.
	ErrNoAuthorization = errors.New("bank offers no authorization")
	// ErrFlowUnknown: a callback whose state is foreign, used or too old.
	ErrFlowUnknown = errors.New("unknown or used authorization state")
)

// BusyError is ErrBusy with the time after which room is expected.
type BusyError struct{ RetryAfter time.Duration }

// Error describes the refusal.
func (e *BusyError) Error() string {
	return fmt.Sprintf("%v; try again in %v", ErrBusy, e.RetryAfter)
}

// Is makes errors.Is(err, ErrBusy) true.
func (e *BusyError) Is(target error) bool { return target == ErrBusy }

// FieldError is one fault of a configuration or a request.
type FieldError struct {
	// Field is the path as its writer knows it: "loan.term_months".
	Field string
	// Value is what was given, shortened; "" where it is a secret.
	Value string
	// Allowed says what would have been accepted.
	Allowed string
}

// Error names the field, the value and what is allowed.
func (e *FieldError) Error() string {
	if e.Value == "" {
		return fmt.Sprintf("%s: %s", e.Field, e.Allowed)
	}
	return fmt.Sprintf("%s: %q: %s", e.Field, e.Value, e.Allowed)
}

// InvalidError is every fault of one configuration or request.
type InvalidError struct{ Faults []*FieldError }

// Error lists all faults on one line.
func (e *InvalidError) Error() string {
	texts := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		texts[i] = f.Error()
	}
	return "invalid: " + strings.Join(texts, "; ")
}

// Unwrap gives errors.As each fault.
func (e *InvalidError) Unwrap() []error {
	errs := make([]error, len(e.Faults))
	for i, f := range e.Faults {
		errs[i] = f
	}
	return errs
}
