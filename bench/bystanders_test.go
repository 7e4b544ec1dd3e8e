package bench_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"acme.example/creditscore/acme/bank/sandbox"
	"acme.example/creditscore/acme/webhook"
	"acme.example/creditscore/bench"
)

// bystandersEnv holds the configuration of a process that is the bank and the
// receiver; its presence makes this binary one.
const bystandersEnv = "ACME_BENCH_BYSTANDERS"

// bankConfig is what a benchmark chooses about its bank.
type bankConfig struct {
	Latency      time.Duration `json:"latency"`
	Transactions int           `json:"transactions"` // a person; 0: what such a person would have
	History      time.Duration `json:"history"`      // 0: two years
	CacheBytes   int           `json:"cache_bytes"`
}

func (c bankConfig) open() (*sandbox.Bank, error) {
	return sandbox.New(sandbox.Config{
		Latency: c.Latency, Transactions: c.Transactions, History: c.History, CacheBytes: c.CacheBytes,
	})
}

// receiver verifies webhooks once it was told their secret, and tallies them.
type receiver struct {
	tally *bench.Tally
	hooks atomic.Pointer[webhook.Receiver]
}

func newReceiver() *receiver { return &receiver{tally: bench.NewTally()} }

func (r *receiver) trust(secret webhook.Secret) error {
	verifier, err := webhook.NewVerifier(secret)
	if err != nil {
		return err
	}
	hooks, err := webhook.NewReceiver(webhook.ReceiverConfig{
		Verifier: verifier,
		Handle: func(_ context.Context, m webhook.Received) error {
			return r.tally.Take(time.Now(), m)
		},
	})
	if err == nil {
		r.hooks.Store(hooks)
	}
	return err
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	hooks := r.hooks.Load()
	if hooks == nil {
		http.Error(w, "no secret yet", http.StatusServiceUnavailable)
		return
	}
	hooks.ServeHTTP(w, req)
}

// serveBystanders is the child process: it prints its address and serves
// until its standard input ends, which it also does when the parent dies.
func serveBystanders(config string) error {
	var cfg bankConfig
	if err := json.Unmarshal([]byte(config), &cfg); err != nil {
		return err
	}
	b, err := cfg.open()
	if err != nil {
		return err
	}
	defer b.Close()
	r := newReceiver()
	mux := http.NewServeMux()
	mux.Handle("/", b)
	mux.Handle("POST /hooks", r)
	mux.HandleFunc("PUT /tally/secret", func(w http.ResponseWriter, req *http.Request) {
		text, err := io.ReadAll(req.Body)
		if err == nil {
			var secret webhook.Secret
			if secret, err = webhook.ParseSecret(string(text)); err == nil {
				err = r.trust(secret)
			}
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
	})
	mux.HandleFunc("GET /tally", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(r.tally.Result())
	})
	mux.HandleFunc("GET /tally/verified", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(r.tally.Verified())
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = server.Close()
	}()
	fmt.Println(listener.Addr())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// bystanders is the bank and the receiver in a process of their own, so that
// what is measured of this one is the engine's.
type bystanders struct {
	tb   testing.TB
	base string
}

// startBystanders starts them; they end with the test.
func startBystanders(tb testing.TB, cfg bankConfig) *bystanders {
	tb.Helper()
	config, err := json.Marshal(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), bystandersEnv+"="+string(config))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = in.Close()
		if err := cmd.Wait(); err != nil {
			tb.Errorf("the bank's process: %v", err)
		}
	})
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		tb.Fatalf("the bank's process did not start: %v", err)
	}
	return &bystanders{tb: tb, base: "http://" + strings.TrimSpace(addr)}
}

func (b *bystanders) hookURL() string { return b.base + "/hooks" }

func (b *bystanders) trust(secret webhook.Secret) {
	b.tb.Helper()
	b.call(http.MethodPut, "/tally/secret", secret.Reveal(), nil)
}

func (b *bystanders) verified() (n int) {
	b.tb.Helper()
	b.call(http.MethodGet, "/tally/verified", "", &n)
	return n
}

func (b *bystanders) result() (r bench.Result) {
	b.tb.Helper()
	b.call(http.MethodGet, "/tally", "", &r)
	return r
}

func (b *bystanders) call(method, path, body string, into any) {
	b.tb.Helper()
	req, err := http.NewRequest(method, b.base+path, strings.NewReader(body))
	if err != nil {
		b.tb.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.tb.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		b.tb.Fatalf("%s %s: status %d", method, path, resp.StatusCode)
	}
	if into != nil {
		if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
			b.tb.Fatal(err)
		}
	}
}
