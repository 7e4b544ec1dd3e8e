package bench_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"acme.example/creditscore/acme"
	"acme.example/creditscore/acme/pebblestore"
	"acme.example/creditscore/acme/score"
	"acme.example/creditscore/acme/webhook"
	"acme.example/creditscore/bench"
)

// dayRate is the premise's.
const dayRate = 10

// dayReport is what TestSimulatedDay tells BenchmarkSimulatedDay, on one line
// after dayMark.
type dayReport struct {
	Accepted   int           `json:"accepted"`
	Lost       int           `json:"lost"`
	Duplicates int           `json:"duplicates"`
	P50        time.Duration `json:"p50"` // virtual
	P99        time.Duration `json:"p99"`
	Worst      time.Duration `json:"worst"`
	Virtual    time.Duration `json:"virtual"` // until the last webhook
	Wall       time.Duration `json:"wall"`
	CPU        time.Duration `json:"cpu"`
	PeakRSS    uint64        `json:"peak_rss"`
	Records    uint64        `json:"store_bytes"` // at the end
}

const dayMark = "simulated-day: "

// BenchmarkSimulatedDay is the premise in virtual time, over in-memory
// connections. A bubble of virtual time needs a test, so it runs
// TestSimulatedDay in a process of its own and reports what that reports.
func BenchmarkSimulatedDay(b *testing.B) {
	length := *dayLength
	if length == 0 {
		length = 10 * time.Minute
	}
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		cmd := exec.CommandContext(b.Context(), self,
			"-test.run=^TestSimulatedDay$", "-test.v", "-test.timeout=0", "-day="+length.String())
		// Half the collections, for more memory.
		cmd.Env = append(os.Environ(), "GOGC=200")
		out, err := cmd.CombinedOutput()
		if err != nil {
			b.Fatalf("the simulated day failed: %v\n%s", err, out)
		}
		r, err := findReport(out)
		if err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(float64(r.Accepted), "reqs")
		b.ReportMetric(float64(r.Lost), "lost")
		b.ReportMetric(float64(r.Duplicates), "duplicates")
		b.ReportMetric(bench.Milliseconds(r.P50), "virtual-p50-ms")
		b.ReportMetric(bench.Milliseconds(r.P99), "virtual-p99-ms")
		b.ReportMetric(r.Wall.Seconds(), "wall-s")
		b.ReportMetric(bench.Milliseconds(r.CPU)/float64(r.Accepted), "cpu-ms/req")
		b.ReportMetric(float64(r.PeakRSS)/(1<<20), "rss-MiB")
		b.Logf("%v at %d/s in virtual time: accepted %d, lost %d, slowest %v, done after %v virtual and %v real; %.0f MiB in the store at the end",
			length, dayRate, r.Accepted, r.Lost, r.Worst, r.Virtual, r.Wall.Round(time.Millisecond), float64(r.Records)/(1<<20))
	}
}

// findReport reads the report out of a test's output.
func findReport(out []byte) (r dayReport, err error) {
	lines := bufio.NewScanner(bytes.NewReader(out))
	for lines.Scan() {
		if _, rest, ok := strings.Cut(lines.Text(), dayMark); ok {
			return r, json.Unmarshal([]byte(rest), &r)
		}
	}
	return r, fmt.Errorf("the simulated day told nothing")
}

// TestSimulatedDay runs the premise in virtual time: a minute of arrivals,
// or as many as -day says.
func TestSimulatedDay(t *testing.T) {
	length := *dayLength
	if length == 0 {
		length = time.Minute
	}
	var r dayReport
	watch, began := bench.NewWatch(), time.Now()
	synctest.Test(t, func(t *testing.T) { r = simulate(t, bench.Schedule{Rate: dayRate, Length: length}) })
	used := watch.Stop()
	r.Wall, r.CPU, r.PeakRSS = time.Since(began), used.CPU, used.PeakRSS
	line, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println(dayMark + string(line))
	if r.P99 < bankWait+scorerWait {
		t.Errorf("p99 is %v: bank and scorer did not take their time", r.P99)
	}
}

// crowd is how many people the simulated bank has: few, since making up a
// history is the bank's work and not what is measured.
const crowd = 100

// simulate is called inside a bubble. Memory stays bounded however long it
// goes on: records are deleted half an hour after their job.
func simulate(t *testing.T, schedule bench.Schedule) dayReport {
	theBank, err := bankConfig{Latency: bankWait, Transactions: 60, History: 182 * 24 * time.Hour}.open()
	if err != nil {
		t.Fatal(err)
	}
	hooks := newReceiver()
	bankNet, hookNet := bench.NewNetwork(), bench.NewNetwork()
	serve(t, bankNet, theBank)
	serve(t, hookNet, hooks)
	transport := &http.Transport{DialContext: bankNet.Dial, MaxIdleConnsPerHost: 4096}
	t.Cleanup(transport.CloseIdleConnections)
	sender, err := webhook.NewSender(webhook.SenderConfig{AllowPrivateNetworks: true, DialContext: hookNet.Dial})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sender.Close)
	fs := vfs.NewMem()
	st := openStore(t, "data", pebblestore.Options{FS: fs})
	eng, stop := startEngine(t, acme.Config{
		Bank: adapter(t, "http://bank.test", transport), Store: st, Notifier: sender,
		Scorer:    slowScorer{wait: scorerWait, card: score.New()},
		Limits:    acme.Limits{ScoreConcurrency: 256},
		Retention: acme.Retention{Profiles: 10 * time.Minute, Jobs: 30 * time.Minute},
	})
	secret, _, err := eng.WebhookSecret(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if err := hooks.trust(secret); err != nil {
		t.Fatal(err)
	}

	var accepted atomic.Int64
	start := time.Now()
	schedule.Run(t.Context(), start, func(n int) {
		if _, err := eng.Submit(t.Context(), request(n, uint64(n%crowd), "http://receiver.test/hooks")); err != nil {
			t.Errorf("request %d was not accepted: %v", n, err)
			return
		}
		accepted.Add(1)
	})
	until := time.Now().Add(time.Hour)
	for hooks.tally.Verified() < int(accepted.Load()) && time.Now().Before(until) {
		time.Sleep(time.Second)
	}
	took := time.Since(start)
	stop()
	result := hooks.tally.Result()
	all := result.Latencies(schedule, start)
	metrics, err := st.Metrics()
	if err != nil {
		t.Fatal(err)
	}
	judge(t, int(accepted.Load()), result)
	if result.Failed != 0 {
		t.Errorf("%d requests failed", result.Failed)
	}
	return dayReport{
		Accepted: int(accepted.Load()), Lost: int(accepted.Load()) - result.Verified, Duplicates: result.Duplicates,
		P50: all.Percentile(50), P99: all.Percentile(99), Worst: all.Percentile(100), Virtual: took,
		Records: metrics.DiskBytes,
	}
}

// serve runs an HTTP server over a listener until the test ends.
func serve(t *testing.T, listener *bench.Network, h http.Handler) {
	server := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
}
