package bench_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"acme.example/creditscore/acme"
	"acme.example/creditscore/acme/anonymize"
	"acme.example/creditscore/acme/bank"
	"acme.example/creditscore/acme/keyset"
	"acme.example/creditscore/acme/pebblestore"
	"acme.example/creditscore/acme/score"
	"acme.example/creditscore/bench"
)

// BenchmarkOverhead is what a job costs beside bank and scorer, which here
// take no time, with a notifier that is a counter: accepting, four durable
// writes, sealing, pseudonymizing 36 transactions, rendering the webhook. Each
// submitter asks for a score, waits for it and asks for the next. On disk a
// write waits for fsync; on "memory" it does not, and the difference is
// the disk's.
func BenchmarkOverhead(b *testing.B) {
	st := smallStatement(b)
	report := reportOf(b, st)
	for _, fs := range []string{"disk", "memory"} {
		for _, submitters := range []int{1, 64, 1024} {
			b.Run(fmt.Sprintf("%s/submitters=%d", fs, submitters), func(b *testing.B) {
				overhead(b, fs == "memory", submitters, instantBank{st}, instantScorer{report})
			})
		}
	}
}

// jobsPerOp is the jobs of one b.N: so many that even one tells something,
// and that each submitter has some.
func jobsPerOp(submitters int) int { return max(500, 2*submitters) }

func overhead(b *testing.B, inMemory bool, submitters int, bk acme.BankClient, sc score.Scorer) {
	opts, dir := pebblestore.Options{}, b.TempDir()
	if inMemory {
		opts.FS, dir = vfs.NewMem(), "data"
	}
	st := openStore(b, dir, opts)
	notifier := &countingNotifier{}
	eng, stop := startEngine(b, acme.Config{Bank: bk, Store: st, Scorer: sc, Notifier: notifier})
	ask(b, eng, 0, "http://receiver.test/hooks") // makes the partner's secret
	before, err := st.Metrics()
	if err != nil {
		b.Fatal(err)
	}

	jobs := jobsPerOp(submitters)
	var latencies bench.Latencies
	watch := bench.NewWatch()
	b.ResetTimer()
	for range b.N {
		latencies = append(latencies, closedLoop(b, submitters, jobs, func(n int) { ask(b, eng, n, "http://receiver.test/hooks") })...)
	}
	settle(eng)
	b.StopTimer()
	used := watch.Stop()
	stop()

	after, err := st.Metrics()
	if err != nil {
		b.Fatal(err)
	}
	n := float64(jobs * b.N)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(n/used.Wall.Seconds(), "jobs/s")
	b.ReportMetric(float64(used.CPU.Microseconds())/n, "cpu-µs/job")
	b.ReportMetric(float64(after.WrittenBytes()-before.WrittenBytes())/n, "written-B/job")
	b.ReportMetric(float64(after.LogSyncs-before.LogSyncs)/n, "syncs/job")
	b.ReportMetric(float64(used.Allocs)/n, "allocs/job")
	b.ReportMetric(float64(used.AllocBytes)/n, "alloc-B/job")
	b.ReportMetric(bench.Milliseconds(latencies.Percentile(50)), "p50-ms")
	b.ReportMetric(bench.Milliseconds(latencies.Percentile(99)), "p99-ms")
	if lost := int64(n) + 1 - notifier.sent.Load(); lost != 0 {
		b.Fatalf("%d jobs of %d were not told of", lost, int(n)+1)
	}
}

// ask submits request n and waits for its score.
func ask(b *testing.B, eng *acme.Engine, n int, url string) {
	job, err := eng.Score(context.Background(), request(n, uint64(n%crowd), url))
	if err != nil {
		b.Errorf("request %d: %v", n, err)
		return
	}
	if job.Status != acme.StatusCompleted {
		b.Errorf("request %d is %s", n, job.Status)
	}
}

// closedLoop calls f with 0 to jobs-1 from so many submitters, each starting
// its next call when the one before returned, and returns how long each took.
func closedLoop(b *testing.B, submitters, jobs int, f func(n int)) bench.Latencies {
	b.Helper()
	out := make(bench.Latencies, jobs)
	var next atomic.Int64
	var running sync.WaitGroup
	for range submitters {
		running.Go(func() {
			for n := int(next.Add(1)) - 1; n < jobs; n = int(next.Add(1)) - 1 {
				start := time.Now()
				f(n)
				out[n] = time.Since(start)
			}
		})
	}
	running.Wait()
	return out
}

// settle returns when every webhook is delivered and written as such.
func settle(eng *acme.Engine) {
	for {
		s := eng.Stats()
		if s.Unfinished+s.Waiting["deliver"]+s.Issued["deliver"] == 0 {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// smallStatement is a year of salary, rent and groceries: 36 transactions.
func smallStatement(tb testing.TB) *bank.Statement {
	tb.Helper()
	eur, err := bank.ParseCurrency("EUR")
	if err != nil {
		tb.Fatal(err)
	}
	asked := bank.Range{To: bank.DateOf(time.Now())}
	asked.From = asked.To.AddDays(-365)
	acc := bank.Account{
		ID: bank.NewText("acc-1"), Number: bank.NewText("DE02120300000000202051"),
		Kind: bank.AccountCurrent, Currency: eur, Complete: true,
	}
	balance := int64(150_000)
	add := func(d bank.Date, minor int64, text, code string) {
		balance += minor
		acc.Transactions = append(acc.Transactions, bank.Transaction{
			Status: bank.Booked, Amount: bank.Money{Minor: minor, Currency: eur}, Booking: d, Value: d,
			Remittance: bank.NewText(text), BankCode: bank.NewText(code),
			BalanceAfter: bank.Money{Minor: balance, Currency: eur}, HasBalanceAfter: true,
		})
	}
	for d := asked.To.AddDays(-360); d < asked.To; d = d.AddDays(30) {
		add(d, 250_000, "SALARY", "PMNT-RCDT-SALA")
		add(d.AddDays(3), -90_000, "RENT FLAT 7", "PMNT-ICDT-STDO")
		add(d.AddDays(9), -60_000, "SUPERMARKET", "PMNT-CCRD-POSD")
	}
	rows := acc.Transactions
	acc.Delivered = bank.Range{From: rows[0].Booking, To: rows[len(rows)-1].Booking}
	return &bank.Statement{Asked: asked, Accounts: []bank.Account{acc}}
}

// profileOf pseudonymizes a statement under fresh keys.
func profileOf(tb testing.TB, st *bank.Statement) *anonymize.Profile {
	tb.Helper()
	keys, err := keyset.New()
	if err != nil {
		tb.Fatal(err)
	}
	p, err := anonymize.New(keys).Profile(st, anonymize.Subject{ID: "person"}, st.Asked.To)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// reportOf scores a statement for real.
func reportOf(tb testing.TB, st *bank.Statement) *score.Report {
	tb.Helper()
	report, err := score.New().Score(tb.Context(), score.Input{Profile: profileOf(tb, st)})
	if err != nil {
		tb.Fatal(err)
	}
	return report
}
