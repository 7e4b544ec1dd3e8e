package bank

import (
	"errors"
	"fmt"
	"time"
)

// Code says what went wrong at a bank, in the words the API reports.
type Code string

// The codes of an Error.
const (
	// CodeUnauthorized: the token or the consent is expired, revoked,
	// unknown or too narrow. Asking again does not help.
	CodeUnauthorized Code = "bank_unauthorized"
	// CodeUnavailable: no answer, a 5xx, a broken connection. May pass.
	CodeUnavailable Code = "bank_unavailable"
	// CodeRateLimited: 429 or ACCESS_EXCEEDED; RetryAfter says when.
	CodeRateLimited Code = "bank_rate_limited"
	// CodeBadData: the answer could not be understood.
	CodeBadData Code = "bank_bad_data"
)

// ErrUnknownBank is wrapped by errors about a bank id that is not configured.
var ErrUnknownBank = errors.New("unknown bank")

// What can go wrong with a person's consent before there is a token. Each is
// the cause of an *Error with CodeUnauthorized.
var (
	// ErrDenied: the person, or the bank in their place, said no.
	ErrDenied = errors.New("consent denied")
	// ErrStateMismatch: the answer belongs to another authorization, or to
	// none (RFC 6749 section 10.12).
	ErrStateMismatch = errors.New("state does not match")
	// ErrIssuerMismatch: the answer names another server than the one that
	// was asked (RFC 9207), the mark of a mix-up attack.
	ErrIssuerMismatch = errors.New("issuer does not match")
)

// Error is a failure at a bank. It holds nothing the bank wrote: no body,
// no header, no address with an account in it.
type Error struct {
	Code Code
	// Op says what was being done, such as "transactions".
	Op string
	// Status is the HTTP status, 0 when there was no answer.
	Status int
	// RetryAfter is how long the bank asked to wait; 0 when it did not.
	RetryAfter time.Duration
	// Detail is written here, never by the bank: "page 3 repeats page 2".
	Detail string
	// Err is the cause, when it is safe to keep (context.DeadlineExceeded).
	Err error
}

// Error describes the failure in one line.
func (e *Error) Error() string {
	s := fmt.Sprintf("bank: %s: %s", e.Op, e.Code)
	if e.Status != 0 {
		s += fmt.Sprintf(" (HTTP %d)", e.Status)
	}
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Retryable tells whether trying the whole step again can help.
func (e *Error) Retryable() bool {
	return e.Code == CodeUnavailable || e.Code == CodeRateLimited || e.Code == CodeBadData
}
