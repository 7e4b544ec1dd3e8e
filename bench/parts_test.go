package bench_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"acme.example/creditscore/acme"
	"acme.example/creditscore/acme/bank"
	"acme.example/creditscore/acme/bank/berlingroup"
	"acme.example/creditscore/acme/bank/sandbox"
	"acme.example/creditscore/acme/keyset"
	"acme.example/creditscore/acme/pebblestore"
	"acme.example/creditscore/acme/score"
	"acme.example/creditscore/acme/webhook"
	"acme.example/creditscore/bench"
)

// bankID is the one bank there is.
const bankID = "sandbox"

// scorerWait is how long slowScorer holds its slot, and bankWait the latency
// of the bank, in the premise.
const (
	bankWait   = 10 * time.Second
	scorerWait = 10 * time.Second
)

// slowScorer holds its slot for wait, asleep, and then makes the real score:
// computing for ten seconds, ten times a second, would take 100 cores.
type slowScorer struct {
	wait time.Duration
	card *score.Scorecard
}

func (s slowScorer) Score(ctx context.Context, in score.Input) (*score.Report, error) {
	timer := time.NewTimer(s.wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return s.card.Score(ctx, in)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// instantBank answers at once with the same statement.
type instantBank struct{ st *bank.Statement }

func (b instantBank) Fetch(context.Context, bank.Access, bank.Range) (*bank.Statement, error) {
	return b.st, nil
}

func (instantBank) Has(id string) bool { return id == bankID }

// instantScorer answers at once with the same report, a real one.
type instantScorer struct{ report *score.Report }

func (s instantScorer) Score(context.Context, score.Input) (*score.Report, error) {
	return s.report, nil
}

// countingNotifier takes every webhook at once.
type countingNotifier struct{ sent atomic.Int64 }

func (n *countingNotifier) Send(context.Context, webhook.Message) webhook.Result {
	n.sent.Add(1)
	return webhook.Result{Status: http.StatusNoContent}
}

// adapter reads the bank at base by its real API; nil transport is TCP.
func adapter(tb testing.TB, base string, transport http.RoundTripper) *bank.Directory {
	tb.Helper()
	a, err := berlingroup.New(berlingroup.Config{BaseURL: base, Transport: transport})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(a.Close)
	return bank.NewDirectory(map[string]bank.Adapter{bankID: a})
}

// direct is a transport that calls a handler, without a connection.
type direct struct{ handler http.Handler }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	w := &answer{header: http.Header{}, status: http.StatusOK}
	d.handler.ServeHTTP(w, r)
	return w.response(r), nil
}

// openStore opens a durable store in a directory that ends with the test.
func openStore(tb testing.TB, dir string, opts pebblestore.Options) *pebblestore.Store {
	tb.Helper()
	st, err := pebblestore.Open(dir, opts)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := st.Close(); err != nil {
			tb.Error(err)
		}
	})
	return st
}

// startEngine starts an engine whose errors fail the benchmark; it stops
// with the test, or earlier by the function returned.
func startEngine(tb testing.TB, cfg acme.Config) (*acme.Engine, func()) {
	tb.Helper()
	keys, err := keyset.New()
	if err != nil {
		tb.Fatal(err)
	}
	cfg.Keys = keys
	cfg.AllowPrivateNetworks = true
	cfg.Logger = slog.New(failing{tb: tb})
	eng, err := acme.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	if err := eng.Start(context.Background()); err != nil {
		tb.Fatal(err)
	}
	var stopped bool
	stop := func() {
		if stopped {
			return
		}
		stopped = true
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := eng.Stop(ctx); err != nil {
			tb.Error(err)
		}
	}
	tb.Cleanup(stop)
	return eng, stop
}

// failing is a slog.Handler: what the engine logs as an error fails the
// benchmark, warnings are shown.
type failing struct {
	slog.Handler
	tb testing.TB
}

func (failing) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelWarn }

func (f failing) Handle(_ context.Context, r slog.Record) error {
	line := r.Message
	r.Attrs(func(a slog.Attr) bool { line += " " + a.String(); return true })
	if r.Level >= slog.LevelError {
		f.tb.Error(line)
	} else {
		f.tb.Log(line)
	}
	return nil
}

func (f failing) WithAttrs([]slog.Attr) slog.Handler { return f }
func (f failing) WithGroup(string) slog.Handler      { return f }

// request is request n, about a person of its own.
func request(n int, person uint64, url string) acme.Request {
	return acme.Request{
		Bank: bankID, Subject: fmt.Sprintf("person-%d", person),
		AccessToken: bank.NewToken(sandbox.PersonToken(person)),
		WebhookURL:  url,
		Metadata:    map[string]string{bench.MetadataKey: strconv.Itoa(n)},
	}
}

// judge fails the benchmark when an accepted request was lost or told twice.
func judge(tb testing.TB, accepted int, r bench.Result) {
	tb.Helper()
	if lost := accepted - r.Verified; lost != 0 {
		tb.Fatalf("%d of %d accepted requests were lost", lost, accepted)
	}
	if r.Twice != 0 {
		tb.Fatalf("%d requests were told of in two events", r.Twice)
	}
}
