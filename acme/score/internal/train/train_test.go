package train_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"acme.example/creditscore/acme/score/internal/train"
)

// synthetic is a portfolio whose log-odds are known: -2 + 1.5·x0 - x1, with
// noise in the other columns, which may only raise the odds.
func synthetic(n int, seed uint64) (d train.Data, truth []float64) {
	rng := rand.New(rand.NewPCG(seed, 1))
	for range n {
		x := []float64{rng.NormFloat64(), rng.NormFloat64(), rng.NormFloat64(), rng.NormFloat64()}
		if rng.IntN(50) == 0 {
			x[3] = math.NaN()
		}
		p := train.Probability(-2 + 1.5*x[0] - x[1])
		d.X, d.Bad, truth = append(d.X, x), append(d.Bad, rng.Float64() < p), append(truth, p)
	}
	return d, truth
}

func recipe() train.Recipe {
	return train.Recipe{Signs: []int{1, -1, 1, 1}, Sizes: []int{2, 4}, Penalties: []float64{1, 10}, InnerFolds: 5, InnerRepeats: 1, Seed: 1}
}

func TestCrossValidationFindsTheKnownModel(t *testing.T) {
	t.Parallel()
	d, truth := synthetic(1500, 3)
	best, _ := train.AUC(truth, d.Bad)
	m, err := train.Validate(d, recipe(), 5, 2, 1)
	if err != nil {
		t.Fatal(err)
	}
	if m.AUC < best-.01 || m.AUC > best+.01 || m.Slope < .9 || m.Slope > 1.1 || m.Brier > train.Brier(truth, d.Bad)+.003 {
		t.Errorf("AUC %.4f of %.4f, slope %.3f, Brier %.4f", m.AUC, best, m.Slope, m.Brier)
	}
	again, err := train.Validate(d, recipe(), 5, 2, 1)
	if err != nil || again.AUC != m.AUC || again.Brier != m.Brier {
		t.Error("the same seed gives other figures")
	}
}

func TestNoiseIsNotLearned(t *testing.T) {
	t.Parallel()
	d, _ := synthetic(600, 5)
	rng := rand.New(rand.NewPCG(9, 9))
	rng.Shuffle(len(d.Bad), func(i, j int) { d.Bad[i], d.Bad[j] = d.Bad[j], d.Bad[i] })
	m, err := train.Validate(d, recipe(), 5, 2, 1)
	if err != nil {
		t.Fatal(err)
	}
	if m.AUC > .56 {
		t.Errorf("AUC %.3f on outcomes dealt at random", m.AUC)
	}
}

func TestSignsHold(t *testing.T) {
	t.Parallel()
	d, _ := synthetic(800, 7)
	l, err := train.FitLogit(d.X[:0:0], nil, 1, nil)
	if err == nil {
		t.Errorf("no rows: fitted %+v", l)
	}
	for i := range d.X {
		d.X[i][3] = 0
	}
	free, err := train.FitLogit(d.X, d.Bad, .1, []int{0, 0, 0, 0})
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(free.Weights[0]-1.5) > .35 || math.Abs(free.Weights[1]+1) > .35 || math.Sqrt(free.Covariance[1][1]) > .3 {
		t.Errorf("weights %v", free.Weights)
	}
	held, err := train.FitLogit(d.X, d.Bad, .1, []int{-1, 1, 0, 0})
	if err != nil {
		t.Fatal(err)
	}
	if held.Weights[0] != 0 || held.Weights[1] != 0 || held.Covariance[1][1] != 0 {
		t.Errorf("weights %v against their signs", held.Weights)
	}
}

func TestMeasuresAgreeWithHandComputation(t *testing.T) {
	t.Parallel()
	p, bad := []float64{.1, .4, .35, .8, .4}, []bool{false, false, true, true, true}
	// Six pairs: .35>.1, .35<.4, .8>both, .4>.1, .4 ties .4: 4.5 of 6.
	if auc, se := train.AUC(p, bad); math.Abs(auc-.75) > 1e-12 || se <= 0 {
		t.Errorf("AUC %v ± %v, want .75", auc, se)
	}
	if b := train.Brier([]float64{.5, 1}, []bool{true, true}); b != .125 {
		t.Errorf("Brier %v, want .125", b)
	}
	fold := train.Folds(make([]bool, 12), 5, 1)
	count := map[int]int{}
	for _, f := range fold {
		count[f]++
	}
	if len(count) != 5 || count[0] < 2 || count[4] < 2 {
		t.Errorf("folds %v", fold)
	}
}
