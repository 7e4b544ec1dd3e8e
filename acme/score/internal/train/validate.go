package train

import "math"

// Measured is what cross-validation says of a Recipe.
type Measured struct {
	// Predictions are the out-of-fold probabilities of each repeat.
	Predictions [][]float64
	// AUC is the mean over repeats of the pooled out-of-fold AUC, SE
	// DeLong's standard error (mean over repeats; repeats share the loans, so
	// more of them do not make it smaller), Spread the repeats' deviation.
	AUC, SE, Spread float64
	Brier           float64
	// Slope and Intercept are those of the calibration, means over repeats.
	Slope, Intercept float64
}

// Validate repeats k-fold stratified cross-validation around the whole
// recipe: scaling, choice of features and penalty, and the fit are made anew
// in each fold.
func Validate(d Data, r Recipe, folds, repeats int, seed uint64) (*Measured, error) {
	m := &Measured{}
	for repeat := range repeats {
		fold := Folds(d.Bad, folds, seed+uint64(repeat))
		p := make([]float64, len(d.Bad))
		for k := range folds {
			outside, inside := Split(fold, k)
			fitted, err := r.Fit(d.Subset(outside))
			if err != nil {
				return nil, err
			}
			for _, i := range inside {
				p[i] = fitted.Probability(d.X[i])
			}
		}
		m.Predictions = append(m.Predictions, p)
	}
	m.measure(d.Bad)
	return m, nil
}

func (m *Measured) measure(bad []bool) {
	n := float64(len(m.Predictions))
	var aucs []float64
	for _, p := range m.Predictions {
		auc, se := AUC(p, bad)
		intercept, slope := Calibration(p, bad)
		aucs = append(aucs, auc)
		m.SE += se / n
		m.Brier += Brier(p, bad) / n
		m.Slope += slope / n
		m.Intercept += intercept / n
	}
	m.AUC = mean(aucs)
	if len(aucs) > 1 {
		m.Spread = math.Sqrt(variance(aucs))
	}
}

// Among is the same predictions measured on some of the rows.
func (m *Measured) Among(bad []bool, keep func(row int) bool) *Measured {
	var rows []int
	for i := range bad {
		if keep(i) {
			rows = append(rows, i)
		}
	}
	s := &Measured{}
	kept := make([]bool, len(rows))
	for k, i := range rows {
		kept[k] = bad[i]
	}
	for _, p := range m.Predictions {
		q := make([]float64, len(rows))
		for k, i := range rows {
			q[k] = p[i]
		}
		s.Predictions = append(s.Predictions, q)
	}
	s.measure(kept)
	return s
}
