package bench

import (
	"context"
	"sync"
	"time"
)

// Schedule is a fixed plan of arrivals: request n is due n/Rate seconds after
// the start, for as long as Length. It does not depend on how the requests
// fare (open loop).
type Schedule struct {
	Rate   float64 // arrivals a second, above 0
	Length time.Duration
}

// Count is the number of arrivals: those due before Length has passed.
func (s Schedule) Count() int {
	n := int(s.Rate * s.Length.Seconds())
	for s.Due(n) < s.Length { // a fraction, or rounding, left one more
		n++
	}
	return n
}

// Due is when request n is due, after the start.
func (s Schedule) Due(n int) time.Duration {
	return time.Duration(float64(n) / s.Rate * float64(time.Second))
}

// Run calls submit with 0, 1, … when each is due, on a goroutine each, and
// returns when the last has returned or, early, when ctx ended and those
// under way have returned. One that comes late, because this goroutine was
// not scheduled in time, is started at once and those behind it keep their
// times.
func (s Schedule) Run(ctx context.Context, start time.Time, submit func(n int)) {
	var running sync.WaitGroup
	defer running.Wait()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for n := range s.Count() {
		timer.Reset(time.Until(start.Add(s.Due(n))))
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		running.Go(func() { submit(n) })
	}
}
