package bank_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"acme.example/creditscore/acme/bank"
	"go.yaml.in/yaml/v3"
)

const planted = "s3cret-tok3n"

type nested struct {
	Exported bank.Token
	hidden   bank.Text
	Pointer  *bank.Token
	Any      any
	List     []bank.Text
	ByName   map[string]bank.Token
	Grant    bank.Grant
	access   bank.Access
}

func plant() nested {
	tok := bank.NewToken(planted)
	return nested{
		Exported: tok, hidden: bank.NewText(planted), Pointer: &tok, Any: tok, List: []bank.Text{bank.NewText(planted)},
		ByName: map[string]bank.Token{"k": tok}, Grant: bank.Grant{AccessToken: tok, RefreshToken: tok, ConsentID: bank.NewText(planted)},
		access: bank.Access{Token: tok},
	}
}

// tells looks for the secret as text, in hexadecimal and as numbers.
func tells(out string) bool {
	out = strings.ToLower(out)
	return strings.Contains(out, planted) || strings.Contains(out, fmt.Sprintf("%x", planted)) ||
		strings.Contains(out, fmt.Sprintf("% x", planted)) || strings.Contains(out, strings.Trim(fmt.Sprint([]byte(planted)), "[]"))
}

func TestSecretsCannotBePrinted(t *testing.T) {
	t.Parallel()
	n := plant()
	for _, value := range []any{n, &n, n.Exported, &n.Exported, n.hidden, n.List, []any{n}, map[bank.Token]int{n.Exported: 1}, struct{ n nested }{n}} {
		for verb := 'A'; verb <= 'z'; verb++ {
			for _, flag := range []string{"", "+", "#", " ", "-20", "0", ".3", "+#"} {
				if out := fmt.Sprintf("%"+flag+string(verb), value); tells(out) {
					t.Fatalf("%%%s%c of %T tells it", flag, verb, value)
				}
			}
		}
		if out := fmt.Sprint(value) + fmt.Sprintln(value) + fmt.Errorf("x: %v", value).Error(); tells(out) {
			t.Errorf("Sprint of %T tells it", value)
		}
	}
	if got := fmt.Sprintf("%d %s %q %x", n.Exported, n.hidden, n.Exported, n.Exported); got != strings.Repeat("[redacted] ", 3)+"[redacted]" {
		t.Errorf("verbs print %s", got)
	}
	if got := fmt.Sprintf("%v%+v", bank.Token{}, bank.Text{}); got != "" {
		t.Errorf("an empty secret prints %q", got)
	}
}

func TestSecretsCannotBeLogged(t *testing.T) {
	t.Parallel()
	n := plant()
	for name, handler := range map[string]func(*bytes.Buffer) slog.Handler{
		"text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		"json": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		var b bytes.Buffer
		log := slog.New(handler(&b)).With("with", n.Exported)
		log.Info("m", "token", n.Exported, "pointer", n.Pointer, "nested", n, "list", n.List, slog.Group("g", "text", n.hidden))
		log.Error("m", "error", fmt.Errorf("x: %v", n.Exported))
		if tells(b.String()) {
			t.Errorf("%s handler tells it: %s", name, b.String())
		}
	}
}

func TestSecretsCannotBeMarshalled(t *testing.T) {
	t.Parallel()
	n := plant()
	for name, marshal := range map[string]func(any) ([]byte, error){
		"json": json.Marshal,
		"xml":  xml.Marshal,
		"yaml": yaml.Marshal,
		"gob": func(v any) ([]byte, error) {
			var b bytes.Buffer
			err := gob.NewEncoder(&b).Encode(v)
			return b.Bytes(), err
		},
	} {
		for _, value := range []any{n.Exported, &n.Exported, n.hidden, struct{ T bank.Token }{n.Exported}, struct{ T []bank.Text }{n.List}, n.Grant} {
			out, err := marshal(value)
			if err == nil || tells(string(out)) {
				t.Errorf("%s of %T: error %v, wrote %q", name, value, err, out)
			}
		}
	}
	if _, err := json.Marshal(n.Exported); !errors.Is(err, bank.ErrSecret) {
		t.Errorf("error %v, want ErrSecret", err)
	}
	if n.Exported.Reveal() != planted || (bank.Token{}).Reveal() != "" || !bank.NewToken("").IsZero() || n.Exported.IsZero() {
		t.Error("Reveal or IsZero")
	}
}
