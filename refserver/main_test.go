package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// process is a refserver that runs in this one.
type process struct {
	t              *testing.T
	stdout, stderr *lines
	end            context.CancelFunc
	exit           chan int
}

func start(t *testing.T, args ...string) *process {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	p := &process{t: t, stdout: newLines(), stderr: newLines(), end: cancel, exit: make(chan int, 1)}
	go func() {
		code := run(ctx, args, surroundings{strings.NewReader(""), p.stdout, p.stderr, nil})
		p.stdout.close()
		p.stderr.close()
		p.exit <- code
	}()
	t.Cleanup(func() { p.stop() })
	return p
}

// stop asks it to end and returns its exit code.
func (p *process) stop() int {
	p.end()
	code := <-p.exit
	p.exit <- code
	return code
}

// await waits for a line that matches, and returns its first group.
func (p *process) await(from *lines, pattern string) string {
	p.t.Helper()
	found := from.await(regexp.MustCompile(pattern))
	if found == nil {
		p.t.Fatalf("ended without %s:\n%s%s", pattern, p.stdout.String(), p.stderr.String())
	}
	return found[1]
}

// lines collects output and lets a test wait for a part of it.
type lines struct {
	mu     sync.Mutex
	more   *sync.Cond
	buf    bytes.Buffer
	closed bool
}

func newLines() *lines {
	l := &lines{}
	l.more = sync.NewCond(&l.mu)
	return l
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.more.Broadcast()
	return l.buf.Write(p)
}

func (l *lines) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.more.Broadcast()
}

func (l *lines) await(pattern *regexp.Regexp) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		if found := pattern.FindStringSubmatch(l.buf.String()); found != nil {
			return found
		}
		if l.closed {
			return nil
		}
		l.more.Wait()
	}
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// call runs a command to its end.
func call(t *testing.T, stdin string, env []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), args, surroundings{strings.NewReader(stdin), &out, &errs, env})
	return code, out.String(), errs.String()
}

// TestWrongCalls end with exit 2 and one line that names what was wrong.
func TestWrongCalls(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	notKeys := filepath.Join(dir, "keys.json")
	openKeys := filepath.Join(dir, "open.json")
	aFile := filepath.Join(dir, "file")
	for file, mode := range map[string]os.FileMode{notKeys: 0o600, openKeys: 0o644, aFile: 0o600} {
		if err := os.WriteFile(file, []byte("{}"), mode); err != nil {
			t.Fatal(err)
		}
	}
	whole := []string{"serve", "-listen", "127.0.0.1:0", "-data_dir", filepath.Join(dir, "data"),
		"-partners", "[{id: a, secret: hidden-1}]", "-banks", "[{id: b, api: berlin-group, base_url: 'http://127.0.0.1:1'}]"}
	with := func(more ...string) []string { return append(append([]string{}, whole...), more...) }
	for _, c := range []struct {
		args []string
		env  []string
		want string
	}{
		{nil, nil, "no command given; allowed: demo, serve"},
		{[]string{"score"}, nil, `unknown command "score"; allowed: demo, serve`},
		{[]string{"serve", "-lissten", "x"}, nil, "-lissten"},
		{[]string{"serve", "extra"}, nil, `"extra"`},
		{[]string{"serve"}, nil, "partners: missing"},
		{[]string{"serve", "-config", "/nowhere/x.yaml"}, nil, `config: "/nowhere/x.yaml": no such file`},
		{[]string{"serve"}, []string{"ACME_CONFIG=/nowhere/y.yaml"}, `config: "/nowhere/y.yaml": no such file`},
		{with("-limits.max_wait", "long"), nil, `limits.max_wait: "long": allowed: a duration`},
		{with(), []string{"ACME_LIMITS_MAX_ACCEPTED=none"}, `limits.max_accepted: "none": allowed`},
		{with("-banks[0].api", "plaid"), nil, `banks[0].api: "plaid": allowed: berlin-group`},
		{with("-banks.0.api", "fdx"), nil, `banks[0].api: "fdx": allowed: berlin-group`},
		{with("-store", "postgres://u:hidden-2@h/d"), nil, "postgres:// URLs are not in this build"},
		{with("-queue", "nats://u:hidden-2@h"), nil, "nats:// URLs are not in this build"},
		{with("-webhook.allow_private_networks=maybe"), nil, `webhook.allow_private_networks: "maybe": allowed: true or false`},
		{with("-partners", "[{id: a, secret: hidden-1, secret_file: x}]"), nil, "partners[0].secret: given twice"},
		{with("-log", "xml"), nil, `log: "xml": allowed: json or text`},
		{with("-keyset_file", notKeys), nil, "keyset_file: "},
		{with("-keyset_file", openKeys), nil, "others may read it: allowed: a file of mode 0600"},
		{with("-data_dir", aFile), nil, "data_dir: "},
		{[]string{"sandbox", "-addr", "here"}, nil, `-addr: "here": allowed: host:port`},
		{[]string{"sandbox", "-latency", "slow"}, nil, `"slow"`},
		{[]string{"sandbox", "-accounts", "/nowhere"}, nil, "/nowhere"},
		{[]string{"sandbox", "-client", "acme"}, nil, "want id:secret"},
		{[]string{"sandbox", "-log", "xml"}, nil, `"xml"`},
		{[]string{"demo", "-latency", "2h"}, nil, "allowed: 0s to 1m"},
		{[]string{"demo", "-log", "xml"}, nil, "allowed: off, json or text"},
		{[]string{"anonymize"}, nil, "-api: \"\": allowed: berlin-group"},
		{[]string{"anonymize", "-api", "plaid"}, nil, "-api: \"plaid\": allowed: berlin-group"},
		{[]string{"version", "x"}, nil, `"x"`},
	} {
		if runtime.GOOS == "windows" && strings.Contains(c.want, "0600") {
			continue // files have no such mode there
		}
		code, stdout, stderr := call(t, "", c.env, c.args...)
		if code != 2 || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, c.want) || strings.Contains(stderr, "hidden") {
			t.Errorf("%v: exit %d, stdout %q, stderr\n%swant %s", c.args, code, stdout, stderr, c.want)
		}
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"help"}, "anonymize"}, {[]string{"-h"}, "demo"}, {[]string{"help", "sandbox"}, "-latency"},
		{[]string{"serve", "-h"}, "-limits.max_wait"}, {[]string{"demo", "--help"}, "-once"}, {[]string{"version"}, "refserver "},
	} {
		code, stdout, stderr := call(t, "", nil, c.args...)
		if code != 0 || stderr != "" || !strings.Contains(stdout, c.want) {
			t.Errorf("%v: exit %d, %q, %q", c.args, code, stdout, stderr)
		}
	}
}

