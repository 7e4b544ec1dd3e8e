package e2e_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestWrongConfiguration: exit code 2 and one line that names the key, the
// value and what is allowed, and no secret.
func TestWrongConfiguration(t *testing.T) {
	t.Parallel()
	good := writeConfig(t, settings{dataDir: filepath.Join(t.TempDir(), "data"), bank: "http://127.0.0.1:9"})
	text, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, old, becomes string
		args               []string
		says               []string
	}{
		{name: "unknown key", old: "listen:", becomes: "lisen:", says: []string{"lisen", "unknown key", "listen, public_url"}},
		{name: "listen", old: "listen: 127.0.0.1:0", becomes: "listen: 127.0.0.1", says: []string{"listen", `"127.0.0.1"`, "host:port"}},
		{name: "duration without unit", old: "shutdown_timeout: 20s", becomes: "shutdown_timeout: 20", says: []string{"shutdown_timeout", `"20"`, "a duration"}},
		{name: "no partners", old: "partners:", becomes: "partner:", says: []string{"partners: missing", "at least one partner"}},
		{name: "partner without secret", old: "    secret: demo-secret\n", becomes: "", says: []string{"partners[0].secret: missing", "secret_file"}},
		{name: "partner twice", old: "id: other", becomes: "id: demo", says: []string{"partners", `"demo"`, "more than once"}},
		{name: "redirect over http", old: "[https://partner.example/done]", becomes: "[http://partner.example/done]",
			says: []string{"partners[0].redirect_uris[0]", `"http://partner.example/done"`, "https"}},
		{name: "not a truth", old: "allow_private_networks: false", becomes: "allow_private_networks: sometimes",
			says: []string{"webhook.allow_private_networks", `"sometimes"`, "true or false"}},
		{name: "unknown api", old: "api: berlin-group\n    base_url: http://127.0.0.1:9\n    auth", becomes: "api: munich-group\n    base_url: http://127.0.0.1:9\n    auth",
			says: []string{"banks[0].api", `"munich-group"`, "berlin-group"}},
		{name: "bank without address", old: "    base_url: http://127.0.0.1:9\n    auth", becomes: "    auth", says: []string{"banks[0].base_url: missing", "http"}},
		{name: "limit of nothing", old: "webhook:", becomes: "limits:\n  max_accepted: 0\nwebhook:", says: []string{"limits.max_accepted", `"0"`, "from 1"}},
		{name: "unknown role", old: "webhook:", becomes: "roles: [request, chef]\nwebhook:", says: []string{"roles[1]", `"chef"`, "request, bank, store, score, response"}},
		{name: "not YAML", old: "webhook:", becomes: "webhook: [", says: []string{"config", "YAML"}},
		{name: "flag with a bad value", args: []string{"-limits.fetch_concurrency", "lots"}, says: []string{"limits.fetch_concurrency", `"lots"`, "a number"}},
		{name: "unknown flag", args: []string{"-speed", "fast"}, says: []string{"-speed", "allowed"}},
		{name: "no such file", args: []string{"-config", "nowhere.yaml"}, says: []string{"config", `"nowhere.yaml"`, "no such file"}},
		{name: "data_dir is a file", args: []string{"-data_dir", good}, says: []string{"data_dir", "a folder"}},
		{name: "keyset is none", args: []string{"-keyset_file", good}, says: []string{"keyset_file", "keyset"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.old != "" && !strings.Contains(string(text), c.old) {
				t.Fatalf("%q is not in the configuration", c.old)
			}
			file := filepath.Join(t.TempDir(), "refserver.yaml")
			if err := os.WriteFile(file, []byte(strings.Replace(string(text), c.old, c.becomes, 1)), 0o600); err != nil {
				t.Fatal(err)
			}
			p := begin(t, append([]string{"serve", "-config", file}, c.args...)...)
			if code := p.exit(); code != 2 {
				t.Errorf("exit code %d, want 2", code)
			}
			lines := p.lines()
			if len(lines) != 1 {
				t.Fatalf("%d lines, want one:\n%s", len(lines), strings.Join(lines, "\n"))
			}
			for _, want := range c.says {
				if !strings.Contains(lines[0], want) {
					t.Errorf("no %s in: %s", want, lines[0])
				}
			}
			for _, secret := range []string{"demo-secret", "other-secret", "sandbox-secret"} {
				if strings.Contains(lines[0], secret) {
					t.Errorf("it shows a secret: %s", lines[0])
				}
			}
		})
	}
}

// TestOneServerAFolder: a second server on the same data ends with 1 and one
// plain line, and the first does not notice.
func TestOneServerAFolder(t *testing.T) {
	t.Parallel()
	config := writeConfig(t, settings{dataDir: filepath.Join(t.TempDir(), "data"), bank: "http://127.0.0.1:9"})
	first := begin(t, "serve", "-config", config)
	p := newPartner(t, first.url(), "demo")
	second := begin(t, "serve", "-config", config)
	if code := second.exit(); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	lines := second.lines()
	if last := lines[len(lines)-1]; !strings.Contains(last, "data_dir") || !strings.Contains(last, "in use") {
		t.Errorf("it says: %s", strings.Join(lines, "\n"))
	}
	p.want(t, 200, "GET", "/v1/scores", "")
	first.stop()
}
