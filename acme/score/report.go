package score

import (
	"context"

	"acme.example/creditscore/acme/anonymize"
	"acme.example/creditscore/acme/bank"
)

// The range of a score's value: 300 is the worst, 850 the best.
const (
	Min = 300
	Max = 850
)

// Input is what a score is made of: pseudonymized cash flow and, where the
// partner gave them, the terms of the loan in question.
type Input struct {
	Profile *anonymize.Profile
	Loan    *Loan
}

// Loan is a loan that is asked for: amount and instalment are in the
// currency given, the term is in months (1 to 600).
type Loan struct {
	Amount     bank.Money
	TermMonths int
}

// Report is a score with everything that explains it. Its JSON form is the
// "score" member of the API's job. Reports of the same Input by the same
// model are equal to the byte.
type Report struct {
	Value int `json:"value"`
	Min   int `json:"min"`
	Max   int `json:"max"`
	// ProbabilityOfDefault is calibrated on the portfolio the model was
	// fitted on, rounded to 6 decimals.
	ProbabilityOfDefault float64       `json:"probability_of_default"`
	Interval             Interval      `json:"interval"`
	Reasons              []Reason      `json:"reasons"`
	Improvements         []Improvement `json:"improvements"`
	CashFlow             CashFlow      `json:"cash_flow"`
	Model                Model         `json:"model"`
	// InputDigest is "sha256:" and the hex digest of the Profile's binary
	// form and the loan's terms.
	InputDigest string `json:"input_digest"`
}

// Interval is a range of score values.
type Interval struct {
	Low  int `json:"low"`
	High int `json:"high"`
}

// Reason is one contribution to the score. Adverse reasons have negative
// Points, favourable ones positive; strongest first.
type Reason struct {
	Code   string `json:"code"`
	Text   string `json:"text"`
	Points int    `json:"points"`
}

// Improvement is a change a person could make and the score it would give.
type Improvement struct {
	Change string `json:"change"`
	Value  int    `json:"value"`
}

// CashFlow is what a page can plot: one entry a calendar month, oldest
// first, of the account set that was scored.
type CashFlow struct {
	Currency bank.Currency `json:"currency"`
	Months   []Month       `json:"months"`
}

// Month sums one calendar month. Amounts are decimal texts in the cash
// flow's currency; Balance is that at the end of the month's last day known.
type Month struct {
	Month    string `json:"month"` // "2006-01"
	Income   string `json:"income"`
	Spending string `json:"spending"` // positive
	Balance  string `json:"balance"`
}

// Model names what made a Report.
type Model struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Digest  string `json:"digest"` // "sha256:" and the hex digest of the model file
}

// Scorer turns cash flow into a Report. Implementations are safe for
// concurrent use, deterministic, and return soon after ctx ends.
//
// Errors: ErrInsufficientHistory (wrapped) when there is too little to
// judge; anything else fails the job as score_failed.
type Scorer interface {
	Score(ctx context.Context, in Input) (*Report, error)
}
