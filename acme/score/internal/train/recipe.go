package train

import (
	"fmt"
	"math"
	"slices"
)

// Data is a portfolio ready to fit: a row of features and an outcome a loan.
type Data struct {
	X   [][]float64 // NaN where a history cannot tell
	Bad []bool
}

// Subset returns the rows at the given indices; it shares them.
func (d Data) Subset(rows []int) Data {
	s := Data{X: make([][]float64, len(rows)), Bad: make([]bool, len(rows))}
	for k, i := range rows {
		s.X[k], s.Bad[k] = d.X[i], d.Bad[i]
	}
	return s
}

// Split returns the rows outside and inside a fold.
func Split(fold []int, k int) (outside, inside []int) {
	for i, f := range fold {
		if f == k {
			inside = append(inside, i)
		} else {
			outside = append(outside, i)
		}
	}
	return outside, inside
}

// Recipe is how a model is made from data; all that it chooses is chosen
// from the data it is given, so that cross-validation around it is honest.
type Recipe struct {
	// Signs is the sign each feature's weight may have: +1, -1 or 0 for either.
	Signs []int
	// Sizes are the numbers of features to choose from: the first so many.
	// Adding features one by one instead was tried and lost: with a few dozen
	// bad loans it follows the noise.
	Sizes []int
	// Penalties are the ridge penalties to choose from.
	Penalties []float64
	// InnerFolds and InnerRepeats shape the cross-validation of the choice.
	InnerFolds, InnerRepeats int
	Seed                     uint64
}

// Fitted is a model: of each of the first features, as many as were chosen,
// the cut, the scaling and the regression on the scaled values.
type Fitted struct {
	Low, High, Mean, Deviation []float64
	Penalty                    float64
	Logit                      *Logit
}

// Fit chooses the size and the penalty with the least log-loss in an inner
// cross-validation, the first in the order given among equals, and fits all
// rows with them. Signs do the rest of the choice: a feature that would get
// the wrong one gets no weight.
func (r Recipe) Fit(d Data) (*Fitted, error) {
	best := math.Inf(1)
	var size int
	var penalty float64
	for _, n := range r.Sizes {
		for _, p := range r.Penalties {
			loss, err := r.innerLoss(d, n, p)
			if err != nil {
				return nil, err
			}
			if loss < best {
				best, size, penalty = loss, n, p
			}
		}
	}
	return r.fitFirst(d, size, penalty)
}

// innerLoss is the cross-validated log-loss of the first n features.
func (r Recipe) innerLoss(d Data, n int, penalty float64) (float64, error) {
	loss := 0.0
	predictions := make([]float64, len(d.Bad))
	for repeat := range r.InnerRepeats {
		fold := Folds(d.Bad, r.InnerFolds, r.Seed+uint64(repeat)*7919+1)
		for f := range r.InnerFolds {
			outside, inside := Split(fold, f)
			m, err := r.fitFirst(d.Subset(outside), n, penalty)
			if err != nil {
				return 0, err
			}
			for _, i := range inside {
				predictions[i] = m.Probability(d.X[i])
			}
		}
		loss += LogLoss(predictions, d.Bad)
	}
	return loss, nil
}

// fitFirst scales the first n features and fits the regression on them.
func (r Recipe) fitFirst(d Data, n int, penalty float64) (*Fitted, error) {
	m := &Fitted{Penalty: penalty}
	for j := range n {
		m.scale(d, j)
	}
	x := make([][]float64, len(d.X))
	for i, row := range d.X {
		x[i] = m.standard(row)
	}
	var err error
	if m.Logit, err = FitLogit(x, d.Bad, penalty, r.Signs[:n]); err != nil {
		return nil, fmt.Errorf("fitting %d features: %w", n, err)
	}
	return m, nil
}

// cutShare is the share of values cut off at either end.
const cutShare = 0.02

// scale learns a column's cut, mean and deviation.
func (m *Fitted) scale(d Data, column int) {
	var v []float64
	for _, row := range d.X {
		if x := row[column]; !math.IsNaN(x) {
			v = append(v, x)
		}
	}
	if len(v) == 0 {
		v = []float64{0}
	}
	slices.Sort(v)
	n := float64(len(v) - 1)
	low, high := v[int(cutShare*n)], v[int((1-cutShare)*n)]
	if low == high {
		low, high = v[0], v[len(v)-1]
	}
	sum, squares := 0.0, 0.0
	for i := range v {
		v[i] = math.Min(math.Max(v[i], low), high)
		sum += v[i]
	}
	mean := sum / float64(len(v))
	for _, x := range v {
		squares += (x - mean) * (x - mean)
	}
	deviation := math.Sqrt(squares / float64(len(v)))
	if deviation == 0 {
		deviation = 1
	}
	m.Low, m.High = append(m.Low, low), append(m.High, high)
	m.Mean, m.Deviation = append(m.Mean, mean), append(m.Deviation, deviation)
}

func (m *Fitted) standard(row []float64) []float64 {
	z := make([]float64, len(m.Mean))
	for k := range z {
		if x := row[k]; !math.IsNaN(x) {
			z[k] = (math.Min(math.Max(x, m.Low[k]), m.High[k]) - m.Mean[k]) / m.Deviation[k]
		}
	}
	return z
}

// Probability is the model's probability of the bad outcome.
func (m *Fitted) Probability(row []float64) float64 {
	return Probability(eta(append([]float64{m.Logit.Intercept}, m.Logit.Weights...), m.standard(row)))
}
