package e2e_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"acme.example/creditscore/acme/bank/sandbox"
)

func itoa(n int) string { return strconv.Itoa(n) }

// startBank runs a sandbox bank in this process.
func startBank(t *testing.T) string {
	t.Helper()
	b, err := sandbox.New(sandbox.Config{})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(b)
	t.Cleanup(server.Close)
	return server.URL
}

const serverConfig = `listen: 127.0.0.1:0
data_dir: %q
shutdown_timeout: 10s
partners:
  - id: demo
    secret: demo-secret
banks:
  - id: sandbox
    api: berlin-group
    base_url: %[2]s
    authorization_url: %[2]s/authorize
    token_url: %[2]s/token
    client_id: acme
    client_secret: sandbox-secret
`

// startServer builds refserver, serves the bank with it in a process of its
// own, and returns its address. The test fails when it does not drain at the
// end.
func startServer(t *testing.T, bankURL string) string {
	t.Helper()
	dir := t.TempDir()
	program := filepath.Join(dir, "refserver")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "acme.example/creditscore/refserver").CombinedOutput(); err != nil {
		t.Fatalf("building refserver: %v\n%s", err, out)
	}
	file := filepath.Join(dir, "refserver.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, serverConfig, filepath.Join(dir, "data"), bankURL), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "serve", "-config", file) // not t.Context: it is drained, not killed
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	addr, ended := make(chan string, 1), make(chan struct{})
	var last string // read after ended only
	go func() {
		defer close(ended)
		lines := bufio.NewScanner(log)
		for lines.Scan() {
			last = lines.Text()
			var event struct{ Msg, Addr string }
			if json.Unmarshal(lines.Bytes(), &event) == nil && event.Msg == "ready" {
				addr <- event.Addr
			}
		}
	}()
	t.Cleanup(func() {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		<-ended
		if err := cmd.Wait(); err != nil {
			t.Errorf("refserver after SIGTERM: %v", err)
		}
	})
	select {
	case a := <-addr:
		return "http://" + a
	case <-ended:
		t.Fatalf("refserver ended before it was ready; its last line: %s", last)
	case <-time.After(30 * time.Second):
		t.Fatal("refserver did not become ready")
	}
	return ""
}

// startConsent does what a partner does: it signs in and asks for a consent.
// It returns the address to send the person's browser to.
func startConsent(t *testing.T, server string) string {
	t.Helper()
	var token struct {
		AccessToken string `json:"access_token"`
	}
	call(t, server+"/oauth/token", "application/x-www-form-urlencoded", "",
		"grant_type=client_credentials&client_id=demo&client_secret=demo-secret", &token)
	var consent struct {
		AuthorizeURL string `json:"authorize_url"`
	}
	call(t, server+"/v1/consents", "application/json", token.AccessToken,
		`{"bank":"sandbox","subject":"user-42","redirect_uri":"http://127.0.0.1:9/done"}`, &consent)
	if !strings.HasPrefix(consent.AuthorizeURL, server) {
		t.Fatalf("authorize_url %q", consent.AuthorizeURL)
	}
	return consent.AuthorizeURL
}

func call(t *testing.T, target, kind, bearer, body string, into any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, target, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", kind)
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Error(err)
	}
	if resp.StatusCode/100 != 2 {
		t.Fatalf("POST %s: %s\n%s", target, resp.Status, raw)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatal(err)
	}
}
