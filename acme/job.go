package acme

import (
	"time"

	"acme.example/creditscore/acme/score"
)

// Job is one request for a score and what became of it. Its JSON form is
// that of the API. A *Job that the Engine returns is the caller's own copy.
type Job struct {
	ID          JobID             `json:"id"`
	Status      Status            `json:"status"`
	Subject     string            `json:"subject"`
	Bank        string            `json:"bank"`
	ConsentID   ConsentID         `json:"consent_id,omitempty"`
	CreatedAt   time.Time         `json:"created_at"`
	CompletedAt *time.Time        `json:"completed_at"`
	Metadata    map[string]string `json:"metadata"`
	Loan        *LoanTerms        `json:"loan,omitempty"`
	Score       *score.Report     `json:"score"`
	Error       *JobError         `json:"error"`

	// Partner is who asked. It is not part of the JSON form: a partner
	// sees only its own.
	Partner string `json:"-"`
	// Version grows with every change; see Engine.Changed.
	Version uint64 `json:"-"`
	// Replayed tells, in the answer of Submit, that an earlier request
	// with the same idempotency key had already created the job.
	Replayed bool `json:"-"`
}

// JobID names a job: "scr_" and 26 characters that sort by creation.
type JobID string

// Status is where a job stands.
type Status string

// The states: accepted → fetching → scoring → completed, and failed from any
// of the first three. The last two are final.
const (
	StatusAccepted  Status = "accepted"  // durable, the bank not yet called
	StatusFetching  Status = "fetching"  // the bank is being read
	StatusScoring   Status = "scoring"   // the profile is durable, the score being made
	StatusCompleted Status = "completed" // Score is set
	StatusFailed    Status = "failed"    // Error is set
)

// Finished tells whether the state is final.
func (s Status) Finished() bool { return s == StatusCompleted || s == StatusFailed }

// Valid tells whether s is one of the states.
func (s Status) Valid() bool {
	switch s {
	case StatusAccepted, StatusFetching, StatusScoring, StatusCompleted, StatusFailed:
		return true
	}
	return false
}

// JobError says why a job failed.
type JobError struct {
	Code   ErrorCode `json:"code"`
	Title  string    `json:"title"`
	Detail string    `json:"detail"`
	// Retryable tells whether asking again, later and unchanged, can help.
	Retryable bool `json:"retryable"`
}

// ErrorCode is why a job failed, from a closed list.
type ErrorCode string

// The error codes.
const (
	CodeBankUnauthorized    ErrorCode = "bank_unauthorized"
	CodeBankUnavailable     ErrorCode = "bank_unavailable"
	CodeBankRateLimited     ErrorCode = "bank_rate_limited"
	CodeBankBadData         ErrorCode = "bank_bad_data"
	CodeInsufficientHistory ErrorCode = "insufficient_history"
	CodeScoreFailed         ErrorCode = "score_failed"
	CodeTimeout             ErrorCode = "timeout"
)

// titles has one sentence a code; it is also the closed list.
var titles = map[ErrorCode]string{
	CodeBankUnauthorized:    "The bank refused the consent or its token",
	CodeBankUnavailable:     "The bank could not be reached",
	CodeBankRateLimited:     "The bank allows no further request for now",
	CodeBankBadData:         "The bank's answer could not be understood",
	CodeInsufficientHistory: "The account's history is too short to be scored",
	CodeScoreFailed:         "The score could not be calculated",
	CodeTimeout:             "The work did not finish in time",
}

// Title is the sentence that describes the code.
func (c ErrorCode) Title() string { return titles[c] }

// JobPage is one page of jobs, newest first. Next is the query's After for
// the following page; zero when this is the last.
type JobPage struct {
	Jobs []*Job
	Next Cursor
}

// JobQuery selects jobs.
type JobQuery struct {
	Partner string
	Subject string // "" for every subject
	Status  Status // "" for every status
	After   Cursor
	Limit   int // 1 to 100; 0: 20
}
