package score

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
)

// ModelFile is the JSON form of a model: coefficients and figures, never a
// row of what it was fitted on. The fitting command writes it, Load reads it.
type ModelFile struct {
	Format  int    `json:"format"` // 1
	Name    string `json:"name"`
	Version string `json:"version"`
	// FittedOn says what portfolio the model was fitted on.
	FittedOn Sample `json:"fitted_on"`
	Scale    Scale  `json:"scale"`
	// Intercept is the log-odds of default where every feature has its mean.
	Intercept float64       `json:"intercept"`
	Features  []Coefficient `json:"features"`
	// Covariance is that of the intercept (row and column 0) and the
	// features' weights.
	Covariance [][]float64 `json:"covariance"`
	// Figures are what cross-validation measured, by name.
	Figures map[string]float64 `json:"figures"`
}

// Sample sums up a portfolio.
type Sample struct {
	Loans int    `json:"loans"`
	Bad   int    `json:"bad"`
	From  string `json:"from"` // the oldest loan's date
	To    string `json:"to"`   // the newest loan's date
}

// Scale says how log-odds become points: Points at Odds good loans to one
// bad, and Double more points where the odds double.
type Scale struct {
	Points float64 `json:"points"`
	Odds   float64 `json:"odds"`
	Double float64 `json:"double"`
	// LogOdds is the natural logarithm of Odds, written out so that no
	// reader has to compute it.
	LogOdds float64 `json:"log_odds"`
}

// DefaultScale is 600 points at 20 to 1, and 40 points to double the odds.
func DefaultScale() Scale { return Scale{Points: 600, Odds: 20, Double: 40, LogOdds: math.Log(20)} }

// Coefficient is a feature's part in a model. Its contribution to the
// log-odds of default is Weight·(x-Mean)/Deviation, x being the feature's
// value cut to Low and High.
type Coefficient struct {
	Code      string  `json:"code"`
	Name      string  `json:"name"`
	Low       float64 `json:"low"`
	High      float64 `json:"high"`
	Mean      float64 `json:"mean"`
	Deviation float64 `json:"deviation"`
	Weight    float64 `json:"weight"`
}

// standard is the feature's value on the scale the weight is for; 0 where
// the history cannot tell.
func (c *Coefficient) standard(x float64) float64 {
	if math.IsNaN(x) {
		return 0
	}
	return (math.Min(math.Max(x, c.Low), c.High) - c.Mean) / c.Deviation
}

// maxModelBytes bounds what Load reads.
const maxModelBytes = 1 << 20

// model is a checked ModelFile with each coefficient's place in the library.
type model struct {
	ModelFile
	index []int
}

func parseModel(data []byte) (*model, error) {
	m := &model{}
	if err := json.Unmarshal(data, &m.ModelFile); err != nil {
		return nil, fmt.Errorf("reading model: %w", err)
	}
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("reading model: %w", err)
	}
	return m, nil
}

// check finds every fault of the file at once.
func (m *model) check() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if m.Format != 1 {
		fault("format %d, want 1", m.Format)
	}
	if m.Name == "" || m.Version == "" {
		fault("name and version must not be empty")
	}
	if s := m.Scale; !(s.Double > 0 && s.Odds > 0) || !finite(s.Points, s.LogOdds, s.Double) {
		fault("scale: odds and double must be greater than 0")
	}
	if !finite(m.Intercept) {
		fault("intercept must be a number")
	}
	n := len(m.Features) + 1
	if len(m.Features) == 0 {
		fault("features must not be empty")
	}
	if len(m.Covariance) != n {
		fault("covariance has %d rows, want %d", len(m.Covariance), n)
	}
	for i, row := range m.Covariance {
		if len(row) != n || !finite(row...) {
			fault("covariance: row %d must be %d numbers", i, n)
		}
	}
	seen := map[int]bool{}
	for i := range m.Features {
		c := &m.Features[i]
		at := find(c.Code, c.Name)
		if at < 0 || seen[at] {
			fault("features: entry %d is unknown or twice there", i)
			continue
		}
		seen[at] = true
		m.index = append(m.index, at)
		if !finite(c.Low, c.High, c.Mean, c.Deviation, c.Weight) || c.Low > c.High || c.Deviation <= 0 {
			fault("features: %s: low must not exceed high and deviation must be greater than 0", c.Code)
		}
		if r := library[at].risk; c.Weight*float64(r) < 0 {
			fault("features: %s: weight must not have the sign opposite to %+d", c.Code, r)
		}
	}
	return errors.Join(faults...)
}

func find(code, name string) int {
	for i := range library {
		if library[i].code == code && library[i].name == name {
			return i
		}
	}
	return -1
}

func finite(values ...float64) bool {
	for _, v := range values {
		if math.IsNaN(v) || math.Abs(v) > 1e12 {
			return false
		}
	}
	return true
}

// Write writes the file as Load reads it.
func (f *ModelFile) Write(w io.Writer) error {
	data, err := json.MarshalIndent(f, "", " ")
	if err == nil {
		_, err = w.Write(append(data, '\n'))
	}
	if err != nil {
		return fmt.Errorf("writing model: %w", err)
	}
	return nil
}

// prediction is what a model says of one person.
type prediction struct {
	// eta is the log-odds of default, deviation its standard error.
	eta, deviation float64
	// parts are the features' shares of eta, in the order of the model.
	parts []float64
}

// predict weighs the values of the library. Products are rounded by an
// explicit conversion before they are added, so that no compiler fuses them.
func (m *model) predict(values []float64) prediction {
	n := len(m.Features)
	buffer := make([]float64, 2*n+1)
	parts, z := buffer[:n:n], buffer[n:]
	p := prediction{eta: m.Intercept, parts: parts}
	z[0] = 1
	for i := range m.Features {
		c := &m.Features[i]
		z[i+1] = c.standard(values[m.index[i]])
		parts[i] = float64(c.Weight * z[i+1])
		p.eta += parts[i]
	}
	variance := 0.0
	for i, row := range m.Covariance {
		inner := 0.0
		for j, v := range row {
			inner += float64(v * z[j])
		}
		variance += float64(z[i] * inner)
	}
	p.deviation = math.Sqrt(math.Max(variance, 0))
	return p
}
