package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestDemoOnce checks what the demo shows, that it fits 80 columns, and that
// it leaves nothing behind.
func TestDemoOnce(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp) // not parallel: the environment is the process's
	code, stdout, stderr := call(t, "", nil, "demo", "-once", "-addr", "127.0.0.1:0", "-bank-addr", "127.0.0.1:0", "-latency", "100ms")
	if code != 0 || stderr != "" {
		t.Fatalf("exit %d, %s\n%s", code, stderr, stdout)
	}
	rest := stdout
	for _, pattern := range []string{
		`Three servers start, on loopback`,
		`✓ +[0-9.]+ m?s  sandbox bank`,
		`✓ +[0-9.]+ m?s  credit score server`,
		`✓ +[0-9.]+ m?s  access token for partner demo`,
		`✓ +[0-9.]+ m?s  webhook endpoint http://127`,
		`✓ +[0-9.]+ m?s  POST /v1/consents → authorize_url`,
		`✓ +[0-9.]+ m?s  the browser goes to authorize_url → the bank's page`,
		`✓ +[0-9.]+ m?s  alice presses Allow → back to the partner's page`,
		`consent con_[0-9a-z]{26}: authorized`,
		`✓ +[0-9.]+ m?s  POST /v1/scores → 202, accepted durably`,
		`accepted → fetching → scoring → completed`,
		`✓ +[0-9.]+ m?s  the webhook arrives and its signature holds`,
		`msg_[0-9a-z]{26}, score\.completed, signature ok`,
		`✓ +[0-9.]+ m?s  POST /v1/scores, Prefer: wait=60 → 200, the same score`,
		`[3-8][0-9]{2} of 300 to 850, [0-9.]+ % probability of default, interval [0-9]+ to [0-9]+`,
		`300 [─━●]{56} 850`,
		`Its reasons\n +[+-][0-9]+  \S+`,
		`Month by month, in EUR\n +income +spending +balance\n(  20[0-9]{2}-[0-9]{2}  .+\n){6}`,
	} {
		at := regexp.MustCompile(pattern).FindStringIndex(rest)
		if at == nil {
			t.Fatalf("no %s in\n%s", pattern, stdout)
		}
		rest = rest[at[1]:]
	}
	for line := range strings.Lines(stdout) {
		if utf8.RuneCountInString(strings.TrimSuffix(line, "\n")) > 80 {
			t.Errorf("over 80 columns: %s", line)
		}
	}
	if strings.Contains(stdout, "\x1b") || strings.Contains(stdout, "\r") {
		t.Error("not a terminal, yet it moves the cursor or colours")
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
	http.DefaultClient.CloseIdleConnections()
}

// TestDemoFails: who cannot be scored ends the demo with exit 1 and a line
// that says why.
func TestDemoFails(t *testing.T) {
	t.Parallel()
	code, _, stderr := call(t, "", nil, "demo", "-once", "-addr", "127.0.0.1:0", "-bank-addr", "127.0.0.1:0", "-latency", "0s", "-person", "frank")
	if code != 1 || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, "insufficient_history") {
		t.Errorf("exit %d, %s", code, stderr)
	}
	code, _, stderr = call(t, "", nil, "demo", "-once", "-addr", "127.0.0.1:0", "-bank-addr", "127.0.0.1:0", "-person", "nobody")
	if code != 1 || strings.Count(stderr, "\n") != 1 {
		t.Errorf("exit %d, %s", code, stderr)
	}
	http.DefaultClient.CloseIdleConnections()
}

