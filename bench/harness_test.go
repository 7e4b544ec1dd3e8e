package bench_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"acme.example/creditscore/acme"
	"acme.example/creditscore/acme/pebblestore"
	"acme.example/creditscore/acme/score"
	"acme.example/creditscore/acme/webhook"
	"acme.example/creditscore/bench"
)

func TestScheduleCountsArrivalsBeforeItsEnd(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rate   float64
		length time.Duration
		want   int
	}{
		{10, 20 * time.Second, 200},
		{10, 24 * time.Hour, 864_000},
		{3, time.Second, 3},
		{3, 1001 * time.Millisecond, 4}, // 0, 333, 667 and 1000 ms
		{0.5, 5 * time.Second, 3},
		{10, time.Millisecond, 1},
	} {
		s := bench.Schedule{Rate: c.rate, Length: c.length}
		if got := s.Count(); got != c.want {
			t.Errorf("%g/s for %v: %d arrivals, want %d", c.rate, c.length, got, c.want)
		}
		if last := s.Due(s.Count() - 1); last >= c.length {
			t.Errorf("%g/s for %v: the last is due at %v", c.rate, c.length, last)
		}
	}
}

// TestScheduleDoesNotWaitForRequests: a request that takes long, here all of
// them, changes no arrival.
func TestScheduleDoesNotWaitForRequests(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := bench.Schedule{Rate: 10, Length: 2 * time.Second}
		start := time.Now()
		var mu sync.Mutex
		at := make([]time.Duration, s.Count())
		s.Run(t.Context(), start, func(n int) {
			mu.Lock()
			at[n] = time.Since(start)
			mu.Unlock()
			time.Sleep(time.Minute)
		})
		for n, got := range at {
			if want := time.Duration(n) * 100 * time.Millisecond; got != want {
				t.Errorf("request %d came at %v, want %v", n, got, want)
			}
		}
		if took := time.Since(start); took != 1900*time.Millisecond+time.Minute {
			t.Errorf("Run returned after %v, before or long after the last request", took)
		}
	})
}

func TestScheduleEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 950*time.Millisecond)
		defer cancel()
		var mu sync.Mutex
		n := 0
		bench.Schedule{Rate: 10, Length: time.Hour}.Run(ctx, time.Now(), func(int) { mu.Lock(); n++; mu.Unlock() })
		if n != 10 {
			t.Errorf("%d requests came, want 10", n)
		}
	})
}

func TestPercentileIsNearestRank(t *testing.T) {
	t.Parallel()
	var hundred bench.Latencies
	for i := 100; i > 0; i-- {
		hundred = append(hundred, time.Duration(i))
	}
	for _, c := range []struct {
		of   bench.Latencies
		p    float64
		want time.Duration
	}{
		{hundred, 50, 50}, {hundred, 99, 99}, {hundred, 99.1, 100}, {hundred, 100, 100}, {hundred, 0.5, 1},
		{bench.Latencies{7}, 99, 7}, {bench.Latencies{1, 2, 3}, 50, 2}, {nil, 99, 0},
	} {
		if got := c.of.Percentile(c.p); got != c.want {
			t.Errorf("p%g of %d: %d, want %d", c.p, len(c.of), got, c.want)
		}
	}
	if hundred[0] != 100 {
		t.Error("Percentile changed the order of what it was asked about")
	}
	if got := (bench.Latencies{5, 3}).Less(3); got[0] != 2 || got[1] != 0 {
		t.Errorf("less 3: %v", got)
	}
}

// event is a webhook about request n as a receiver gets it.
func event(id string, n string, kind string) webhook.Received {
	return webhook.Received{ID: id, Event: webhook.Event{
		Type: kind, Data: fmt.Appendf(nil, `{"id":"scr_1","metadata":{"arrival":%q}}`, n),
	}}
}

