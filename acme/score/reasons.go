package score

import "slices"

// maxReasons is how many reasons of either direction a Report gives: US
// practice for principal reasons is at most four (Regulation B, 12 CFR
// 1002.9, official interpretation).
const maxReasons = 4

// Explanation is a score taken apart. Base and the Points of Contributions
// add up exactly to Sum, whatever the rounding; Value is Sum cut to Min and
// Max.
type Explanation struct {
	Base          int
	Contributions []Contribution
	Sum, Value    int
	// LogOdds is the exact log-odds of default, Deviation its standard error.
	LogOdds, Deviation float64
}

// Contribution is what one feature adds to a score, measured against a
// person who has the fitting sample's mean of it.
type Contribution struct {
	Code, Name string
	Value      float64 // the feature's; NaN where the history cannot tell
	Points     int
	Text       string
}

// explain takes a score apart, contributions in the order of the model.
func (m *model) explain(s *series, values []float64, p prediction, t tally) *Explanation {
	e := &Explanation{Base: t.base, Sum: t.sum, Value: t.value, LogOdds: p.eta, Deviation: p.deviation}
	for i, at := range m.index {
		f := &library[at]
		c := Contribution{Code: f.code, Name: f.name, Value: values[at], Points: t.points[i]}
		if c.Value == c.Value {
			c.Text = f.text(s, c.Value)
		}
		e.Contributions = append(e.Contributions, c)
	}
	return e
}

// reasons picks the strongest contributions: adverse ones first, then
// favourable ones, each by points and then by code.
func (m *model) reasons(s *series, values []float64, t tally) []Reason {
	order := make([]int, len(t.points))
	for i := range order {
		order[i] = i
	}
	out := make([]Reason, 0, 2*maxReasons)
	for _, sign := range []int{-1, 1} {
		slices.SortStableFunc(order, func(a, b int) int {
			if d := sign * (t.points[b] - t.points[a]); d != 0 {
				return d
			}
			return m.index[a] - m.index[b]
		})
		for _, i := range order[:min(maxReasons, len(order))] {
			if sign*t.points[i] <= 0 {
				break
			}
			f := &library[m.index[i]]
			out = append(out, Reason{Code: f.code, Text: f.text(s, values[m.index[i]]), Points: t.points[i]})
		}
	}
	return out
}
