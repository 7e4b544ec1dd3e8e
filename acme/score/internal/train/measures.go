package train

import (
	"math"
	"slices"
)

// AUC is the probability that a bad row has a higher p than a good one, ties
// counting half, with DeLong's standard error (Biometrics 44, 1988). NaN
// where one outcome is missing.
func AUC(p []float64, bad []bool) (auc, se float64) {
	var pos, neg []float64
	for i, b := range bad {
		if b {
			pos = append(pos, p[i])
		} else {
			neg = append(neg, p[i])
		}
	}
	slices.Sort(pos)
	slices.Sort(neg)
	vp, vn := placements(pos, neg), placements(neg, pos)
	auc = mean(vp)
	return auc, math.Sqrt(variance(vp)/float64(len(vp)) + variance(vn)/float64(len(vn)))
}

// placements is, for each x, the share of the sorted ys below it.
func placements(xs, ys []float64) []float64 {
	out := make([]float64, len(xs))
	for i, x := range xs {
		lo, _ := slices.BinarySearch(ys, x)
		hi := lo
		for hi < len(ys) && ys[hi] == x {
			hi++
		}
		out[i] = float64(lo+hi) / 2 / float64(len(ys))
	}
	return out
}

// Brier is the mean squared error of the probabilities.
func Brier(p []float64, bad []bool) float64 {
	total := 0.0
	for i, v := range p {
		total += (v - outcome(bad[i])) * (v - outcome(bad[i]))
	}
	return total / float64(len(p))
}

// LogLoss is the mean negative log-likelihood of the probabilities.
func LogLoss(p []float64, bad []bool) float64 {
	total := 0.0
	for i, v := range p {
		v = math.Min(math.Max(v, 1e-12), 1-1e-12)
		if !bad[i] {
			v = 1 - v
		}
		total -= math.Log(v)
	}
	return total / float64(len(p))
}

// Calibration regresses the outcome on the log-odds of the probabilities
// (Cox 1958): slope 1 and intercept 0 are perfect; a slope below 1 tells of
// probabilities that are too extreme.
func Calibration(p []float64, bad []bool) (intercept, slope float64) {
	x := make([][]float64, len(p))
	for i, v := range p {
		x[i] = []float64{LogOdds(v)}
	}
	l, err := FitLogit(x, bad, 0, []int{0})
	if err != nil {
		return math.NaN(), math.NaN()
	}
	return l.Intercept, l.Weights[0]
}

// LogOdds is the inverse of Probability, bounded where p is 0 or 1.
func LogOdds(p float64) float64 {
	p = math.Min(math.Max(p, 1e-12), 1-1e-12)
	return math.Log(p / (1 - p))
}

func outcome(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func mean(v []float64) float64 {
	total := 0.0
	for _, x := range v {
		total += x
	}
	return total / float64(len(v))
}

// variance is the unbiased one.
func variance(v []float64) float64 {
	m, total := mean(v), 0.0
	for _, x := range v {
		total += (x - m) * (x - m)
	}
	return total / float64(len(v)-1)
}
