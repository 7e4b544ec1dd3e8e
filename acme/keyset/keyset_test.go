package keyset_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	tinkkeyset "github.com/tink-crypto/tink-go/v2/keyset"

	"acme.example/creditscore/acme/keyset"
)

func open(t *testing.T, path string) *keyset.Set {
	t.Helper()
	s, err := keyset.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSealUnseal(t *testing.T) {
	t.Parallel()
	s, err := keyset.New()
	if err != nil {
		t.Fatal(err)
	}
	other, err := keyset.New()
	if err != nil {
		t.Fatal(err)
	}
	plain := []byte("a bearer token")
	sealed, err := s.Seal(plain, "consent:con_1")
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed, plain) || len(sealed) != len(plain)+33 {
		t.Fatalf("sealed form is %d bytes", len(sealed))
	}
	if got, err := s.Unseal(sealed, "consent:con_1"); err != nil || !bytes.Equal(got, plain) {
		t.Fatalf("unseal: %q, %v", got, err)
	}
	changed := bytes.Clone(sealed)
	changed[len(changed)-1] ^= 1
	for _, c := range []struct {
		name    string
		set     *keyset.Set
		sealed  []byte
		context string
	}{
		{"wrong context", s, sealed, "consent:con_2"},
		{"empty context", s, sealed, ""},
		{"wrong key", other, sealed, "consent:con_1"},
		{"changed", s, changed, "consent:con_1"},
		{"cut", s, sealed[:10], "consent:con_1"},
		{"empty", s, nil, "consent:con_1"},
	} {
		if got, err := c.set.Unseal(c.sealed, c.context); err != keyset.ErrSealed || got != nil {
			t.Errorf("%s: got %q, %v; want ErrSealed and nothing else", c.name, got, err)
		}
	}
}

func TestPRFIsStableAndBounded(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys.json")
	a, err := open(t, path).PRF([]byte("x"), 32)
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, path)
	b, _ := s.PRF([]byte("x"), 32)
	short, _ := s.PRF([]byte("x"), 16)
	other, _ := s.PRF([]byte("y"), 32)
	if !bytes.Equal(a, b) || !bytes.Equal(short, a[:16]) || bytes.Equal(a, other) {
		t.Error("not a function of the input, or a shorter output is no prefix")
	}
	for _, n := range []int{-1, 0, 33} {
		if _, err := s.PRF(nil, n); err == nil {
			t.Errorf("%d bytes were given", n)
		}
	}
}

func TestOpenCreatesFolderAndFilesForOwnerOnly(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a", "b")
	path := filepath.Join(dir, "keys.json")
	open(t, path)
	for name, want := range map[string]os.FileMode{dir: 0o700, path: 0o600, path + ".prf": 0o600} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", filepath.Base(name), got, want)
		}
	}
	entries, _ := os.ReadDir(dir)
	if len(entries) != 2 {
		t.Errorf("%d files left, want 2", len(entries))
	}
}

func TestOpenRefusesWiderModes(t *testing.T) {
	t.Parallel()
	for _, suffix := range []string{"", ".prf"} {
		for _, mode := range []os.FileMode{0o640, 0o604, 0o660, 0o644, 0o601} {
			path := filepath.Join(t.TempDir(), "keys.json")
			open(t, path)
			if err := os.Chmod(path+suffix, mode); err != nil {
				t.Fatal(err)
			}
			_, err := keyset.Open(path)
			if !errors.Is(err, keyset.ErrMode) || !strings.Contains(err.Error(), fmt.Sprintf("%04o", mode)) {
				t.Errorf("%q with mode %o: %v", suffix, mode, err)
			}
		}
	}
	path := filepath.Join(t.TempDir(), "keys.json")
	open(t, path)
	if err := os.Chmod(path, 0o400); err != nil {
		t.Fatal(err)
	}
	open(t, path)
}

