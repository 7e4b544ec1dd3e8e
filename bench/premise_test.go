package bench_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"acme.example/creditscore/acme"
	"acme.example/creditscore/acme/pebblestore"
	"acme.example/creditscore/acme/score"
	"acme.example/creditscore/bench"
)

// BenchmarkPremise is what the engine is built for: requests arrive at a
// fixed rate, the bank takes ten seconds, scoring takes ten seconds, and
// every answer is durable and delivered. The scorer sleeps for its ten
// seconds, holding its slot, and then makes the real score.
func BenchmarkPremise(b *testing.B) {
	if *premiseRate <= 0 || *premiseLength <= 0 {
		b.Fatal("-premise and -premise.rate must be above zero")
	}
	for b.Loop() {
		premise(b, bench.Schedule{Rate: *premiseRate, Length: *premiseLength})
	}
}

func premise(b *testing.B, schedule bench.Schedule) {
	others := startBystanders(b, bankConfig{Latency: bankWait})
	st := openStore(b, b.TempDir(), pebblestore.Options{})
	// 256 slots at 10/s, of which 100 are held; in proportion above.
	slots := max(256, int(25.6*schedule.Rate))
	eng, stop := startEngine(b, acme.Config{
		Bank: adapter(b, others.base, nil), Store: st,
		Scorer: slowScorer{wait: scorerWait, card: score.New()},
		Limits: acme.Limits{ScoreConcurrency: slots, FetchConcurrency: max(512, 2*slots)},
	})
	secret, _, err := eng.WebhookSecret(b.Context(), "")
	if err != nil {
		b.Fatal(err)
	}
	others.trust(secret)

	var accepted, refused atomic.Int64
	canary, err := bench.NewCanary(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	watch := bench.NewWatch()
	start := time.Now()
	schedule.Run(b.Context(), start, func(n int) {
		if _, err := eng.Submit(context.Background(), request(n, uint64(n), others.hookURL())); err != nil {
			b.Errorf("request %d was not accepted: %v", n, err)
			refused.Add(1)
			return
		}
		accepted.Add(1)
	})
	// Another minute for what is under way; what is late by more is lost.
	until := time.Now().Add(bankWait + scorerWait + time.Minute)
	for others.verified() < int(accepted.Load()) && time.Now().Before(until) {
		time.Sleep(100 * time.Millisecond)
	}
	used := watch.Stop()
	stop()
	if err := canary.Stop(); err != nil {
		b.Error(err)
	}

	result := others.result()
	all := result.Latencies(schedule, start)
	own := all.Less(bankWait + scorerWait)
	lost := int(accepted.Load()) - result.Verified
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(result.Rate(), "req/s")
	b.ReportMetric(float64(lost), "lost")
	b.ReportMetric(float64(result.Duplicates), "duplicates")
	b.ReportMetric(bench.Milliseconds(all.Percentile(50)), "p50-ms")
	b.ReportMetric(bench.Milliseconds(all.Percentile(99)), "p99-ms")
	b.ReportMetric(bench.Milliseconds(own.Percentile(50)), "own-p50-ms")
	b.ReportMetric(bench.Milliseconds(own.Percentile(99)), "own-p99-ms")
	b.ReportMetric(100*used.CPUShare(), "cpu-%")
	b.ReportMetric(bench.Milliseconds(used.CPU)/float64(accepted.Load()), "cpu-ms/req")
	b.ReportMetric(float64(used.PeakRSS)/(1<<20), "rss-MiB")
	b.ReportMetric(float64(used.Goroutines), "goroutines")
	b.Log(premiseReport(schedule, int(accepted.Load()), int(refused.Load()), result, own, used, canary))
	judge(b, int(accepted.Load()), result)
}

// premiseReport says in words what the figures mean.
func premiseReport(s bench.Schedule, accepted, refused int, r bench.Result, own bench.Latencies, u bench.Usage, c *bench.Canary) string {
	four := func(l bench.Latencies) string {
		ms := func(p float64) float64 { return bench.Milliseconds(l.Percentile(p)) }
		return fmt.Sprintf("p50 %.1f ms, p90 %.1f, p99 %.1f, max %.1f", ms(50), ms(90), ms(99), ms(100))
	}
	return fmt.Sprintf(`%g/s for %v: the bank takes %v over HTTP; the scorer holds its slot for %v asleep, then scores for real
accepted %d, refused %d, verified %d (failed %d), lost %d, delivered again under the same id %d, told twice %d
verified at %.2f/s; the engine's own share (latency from the due time, less %v): %s
engine process: CPU %.1f %% of all cores over %v, peak RSS %.0f MiB, at most %d goroutines
the machine meanwhile: woken late by %s; a 4 KiB write and fsync %s`,
		s.Rate, s.Length, bankWait, scorerWait,
		accepted, refused, r.Verified, r.Failed, accepted-r.Verified, r.Duplicates, r.Twice,
		r.Rate(), bankWait+scorerWait, four(own),
		100*u.CPUShare(), u.Wall.Round(time.Second), float64(u.PeakRSS)/(1<<20), u.Goroutines, four(c.Late), four(c.Sync))
}
