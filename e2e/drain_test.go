package e2e_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"acme.example/creditscore/acme/bank/sandbox"
)

// TestDrain ends the server with SIGTERM under load: it refuses what is new,
// answers those who wait, finishes what runs, and goes with 0 in time. What
// was acknowledged is there after the next start.
func TestDrain(t *testing.T) {
	t.Parallel()
	const timeout = 20 * time.Second
	bank := startSandbox(t, sandbox.Config{Latency: 1500 * time.Millisecond, History: 200 * 24 * time.Hour})
	config := writeConfig(t, settings{listen: fixedAddr(t), dataDir: filepath.Join(t.TempDir(), "data"), bank: bank,
		private: true, timeout: timeout.String()})
	server := begin(t, "serve", "-config", config)
	url := server.url()
	h := newHooks(t)
	p := newPartner(t, url, "demo")
	h.expectDefault(t, p, "/url")
	l := newLoad(p, givenConsent(t, p, "alice"), h.url("/url"))
	ctx, stopLoad := context.WithCancel(t.Context())
	defer stopLoad()
	var busy sync.WaitGroup
	busy.Go(func() { l.run(ctx, t, 1, 4, 100*time.Millisecond) })
	eventually(t, "a first webhook came", func() bool { return len(h.requests()) > 0 })

	// One caller is waiting.
	waits := `{"bank":"sandbox","subject":"waits","access_token":"sandbox-token-bob","webhook_url":"` + h.url("/url") + `"}`
	waited := make(chan *answer, 1)
	busy.Go(func() {
		a, err := p.do(t.Context(), "POST", "/v1/scores", waits, "Prefer: wait=60", "Idempotency-Key: waits")
		if err != nil {
			t.Errorf("the caller that waited: %v", err)
		}
		waited <- a
	})
	eventually(t, "the waiting caller's job is there", func() bool {
		a, err := p.do(t.Context(), "GET", "/v1/scores?subject=waits", "")
		return err == nil && strings.Contains(string(a.body), "scr_")
	})

	began := time.Now()
	server.term()
	refused := watchDraining(t, server, url)
	code := server.exit()
	took := time.Since(began)
	if code != 0 || took > timeout {
		t.Errorf("exit code %d after %s; want 0 within %s\n%s", code, took, timeout, strings.Join(server.lines(), "\n"))
	}
	if refused == 0 {
		t.Error("/readyz never said that it drains")
	}
	if a := <-waited; a != nil {
		l.sent["waits"] = waits
		l.keep("waits", a, false)
		if j := a.job(t); a.status == http.StatusAccepted && a.header.Get("Retry-After") == "" || a.status == http.StatusOK && j.Status != "completed" {
			t.Errorf("the caller that waited was answered %d %s", a.status, a.body)
		}
	}
	checkLog(t, server)

	again := begin(t, "serve", "-config", config)
	again.url()
	stopLoad()
	busy.Wait()
	l.settle(t, h, "/url")
	again.stop()
	checkLog(t, again)
	t.Logf("%d jobs; the drain took %.1f s; /readyz said 503 %d times before the port closed", len(l.known()), took.Seconds(), refused)
}

// watchDraining looks at /readyz and at the API on new connections until the
// port is closed. Once it has said 503 it must never say 200 again.
func watchDraining(t *testing.T, server *process, url string) (refused int) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	fresh := &partner{base: url, client: client}
	for {
		ready, err := fresh.do(t.Context(), "GET", "/readyz", "")
		if err != nil {
			break
		}
		switch ready.status {
		case http.StatusServiceUnavailable:
			refused++
			if ready.header.Get("Retry-After") == "" || !strings.Contains(string(ready.body), "/problems/unavailable") {
				t.Errorf("/readyz: %v %s", ready.header, ready.body)
			}
			// Whoever has no token is refused for the drain too, not for that.
			if post, err := fresh.do(t.Context(), "POST", "/v1/scores", "{}"); err == nil {
				if post.status != http.StatusServiceUnavailable || post.header.Get("Retry-After") == "" {
					t.Errorf("while draining POST /v1/scores: %d %v", post.status, post.header)
				}
			}
			if health, err := fresh.do(t.Context(), "GET", "/healthz", ""); err == nil && health.status != http.StatusOK {
				t.Errorf("while draining /healthz: %d; a process that drains is healthy", health.status)
			}
		case http.StatusOK:
			if refused > 0 {
				t.Error("/readyz: 200 after 503")
			}
		default:
			t.Errorf("/readyz: %d", ready.status)
		}
		select {
		case <-server.ended:
		case <-time.After(20 * time.Millisecond):
		}
	}
	addr := strings.TrimPrefix(url, "http://")
	if conn, err := net.DialTimeout("tcp", addr, time.Second); err == nil {
		_ = conn.Close()
		t.Error("the port is open still")
	}
	return refused
}

// TestDrainHangingBank ends the server while a bank does not answer: the call
// is cut off in time, and the job goes on at the next start as if nothing had
// been.
func TestDrainHangingBank(t *testing.T) {
	t.Parallel()
	const timeout = 10 * time.Second
	good, err := sandbox.New(sandbox.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = good.Close() })
	var recovered atomic.Bool
	asked := make(chan struct{}, 1)
	bank := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if recovered.Load() {
			good.ServeHTTP(w, r)
			return
		}
		tell(asked)
		<-r.Context().Done() // until it hangs up
	}))
	t.Cleanup(bank.Close)
	config := writeConfig(t, settings{listen: fixedAddr(t), dataDir: filepath.Join(t.TempDir(), "data"), bank: bank.URL, timeout: timeout.String()})
	server := begin(t, "serve", "-config", config)
	p := newPartner(t, server.url(), "demo")
	var ids []string
	for n, request := range []string{
		`{"bank":"sandbox","subject":"inline","access_token":"sandbox-token-alice"}`,
		`{"consent_id":"` + givenConsent(t, p, "bob") + `"}`,
	} {
		ids = append(ids, p.want(t, 202, "POST", "/v1/scores", request, "Idempotency-Key: "+itoa(n)).job(t).ID)
	}
	select {
	case <-asked:
	case <-time.After(patience):
		t.Fatal("the bank was never asked")
	}

	began := time.Now()
	server.term()
	code := server.exit()
	if took := time.Since(began); code != 0 || took > timeout {
		t.Errorf("exit code %d after %s; want 0 within %s\n%s", code, took, timeout, strings.Join(server.lines(), "\n"))
	}
	checkLog(t, server)

	recovered.Store(true)
	again := begin(t, "serve", "-config", config)
	again.url()
	for _, id := range ids {
		if j := p.want(t, 200, "GET", "/v1/scores/"+id, "", "Prefer: wait=60").job(t); j.Status != "completed" {
			t.Errorf("job %s is %s: %s", id, j.Status, j.Error)
		}
	}
	page := p.want(t, 200, "GET", "/metrics", "").body
	if strings.Contains(string(page), "acme_step_faults_total{") {
		t.Error("the call that was cut off counts as a failed attempt")
	}
	again.stop()
	checkLog(t, again)
}
