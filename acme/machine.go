package acme

import (
	"fmt"
	"math/rand/v2"
	"time"

	"acme.example/creditscore/acme/score"
)

// jobDoc is a job as it is stored, and the state machine that moves it.
// Its methods are pure: they know no Store, no queue and no clock.
type jobDoc struct {
	ID          JobID             `json:"id"`
	Partner     string            `json:"partner,omitempty"`
	Status      Status            `json:"status"`
	Subject     string            `json:"subject"`
	Bank        string            `json:"bank"`
	Consent     ConsentID         `json:"consent,omitempty"`
	CreatedAt   time.Time         `json:"created_at"`
	CompletedAt time.Time         `json:"completed_at,omitzero"`
	Metadata    map[string]string `json:"metadata,omitempty"`
	Loan        *LoanTerms        `json:"loan,omitempty"`
	WebhookURL  string            `json:"webhook_url,omitempty"`
	Score       *score.Report     `json:"score,omitempty"`
	Error       *JobError         `json:"error,omitempty"`

	// Access is the inline token, sealed for this job; gone once the
	// profile is durable or the job has failed.
	Access *SealedGrant `json:"access,omitempty"`
	// Attempt counts from 1 within a step; only failures move it on.
	Attempt int `json:"attempt"`
	// Renew tells that the consent's token was refused at NotBefore: the
	// next attempt is made with a newer one.
	Renew bool `json:"renew,omitempty"`
	// NotBefore is when the next attempt may start, after a failed one.
	NotBefore time.Time `json:"not_before,omitzero"`
	// DueAt is when the store role must look at the job: to issue its next
	// command, or to issue it again when nothing was heard of it.
	DueAt     time.Time `json:"due_at,omitzero"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
}

func (d *jobDoc) record() Record {
	return Record{
		Key: Key{KindJob, string(d.ID)}, Owner: d.Partner, Group: d.Subject, Status: string(d.Status),
		CreatedAt: d.CreatedAt, DueAt: d.DueAt, ExpiresAt: d.ExpiresAt,
	}
}

// job returns the public form.
func (d *jobDoc) job(version uint64) *Job {
	j := &Job{
		ID: d.ID, Status: d.Status, Subject: d.Subject, Bank: d.Bank, ConsentID: d.Consent,
		CreatedAt: d.CreatedAt, Metadata: d.Metadata, Loan: d.Loan, Score: d.Score, Error: d.Error,
		Partner: d.Partner, Version: version,
	}
	if !d.CompletedAt.IsZero() {
		at := d.CompletedAt
		j.CompletedAt = &at
	}
	if j.Metadata == nil {
		j.Metadata = map[string]string{}
	}
	return j
}

// step is what a job waits for, given its status.
type step string

const (
	stepNone  step = ""
	stepFetch step = "fetch"
	stepScore step = "score"
)

func (d *jobDoc) step() step {
	switch d.Status {
	case StatusAccepted, StatusFetching:
		return stepFetch
	case StatusScoring:
		return stepScore
	}
	return stepNone
}

// fetchIssued notes that the bank command is on its way; lease is when to
// issue it again if nothing is heard.
func (d *jobDoc) fetchIssued(lease time.Time) {
	d.Status, d.DueAt = StatusFetching, lease
}

// awaits tells whether an answer to this attempt at this step fits the
// job's state. One that does not is a duplicate.
func (d *jobDoc) awaits(s step, attempt int) bool {
	return d.step() == s && d.Attempt == attempt
}

// fetched moves on to scoring: the profile is written with it.
func (d *jobDoc) fetched(lease time.Time) {
	d.Status, d.Attempt, d.DueAt = StatusScoring, 1, lease
	d.NotBefore, d.Access = time.Time{}, nil
}

// completed ends the job with its score.
func (d *jobDoc) completed(r *score.Report, now, expires time.Time) {
	d.Status, d.Score = StatusCompleted, r
	d.finish(now, expires)
}

// failed ends the job with a fault.
func (d *jobDoc) failed(f Fault, now, expires time.Time) {
	d.Status = StatusFailed
	d.Error = &JobError{Code: f.Code, Title: f.Code.Title(), Detail: f.Detail, Retryable: retryableLater(f.Code)}
	d.finish(now, expires)
}

func (d *jobDoc) finish(now, expires time.Time) {
	d.CompletedAt, d.ExpiresAt = now, expires
	d.DueAt, d.NotBefore, d.Access, d.Attempt = time.Time{}, time.Time{}, nil, 0
}

// retryableLater tells whether the same request can succeed another day.
func retryableLater(c ErrorCode) bool {
	switch c {
	case CodeBankUnavailable, CodeBankRateLimited, CodeTimeout:
		return true
	}
	return false
}

// faulted decides what a fault means: another attempt (again is true and
// NotBefore set), or the end. jitter is in [0,1).
func (d *jobDoc) faulted(f Fault, r Retry, deadline, now, expires time.Time, jitter float64) (again bool) {
	if f.TokenRefused && d.Consent != "" && !d.Renew {
		// The token may have ended before its time: once more, with a
		// fresh one if there is a way to it.
		d.Renew, d.NotBefore, d.DueAt = true, now, now
		d.Attempt++
		return true
	}
	wait := r.wait(d.Attempt, f.RetryAfter, jitter)
	if f.Retryable && d.Attempt < f.attempts(r) && now.Add(wait).Before(deadline) {
		d.Attempt++
		d.NotBefore = stamp(now.Add(wait))
		d.DueAt = d.NotBefore
		return true
	}
	if f.Retryable && d.Attempt > 1 {
		f.Detail = joinDetail(f.Detail, fmt.Sprintf("after %d attempts", d.Attempt))
	}
	d.failed(f, now, expires)
	return false
}

// attempts is how often a step is tried for such a fault. An answer that
// cannot be understood seldom gets better, and banks count requests.
func (f Fault) attempts(r Retry) int {
	if f.Code == CodeBankBadData {
		return min(2, r.Attempts)
	}
	return r.Attempts
}

func joinDetail(a, b string) string {
	if a == "" {
		return b
	}
	return a + ", " + b
}

// wait is the pause after the failed-th failure of a step: doubled from Base
// up to Max, between half and one and a half of that, and never shorter than
// what the bank asked for.
func (r Retry) wait(failed int, retryAfter time.Duration, jitter float64) time.Duration {
	w := r.Max
	if shift := failed - 1; shift < 62 && r.Base <= r.Max>>shift {
		w = r.Base << shift
	}
	w = time.Duration(float64(w) * (0.5 + jitter))
	return max(w, retryAfter)
}

// jitter is a fresh random number in [0,1).
func jitter() float64 { return rand.Float64() }