func TestTallyTellsRepeatsFromSecondEvents(t *testing.T) {
	t.Parallel()
	tally, start := bench.NewTally(), time.Unix(1000, 0)
	after := func(d time.Duration) time.Time { return start.Add(d) }
	for _, e := range []struct {
		at time.Duration
		m  webhook.Received
	}{
		{20 * time.Second, event("msg_a", "0", "score.completed")},
		{21 * time.Second, event("msg_c", "2", "score.failed")},
		{22 * time.Second, event("msg_a", "0", "score.completed")}, // sent again
		{23 * time.Second, event("msg_x", "2", "score.completed")}, // a second event
	} {
		if err := tally.Take(after(e.at), e.m); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range []string{"", "-1", "one", "99999999999"} {
		if tally.Take(start, event("msg_z", n, "score.completed")) == nil {
			t.Errorf("an event with number %q was taken", n)
		}
	}
	r := tally.Result()
	if r.Verified != 2 || r.Failed != 1 || r.Duplicates != 1 || r.Twice != 1 || tally.Verified() != 2 {
		t.Errorf("got %+v", r)
	}
	got := r.Latencies(bench.Schedule{Rate: 10}, start)
	if len(got) != 2 || got[0] != 20*time.Second || got[1] != 20800*time.Millisecond {
		t.Errorf("latencies %v, want 20s, and 20.8s counted from the due time", got)
	}
	if r.Rate() != 1 {
		t.Errorf("rate %g, want one in the second between the two", r.Rate())
	}
}

// TestUsageIsOfTheMeasuredTime: what is used shows, what was used before not.
func TestUsageIsOfTheMeasuredTime(t *testing.T) {
	w := bench.NewWatch() // not parallel: it measures the process
	var waiting sync.WaitGroup
	stop := make(chan struct{})
	for range 50 {
		waiting.Go(func() { <-stop })
	}
	big := make([]byte, 64<<20)
	for i := 0; i < len(big); i += 4096 {
		big[i] = 1
	}
	time.Sleep(50 * time.Millisecond) // two samples
	u := w.Stop()
	close(stop)
	waiting.Wait()
	if u.Goroutines < 50 {
		t.Errorf("at most %d goroutines, want 50 and more", u.Goroutines)
	}
	if u.AllocBytes < 64<<20 {
		t.Errorf("%d bytes allocated, want 64 MiB and more", u.AllocBytes)
	}
	if u.PeakRSS != 0 && u.PeakRSS < 64<<20 {
		t.Errorf("peak RSS %d, want 64 MiB and more", u.PeakRSS)
	}
	if share := u.CPUShare(); share < 0 || share > 1.5 {
		t.Errorf("CPU share %g", share)
	}
}

func TestCanaryWatchesSleepsAndTheDisk(t *testing.T) {
	t.Parallel()
	c, err := bench.NewCanary(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(200 * time.Millisecond) // the disk is real
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	if len(c.Late) == 0 || len(c.Sync) == 0 || c.Late.Percentile(50) < 0 || c.Sync.Percentile(50) <= 0 {
		t.Errorf("late %v, sync %v", c.Late, c.Sync)
	}
	if _, err := bench.NewCanary(t.TempDir() + "/missing"); err == nil {
		t.Error("a directory that is missing was watched")
	}
}

func TestNetworkCarriesHTTP(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := bench.NewNetwork()
		serve(t, network, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(10 * time.Second)
			_, _ = io.Copy(w, r.Body)
		}))
		transport := &http.Transport{DialContext: network.Dial}
		defer transport.CloseIdleConnections()
		client := &http.Client{Transport: transport}
		big := strings.Repeat("x", 1<<20) // many times what a connection buffers
		for range 2 {
			start := time.Now()
			resp, err := client.Post("http://any.test/", "text/plain", strings.NewReader(big))
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if err != nil || string(got) != big {
				t.Errorf("%d bytes came back, error %v", len(got), err)
			}
			if took := time.Since(start); took != 10*time.Second {
				t.Errorf("took %v of virtual time", took)
			}
		}
		client.Timeout = time.Second
		if _, err := client.Get("http://any.test/"); !os.IsTimeout(err) {
			t.Errorf("error %v, want a timeout", err)
		}
		time.Sleep(10 * time.Second) // the handler left alone ends too
	})
}

func TestNetworkKeepsDeadlinesAndEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := bench.NewNetwork()
		accepted := make(chan net.Conn, 1)
		go func() { c, _ := network.Accept(); accepted <- c }()
		here, err := network.Dial(t.Context(), "tcp", "any")
		if err != nil {
			t.Fatal(err)
		}
		there := <-accepted

		_ = here.SetReadDeadline(time.Now().Add(time.Second))
		if _, err := here.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read past its deadline: %v", err)
		}
		_ = here.SetWriteDeadline(time.Now().Add(time.Second))
		if n, err := here.Write(make([]byte, 1<<20)); !errors.Is(err, os.ErrDeadlineExceeded) || n == 0 || n == 1<<20 {
			t.Errorf("a write nobody reads: %d bytes, %v", n, err)
		}
		_ = here.SetDeadline(time.Time{})
		_, _ = there.Write([]byte("last words"))
		_ = there.Close()
		if got, err := io.ReadAll(here); err != nil || string(got) != "last words" {
			t.Errorf("after the other end closed: %q, %v", got, err)
		}
		if _, err := here.Write([]byte("x")); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("a write to a closed end: %v", err)
		}
		_ = network.Close()
		if _, err := network.Dial(t.Context(), "tcp", "any"); !errors.Is(err, net.ErrClosed) {
			t.Errorf("dialling a closed network: %v", err)
		}
		if _, err := network.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("accepting on a closed network: %v", err)
		}
	})
}

// complaint is a testing.TB that notes that it was failed.
type complaint struct {
	testing.TB
	text string
}

func (c *complaint) Helper() {}
func (c *complaint) Fatalf(format string, args ...any) {
	c.text = fmt.Sprintf(format, args...)
}

func TestLostAndDoubledRequestsFailABenchmark(t *testing.T) {
	t.Parallel()
	for want, r := range map[string]bench.Result{
		"":                           {Verified: 3, Duplicates: 1},
		"1 of 3 accepted requests":   {Verified: 2},
		"told of in two events":      {Verified: 3, Twice: 1},
		"-1 of 3 accepted requests ": {Verified: 4},
	} {
		c := &complaint{TB: t}
		judge(c, 3, r)
		if !strings.Contains(c.text, want) || (want == "") != (c.text == "") {
			t.Errorf("%+v: %q, want %q", r, c.text, want)
		}
	}
}

// TestBystandersTakeRealJobs is the whole arrangement of the premise, without
// its waits: another process is the bank and the receiver.
func TestBystandersTakeRealJobs(t *testing.T) {
	t.Parallel()
	others := startBystanders(t, bankConfig{})
	eng, stop := startEngine(t, acme.Config{
		Bank:  adapter(t, others.base, nil),
		Store: openStore(t, t.TempDir(), pebblestore.Options{}), Scorer: slowScorer{card: score.New()},
	})
	secret, _, err := eng.WebhookSecret(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	others.trust(secret)
	const jobs = 5
	for n := range jobs {
		job, err := eng.Score(t.Context(), request(n, uint64(n), others.hookURL()))
		if err != nil || job.Status != acme.StatusCompleted {
			t.Fatalf("job %+v, error %v", job, err)
		}
	}
	settle(eng)
	stop()
	r := others.result()
	judge(t, jobs, r)
	if r.Failed != 0 || others.verified() != jobs {
		t.Errorf("got %+v", r)
	}
}

func TestReportOfASimulatedDayIsFound(t *testing.T) {
	t.Parallel()
	r, err := findReport([]byte("=== RUN\n" + dayMark + `{"accepted":7,"p99":20000000000}` + "\nPASS\n"))
	if err != nil || r.Accepted != 7 || r.P99 != 20*time.Second {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := findReport([]byte("PASS\n")); err == nil {
		t.Error("a report was found where there is none")
	}
}

func TestBenchmarkPeopleHaveWhatTheirNameSays(t *testing.T) {
	t.Parallel()
	rows := 0
	for _, a := range realStatement(t).Accounts {
		rows += len(a.Transactions)
	}
	if rows < realRows*95/100 {
		t.Errorf("%d transactions within the year that is asked for, want about %d", rows, realRows)
	}
}
