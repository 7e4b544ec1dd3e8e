package config_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"acme.example/creditscore/refserver/internal/config"
)

// example is a file with every key, each with a value that is not its default
// where there is one.
const example = `
listen: 127.0.0.1:8081
public_url: https://score.example/
data_dir: ./elsewhere
store: pebble
queue: memory
keyset_file: ""
shutdown_timeout: 31s
roles: [request, bank]
partners:
  - id: demo
    secret: demo-secret
    redirect_uris: [https://partner.example/done]
  - id: second
    secret: 12345
webhook:
  allow_private_networks: true
limits:
  fetch_concurrency: 513
  score_concurrency: 3
  deliver_concurrency: 65
  max_accepted: 100001
  max_wait: 121s
retention:
  profiles: 721h
  jobs: 9481h
  idempotency_keys: 49h
banks:
  - id: sandbox
    api: berlin-group
    base_url: http://127.0.0.1:9090
    authorization_url: http://127.0.0.1:9090/authorize
    token_url: http://127.0.0.1:9090/token
    revocation_url: http://127.0.0.1:9090/revoke
    client_id: acme
    client_secret: sandbox-secret
    timeout: 61s
    history: 8761h
  - id: tokens-only
    api: berlin-group
    base_url: https://bank.example/psd2
`

func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "refserver.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestExample(t *testing.T) {
	t.Parallel()
	cfg, ignored, err := config.Load(config.Sources{File: write(t, example)})
	if err != nil || len(ignored) > 0 {
		t.Fatal(err, ignored)
	}
	got := fmt.Sprintf("%+v", cfg)
	for _, want := range []string{
		"Listen:127.0.0.1:8081", "PublicURL:https://score.example ", "DataDir:elsewhere", "KeysetFile:elsewhere/keyset.json",
		"ShutdownTimeout:31s", "Roles:[request bank]", "RedirectURIs:[https://partner.example/done]", "AllowPrivateNetworks:true",
		"FetchConcurrency:513 ScoreConcurrency:3 DeliverConcurrency:65 MaxAccepted:100001 MaxWait:2m1s",
		"Profiles:721h0m0s Jobs:9481h0m0s IdempotencyKeys:49h0m0s", "Timeout:1m1s History:8761h0m0s",
		"BaseURL:https://bank.example/psd2", "Timeout:1m0s History:8760h0m0s",
	} {
		if !strings.Contains(filepath.ToSlash(got), want) {
			t.Errorf("no %s in %s", want, got)
		}
	}
	if strings.Contains(got, "secret ") || strings.Contains(got, "demo-secret") || strings.Contains(got, "12345") {
		t.Errorf("a secret shows in %s", got)
	}
	if cfg.Partners[0].Secret.Reveal() != "demo-secret" || cfg.Partners[1].Secret.Reveal() != "12345" || cfg.Banks[0].ClientSecret.Reveal() != "sandbox-secret" {
		t.Error("a secret is not as it was written")
	}
}

