package e2e_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long a test waits for what must come sooner or later. It is
// long because machines are slow at times, and is reached only by failures.
const patience = 90 * time.Second

// process is one running refserver.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	ready chan string   // the address, once it says that it is ready
	ended chan struct{} // closed once it is gone and its log read to the end

	mu  sync.Mutex
	log []string
}

// begin starts refserver with these arguments. What is left of it at the end
// of the test is killed.
func begin(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(program, args...), ready: make(chan string, 1), ended: make(chan struct{})}
	// Nothing of the surroundings may configure it.
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "ACME_") {
			p.cmd.Env = append(p.cmd.Env, v)
		}
	}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		lines := bufio.NewReader(stderr)
		for {
			line, err := lines.ReadString('\n')
			if line != "" {
				p.note(strings.TrimSuffix(line, "\n"))
			}
			if err != nil {
				break
			}
		}
		_ = p.cmd.Wait() // its code is read from the state
	}()
	t.Cleanup(p.kill)
	return p
}

// note keeps a line of the log and looks whether it says "ready".
func (p *process) note(line string) {
	p.mu.Lock()
	p.log = append(p.log, line)
	p.mu.Unlock()
	var event struct{ Msg, Addr string }
	if json.Unmarshal([]byte(line), &event) != nil {
		return
	}
	if event.Msg == "ready" || strings.HasPrefix(event.Msg, "sandbox bank listening") {
		select {
		case p.ready <- event.Addr:
		default:
		}
	}
}

// lines is its log so far.
func (p *process) lines() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.log...)
}

// url waits until it is ready and returns its address.
func (p *process) url() string {
	p.t.Helper()
	select {
	case addr := <-p.ready:
		p.ready <- addr
		return "http://" + addr
	case <-p.ended:
		p.t.Fatalf("refserver ended with %d before it was ready:\n%s", p.code(), strings.Join(p.lines(), "\n"))
	case <-time.After(patience):
		p.t.Fatalf("refserver is not ready:\n%s", strings.Join(p.lines(), "\n"))
	}
	return ""
}

// kill is kill -9. It returns when the process is gone.
func (p *process) kill() {
	_ = p.cmd.Process.Signal(syscall.SIGKILL) // it may have ended by itself
	<-p.ended
}

// term is SIGTERM: it asks the process to drain.
func (p *process) term() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatalf("SIGTERM: %v", err)
	}
}

// exit waits for the end and returns the exit code.
func (p *process) exit() int {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.t.Fatalf("refserver does not end:\n%s", strings.Join(p.lines(), "\n"))
	}
	return p.code()
}

func (p *process) code() int { return p.cmd.ProcessState.ExitCode() }

// stop drains it and checks that it went well.
func (p *process) stop() {
	p.t.Helper()
	p.term()
	if code := p.exit(); code != 0 {
		p.t.Errorf("exit code %d after SIGTERM:\n%s", code, strings.Join(p.lines(), "\n"))
	}
}

// settings is the configuration of a server under test.
type settings struct {
	listen, dataDir, bank, timeout, history string
	more                                    string // further top-level keys
	private                                 bool   // webhooks may go to loopback
}

// writeConfig writes a configuration file and returns its path.
func writeConfig(t *testing.T, s settings) string {
	t.Helper()
	text := fmt.Sprintf(`listen: %s
data_dir: %s
shutdown_timeout: %s
%s
partners:
  - id: demo
    secret: demo-secret
    redirect_uris: [https://partner.example/done]
  - id: other
    secret: other-secret
webhook:
  allow_private_networks: %v
banks:
  - id: sandbox
    api: berlin-group
    base_url: %[6]s
    authorization_url: %[6]s/authorize
    token_url: %[6]s/token
    revocation_url: %[6]s/revoke
    client_id: acme
    client_secret: sandbox-secret
    history: %[7]s
  - id: tokens-only
    api: berlin-group
    base_url: %[6]s
`, orElse(s.listen, "127.0.0.1:0"), s.dataDir, orElse(s.timeout, "20s"), s.more, s.private, s.bank, orElse(s.history, "8760h"))
	file := filepath.Join(t.TempDir(), "refserver.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

// fixedAddr finds a port that a server can come back to after its death. The
// system gives the ones above 32768 to any outgoing connection, so a port of
// those could be taken in between.
func fixedAddr(t *testing.T) string {
	t.Helper()
	for port := 20000 + rand.IntN(10000); port < 32000; port++ {
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", itoa(port)))
		if errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		return l.Addr().String()
	}
	t.Fatal("no free port")
	return ""
}
