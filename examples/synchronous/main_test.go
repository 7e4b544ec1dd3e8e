package main

import (
	"bytes"
	"regexp"
	"testing"
)

func TestSynchronousAnswersEachQuestion(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var first, second bytes.Buffer
	if err := run(t.Context(), &first, dir); err != nil {
		t.Fatal(err)
	}
	want := regexp.MustCompile(`^ann: [3-8]\d\d points\n` +
		`ben: no score: insufficient_history \(The account's history is too short to be scored\)\n` +
		`eve: no score: bank_unauthorized \(The bank refused the consent or its token\)\n$`)
	if !want.MatchString(first.String()) {
		t.Errorf("printed:\n%s", first.String())
	}
	// The idempotency keys outlive the process: asked again over the same
	// folder, the same jobs answer.
	if err := run(t.Context(), &second, dir); err != nil {
		t.Fatal(err)
	}
	if second.String() != first.String() {
		t.Errorf("the second run printed:\n%s\nthe first:\n%s", second.String(), first.String())
	}
}