// TestFaults changes one line of the example and shows the one line that comes
// of it. Every key of the contract is wrong at least once.
func TestFaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ line, becomes, want string }{
		{"listen: 127.0.0.1:8081", "listen: 8081", `listen: "8081": allowed: host:port`},
		{"listen: 127.0.0.1:8081", "listen: 127.0.0.1:99999", `listen: "127.0.0.1:99999": allowed`},
		{"listen: 127.0.0.1:8081", `listen: ""`, `listen: bad value: allowed`},
		{"listen: 127.0.0.1:8081", "listen: [a]", `listen: "a list": allowed`},
		{"listen:", "lissten:", `lissten: unknown key: allowed: one of listen, public_url`},
		{"public_url: https://score.example/", "public_url: score.example", `public_url: "score.example": allowed: an http or https URL`},
		{"public_url: https://score.example/", "public_url: https://u:pw@score.example", `public_url: "https://score.example": allowed`},
		{"data_dir: ./elsewhere", `data_dir: ""`, `data_dir: missing: allowed: a folder`},
		{"store: pebble", "store: sqlite", `store: "sqlite": allowed: pebble`},
		{"store: pebble", "store: postgres://u:pw@db/acme", `store: "postgres://db/acme": allowed: pebble (postgres:// URLs are not in this build)`},
		{"queue: memory", "queue: nats://u:pw@mq", `queue: "nats://mq": allowed: memory (nats:// URLs are not in this build)`},
		{"shutdown_timeout: 31s", "shutdown_timeout: 31", `shutdown_timeout: "31": allowed: a duration`},
		{"shutdown_timeout: 31s", "shutdown_timeout: -1s", `shutdown_timeout: "-1s": allowed`},
		{"shutdown_timeout: 31s", "shutdown_timeout: 0s", `shutdown_timeout: "0s": allowed`},
		{"roles: [request, bank]", "roles: [request, cook]", `roles[1]: "cook": allowed: one or more of request, bank, store, score, response`},
		{"roles: [request, bank]", "roles: [bank, bank]", `roles: "bank": given more than once`},
		{"roles: [request, bank]", "roles: request", `roles: "request": allowed`},
		{"roles: [request, bank]", "roles: []", `roles: missing: allowed`},
		{"  - id: demo\n", "  - \n", `partners[0].id: missing`},
		{"  - id: demo\n", "  - id: a b\n", `partners[0].id: "a b": allowed`},
		{"  - id: second", "  - id: demo", `partners: "demo": given more than once`},
		{"    secret: demo-secret\n", "", `partners[0].secret: missing: allowed: a secret here or in secret_file`},
		{"secret: demo-secret", "secret: [demo-secret]", `partners[0].secret: bad value: allowed`},
		{"secret: demo-secret", "secrett: demo-secret", `partners[0].secrett: unknown key: allowed: one of id, secret, secret_file, redirect_uris; partners[0].secret: missing`},
		{"secret: demo-secret", "secret: demo-secret\n    secret_file: /nowhere", `partners[0].secret: given twice`},
		{"secret: demo-secret", "secret_file: /nowhere", `partners[0].secret_file: "/nowhere": no such file`},
		{"[https://partner.example/done]", "[http://partner.example/done]", `partners[0].redirect_uris[0]: "http://partner.example/done": allowed: https URLs`},
		{"[https://partner.example/done]", "https://partner.example/done", `partners[0].redirect_uris: "https://partner.example/done": allowed`},
		{"allow_private_networks: true", "allow_private_networks: maybe", `webhook.allow_private_networks: "maybe": allowed: true or false`},
		{"allow_private_networks", "allow_private", `webhook.allow_private: unknown key: allowed: one of allow_private_networks`},
		{"fetch_concurrency: 513", "fetch_concurrency: 0", `limits.fetch_concurrency: "0": allowed: a number from 1`},
		{"fetch_concurrency: 513", "fetch_concurrency: many", `limits.fetch_concurrency: "many": allowed: a number`},
		{"score_concurrency: 3", "score_concurrency: -1", `limits.score_concurrency: "-1": allowed`},
		{"deliver_concurrency: 65", "deliver_concurrency: 1.5", `limits.deliver_concurrency: "1.5": allowed`},
		{"max_accepted: 100001", "max_accepted: 0", `limits.max_accepted: "0": allowed`},
		{"max_wait: 121s", "max_wait: -1s", `limits.max_wait: "-1s": allowed`},
		{"max_wait: 121s", "max_wait: 2 minutes", `limits.max_wait: "2 minutes": allowed: a duration`},
		{"profiles: 721h", "profiles: 30d", `retention.profiles: "30d": allowed: a duration`},
		{"jobs: 9481h", "jobs: 0s", `retention.jobs: "0s": allowed`},
		{"idempotency_keys: 49h", "idempotency_keys: never", `retention.idempotency_keys: "never": allowed`},
		{"  - id: sandbox", "  - id: \"\"", `banks[0].id: missing`},
		{"  - id: tokens-only", "  - id: sandbox", `banks: "sandbox": given more than once`},
		{"    api: berlin-group\n    base_url: http:", "    api: plaid\n    base_url: http:", `banks[0].api: "plaid": allowed: berlin-group (uk-open-banking, plaid and fdx are not in this build)`},
		{"    api: berlin-group\n    base_url: http:", "    base_url: http:", `banks[0].api: missing`},
		{"    base_url: http://127.0.0.1:9090\n", "", `banks[0].base_url: missing`},
		{"base_url: http://127.0.0.1:9090\n", "base_url: 127.0.0.1:9090\n", `banks[0].base_url: "127.0.0.1:9090": allowed`},
		{"authorization_url: http://127.0.0.1:9090/authorize", "authorization_url: ftp://x", `banks[0].authorization_url: "ftp://x": allowed`},
		{"    authorization_url: http://127.0.0.1:9090/authorize\n", "", `banks[0].authorization_url: missing`},
		{"    token_url: http://127.0.0.1:9090/token\n", "", `banks[0].token_url: missing`},
		{"token_url: http://127.0.0.1:9090/token", "token_url: /token", `banks[0].token_url: "/token": allowed`},
		{"revocation_url: http://127.0.0.1:9090/revoke", "revocation_url: x", `banks[0].revocation_url: "x": allowed`},
		{"    client_id: acme\n", "", `banks[0].client_id: missing`},
		{"client_secret: sandbox-secret", "client_secret: {a: b}", `banks[0].client_secret: bad value: allowed`},
		{"timeout: 61s", "timeout: 0s", `banks[0].timeout: "0s": allowed`},
		{"history: 8761h", "history: 1y", `banks[0].history: "1y": allowed`},
		{"history: 8761h", "history: 1h", `banks[0].history: "1h0m0s": allowed: a duration from 24h`},
		{"banks:\n", "bankss:\n", `banks: missing: allowed: at least one bank`},
		{"partners:\n", "partner:\n", `partners: missing: allowed: at least one partner`},
		{"webhook:\n  allow_private_networks: true", "webhook: true", `webhook: "true": not a section`},
		{"webhook:\n", "webhook:\n  allow_private_networks: false\n", `webhook.allow_private_networks: given twice`},
		{"store: pebble", "store: [", `config: "`},
		{"store: pebble", "---\nstore: pebble", `more than one YAML document`},
	} {
		t.Run(c.becomes, func(t *testing.T) {
			t.Parallel()
			if strings.Count(example, c.line) == 0 {
				t.Fatalf("%q is not in the example", c.line)
			}
			_, _, err := config.Load(config.Sources{File: write(t, strings.Replace(example, c.line, c.becomes, 1))})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got  %v\nwant %s", err, c.want)
			}
			for _, secret := range []string{"demo-secret", "sandbox-secret", "pw"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("quotes a secret: %v", err)
				}
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("more than one line: %v", err)
			}
		})
	}
}

