package pebblestore_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"acme.example/creditscore/acme"
	"acme.example/creditscore/acme/pebblestore"
)

// BenchmarkCommit replaces records of 1 kB on a real directory, every Commit
// synced: so many Txs a call, and so many callers at once. An op is a call.
func BenchmarkCommit(b *testing.B) {
	for _, callers := range []int{1, 16, 256} {
		for _, txs := range []int{1, 16, 256} {
			b.Run(fmt.Sprintf("callers=%d/txs=%d", callers, txs), func(b *testing.B) {
				s := open(b, b.TempDir(), pebblestore.Options{})
				body := strings.Repeat("0123456789abcdef", 64)
				before := metrics(b, s)
				var calls atomic.Int64
				var wg sync.WaitGroup
				for c := range callers {
					wg.Go(func() {
						for v := uint64(1); calls.Add(1) <= int64(b.N); v++ {
							batch := make([]acme.Tx, txs)
							for i := range batch {
								r := job(fmt.Sprintf("scr_%08d_%08d", c, i), v, body)
								r.DueAt = start
								batch[i] = put(r)
							}
							for _, err := range s.Commit(b.Context(), batch) {
								if err != nil {
									b.Errorf("Commit: %v", err)
									return
								}
							}
						}
					})
				}
				wg.Wait()
				b.StopTimer()
				after := metrics(b, s)
				total := float64(b.N * txs)
				b.ReportMetric(total/b.Elapsed().Seconds(), "tx/s")
				b.ReportMetric(float64(after.LogBytes-before.LogBytes)/total, "logB/tx")
				b.ReportMetric(float64(b.N)/float64(after.LogSyncs-before.LogSyncs), "calls/sync")
			})
		}
	}
}

// BenchmarkGet reads records that are in memory.
func BenchmarkGet(b *testing.B) {
	s := open(b, b.TempDir(), pebblestore.Options{})
	var txs []acme.Tx
	for i := range 10_000 {
		txs = append(txs, put(job(fmt.Sprint(i), 1, strings.Repeat("x", 1000))))
	}
	commit(b, s, txs...)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := s.Get(b.Context(), job(fmt.Sprint(i%10_000), 1, "").Key); err != nil {
			b.Fatal(err)
		}
	}
}
