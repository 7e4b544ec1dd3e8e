package acme

import (
	"crypto/rand"
	"strconv"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
)

// newID returns prefix and a ULID in lower case: 48 bits of milliseconds, so
// that ids sort by creation, and 80 random bits, so that none can be guessed.
func newID(prefix string, at time.Time) string {
	id, err := ulid.New(ulid.Timestamp(at), rand.Reader)
	if err != nil {
		panic(err) // crypto/rand does not fail, and no clock reaches the year 10889
	}
	return prefix + strings.ToLower(id.String())
}

// messageID is what makes two messages the same work.
func messageID(id string, attempt int) string { return id + "." + strconv.Itoa(attempt) }

// stamp brings a time to the precision every Store keeps.
func stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