// TestAllFaultsAtOnce: a configuration is mended once.
func TestAllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	_, _, err := config.Load(config.Sources{Flags: []config.Flag{
		{Path: "limits.max_wait", Value: "y"}, {Path: "listen", Value: "x"}, {Path: "banks[0].api", Value: "fdx"}}})
	var all *config.Error
	if !errors.As(err, &all) {
		t.Fatal(err)
	}
	var keys []string
	for _, f := range all.Faults {
		keys = append(keys, f.Key)
	}
	if got := strings.Join(keys, " "); got != "limits.max_wait listen partners banks[0].id banks[0].api banks[0].base_url" {
		t.Errorf("keys %s", got)
	}
}

// TestPrecedence: flag over environment over file over default.
func TestPrecedence(t *testing.T) {
	t.Parallel()
	file := write(t, example)
	env := []string{"ACME_LIMITS_MAX_WAIT=60s", "ACME_LISTEN=127.0.0.1:1", "ACME_ROLES=store, score", "ACME_BANKS_1_BASE_URL=http://env.example",
		"ACME_PARTNERS_0_SECRET=from-env", "ACME_STORE=", "ACME_SERVICE_HOST=10.0.0.1", "ACME_CONFIG=x", "PATH=/bin",
		"ACME_WEBHOOK_ALLOW_PRIVATE_NETWORKS=false"}
	flags := []config.Flag{{Path: "listen", Value: "127.0.0.1:2"}, {Path: "banks[2].id", Value: "third"},
		{Path: "banks[2].api", Value: "berlin-group"}, {Path: "banks[2].base_url", Value: "http://third.example"}}
	cfg, ignored, err := config.Load(config.Sources{File: file, Env: env, Flags: flags})
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Listen != "127.0.0.1:2" || cfg.Limits.MaxWait != time.Minute || cfg.Limits.FetchConcurrency != 513 || cfg.Store != "pebble" {
		t.Errorf("%+v", cfg)
	}
	if fmt.Sprint(cfg.Roles) != "[store score]" || cfg.Webhook.AllowPrivateNetworks {
		t.Errorf("%v", cfg.Roles)
	}
	if len(cfg.Banks) != 3 || cfg.Banks[1].BaseURL != "http://env.example" || cfg.Banks[1].ID != "tokens-only" || cfg.Banks[2].ID != "third" || cfg.Banks[2].History == 0 {
		t.Errorf("%+v", cfg.Banks)
	}
	if cfg.Partners[0].Secret.Reveal() != "from-env" {
		t.Error("the partner's secret is not the environment's")
	}
	if fmt.Sprint(ignored) != "[ACME_SERVICE_HOST]" {
		t.Errorf("ignored %v", ignored)
	}
}

