package main

import (
	"bytes"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"acme.example/creditscore/acme/bank"
	"acme.example/creditscore/acme/bank/sandbox"
)

// run embeds an engine over a sandbox bank and returns what was printed.
func run(t *testing.T, token string) string {
	t.Helper()
	pretend, err := sandbox.New(sandbox.Config{})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(pretend)
	defer server.Close()
	var out bytes.Buffer
	embed(t.Context(), &out, t.TempDir(), server.URL, bank.NewToken(token))
	return out.String()
}

func TestEmbedPrintsAScoreAndItsReasons(t *testing.T) {
	t.Parallel()
	out := run(t, sandbox.Token("alice"))
	want := regexp.MustCompile(`(?s)^user-42 scores [3-8]\d\d of 300 to 850, probability of default \d+\.\d\d %\n( *[+-]\d+  R\d\d  [^\n]+\n)+$`)
	if !want.MatchString(out) {
		t.Errorf("printed:\n%s", out)
	}
}

func TestEmbedSaysWhyThereIsNoScore(t *testing.T) {
	t.Parallel()
	for token, want := range map[string]string{
		sandbox.Token("frank"):     "user-42 failed: The account's history is too short to be scored\n",
		"a-token-of-nobody-at-all": "user-42 failed: The bank refused the consent or its token\n",
	} {
		if out := run(t, token); out != want {
			t.Errorf("printed %q, want %q", out, want)
		}
	}
}

// The README shows this program, and not something like it.
func TestREADMEShowsTheseTenLines(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(source), "\t// README begin\n")
	lines, _, found := strings.Cut(rest, "\t// README end\n")
	if !found {
		t.Fatal("main.go has lost its markers")
	}
	if n := strings.Count(lines, "\n"); n != 10 {
		t.Errorf("between the markers are %d lines, not ten", n)
	}
	snippet := "```go\n" + strings.ReplaceAll("\n"+lines, "\n\t", "\n")[1:] + "```\n"
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(readme), snippet) {
		t.Errorf("README.md does not hold the lines between the markers of main.go:\n%s", snippet)
	}
}
