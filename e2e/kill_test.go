package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"acme.example/creditscore/acme/bank/sandbox"
)

// TestKill kills the server with SIGKILL at random moments while requests
// come in, and starts it again, over and over. Whatever was acknowledged must
// be there in the end, once, with one score and one webhook-id.
//
// ACME_KILLS sets how often (20), ACME_SEED from what the moments are drawn.
func TestKill(t *testing.T) {
	t.Parallel()
	kills := number(t, "ACME_KILLS", 20)
	seed := uint64(number(t, "ACME_SEED", int(time.Now().UnixNano()&0xffffff)))
	rng := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d, %d kills (ACME_SEED and ACME_KILLS set them)", seed, kills)

	// The bank takes its time, so that at any moment jobs are under way.
	bank := startSandbox(t, sandbox.Config{Latency: 300 * time.Millisecond, History: 200 * 24 * time.Hour})
	config := writeConfig(t, settings{listen: fixedAddr(t), dataDir: filepath.Join(t.TempDir(), "data"), bank: bank, private: true})
	start := func() *process { return begin(t, "serve", "-config", config) }

	began := time.Now()
	server := start()
	url := server.url()
	startup := time.Since(began)
	h := newHooks(t)
	var loaded atomic.Bool
	loaded.Store(true)
	h.refuse = func(path, job string, n int) bool {
		// One in eight is refused once and comes again 5 s later, after
		// further deaths of the server.
		return n == 1 && path == "/url" && job[len(job)-1] < '4' && loaded.Load()
	}
	arrivals := make(chan struct{})
	h.meanwhile = func() { tell(arrivals) }
	p := newPartner(t, url, "demo")
	h.expectDefault(t, p, "/url")
	h.expectEndpoint(t, p, "/endpoint")
	l := newLoad(p, givenConsent(t, p, "alice"), h.url("/url"))

	ctx, stopLoad := context.WithCancel(t.Context())
	defer stopLoad()
	var busy sync.WaitGroup
	busy.Go(func() { l.run(ctx, t, seed, 8, 300*time.Millisecond) })
	busy.Go(func() { l.keepListing(ctx, t) })

	k := killer{rng: rng, load: l, hooks: arrivals, startup: startup}
	inFlight, interrupted := 0, 0
	for n := range kills {
		if n > 0 {
			server = start()
		}
		if n == kills*2/3 {
			loaded.Store(false)
		}
		k.wait(server)
		select {
		case <-server.ended:
			t.Fatalf("seed %d: the server ended by itself with %d:\n%s", seed, server.code(), strings.Join(server.lines(), "\n"))
		default:
		}
		server.kill()
		checkLog(t, server)
		open := 0
		for _, id := range l.known() {
			if !h.took(id, "/url", "/endpoint") {
				open++
			}
		}
		inFlight += open
		if open > 0 {
			interrupted++
		}
	}
	loaded.Store(false)
	server = start()
	server.url()
	stopLoad()
	busy.Wait()
	l.settle(t, h, "/url", "/endpoint")
	server.stop()
	checkLog(t, server)
	doubled := 0
	for _, id := range l.known() {
		if h.event("/url", id).arrived > 1 {
			doubled++
		}
	}
	verdict := "0 lost, 0 twice"
	if t.Failed() {
		verdict = "FAILED"
	}
	t.Logf("seed %d: %d kills (%s), %d of them with work under way; %d jobs by %d calls, %d of these repeated a key; "+
		"%d times a job was taken up again; %d jobs' webhook came more than once; %s, in %.1f s",
		seed, kills, k.moments(), interrupted, len(l.known()), l.tries, l.repeats, inFlight, doubled, verdict, time.Since(began).Seconds())
}

// keepListing reads the list over and over while jobs are added.
func (l *load) keepListing(ctx context.Context, t *testing.T) {
	for limit := 7; ctx.Err() == nil; limit = limit%100 + 31 {
		if _, err := l.list(ctx, min(limit, 100), 100*time.Millisecond); err != nil && ctx.Err() == nil {
			t.Error(err)
			return
		}
	}
}

// killer finds the moments.
type killer struct {
	rng     *rand.Rand
	load    *load
	hooks   <-chan struct{}
	startup time.Duration
	counts  [4]int
}

// wait returns when the server is to be killed: while it starts, a while
// after it has, right after a request was answered, or while a webhook is
// waiting for its answer.
func (k *killer) wait(server *process) {
	moment := k.rng.IntN(len(k.counts))
	k.counts[moment]++
	if moment == 0 {
		k.pause(server, upTo(k.rng, k.startup+50*time.Millisecond))
		return
	}
	select {
	case addr := <-server.ready:
		server.ready <- addr
	case <-server.ended:
		return
	case <-time.After(patience):
		return
	}
	switch moment {
	case 1:
		k.pause(server, upTo(k.rng, 1500*time.Millisecond))
	case 2:
		k.count(server, k.load.acked)
	case 3:
		k.count(server, k.hooks)
	}
}

// count waits for a random number of events, from now.
func (k *killer) count(server *process, events <-chan struct{}) {
	for n := 1 + k.rng.IntN(40); n > 0; n-- {
		select {
		case <-events:
		case <-server.ended:
			return
		case <-time.After(time.Second):
		}
	}
}

func (k *killer) pause(server *process, d time.Duration) {
	select {
	case <-server.ended:
	case <-time.After(d):
	}
}

func (k *killer) moments() string {
	return fmt.Sprintf("%d while starting, %d at any time, %d after an answer, %d during a webhook",
		k.counts[0], k.counts[1], k.counts[2], k.counts[3])
}

func upTo(rng *rand.Rand, d time.Duration) time.Duration { return time.Duration(rng.Int64N(int64(d))) }

// startSandbox serves a sandbox bank of this process.
func startSandbox(t *testing.T, cfg sandbox.Config) string {
	t.Helper()
	b, err := sandbox.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(b)
	t.Cleanup(func() {
		_ = b.Close() // lets go of calls that wait
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL
}

// givenConsent hands a person's token over and returns the consent's id.
func givenConsent(t *testing.T, p *partner, person string) string {
	t.Helper()
	var got struct{ ID, Status string }
	p.want(t, 201, "POST", "/v1/consents", `{"bank":"sandbox","subject":"user-`+person+`","access_token":"sandbox-token-`+person+`"}`).decode(t, &got)
	if got.Status != "authorized" {
		t.Fatalf("consent is %s", got.Status)
	}
	return got.ID
}

// checkLog looks for what a server must never log: errors and panics, and
// steps that failed, since the bank here is a good one.
func checkLog(t *testing.T, p *process) {
	t.Helper()
	lines := p.lines()
	for i, line := range lines {
		var e struct{ Level, Msg string }
		if err := json.Unmarshal([]byte(line), &e); err != nil && i < len(lines)-1 { // the last may be cut off
			t.Errorf("not a line of JSON: %s", line)
		}
		if e.Level == "ERROR" || e.Msg == "step failed" {
			t.Errorf("the server logged: %s", line)
		}
	}
}

// number reads a number from the environment.
func number(t *testing.T, name string, other int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return other
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s: %q: a number from 1", name, text)
	}
	return n
}
