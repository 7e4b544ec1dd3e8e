package anonymize

import "testing"

func TestLexiconCompiles(t *testing.T) {
	t.Parallel()
	words, err := readLexicon()
	if err != nil {
		t.Fatal(err)
	}
	m := newMatcher(words)
	if m == nil {
		t.Fatalf("lexicon of %d phrases needs too many states", len(words))
	}
	t.Logf("%d phrases, %d states, %d KB", len(words), len(m.out), len(m.step)*2/1024)
}
