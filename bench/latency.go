package bench

import (
	"math"
	"slices"
	"time"
)

// Latencies are the latencies of many requests, in any order.
type Latencies []time.Duration

// Percentile returns the nearest-rank percentile, the smallest value that at
// least p percent of all are not above: always one that was measured, never
// one between two. p is in (0,100]; without latencies it is 0.
func (l Latencies) Percentile(p float64) time.Duration {
	if len(l) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(l))
	rank := int(math.Ceil(p / 100 * float64(len(sorted))))
	return sorted[min(max(rank, 1), len(sorted))-1]
}

// Less returns each latency less d.
func (l Latencies) Less(d time.Duration) Latencies {
	out := make(Latencies, len(l))
	for i, v := range l {
		out[i] = v - d
	}
	return out
}

// Milliseconds is d as benchmarks report it.
func Milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
