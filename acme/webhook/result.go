package webhook

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"time"
)

// Result is how one delivery attempt went. It holds nothing the receiver
// wrote but its status and its Retry-After.
type Result struct {
	// Status is the HTTP status, 0 when no answer came.
	Status int
	// Duration is from the start of Send to the answer's header, or to the
	// failure.
	Duration time.Duration
	// RetryAfter is how long the receiver asked to wait, 0 when it did not;
	// at most MaxRetryAfter.
	RetryAfter time.Duration
	// Class says why it failed; ClassOK when it did not.
	Class Class
}

// Class tells failures apart by where they happened.
type Class string

// The classes of a Result.
const (
	// ClassOK: answered with a 2xx.
	ClassOK Class = ""
	// ClassHTTPStatus: answered with anything but 2xx, 3xx or 410.
	ClassHTTPStatus Class = "http_status"
	// ClassRedirect: answered with a 3xx, which is not followed.
	ClassRedirect Class = "redirect"
	// ClassGone: answered with 410. The endpoint is to be disabled.
	ClassGone Class = "gone"
	// ClassTimeout: no answer within the time of an attempt.
	ClassTimeout Class = "timeout"
	// ClassDNS: the host's name could not be resolved.
	ClassDNS Class = "dns"
	// ClassRefusedAddress: the host is at an address we do not go to.
	ClassRefusedAddress Class = "refused_address"
	// ClassConnect: no connection could be opened.
	ClassConnect Class = "connect"
	// ClassTLS: no TLS session could be agreed on, such as by an expired
	// certificate.
	ClassTLS Class = "tls"
	// ClassRead: the connection broke, or answered no HTTP, before a whole
	// header came.
	ClassRead Class = "read"
	// ClassInvalid: the Message cannot be sent as it is, nor later.
	ClassInvalid Class = "invalid"
	// ClassCanceled: the caller's context was cancelled or the Sender was
	// closed. It says nothing about the endpoint and is no failed attempt,
	// though the message may have arrived.
	ClassCanceled Class = "canceled"
)

// Delivered tells whether the receiver took the message.
func (r Result) Delivered() bool { return r.Class == ClassOK && r.Status/100 == 2 }

// Gone tells whether the receiver answered 410: disable the endpoint.
func (r Result) Gone() bool { return r.Class == ClassGone }

// Permanent tells whether trying again cannot help: 410, or a message that
// cannot be sent. A refused address is not permanent, since a name's address
// can be corrected.
func (r Result) Permanent() bool { return r.Class == ClassGone || r.Class == ClassInvalid }

// Canceled tells whether the caller cut the attempt off.
func (r Result) Canceled() bool { return r.Class == ClassCanceled }

// classOfStatus is the class of an answer.
func classOfStatus(status int) Class {
	switch {
	case status/100 == 2:
		return ClassOK
	case status/100 == 3:
		return ClassRedirect
	case status == http.StatusGone:
		return ClassGone
	}
	return ClassHTTPStatus
}

// stageError marks an error of opening a connection with its class.
type stageError struct {
	class Class
	err   error
}

func (e *stageError) Error() string { return "webhook: " + string(e.class) + ": " + e.err.Error() }
func (e *stageError) Unwrap() error { return e.err }

// classOfError is the class of an attempt without an answer. caller is the
// context Send was given, attempt the one with the attempt's own deadline.
func classOfError(caller, attempt context.Context, err error) Class {
	if caller.Err() != nil && !errors.Is(caller.Err(), context.DeadlineExceeded) {
		return ClassCanceled
	}
	if attempt.Err() != nil {
		return ClassTimeout
	}
	if stage, ok := errors.AsType[*stageError](err); ok {
		return stage.class
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return ClassTimeout
	}
	// In TLS 1.3 a server refuses a client's certificate, or the lack of
	// one, after the client has already seen the handshake succeed.
	if alert, ok := errors.AsType[*net.OpError](err); ok && alert.Op == "remote error" {
		return ClassTLS
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return ClassTLS
	}
	return ClassRead
}

// classOfDial is the class of a failure to open a connection.
func classOfDial(err error) Class {
	if errors.Is(err, ErrRefusedAddress) {
		return ClassRefusedAddress
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return ClassDNS
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return ClassTimeout
	}
	return ClassConnect
}
