package e2e_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"acme.example/creditscore/acme/bank/sandbox"
)

// TestWire speaks to the server without an HTTP client: bytes that are no
// HTTP, too much of it, old HTTP, and clients that take for ever.
func TestWire(t *testing.T) {
	t.Parallel()
	bank := startSandbox(t, sandbox.Config{})
	config := writeConfig(t, settings{dataDir: filepath.Join(t.TempDir(), "data"), bank: bank})
	server := begin(t, "serve", "-config", config)
	p := newPartner(t, server.url(), "demo")
	addr := strings.TrimPrefix(p.base, "http://")
	bearer := "Authorization: Bearer " + p.token + "\r\n"
	post := "POST /v1/scores HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" + bearer

	for _, c := range []struct {
		name, sent string
		begins     []string // what the answer may begin with; none: no answer is needed
		holds      string
	}{
		{name: "nonsense", sent: "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + marker + "\r\n\r\n", begins: []string{"HTTP/1.1 400"}},
		{name: "half a request line", sent: "GET\r\n\r\n", begins: []string{"HTTP/1.1 400"}},
		{name: "no Host", sent: "GET /v1/scores HTTP/1.1\r\n\r\n", begins: []string{"HTTP/1.1 400"}},
		{name: "two Hosts", sent: "GET /v1/scores HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", begins: []string{"HTTP/1.1 400"}},
		{name: "header too large", sent: "GET /v1/scores HTTP/1.1\r\nHost: x\r\nX-Large: " + strings.Repeat("a", 64<<10) + "\r\n\r\n", begins: []string{"HTTP/1.1 431"}},
		{name: "unknown transfer coding", sent: post + "Transfer-Encoding: gzip\r\n\r\n", begins: []string{"HTTP/1.1 501", "HTTP/1.1 400"}},
		{name: "two lengths", sent: post + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", begins: []string{"HTTP/1.1 400"}},
		{name: "broken chunks", sent: post + "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" + marker, begins: []string{"HTTP/1.1 400"}, holds: "/problems/malformed-request"},
		{name: "HTTP/1.0", sent: "GET /healthz HTTP/1.0\r\n\r\n", begins: []string{"HTTP/1.0 200"}, holds: `"ok"`},
		{name: "HTTP/1.0 without a token", sent: "GET /v1/scores HTTP/1.0\r\n\r\n", begins: []string{"HTTP/1.0 401"}, holds: "/problems/unauthorized"},
		{name: "HTTP/2 without TLS", sent: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", begins: []string{"HTTP/1.1 4", "HTTP/1.1 505", "HTTP/2.0 4", "HTTP/1.0 4"}},
		{name: "chunks without end", sent: post + "Transfer-Encoding: chunked\r\n\r\n200000\r\n" + strings.Repeat("x", 1<<20+1), begins: []string{"HTTP/1.1 413"}, holds: "/problems/body-too-large"},
		{name: "too long a body announced", sent: post + "Expect: 100-continue\r\nContent-Length: 1048577\r\n\r\n", begins: []string{"HTTP/1.1 413"}, holds: "/problems/body-too-large"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := exchange(t, addr, c.sent)
			ok := false
			for _, begins := range c.begins {
				ok = ok || strings.HasPrefix(got, begins)
			}
			if !ok || !strings.Contains(got, c.holds) {
				t.Errorf("answered %.400q, want one of %v and %s", got, c.begins, c.holds)
			}
			for _, never := range []string{marker, "<html", "goroutine", p.token} {
				if strings.Contains(got, never) {
					t.Errorf("the answer holds %q: %.400q", never, got)
				}
			}
		})
	}

	// Both take as long as they are given: 10 s for a header, 30 s for a body.
	t.Run("slow", func(t *testing.T) {
		t.Run("header", func(t *testing.T) {
			t.Parallel()
			checkCutOff(t, addr, "GET /v1/scores HTTP/1.1\r\nHost: x\r\nX-Slow: ", "")
		})
		t.Run("body", func(t *testing.T) {
			t.Parallel()
			checkCutOff(t, addr, post+"Content-Length: 1000\r\n\r\n{", "/problems/request-timeout")
		})
	})
	if a := p.want(t, 200, "POST", "/v1/scores", `{"bank":"sandbox","subject":"s","access_token":"sandbox-token-alice"}`, "Prefer: wait=60"); a.job(t).Status != "completed" {
		t.Errorf("after all that: %s", a.body)
	}
	server.stop()
	for _, line := range server.lines() {
		if strings.Contains(line, "panic") || strings.Contains(line, marker) {
			t.Errorf("the log says: %s", line)
		}
	}
}

// exchange sends bytes, and returns what comes back until the server closes
// or says nothing more for a while.
func exchange(t *testing.T, addr, sent string) string {
	t.Helper()
	conn, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.WriteString(conn, sent) }() // the server may close in the middle of it
	var got []byte
	buffer := make([]byte, 4096)
	for {
		n, err := conn.Read(buffer)
		got = append(got, buffer[:n]...)
		if err != nil || strings.HasSuffix(string(got), "}\n") {
			return string(got)
		}
	}
}

// checkCutOff sends a beginning, then one byte now and then, and checks that
// the server does not put up with it for ever.
func checkCutOff(t *testing.T, addr, beginning, holds string) {
	t.Helper()
	conn, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	began := time.Now()
	if err := conn.SetDeadline(began.Add(2 * time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, beginning); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	defer close(done)
	go func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(500 * time.Millisecond):
				fmt.Fprint(conn, "a") // fails once the server has closed
			}
		}
	}()
	got, err := io.ReadAll(conn)
	if errors.Is(err, net.ErrClosed) || isTimeout(err) {
		t.Errorf("the connection is open after %s", time.Since(began))
	}
	if strings.HasPrefix(string(got), "HTTP/1.1 2") || !strings.Contains(string(got), holds) {
		t.Errorf("answered %.400q, want %s in it", got, holds)
	}
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}