// TestWithoutFile: flags alone are enough; lists are given whole, as YAML.
func TestWithoutFile(t *testing.T) {
	t.Parallel()
	cfg, _, err := config.Load(config.Sources{Flags: []config.Flag{
		{Path: "partners", Value: "[{id: a, secret: b}]"},
		{Path: "banks", Value: "[{id: c, api: berlin-group, base_url: 'http://d'}]"},
		{Path: "roles", Value: "[bank]"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := config.Default()
	if cfg.Listen != want.Listen || cfg.Limits != want.Limits || cfg.Retention != want.Retention || cfg.ShutdownTimeout != 30*time.Second {
		t.Errorf("%+v", cfg)
	}
	if cfg.PublicURL != "" || cfg.KeysetFile != filepath.Join("data", "keyset.json") || cfg.Banks[0].Timeout != time.Minute || cfg.Roles[0] != "bank" {
		t.Errorf("%+v", cfg)
	}
	for _, f := range []config.Flag{{Path: "banks", Value: "sandbox"}, {Path: "banks", Value: "["}, {Path: "banks[5].id", Value: "x"}} {
		_, _, err := config.Load(config.Sources{Flags: []config.Flag{f}})
		if err == nil || !strings.HasPrefix(err.Error(), f.Path) {
			t.Errorf("%v: %v", f, err)
		}
	}
}

func TestSecretFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{"good": " s3cret \n", "windows": "s3cret\r\n", "empty": "\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	load := func(name string) (config.Config, error) {
		cfg, _, err := config.Load(config.Sources{File: write(t, strings.NewReplacer(
			"secret: demo-secret", "secret_file: "+filepath.Join(dir, name),
			"client_secret: sandbox-secret", "client_secret_file: "+filepath.Join(dir, name)).Replace(example))})
		return cfg, err
	}
	for name, want := range map[string]string{"good": " s3cret ", "windows": "s3cret"} {
		cfg, err := load(name)
		if err != nil {
			t.Fatal(err)
		}
		if cfg.Partners[0].Secret.Reveal() != want || cfg.Banks[0].ClientSecret.Reveal() != want {
			t.Errorf("%s: %q", name, cfg.Partners[0].Secret.Reveal())
		}
	}
	if _, err := load("empty"); err == nil || !strings.Contains(err.Error(), "partners[0].secret_file") ||
		!strings.Contains(err.Error(), "banks[0].client_secret_file") || !strings.Contains(err.Error(), "empty") {
		t.Errorf("empty: %v", err)
	}
}

// TestNames: every key has a flag and a variable that lead back to it.
func TestNames(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, k := range config.Keys() {
		path := strings.Replace(k.Path, "[]", "[7]", 1)
		got, ok := config.PathOfFlag(path)
		if !ok || got != path {
			t.Errorf("flag %s leads to %q", path, got)
		}
		if got, ok := config.PathOfFlag(strings.NewReplacer("[", ".", "]", "").Replace(path)); !ok || got != path {
			t.Errorf("flag with dots for %s leads to %q", path, got)
		}
		env := config.EnvName(path)
		if seen[env] != "" {
			t.Errorf("%s and %s share %s", seen[env], path, env)
		}
		seen[env] = path
		if k.Allowed == "" {
			t.Errorf("%s does not say what is allowed", k.Path)
		}
	}
}

// TestDocumentation: docs/configuration.md has a row for every key, and none
// for others.
func TestDocumentation(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "configuration.md"))
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if cell, ok := strings.CutPrefix(line, "| `"); ok {
			name, _, _ := strings.Cut(cell, "`")
			documented[name] = true
		}
	}
	for _, k := range config.Keys() {
		if !documented[k.Path] {
			t.Errorf("%s is not documented", k.Path)
		}
		delete(documented, k.Path)
	}
	for name := range documented {
		t.Errorf("%s is documented and does not exist", name)
	}
}

func TestIsLoopbackURL(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"http://127.0.0.1:1/x": true, "http://localhost": true, "http://[::1]/": true, "http://127.9.9.9": true,
		"https://127.0.0.1": false, "http://127.0.0.1.evil.example": false, "http://localhost@evil.example": false,
		"http://localhost.evil.example": false, "http://10.0.0.1": false, "http://127.0.0.1/#x": false, "": false, "http://2130706433": false,
	} {
		if got := config.IsLoopbackURL(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// FuzzLoad: any file is either a configuration or faults on one line.
func FuzzLoad(f *testing.F) {
	f.Add(example)
	f.Add("a: &a [*a]")
	f.Add("listen: !!binary aGk=")
	f.Add("banks: [[{}]]\npartners: {a: b}\nroles: {<<: [a]}")
	f.Add("\xff")
	f.Add("? {a: b}\n: c")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "secret_file") {
			return // names files of this computer
		}
		file := filepath.Join(t.TempDir(), "f.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, _, err := config.Load(config.Sources{File: file})
		var all *config.Error
		if err != nil && (!errors.As(err, &all) || strings.ContainsAny(err.Error(), "\n\r")) {
			t.Fatalf("%q", err)
		}
	})
}
