package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"time"
	"unicode/utf8"
)

// Event is the body of a webhook: what happened, when, and about what
// (Standard Webhooks 1.0, "Payload structure").
type Event struct {
	// Type is full-stop delimited, of letters, digits and underscores:
	// "score.completed". Events of one type have one schema of Data.
	Type string `json:"type"`
	// Timestamp is when it happened, not when it is sent.
	Timestamp time.Time `json:"timestamp"`
	// Data is any JSON value.
	Data json.RawMessage `json:"data"`
}

// ErrBadEvent is wrapped by errors about an Event that cannot be written or
// read.
var ErrBadEvent = errors.New("webhook: bad event")

const maxTypeBytes = 128

var typePattern = regexp.MustCompile(`^[a-zA-Z0-9_]+(\.[a-zA-Z0-9_]+)*$`)

// Body returns the event as JSON: the fields in the order above, no white
// space, the timestamp in UTC, Data's own members in their own order, {} for
// none. Equal events give equal bytes, so a body can be made again for a
// later attempt and still be the same. Errors wrap ErrBadEvent: a Type not as
// described, a Timestamp of zero or of no four-digit year, Data that is not
// JSON in UTF-8.
func (e Event) Body() ([]byte, error) {
	if err := e.check(); err != nil {
		return nil, err
	}
	e.Timestamp = e.Timestamp.UTC()
	if len(e.Data) == 0 {
		e.Data = json.RawMessage("{}")
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(e); err != nil {
		// The encoder's error may quote a byte of Data; it stays here.
		return nil, fmt.Errorf("%w: data is not JSON, or the timestamp's year has more than four digits", ErrBadEvent)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

func (e Event) check() error {
	switch {
	case len(e.Type) > maxTypeBytes || !typePattern.MatchString(e.Type):
		return fmt.Errorf("%w: type must be of letters, digits and underscores between full stops, at most %d bytes", ErrBadEvent, maxTypeBytes)
	case e.Timestamp.IsZero():
		return fmt.Errorf("%w: no timestamp", ErrBadEvent)
	case !utf8.Valid(e.Data):
		return fmt.Errorf("%w: data is not UTF-8", ErrBadEvent)
	}
	return nil
}

// ParseEvent reads a body. Members it does not know are passed over, as
// senders may add some. Errors wrap ErrBadEvent and hold nothing of the body.
// Verify first: ParseEvent trusts nobody but proves nothing.
func ParseEvent(body []byte) (Event, error) {
	var e Event
	if err := json.Unmarshal(body, &e); err != nil {
		return Event{}, fmt.Errorf("%w: body is not a JSON object with type, timestamp (RFC 3339) and data", ErrBadEvent)
	}
	if err := e.check(); err != nil {
		return Event{}, err
	}
	return e, nil
}
