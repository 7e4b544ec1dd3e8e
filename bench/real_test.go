package bench_test

import (
	"net/http"
	"testing"
	"time"

	"acme.example/creditscore/acme"
	"acme.example/creditscore/acme/anonymize"
	"acme.example/creditscore/acme/bank"
	"acme.example/creditscore/acme/bank/berlingroup"
	"acme.example/creditscore/acme/bank/sandbox"
	"acme.example/creditscore/acme/keyset"
	"acme.example/creditscore/acme/pebblestore"
	"acme.example/creditscore/acme/score"
	"acme.example/creditscore/bench"
)

// realRows is the booked transactions of each person, all of them within the
// year that is asked for.
const realRows = 1500

const year = 365 * 24 * time.Hour

// realBank has no delay, and keeps what it made up of the whole crowd.
var realBank = bankConfig{Transactions: realRows, History: year, CacheBytes: 256 << 20}

// BenchmarkReal is a whole job with nothing pretended but the bank, which
// has no delay, and each stage of it on its own. The bank and the receiver
// are in another process: their CPU time is not counted, but they share the
// machine.
func BenchmarkReal(b *testing.B) {
	b.Run("job", realJob)
	st := realStatement(b)
	b.Run("parse", realParse)
	b.Run("anonymize", func(b *testing.B) { realAnonymize(b, st) })
	b.Run("score", func(b *testing.B) { realScore(b, profileOf(b, st)) })
}

// realSubmitters keep both the engine and the bank busy.
const realSubmitters = 8

func realJob(b *testing.B) {
	others := startBystanders(b, realBank)
	st := openStore(b, b.TempDir(), pebblestore.Options{})
	eng, stop := startEngine(b, acme.Config{Bank: adapter(b, others.base, nil), Store: st, Scorer: score.New()})
	secret, _, err := eng.WebhookSecret(b.Context(), "")
	if err != nil {
		b.Fatal(err)
	}
	others.trust(secret)
	for n := range crowd { // the bank makes up its people
		ask(b, eng, n, "")
	}

	const jobs = 2 * crowd
	var latencies bench.Latencies
	watch := bench.NewWatch()
	b.ResetTimer()
	for i := range b.N {
		latencies = append(latencies, closedLoop(b, realSubmitters, jobs, func(n int) { ask(b, eng, i*jobs+n, others.hookURL()) })...)
	}
	settle(eng)
	b.StopTimer()
	used := watch.Stop()
	stop()

	result := others.result()
	n := float64(jobs * b.N)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(n/used.Wall.Seconds(), "jobs/s")
	b.ReportMetric(bench.Milliseconds(used.CPU)/n, "cpu-ms/job")
	b.ReportMetric(bench.Milliseconds(latencies.Percentile(50)), "p50-ms")
	b.ReportMetric(bench.Milliseconds(latencies.Percentile(99)), "p99-ms")
	b.ReportMetric(float64(used.Allocs)/n, "allocs/job")
	b.ReportMetric(float64(used.AllocBytes)/n, "alloc-B/job")
	b.ReportMetric(float64(used.PeakRSS)/(1<<20), "rss-MiB")
	judge(b, jobs*b.N, result)
}

// realParse reads one answer of the bank with all its transactions.
func realParse(b *testing.B) {
	body := realAnswer(b)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		acc, err := berlingroup.ReadTransactions(body)
		if err != nil {
			b.Fatal(err)
		}
		if len(acc.Transactions) == 0 {
			b.Fatal("no transactions were read")
		}
	}
}

func realAnonymize(b *testing.B, st *bank.Statement) {
	keys, err := keyset.New()
	if err != nil {
		b.Fatal(err)
	}
	a := anonymize.New(keys)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := a.Profile(st, anonymize.Subject{ID: "person"}, st.Asked.To); err != nil {
			b.Fatal(err)
		}
	}
}

func realScore(b *testing.B, p *anonymize.Profile) {
	card := score.New()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := card.Score(b.Context(), score.Input{Profile: p}); err != nil {
			b.Fatal(err)
		}
	}
}

// realStatement is a person with realRows transactions, as the engine gets it.
func realStatement(tb testing.TB) *bank.Statement {
	tb.Helper()
	handler, err := realBank.open()
	if err != nil {
		tb.Fatal(err)
	}
	asked := bank.Range{To: bank.DateOf(time.Now())}
	asked.From = asked.To.AddDays(-365)
	access := bank.Access{Bank: bankID, Token: bank.NewToken(sandbox.PersonToken(1))}
	st, err := adapter(tb, "http://bank.test", direct{handler}).Fetch(tb.Context(), access, asked)
	if err != nil {
		tb.Fatal(err)
	}
	return st
}

// realAnswer is the bank's answer for the account with the most transactions
// of a person who has realRows in all, on one page.
func realAnswer(tb testing.TB) (most []byte) {
	tb.Helper()
	handler, err := sandbox.New(sandbox.Config{Transactions: realRows, History: year, PageSize: realRows})
	if err != nil {
		tb.Fatal(err)
	}
	a, err := berlingroup.New(berlingroup.Config{
		BaseURL: "http://bank.test", Transport: recorder{direct{handler}, &most}, ParallelAccounts: 1,
	})
	if err != nil {
		tb.Fatal(err)
	}
	defer a.Close()
	access := bank.Access{Bank: bankID, Token: bank.NewToken(sandbox.PersonToken(1))}
	today := bank.DateOf(time.Now())
	if _, err := a.Fetch(tb.Context(), access, bank.Range{From: today.AddDays(-365), To: today}); err != nil {
		tb.Fatal(err)
	}
	return most
}

// recorder keeps the longest answer that went through.
type recorder struct {
	next direct
	most *[]byte
}

func (r recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := r.next.RoundTrip(req)
	if err == nil {
		if body := resp.Body.(readCloser).Bytes(); len(body) > len(*r.most) {
			*r.most = append([]byte(nil), body...)
		}
	}
	return resp, err
}
