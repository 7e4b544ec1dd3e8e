package webhook

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Schedule is how long to wait after each failed attempt: after the first,
// after the second and so on. A delivery has one attempt more than the
// Schedule has entries; when that fails too it is dead.
type Schedule []time.Duration

const (
	// MaxRetryAfter bounds what a receiver can ask for by Retry-After.
	MaxRetryAfter = 24 * time.Hour
	// jitterShare is how far a wait may be from its entry, as a share of it.
	jitterShare = 0.2
)

// DefaultSchedule is the one Standard Webhooks 1.0 gives as an example: ten
// attempts over a little more than three days.
func DefaultSchedule() Schedule {
	return Schedule{
		5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
		10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
	}
}

// Next tells how long after the failed-th failed attempt to try again, and
// false when there is to be no further one. failed counts from 1; with none
// failed it is 0, at once.
//
// jitter in [0, 1) spreads the wait evenly over ±20 % of the entry: give it
// rand.Float64(), or a fixed number in a test. retryAfter, where the receiver
// gave one, is the least to wait, up to MaxRetryAfter; it never makes an
// attempt sooner than scheduled.
func (s Schedule) Next(failed int, retryAfter time.Duration, jitter float64) (time.Duration, bool) {
	if failed < 1 {
		return 0, true
	}
	if failed > len(s) {
		return 0, false
	}
	if !(jitter >= 0) { // NaN too
		jitter = 0
	}
	jitter = min(jitter, 1)
	wait := float64(max(s[failed-1], 0)) * (1 - jitterShare + 2*jitterShare*jitter)
	// A float64 of MaxInt64 rounds up to 2^63, which is one too many.
	delay := time.Duration(math.MaxInt64)
	if wait < math.MaxInt64 {
		delay = time.Duration(wait)
	}
	return max(delay, min(retryAfter, MaxRetryAfter)), true
}

// parseRetryAfter reads a Retry-After header (RFC 9110, section 10.2.3):
// seconds, or a date compared with now. What cannot be read, or is past, is
// 0; what is longer than MaxRetryAfter is MaxRetryAfter.
func parseRetryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	if value == "" {
		return 0
	}
	if strings.Trim(value, "0123456789") == "" {
		seconds, err := strconv.ParseInt(value, 10, 64)
		if err != nil || seconds > int64(MaxRetryAfter/time.Second) {
			return MaxRetryAfter // only digits, so it can only be too large
		}
		return time.Duration(seconds) * time.Second
	}
	date, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return min(max(date.Sub(now), 0), MaxRetryAfter)
}
