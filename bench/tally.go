package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"sync"
	"time"

	"acme.example/creditscore/acme/webhook"
)

// MetadataKey is the key of a request's metadata under which its number in
// the Schedule travels to the webhook, in decimal.
const MetadataKey = "arrival"

// Tally keeps what a receiver verified, by the number of the request: a few
// bytes each, so that a day of them fits. It is safe for concurrent use.
type Tally struct {
	mu     sync.Mutex
	result Result
	ids    []uint64 // hash of the webhook-id first seen for each number
}

// Result is what a Tally holds.
type Result struct {
	// At is when each request's webhook was first verified, in nanoseconds
	// since 1970; 0 for one that was not seen.
	At []int64 `json:"at"`
	// Verified counts the requests that were seen, Failed those of them
	// that were told to have failed.
	Verified int `json:"verified"`
	Failed   int `json:"failed"`
	// Duplicates counts deliveries repeated under the webhook-id of the
	// first, which a receiver is told to expect; Twice counts further
	// events about the same request, of which there must be none.
	Duplicates int `json:"duplicates"`
	Twice      int `json:"twice"`
}

// NewTally returns an empty Tally.
func NewTally() *Tally { return &Tally{} }

// Take counts one verified webhook. The error says that it is not about a
// request with a number.
func (t *Tally) Take(at time.Time, m webhook.Received) error {
	var data struct {
		Metadata map[string]json.Number `json:"metadata"`
	}
	if err := json.Unmarshal(m.Event.Data, &data); err != nil {
		return fmt.Errorf("reading an event: %w", err)
	}
	number, err := data.Metadata[MetadataKey].Int64()
	if err != nil || number < 0 || number > 1<<24 {
		return errors.New("reading an event: it has no number of a request")
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(m.ID))
	id, n := h.Sum64(), int(number)

	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.ids) <= n {
		t.ids = append(t.ids, 0)
		t.result.At = append(t.result.At, 0)
	}
	switch {
	case t.result.At[n] == 0:
		t.ids[n], t.result.At[n] = id, at.UnixNano()
		t.result.Verified++
		if m.Event.Type == "score.failed" {
			t.result.Failed++
		}
	case t.ids[n] == id:
		t.result.Duplicates++
	default:
		t.result.Twice++
	}
	return nil
}

// Verified is how many requests were seen so far.
func (t *Tally) Verified() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.result.Verified
}

// Result returns a copy of what was taken so far.
func (t *Tally) Result() Result {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.result
	r.At = append([]int64(nil), r.At...)
	return r
}

// Latencies returns, for each request that was seen, the time from when s
// had it due to when it was verified.
func (r Result) Latencies(s Schedule, start time.Time) Latencies {
	out := make(Latencies, 0, r.Verified)
	for n, at := range r.At {
		if at != 0 {
			out = append(out, time.Duration(at-start.UnixNano())-s.Due(n))
		}
	}
	return out
}

// Rate is the rate at which webhooks were verified, a second: their number
// less one over the time from the first to the last. 0 below two.
func (r Result) Rate() float64 {
	var first, last int64
	for _, at := range r.At {
		if at != 0 && (first == 0 || at < first) {
			first = at
		}
		last = max(last, at)
	}
	if r.Verified < 2 || last == first {
		return 0
	}
	return float64(r.Verified-1) / time.Duration(last-first).Seconds()
}
