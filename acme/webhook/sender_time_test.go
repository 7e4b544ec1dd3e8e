package webhook_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"acme.example/creditscore/acme/webhook"
)

// inBubble runs a receiver and a Sender in memory and in virtual time.
func inBubble(t *testing.T, cfg webhook.SenderConfig, handler http.HandlerFunc, run func(t *testing.T, sender *webhook.Sender)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		listener := newPipes()
		server := &http.Server{Handler: handler, ErrorLog: quiet(), ReadHeaderTimeout: time.Hour}
		served := make(chan struct{})
		go func() { defer close(served); _ = server.Serve(listener) }()
		cfg.AllowPrivateNetworks = true
		if cfg.DialContext == nil {
			cfg.DialContext = listener.Dial
		}
		sender, err := webhook.NewSender(cfg)
		if err != nil {
			t.Fatal(err)
		}
		run(t, sender)
		sender.Close()
		_ = server.Shutdown(t.Context()) // waits for handlers, in virtual time
		<-served
	})
}

// hang answers nothing for as long as the sender stays.
func hang(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

func TestSendCutsASlowReceiverAtTheTimeout(t *testing.T) {
	t.Parallel()
	for _, timeout := range []time.Duration{0, time.Second} {
		want := timeout
		if want == 0 {
			want = 15 * time.Second
		}
		inBubble(t, webhook.SenderConfig{Timeout: timeout}, hang, func(t *testing.T, sender *webhook.Sender) {
			result := sender.Send(t.Context(), message(t, "http://partner.example/"))
			if result.Class != webhook.ClassTimeout || result.Duration != want || result.Status != 0 || result.Permanent() {
				t.Errorf("%+v, want timeout after %s", result, want)
			}
		})
	}
}

func TestSendTakesAnAnswerJustInTime(t *testing.T) {
	t.Parallel()
	inBubble(t, webhook.SenderConfig{}, func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(15*time.Second - time.Millisecond)
		w.WriteHeader(http.StatusNoContent)
	}, func(t *testing.T, sender *webhook.Sender) {
		if result := sender.Send(t.Context(), message(t, "http://partner.example/")); !result.Delivered() || result.Duration != 15*time.Second-time.Millisecond {
			t.Errorf("%+v", result)
		}
	})
}

func TestSendCutsASlowDialAtTheTimeout(t *testing.T) {
	t.Parallel()
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	for _, url := range []string{"http://partner.example/", "https://partner.example/"} {
		inBubble(t, webhook.SenderConfig{DialContext: dial}, hang, func(t *testing.T, sender *webhook.Sender) {
			if result := sender.Send(t.Context(), message(t, url)); result.Class != webhook.ClassTimeout || result.Duration != 15*time.Second {
				t.Errorf("%s: %+v", url, result)
			}
		})
	}
}

func TestSendCutsASlowHandshakeAtTheTimeout(t *testing.T) {
	t.Parallel()
	// The receiver takes the connection and never says a word of TLS.
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		client, server := net.Pipe()
		go func() { _, _ = io.Copy(io.Discard, server); _ = server.Close() }()
		return client, nil
	}
	inBubble(t, webhook.SenderConfig{DialContext: dial}, hang, func(t *testing.T, sender *webhook.Sender) {
		if result := sender.Send(t.Context(), message(t, "https://partner.example/")); result.Class != webhook.ClassTimeout || result.Duration != 15*time.Second {
			t.Errorf("%+v", result)
		}
	})
}

// A 2xx is a 2xx, however slow or long what follows it.
func TestSendDoesNotWaitForTheBodyOfAnAnswer(t *testing.T) {
	t.Parallel()
	inBubble(t, webhook.SenderConfig{}, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		for r.Context().Err() == nil {
			if _, err := io.WriteString(w, "."); err != nil || http.NewResponseController(w).Flush() != nil {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
	}, func(t *testing.T, sender *webhook.Sender) {
		start := time.Now()
		result := sender.Send(t.Context(), message(t, "http://partner.example/"))
		if !result.Delivered() || result.Duration != 0 || time.Since(start) > time.Second {
			t.Errorf("%+v after %s", result, time.Since(start))
		}
	})
}

func TestSendEndsWhenItsCallerDoes(t *testing.T) {
	t.Parallel()
	inBubble(t, webhook.SenderConfig{}, hang, func(t *testing.T, sender *webhook.Sender) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(3*time.Second, cancel)
		result := sender.Send(ctx, message(t, "http://partner.example/"))
		if !result.Canceled() || result.Permanent() || result.Duration != 3*time.Second {
			t.Errorf("cancelled: %+v", result)
		}
		if result := sender.Send(ctx, message(t, "http://partner.example/")); !result.Canceled() {
			t.Errorf("cancelled before: %+v", result)
		}
		ctx, cancel = context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		if result := sender.Send(ctx, message(t, "http://partner.example/")); result.Class != webhook.ClassTimeout || result.Duration != 2*time.Second {
			t.Errorf("the caller's own deadline: %+v", result)
		}
	})
}

func TestCloseWaitsForRunningSends(t *testing.T) {
	t.Parallel()
	inBubble(t, webhook.SenderConfig{}, func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(5 * time.Second)
		w.WriteHeader(http.StatusOK)
	}, func(t *testing.T, sender *webhook.Sender) {
		results := make(chan webhook.Result, 1)
		go func() { results <- sender.Send(t.Context(), message(t, "http://partner.example/")) }()
		synctest.Wait()
		start := time.Now()
		sender.Close()
		if waited := time.Since(start); waited != 5*time.Second {
			t.Errorf("Close waited %s", waited)
		}
		if result := <-results; !result.Delivered() {
			t.Errorf("%+v", result)
		}
	})
}

// Every attempt is signed as of its own time, under the same id.
func TestRetriesAreSignedAnew(t *testing.T) {
	t.Parallel()
	var stamps, ids []string
	inBubble(t, webhook.SenderConfig{}, func(w http.ResponseWriter, r *http.Request) {
		stamps, ids = append(stamps, r.Header.Get(webhook.HeaderTimestamp)), append(ids, r.Header.Get(webhook.HeaderID))
		w.WriteHeader(http.StatusServiceUnavailable)
	}, func(t *testing.T, sender *webhook.Sender) {
		m, schedule, start := message(t, "http://partner.example/"), webhook.DefaultSchedule(), time.Now()
		for failed := 1; ; failed++ {
			result := sender.Send(t.Context(), m)
			wait, again := schedule.Next(failed, result.RetryAfter, 0.5)
			if !again {
				break
			}
			time.Sleep(wait)
		}
		if took := time.Since(start).Round(time.Second); took != 75*time.Hour+35*time.Minute+5*time.Second {
			t.Errorf("dead after %s", took)
		}
	})
	seen := map[string]bool{}
	for i := range stamps {
		if seen[stamps[i]] || ids[i] != "msg_1" {
			t.Fatalf("attempt %d: %s %s", i+1, stamps[i], ids[i])
		}
		seen[stamps[i]] = true
	}
	if len(stamps) != 10 {
		t.Fatalf("%d attempts, want 10", len(stamps))
	}
}