// TestServe runs bank and server as their users do: a score is made, the
// server drains, and after a new start the token is good and the job there.
func TestServe(t *testing.T) {
	t.Parallel()
	theBank := start(t, "sandbox", "-addr", "127.0.0.1:0")
	bankURL := theBank.await(theBank.stderr, `listening on (http://[0-9.:]+)`)
	file := filepath.Join(t.TempDir(), "refserver.yaml")
	text := fmt.Sprintf("listen: 127.0.0.1:0\ndata_dir: %q\npartners: [{id: demo, secret: hidden-1}]\n"+
		"banks: [{id: sandbox, api: berlin-group, base_url: %q}]\n", filepath.Join(t.TempDir(), "data"), bankURL)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}

	first := start(t, "serve", "-config", file, "-webhook.allow_private_networks", "true")
	base := first.await(first.stderr, `"msg":"listening on (http://[0-9.:]+)"`)
	first.await(first.stderr, `"msg":"(ready)"`)
	token := signIn(t, base)
	job := post(t, base+"/v1/scores", token, "Prefer: wait=30", `{"bank":"sandbox","subject":"u","access_token":"sandbox-token-alice"}`)
	if job["status"] != "completed" {
		t.Fatalf("got %v", job)
	}
	if code := first.stop(); code != 0 {
		t.Fatalf("exit %d:\n%s", code, first.stderr)
	}

	second := start(t, "serve", "-config", file, "-log", "text")
	base = second.await(second.stderr, `listening on (http://[0-9.:]+)`)
	second.await(second.stderr, `msg=(ready)`)
	again := get(t, base+"/v1/scores/"+job["id"].(string), token)
	if fmt.Sprint(again) != fmt.Sprint(job) {
		t.Errorf("after a new start: %v", again)
	}
	code, _, stderr := call(t, "", nil, "serve", "-config", file)
	if code != 1 || !strings.Contains(lastLine(stderr), "data_dir") {
		t.Errorf("two servers on one data_dir: exit %d, %s", code, stderr)
	}
	code, _, stderr = call(t, "", nil, "serve", "-config", file, "-data_dir", t.TempDir(), "-listen", strings.TrimPrefix(base, "http://"))
	if code != 1 || !strings.Contains(lastLine(stderr), "listening on") {
		t.Errorf("address in use: exit %d, %s", code, stderr)
	}
	if code := second.stop(); code != 0 {
		t.Errorf("exit %d", code)
	}
	for _, p := range []*process{first, second, theBank} {
		for _, secret := range []string{"hidden-1", "sandbox-token", token} {
			if strings.Contains(p.stderr.String(), secret) {
				t.Errorf("the log holds %q", secret)
			}
		}
	}
	for line := range strings.Lines(first.stderr.String()) {
		if !json.Valid([]byte(line)) {
			t.Errorf("not a JSON line: %s", line)
		}
	}
}

