package score

import (
	"math"
	"slices"
)

// quantile90 is the standard normal quantile that leaves 5 % on either side.
const quantile90 = 1.6448536269514722

// fixedOne is one point in the fixed-point numbers that points are added in.
const fixedOne = 1 << 20

// tally is a prediction in whole points: base and the points of each feature
// add up to sum; value is that cut to the range.
type tally struct {
	base, sum, value int
	points           []int
	low, high        int
	probability      float64
}

// factor is how many points a unit of log-odds is worth.
func (s Scale) factor() float64 { return s.Double / math.Ln2 }

// at is the exact number of points for log-odds of default.
func (s Scale) at(eta float64) float64 {
	return s.Points - float64(s.factor()*(eta+s.LogOdds))
}

// fixed rounds points to a fixed-point number. Points of a checked model are
// far from an int64's limits only if its values are sane; the bound keeps
// even others from overflowing.
func fixed(points float64) int64 {
	const most = 1e9
	return int64(math.Round(math.Min(math.Max(points, -most), most) * fixedOne))
}

// tally turns a prediction into points. Each feature gets the whole part of
// its exact points; what is missing to the rounded sum goes to those with the
// largest remainders, the first in the order of the model among equals.
func (m *model) tally(p prediction) tally {
	t := tally{base: int(math.Round(m.Scale.at(m.Intercept))), points: make([]int, len(p.parts))}
	order := make([]int, len(p.parts))
	rest := make([]int64, len(p.parts))
	var exact, whole int64
	for i, part := range p.parts {
		v := fixed(-float64(m.Scale.factor() * part))
		exact += v
		floor := v >> 20 // rounds down, also below zero
		t.points[i], rest[i], order[i] = int(floor), v-floor<<20, i
		whole += floor
	}
	sum := (exact + fixedOne/2) >> 20
	slices.SortStableFunc(order, func(a, b int) int { return int(rest[b] - rest[a]) })
	for _, i := range order[:sum-whole] {
		t.points[i]++
	}
	t.sum = t.base + int(sum)
	t.value = clamp(t.sum)
	margin := float64(quantile90 * p.deviation)
	t.low = min(t.value, clamp(int(fixed(m.Scale.at(p.eta+margin))>>20)))
	t.high = max(t.value, clamp(int((fixed(m.Scale.at(p.eta-margin))+fixedOne-1)>>20)))
	t.probability = math.Round(logistic(p.eta)*1e6) / 1e6
	return t
}

func clamp(points int) int { return min(max(points, Min), Max) }

// logistic is 1/(1+exp(-eta)).
func logistic(eta float64) float64 {
	if eta < 0 {
		e := exp(eta)
		return e / (1 + e)
	}
	return 1 / (1 + exp(-eta))
}

// exp is the exponential for arguments up to 0, the same on every CPU:
// math.Exp is assembly on amd64, arm64 and s390x, and these need not agree
// in the last bit. Reduction to |r| <= ln2/2 and a Taylor series, whose
// error is below 10^-15.
func exp(x float64) float64 {
	if x < -700 {
		return 0
	}
	k := math.Round(x / math.Ln2)
	const ln2High, ln2Low = 6.93147180369123816490e-01, 1.90821492927058770002e-10
	r := x - float64(k*ln2High)
	r -= float64(k * ln2Low)
	sum := 1.0
	for i := 14; i >= 1; i-- {
		sum = 1 + float64(r*sum)/float64(i)
	}
	return math.Ldexp(sum, int(k))
}
