package webhook_test

import (
	"bytes"
	"encoding/base64"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"acme.example/creditscore/acme/webhook"
)

func TestNewSecretIsOf32BytesAndNew(t *testing.T) {
	t.Parallel()
	a, b := newSecret(t), newSecret(t)
	if a.Equal(b) {
		t.Fatal("two new secrets are equal")
	}
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(a.Reveal(), "whsec_"))
	if err != nil || len(raw) != 32 {
		t.Fatalf("%d bytes, %v; want 32", len(raw), err)
	}
	if again := mustParse(t, a.Reveal()); !again.Equal(a) || again.Reveal() != a.Reveal() {
		t.Fatal("a revealed secret does not parse to itself")
	}
}

func TestParseSecret(t *testing.T) {
	t.Parallel()
	of := func(n int) string { return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, n)) }
	for _, tc := range []struct {
		rule, text string
		ok         bool
	}{
		{"with its prefix", vectorSecret, true},
		{"without its prefix", strings.TrimPrefix(vectorSecret, "whsec_"), true},
		{"24 bytes are enough", "whsec_" + of(24), true},
		{"64 bytes are not too many", "whsec_" + of(64), true},
		{"23 bytes are too few", "whsec_" + of(23), false},
		{"65 bytes are too many", "whsec_" + of(65), false},
		{"empty", "", false},
		{"prefix alone", "whsec_", false},
		{"another kind of key", "whsk_" + of(32), false},
		{"a doubled prefix", "whsec_" + vectorSecret, false},
		{"no padding", "whsec_" + strings.TrimRight(of(25), "="), false},
		{"alphabet of URLs", "whsec_" + strings.ReplaceAll(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{0xff}, 24)), "/", "_"), false},
		{"bits beyond the end", "whsec_" + strings.Repeat("A", 33) + "B==", false},
		{"line break within", vectorSecret[:20] + "\n" + vectorSecret[20:], false},
		{"space after", vectorSecret + " ", false},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			t.Parallel()
			s, err := webhook.ParseSecret(tc.text)
			if tc.ok {
				if err != nil || s.IsZero() {
					t.Fatalf("refused: %v", err)
				}
				return
			}
			if !errors.Is(err, webhook.ErrBadSecret) || !s.IsZero() {
				t.Fatalf("got %v, want ErrBadSecret", err)
			}
			if tail := strings.TrimPrefix(tc.text, "whsec_"); len(tail) > 8 && strings.Contains(err.Error(), tail[:8]) {
				t.Fatalf("error holds the secret: %v", err)
			}
		})
	}
}

func TestSecretHasNoWrittenForm(t *testing.T) {
	t.Parallel()
	s := mustParse(t, vectorSecret)
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(vectorSecret, "whsec_"))
	if err != nil {
		t.Fatal(err)
	}
	type inside struct {
		hidden webhook.Secret
		Shown  webhook.Secret
		Ptr    *webhook.Secret
		Many   []webhook.Secret
	}
	holders := []any{
		s, &s, []webhook.Secret{s}, map[string]webhook.Secret{"k": s}, any(s),
		inside{s, s, &s, []webhook.Secret{s}}, &inside{hidden: s, Shown: s},
		webhook.Message{ID: "m", Secrets: []webhook.Secret{s}},
		struct{ cfg webhook.VerifierConfig }{webhook.VerifierConfig{Secrets: []webhook.Secret{s}}},
	}
	check := func(how, out string) {
		t.Helper()
		for _, leak := range []string{
			"MfKQ9r8G", string(raw), string(raw[:6]), fmt.Sprintf("%x", raw[:6]), fmt.Sprintf("%X", raw[:6]),
			strings.Trim(fmt.Sprint(raw[:6]), "[]"), fmt.Sprintf("%q", raw[:6])[1:8],
		} {
			if strings.Contains(out, leak) {
				t.Errorf("%s shows the secret: %q", how, out)
			}
		}
	}
	for _, holder := range holders {
		for verb := '!'; verb <= '~'; verb++ {
			for _, flags := range []string{"", "+", "#", " ", "-", "0", "20", ".5", "+#"} {
				format := "%" + flags + string(verb)
				check(format, fmt.Sprintf(format, holder))
			}
		}
		check("Errorf", fmt.Errorf("x: %w", fmt.Errorf("%v", holder)).Error())
		var log bytes.Buffer
		slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "k", holder)
		slog.New(slog.NewTextHandler(&log, nil)).Info("m", "k", holder)
		check("slog", log.String())
		if out, err := json.Marshal(holder); err == nil || !errors.Is(err, webhook.ErrSecret) {
			if check("json", string(out)); err == nil && bytes.Contains(out, []byte("whsec_")) {
				t.Errorf("json: %s", out)
			}
		}
	}
	if got := fmt.Sprintf("%v|%d|%#v|%s", s, s, s, webhook.Secret{}); got != "[redacted]|[redacted]|[redacted]|" {
		t.Errorf("printed %s", got)
	}
	for how, marshal := range map[string]func() error{
		"json": func() error { _, err := json.Marshal(s); return err },
		"text": func() error { _, err := s.MarshalText(); return err },
		"bin":  func() error { _, err := s.MarshalBinary(); return err },
		"gob":  func() error { return gob.NewEncoder(&bytes.Buffer{}).Encode(s) },
		"yaml": func() error { _, err := yaml.Marshal(s); return err },
		"xml":  func() error { _, err := xml.Marshal(s); return err },
	} {
		if err := marshal(); !errors.Is(err, webhook.ErrSecret) {
			t.Errorf("%s: %v, want ErrSecret", how, err)
		}
	}
}

func TestSecretEqual(t *testing.T) {
	t.Parallel()
	a, b := mustParse(t, vectorSecret), mustParse(t, vectorSecret)
	if !a.Equal(b) || a.Equal(newSecret(t)) || a.Equal(webhook.Secret{}) || (webhook.Secret{}).Equal(a) {
		t.Fatal("Equal does not compare the bytes")
	}
	if !(webhook.Secret{}).Equal(webhook.Secret{}) || (webhook.Secret{}).Reveal() != "" {
		t.Fatal("the zero Secret is not empty")
	}
}

func FuzzParseSecret(f *testing.F) {
	for _, seed := range []string{vectorSecret, "", "whsec_", "whsec_AAAA", vectorSecret + "\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := webhook.ParseSecret(text)
		if err != nil {
			return
		}
		if strings.TrimPrefix(s.Reveal(), "whsec_") != strings.TrimPrefix(text, "whsec_") {
			t.Fatal("a secret has two texts")
		}
	})
}
