package score_test

import (
	"cmp"
	"os"
	"path/filepath"
	"testing"

	"acme.example/creditscore/acme/anonymize"
	"acme.example/creditscore/acme/keyset"
	"acme.example/creditscore/acme/score/portfolio"
)

// TestShiftedHistoriesScoreAsBefore holds fitting and serving together: a
// history moved to end today scores as it did on its loan's day.
func TestShiftedHistoriesScoreAsBefore(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(cmp.Or(os.Getenv("ACME_SHARED"), "../../../shared"), "data", "berka")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("the PKDD'99 portfolio is not there; ACME_SHARED names the folder that holds data/berka")
	}
	loans, err := portfolio.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := keyset.New()
	if err != nil {
		t.Fatal(err)
	}
	profile := func(l portfolio.Loan) *anonymize.Profile {
		p, err := anonymize.New(keys).Profile(l.Statement(), anonymize.Subject{Partner: "test", ID: l.ID}, l.Date)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	for _, l := range loans {
		if before, after := bare(t, scoreOf(t, profile(l))), bare(t, scoreOf(t, profile(l.Shifted(today)))); before != after {
			t.Fatalf("a shifted history scores differently:\n%s\n%s", before, after)
		}
	}
}