// TestServeSomeRoles: without the request role there is health and no API.
func TestServeSomeRoles(t *testing.T) {
	t.Parallel()
	p := start(t, "serve", "-listen", "127.0.0.1:0", "-data_dir", t.TempDir(), "-roles", "bank,score",
		"-partners", "[{id: a, secret: b}]", "-banks", "[{id: b, api: berlin-group, base_url: 'http://127.0.0.1:1'}]")
	base := p.await(p.stderr, `"msg":"listening on (http://[0-9.:]+)"`)
	p.await(p.stderr, `"msg":"(ready)"`)
	for path, want := range map[string]int{"/readyz": 200, "/metrics": 200, "/v1/scores": 404} {
		resp, err := http.Get(base + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: %d", path, resp.StatusCode)
		}
	}
	http.DefaultClient.CloseIdleConnections()
	if code := p.stop(); code != 0 || !strings.Contains(p.stderr.String(), "not every role runs here") {
		t.Errorf("exit %d: %s", code, p.stderr)
	}
}

// TestDrainCutsWorkOff: a bank that takes too long does not hold up the end,
// and the job goes on at the next start.
func TestDrainCutsWorkOff(t *testing.T) {
	t.Parallel()
	theBank := start(t, "sandbox", "-addr", "127.0.0.1:0", "-latency", "1m")
	bankURL := theBank.await(theBank.stderr, `listening on (http://[0-9.:]+)`)
	args := []string{"serve", "-listen", "127.0.0.1:0", "-data_dir", t.TempDir(), "-shutdown_timeout", "1s",
		"-partners", "[{id: demo, secret: hidden-1}]", "-banks", "[{id: sandbox, api: berlin-group, base_url: '" + bankURL + "'}]"}
	p := start(t, args...)
	base := p.await(p.stderr, `"msg":"listening on (http://[0-9.:]+)"`)
	p.await(p.stderr, `"msg":"(ready)"`)
	token := signIn(t, base)
	job := post(t, base+"/v1/scores", token, "X: y", `{"bank":"sandbox","subject":"u","access_token":"sandbox-token-alice"}`)
	http.DefaultClient.CloseIdleConnections()
	began := time.Now()
	if code := p.stop(); code != 0 || time.Since(began) > 5*time.Second {
		t.Errorf("exit %d after %s", code, time.Since(began))
	}
	p = start(t, args...)
	base = p.await(p.stderr, `"msg":"listening on (http://[0-9.:]+)"`)
	p.await(p.stderr, `"msg":"(ready)"`)
	if again := get(t, base+"/v1/scores/"+job["id"].(string), token); again["status"] == "failed" || again["status"] == "completed" {
		t.Errorf("got %v", again)
	}
	http.DefaultClient.CloseIdleConnections()
	p.stop()
}

func signIn(t *testing.T, base string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "POST", base+"/oauth/token", strings.NewReader("grant_type=client_credentials"))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("demo", "hidden-1")
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return exchange(t, req)["access_token"].(string)
}

func post(t *testing.T, url, token, header, body string) map[string]any {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "POST", url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	name, value, _ := strings.Cut(header, ": ")
	req.Header.Set(name, value)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	return exchange(t, req)
}

func get(t *testing.T, url, token string) map[string]any {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	return exchange(t, req)
}

func exchange(t *testing.T, req *http.Request) map[string]any {
	t.Helper()
	req.Close = true // no connection outlives the test
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var v map[string]any
	if err := json.Unmarshal(body, &v); err != nil || resp.StatusCode >= 300 {
		t.Fatalf("%s: %s", resp.Status, body)
	}
	return v
}

func lastLine(text string) string {
	all := strings.Split(strings.TrimSpace(text), "\n")
	return all[len(all)-1]
}
