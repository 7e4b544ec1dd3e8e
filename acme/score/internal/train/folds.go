package train

import "math/rand/v2"

// Folds deals rows into k groups with equal shares of both outcomes, the
// same for the same seed. It returns each row's group.
func Folds(bad []bool, k int, seed uint64) []int {
	rng := rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15))
	fold := make([]int, len(bad))
	next := 0
	for _, outcome := range []bool{true, false} {
		var rows []int
		for i, b := range bad {
			if b == outcome {
				rows = append(rows, i)
			}
		}
		rng.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		for _, i := range rows {
			fold[i] = next % k
			next++
		}
	}
	return fold
}
