package score

import (
	"fmt"

	"acme.example/creditscore/acme/anonymize"
)

// Definition describes a feature that a model may use.
type Definition struct {
	Code     string // the reason code, "R01"
	Name     string // "days_below_zero"
	Measures string // what and in which unit
	// Risk is +1 where more of it can only raise the probability of default,
	// -1 where it can only lower it, 0 where a model is free.
	Risk int
}

// Definitions lists the features in the order Features returns them.
func Definitions() []Definition {
	out := make([]Definition, len(library))
	for i, f := range library {
		out[i] = Definition{Code: f.code, Name: f.name, Measures: f.measures, Risk: f.risk}
	}
	return out
}

// Features computes what models are fitted on, one value a Definition, NaN
// where the history cannot tell. It refuses, wrapping ErrInsufficientHistory,
// what a Scorecard refuses.
func Features(p *anonymize.Profile) ([]float64, error) {
	s := newSeries(p)
	if err := s.sufficient(p); err != nil {
		return nil, err
	}
	return s.values(), nil
}

// What a history has to hold to be scored.
const (
	minDays    = 90
	minEntries = 10
)

// sufficient tells whether there is enough to judge: the first booked entry
// at least 90 days before the day the bank was read, and ten entries.
func (s *series) sufficient(p *anonymize.Profile) error {
	if s.entries == 0 {
		return fmt.Errorf("%w: no booked transactions, want %d over %d days", ErrInsufficientHistory, minEntries, minDays)
	}
	if days := p.AsOf.Sub(s.first); days < minDays || s.entries < minEntries {
		return fmt.Errorf("%w: %d booked transactions over %d days, want %d over %d days",
			ErrInsufficientHistory, s.entries, max(days, 0), minEntries, minDays)
	}
	return nil
}