func TestOpenRefusesWhatIsNoKeyset(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(path string) error{
		"text":           func(p string) error { return os.WriteFile(p, []byte("hello"), 0o600) },
		"empty":          func(p string) error { return os.WriteFile(p, nil, 0o600) },
		"prf is text":    func(p string) error { return os.WriteFile(p+".prf", []byte("{}"), 0o600) },
		"keyset is lost": os.Remove,
		"too large":      func(p string) error { return os.WriteFile(p, make([]byte, 2<<20), 0o600) },
		"prf of another": func(p string) error {
			other := p + ".other"
			if _, err := keyset.Open(other); err != nil {
				return err
			}
			return os.Rename(other+".prf", p+".prf")
		},
		"a folder": func(p string) error {
			return errors.Join(os.Remove(p), os.Mkdir(p, 0o700))
		},
	} {
		path := filepath.Join(t.TempDir(), "keys.json")
		open(t, path)
		if err := spoil(path); err != nil {
			t.Fatal(err)
		}
		if _, err := keyset.Open(path); !errors.Is(err, keyset.ErrBadKeyset) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestManyOpenAtOnceShareOneKey(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys.json")
	const n = 16
	var sets [n]*keyset.Set
	var errs [n]error
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { sets[i], errs[i] = keyset.Open(path) })
	}
	wg.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatal(err)
	}
	sealed, err := sets[0].Seal([]byte("x"), "c")
	if err != nil {
		t.Fatal(err)
	}
	first, _ := sets[0].PRF([]byte("x"), 32)
	for i, s := range sets {
		if _, err := s.Unseal(sealed, "c"); err != nil {
			t.Errorf("set %d has another key", i)
		}
		if got, _ := s.PRF([]byte("x"), 32); !bytes.Equal(got, first) {
			t.Errorf("set %d has another PRF", i)
		}
	}
}

// A key added and made primary by other Tink code: what the old key sealed
// still opens, the PRF keyset sealed under the old key too.
func TestRotatedKeysetOpens(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys.json")
	before := open(t, path)
	old, err := before.Seal([]byte("old"), "c")
	if err != nil {
		t.Fatal(err)
	}
	prfBefore, _ := before.PRF([]byte("x"), 32)

	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	h, err := insecurecleartextkeyset.Read(tinkkeyset.NewJSONReader(bytes.NewReader(text)))
	if err != nil {
		t.Fatalf("not a standard Tink keyset: %v", err)
	}
	m := tinkkeyset.NewManagerFromHandle(h)
	id, err := m.Add(aead.ChaCha20Poly1305KeyTemplate())
	if err != nil {
		t.Fatal(err)
	}
	if err := m.SetPrimary(id); err != nil {
		t.Fatal(err)
	}
	h, err = m.Handle()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := insecurecleartextkeyset.Write(h, tinkkeyset.NewJSONWriter(&out)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}

	after := open(t, path)
	if got, err := after.Unseal(old, "c"); err != nil || string(got) != "old" {
		t.Errorf("sealed before rotation: %q, %v", got, err)
	}
	if got, _ := after.PRF([]byte("x"), 32); !bytes.Equal(got, prfBefore) {
		t.Error("rotating the AEAD key changed the PRF")
	}
	sealed, err := after.Seal([]byte("new"), "c")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := before.Unseal(sealed, "c"); err != keyset.ErrSealed {
		t.Errorf("the new primary was not used: %v", err)
	}
}

func TestSetCannotBePrinted(t *testing.T) {
	t.Parallel()
	s, err := keyset.New()
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		for _, v := range []any{s, *s} {
			if got := fmt.Sprintf(verb, v); got != "[keyset]" {
				t.Errorf("%s prints %s", verb, got)
			}
		}
	}
	if _, err := json.Marshal(s); !errors.Is(err, keyset.ErrSecret) {
		t.Errorf("json: %v", err)
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("m", "keys", s)
	if !strings.Contains(log.String(), "[keyset]") {
		t.Errorf("log: %s", log.String())
	}
}