// TestDemoCommands runs what the demo shows to be pasted, as it stands, in one
// shell.
func TestDemoCommands(t *testing.T) {
	t.Parallel()
	p := start(t, "demo", "-addr", "127.0.0.1:0", "-bank-addr", "127.0.0.1:0", "-latency", "50ms")
	p.await(p.stdout, `(Webhooks\s+that\s+arrive\s+are\s+shown\s+below)`)
	_, script, _ := strings.Cut(p.stdout.String(), "To paste into a shell")
	script, _, _ = strings.Cut(script, "\nOther people's tokens")
	for line := range strings.Lines(script) {
		if utf8.RuneCountInString(line) > 81 && !strings.Contains(line, "TOKEN=") && !strings.Contains(line, "sed") && !strings.Contains(line, "-d '") {
			t.Errorf("over 80 columns: %s", line)
		}
	}
	for _, tool := range []string{"sh", "curl", "sed"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("no %s here to run the lines with", tool)
		}
	}
	script = "set -e\n" + strings.ReplaceAll(script, "\n# ", "\necho; echo '==='\n# ")
	cmd := exec.CommandContext(t.Context(), "sh", "-c", script)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s\n%s\n%s", err, errs.String(), script, out.String())
	}
	answers := strings.Split(out.String(), "===\n")
	if len(answers) != 7 {
		t.Fatalf("%d answers:\n%s", len(answers), out.String())
	}
	for i, want := range []string{"", "", "HTTP/1.1 202", "HTTP/1.1 200", "HTTP/1.1 201", `{"data":[{"id":"scr_`, `{"data":[{"id":"we_`} {
		if !strings.HasPrefix(answers[i], want) {
			t.Errorf("answer %d: %s", i, answers[i])
		}
	}
	if !strings.Contains(answers[3], `"status":"completed"`) || !strings.Contains(answers[4], `"authorize_url"`) {
		t.Errorf("got %s %s", answers[3], answers[4])
	}
	p.await(p.stdout, `(webhook msg_[0-9a-z]{26}  score.completed  signature ok)`)
	http.DefaultClient.CloseIdleConnections()
	if code := p.stop(); code != 0 {
		t.Errorf("exit %d", code)
	}
}

// TestAnonymize: one line a transaction, in the order of the answer, and of
// names, numbers and texts nothing.
func TestAnonymize(t *testing.T) {
	t.Parallel()
	answer, err := os.ReadFile(filepath.Join("testdata", "answer.json"))
	if err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := call(t, string(answer), nil, "anonymize", "-api", "berlin-group")
	if code != 0 || stderr != "" {
		t.Fatalf("exit %d, %s", code, stderr)
	}
	var got []string
	counterparties := map[string]int{}
	for line := range strings.Lines(stdout) {
		var l map[string]any
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		if l["stored"] == true {
			who, _ := l["counterparty"].(string)
			counterparties[who]++
			got = append(got, strings.Join([]string{l["date"].(string), l["amount"].(string), l["currency"].(string), l["direction"].(string)}, " "))
			if l["category"] == "" || l["amount_minor"] == nil || l["status"] != "booked" {
				t.Errorf("got %s", line)
			}
			continue
		}
		got = append(got, l["status"].(string)+": "+l["reason"].(string))
		if len(l) != 3 {
			t.Errorf("something of what is not stored: %s", line)
		}
	}
	want := []string{
		"2030-03-04 -25.10 EUR out", "2030-03-01 2500.00 EUR in", "booked: repeats an earlier transaction",
		"2030-03-02 -25.10 EUR out", "2030-03-02 -7 JPY out", "pending: only booked transactions are stored",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
	if len(counterparties) != 3 { // the shop twice, the employer, and nobody for the yen
		t.Errorf("counterparties %v", counterparties)
	}
	for _, personal := range []string{"Corner", "Shop", "Employer", "DE12500105170648489890", "Receipt", "Jane", "tx-1"} {
		if strings.Contains(stdout, personal) {
			t.Errorf("holds %q", personal)
		}
	}
	for _, bad := range []string{"", "{}", "[1]", `{"transactions":{"booked":[{"transactionAmount":{"currency":"EUR","amount":"x"},"bookingDate":"2030-01-01"}]}}`} {
		if code, stdout, stderr := call(t, bad, nil, "anonymize", "-api", "berlin-group"); code != 1 || stdout != "" || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%s: exit %d, %q, %q", bad, code, stdout, stderr)
		}
	}
}
