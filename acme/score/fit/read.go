package main

import (
	"context"
	"errors"
	"fmt"

	"acme.example/creditscore/acme/anonymize"
	"acme.example/creditscore/acme/bank"
	"acme.example/creditscore/acme/keyset"
	"acme.example/creditscore/acme/score"
	"acme.example/creditscore/acme/score/internal/train"
	"acme.example/creditscore/acme/score/portfolio"
)

// sample is a portfolio as a model sees it, with what the figures are split by.
type sample struct {
	train.Data
	dates []bank.Date
	// negative tells whose balance was ever below zero.
	negative []bool
	refused  int // loans with too little history to be scored
}

// readPortfolio takes every loan the way of a bank's answer.
func readPortfolio(ctx context.Context, dir string) (*sample, error) {
	loans, err := portfolio.Load(dir)
	if err != nil {
		return nil, err
	}
	keys, err := keyset.New()
	if err != nil {
		return nil, fmt.Errorf("making throw-away keys: %w", err)
	}
	anonymizer := anonymize.New(keys)
	s := &sample{}
	for _, l := range loans {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		profile, err := anonymizer.Profile(l.Statement(), anonymize.Subject{Partner: "fit", ID: l.ID}, l.Date)
		if err != nil {
			return nil, fmt.Errorf("pseudonymizing: %w", err)
		}
		x, err := score.Features(profile)
		if errors.Is(err, score.ErrInsufficientHistory) {
			s.refused++
			continue
		}
		if err != nil {
			return nil, err
		}
		s.X, s.Bad = append(s.X, x), append(s.Bad, l.Bad)
		s.dates = append(s.dates, l.Date)
		s.negative = append(s.negative, everNegative(l))
	}
	return s, nil
}

func everNegative(l portfolio.Loan) bool {
	for _, e := range l.Entries {
		if e.Balance.Minor < 0 {
			return true
		}
	}
	return false
}

// bad counts the bad loans.
func (s *sample) bad() int {
	n := 0
	for _, b := range s.Bad {
		if b {
			n++
		}
	}
	return n
}
