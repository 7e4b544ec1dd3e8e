package score_test

import (
	"fmt"
	"testing"

	"acme.example/creditscore/acme/score"
)

func BenchmarkScore(b *testing.B) {
	for _, entries := range []int{1_500, 10_000} {
		b.Run(fmt.Sprintf("entries=%d", entries), func(b *testing.B) {
			in := score.Input{Profile: person{days: 730, entries: entries, salary: 310_000, thrift: .95, seed: 1}.profile()}
			card := score.New()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := card.Score(b.Context(), in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
