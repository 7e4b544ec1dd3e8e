package score

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"io"

	"acme.example/creditscore/acme/bank"
)

// embedded is the default model, written by the fitting command.
//
//go:embed model.json
var embedded []byte

// Scorecard is the Scorer of a fitted model. It holds nothing that changes
// and is safe for concurrent use.
type Scorecard struct {
	model *model
	named Model
}

// New returns the scorecard of the embedded model. It panics if that is
// broken, which the package's tests rule out.
func New() *Scorecard {
	c, err := Load(bytes.NewReader(embedded))
	if err != nil {
		panic("score: embedded model: " + err.Error())
	}
	return c
}

// Load returns the scorecard of a model file of at most 1 MiB. The error
// names every fault of the file.
func Load(r io.Reader) (*Scorecard, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxModelBytes+1))
	if err != nil {
		return nil, fmt.Errorf("reading model: %w", err)
	}
	if len(data) > maxModelBytes {
		return nil, fmt.Errorf("reading model: more than %d bytes", maxModelBytes)
	}
	m, err := parseModel(data)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(data)
	return &Scorecard{model: m, named: Model{Name: m.Name, Version: m.Version, Digest: digestText(sum[:])}}, nil
}

// Model names the model: what a Report carries.
func (c *Scorecard) Model() Model { return c.named }

// Score implements Scorer. The loan's terms are checked and are part of the
// input digest; they do not change the score, which judges the cash flow.
//
// Errors: ErrInsufficientHistory (wrapped, with what was found); the context's;
// an error naming the fault of an Input without a Profile or with impossible
// terms of a loan.
func (c *Scorecard) Score(ctx context.Context, in Input) (*Report, error) {
	s, err := c.read(ctx, in)
	if err != nil {
		return nil, fmt.Errorf("scoring: %w", err)
	}
	digest, err := inputDigest(in)
	if err != nil {
		return nil, fmt.Errorf("scoring: %w", err)
	}
	values := s.values()
	t := c.model.tally(c.model.predict(values))
	r := &Report{
		Value:                t.value,
		Min:                  Min,
		Max:                  Max,
		ProbabilityOfDefault: t.probability,
		Interval:             Interval{Low: t.low, High: t.high},
		Reasons:              c.model.reasons(s, values, t),
		Improvements:         c.model.improvements(s, t.value),
		CashFlow:             s.cashFlow(),
		Model:                c.named,
		InputDigest:          digest,
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("scoring: %w", err)
	}
	return r, nil
}

// Explain takes the score of an input apart. Its errors are those of Score.
func (c *Scorecard) Explain(ctx context.Context, in Input) (*Explanation, error) {
	s, err := c.read(ctx, in)
	if err != nil {
		return nil, fmt.Errorf("explaining: %w", err)
	}
	values := s.values()
	p := c.model.predict(values)
	return c.model.explain(s, values, p, c.model.tally(p)), nil
}

// read checks an input and reads its cash flow.
func (c *Scorecard) read(ctx context.Context, in Input) (*series, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if in.Profile == nil {
		return nil, errors.New("no profile")
	}
	if in.Loan != nil {
		if err := in.Loan.check(); err != nil {
			return nil, err
		}
	}
	s := newSeries(in.Profile)
	if err := s.sufficient(in.Profile); err != nil {
		return nil, err
	}
	return s, nil
}

// maxTerm is the longest term of a Loan in months.
const maxTerm = 600

// check finds every fault of a loan's terms.
func (l *Loan) check() error {
	var faults []error
	if l.Amount.Minor <= 0 {
		faults = append(faults, errors.New("loan amount: want more than 0"))
	}
	if l.Amount.Currency == (bank.Currency{}) {
		faults = append(faults, errors.New("loan currency: want an ISO 4217 code"))
	}
	if l.TermMonths < 1 || l.TermMonths > maxTerm {
		faults = append(faults, fmt.Errorf("loan term_months: %d, want 1 to %d", l.TermMonths, maxTerm))
	}
	return errors.Join(faults...)
}
