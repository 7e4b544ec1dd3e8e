package acme_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"acme.example/creditscore/acme"
	"acme.example/creditscore/acme/bank"
	"acme.example/creditscore/acme/score"
	"acme.example/creditscore/acme/webhook"
)

const module = "acme.example/creditscore/"

// sources calls f for each Go file of the module that ships: no test, no
// test data, and not acmetest, which is for tests alone.
func sources(t *testing.T, f func(path string, file *ast.File)) {
	t.Helper()
	root := ".."
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && (name == "testdata" || name == "acmetest" || name == "node_modules" || strings.HasPrefix(name, ".") && name != "..") {
			return fs.SkipDir
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		f(filepath.ToSlash(rel), file)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestImportsPointInward holds the order bank ← anonymize ← score ← acme ←
// adapters ← programs, with webhook and keyset as leaves.
func TestImportsPointInward(t *testing.T) {
	t.Parallel()
	may := map[string][]string{
		"acme/bank":             {},
		"acme/bank/berlingroup": {"acme/bank"},
		"acme/bank/sandbox":     {"acme/bank"},
		"acme/webhook":          {},
		"acme/keyset":           {},
		"acme/anonymize":        {"acme/bank"},
		"acme/score":            {"acme/bank", "acme/anonymize", "acme/score/internal"},
		"acme":                  {"acme/bank", "acme/anonymize", "acme/score", "acme/webhook", "acme/keyset"},
		"acme/pebblestore":      {"acme"},
	}
	seen := map[string]bool{}
	sources(t, func(path string, file *ast.File) {
		dir := filepath.ToSlash(filepath.Dir(path))
		seen[dir] = true
		allowed, ruled := may[dir]
		for _, im := range file.Imports {
			p, _ := strconv.Unquote(im.Path.Value)
			if p == "testing" || strings.HasPrefix(p, module+"acme/acmetest") {
				t.Errorf("%s imports %s, which is for tests alone", path, p)
			}
			local, ours := strings.CutPrefix(p, module)
			if !ours || !ruled {
				continue
			}
			ok := false
			for _, a := range allowed {
				ok = ok || local == a || strings.HasPrefix(local, a+"/internal")
			}
			if !ok {
				t.Errorf("%s imports %s; it may import %v", path, local, allowed)
			}
		}
	})
	for dir := range may {
		if !seen[dir] {
			t.Errorf("no source found in %s: the rule would check nothing", dir)
		}
	}
}

// TestSecretsAreRevealedInFewPlaces keeps a list of the files that may turn a
// bank.Token or bank.Text back into a string.
func TestSecretsAreRevealedInFewPlaces(t *testing.T) {
	t.Parallel()
	may := []string{
		"acme/bank/",       // the calls themselves
		"acme/anonymize/",  // a Statement becomes a Profile
		"acme/webhook/",    // signing
		"acme/grant.go",    // sealed at once
		"acme/submit.go",   // a keyed digest
		"acme/consent.go",  // a keyed digest
		"acme/endpoint.go", // sealed at once
		"acme/validate.go", // its length
		"refserver/",       // a webhook secret, shown once
		"examples/",        // likewise
		"acme/score/fit/",  // reads a portfolio, no person's account
		"acme/score/portfolio/",
	}
	sources(t, func(path string, file *ast.File) {
		ast.Inspect(file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok || sel.Sel.Name != "Reveal" {
				return true
			}
			for _, m := range may {
				if strings.HasPrefix(path, m) {
					return true
				}
			}
			t.Errorf("%s reveals a secret", path)
			return true
		})
	})
}

// TestStoredBodyIsForStores: nothing but a Store may make a Body from bytes.
func TestStoredBodyIsForStores(t *testing.T) {
	t.Parallel()
	sources(t, func(path string, file *ast.File) {
		ast.Inspect(file, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok && sel.Sel.Name == "StoredBody" && !strings.HasPrefix(path, "acme/pebblestore/") {
				t.Errorf("%s makes a Body from bytes", path)
			}
			return true
		})
	})
}

// TestClockIsAnArgument: time.Now is called by programs, and elsewhere only
// as the default of a clock that can be given.
func TestClockIsAnArgument(t *testing.T) {
	t.Parallel()
	sources(t, func(path string, file *ast.File) {
		if !strings.HasPrefix(path, "acme/") || strings.HasPrefix(path, "acme/score/fit/") {
			return
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			sel, ok := call.Fun.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if pkg, ok := sel.X.(*ast.Ident); ok && pkg.Name == "time" && sel.Sel.Name == "Now" {
				t.Errorf("%s calls time.Now", path)
			}
			return true
		})
	})
}

// TestNoMessageHoldsRawData walks every type that the Store, the queue, the
// scorer and the notifier take, and finds no way to a Statement or a secret.
func TestNoMessageHoldsRawData(t *testing.T) {
	t.Parallel()
	banned := map[reflect.Type]bool{
		reflect.TypeFor[bank.Statement](): true, reflect.TypeFor[bank.Account](): true,
		reflect.TypeFor[bank.Transaction](): true, reflect.TypeFor[bank.Text](): true, reflect.TypeFor[bank.Token](): true,
		reflect.TypeFor[bank.Grant](): true, reflect.TypeFor[bank.Access](): true,
	}
	var walk func(root, path string, typ reflect.Type, seen map[reflect.Type]bool)
	walk = func(root, path string, typ reflect.Type, seen map[reflect.Type]bool) {
		if banned[typ] {
			t.Errorf("%s reaches %v by %s", root, typ, path)
			return
		}
		if seen[typ] {
			return
		}
		seen[typ] = true
		switch typ.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Array:
			walk(root, path+"[]", typ.Elem(), seen)
		case reflect.Map:
			walk(root, path+"[key]", typ.Key(), seen)
			walk(root, path+"[]", typ.Elem(), seen)
		case reflect.Interface:
			if typ.NumMethod() == 0 {
				t.Errorf("%s holds an any at %s", root, path)
			}
		case reflect.Struct:
			for i := range typ.NumField() {
				f := typ.Field(i)
				if f.Type.PkgPath() == "time" || typ.PkgPath() == "time" {
					continue
				}
				walk(root, path+"."+f.Name, f.Type, seen)
			}
		}
	}
	for _, typ := range []reflect.Type{
		reflect.TypeFor[acme.Record](), reflect.TypeFor[acme.Tx](),
		reflect.TypeFor[acme.BankRequest](), reflect.TypeFor[acme.BankResponse](),
		reflect.TypeFor[acme.ScoreRequest](), reflect.TypeFor[acme.ScoreResponse](),
		reflect.TypeFor[acme.WebhookRequest](), reflect.TypeFor[acme.WebhookResponse](),
		reflect.TypeFor[acme.Job](), reflect.TypeFor[acme.Delivery](), reflect.TypeFor[acme.Consent](),
		reflect.TypeFor[score.Input](), reflect.TypeFor[score.Report](), reflect.TypeFor[webhook.Event](),
	} {
		walk(typ.String(), "", typ, map[reflect.Type]bool{})
	}
}
