package httpapi

import (
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"acme.example/creditscore/acme"
	"acme.example/creditscore/acme/bank"
)

// pollAfter is what Retry-After says of a job that is under way: most of them
// are waiting for a bank, which takes seconds.
const pollAfter = 2 * time.Second

// viewJob is a job as partners see it: metadata is an object also when there
// is none.
func viewJob(job *acme.Job) *acme.Job {
	v := *job
	if v.Metadata == nil {
		v.Metadata = map[string]string{}
	}
	return &v
}

func (a *API) postScore(w http.ResponseWriter, r *http.Request) error {
	req, err := readScoreRequest(r)
	if err != nil {
		return err
	}
	job, err := a.cfg.Engine.Submit(r.Context(), req)
	if err != nil {
		return err
	}
	w.Header().Set("Location", a.cfg.PublicURL+"/v1/scores/"+string(job.ID))
	if job.Replayed {
		w.Header().Set("Idempotent-Replayed", "true")
	}
	wait := a.waitPreferred(r)
	if wait > 0 {
		if job, err = a.await(w, r, job, wait); err != nil {
			return err
		}
		applied(w, wait)
	}
	status := http.StatusAccepted
	if wait > 0 && job.Status.Finished() {
		status = http.StatusOK
	}
	a.writeJob(w, status, job)
	return nil
}

func readScoreRequest(r *http.Request) (acme.Request, error) {
	o, err := readObject(r)
	if err != nil {
		return acme.Request{}, err
	}
	req := acme.Request{
		Partner:       callOf(r).partner,
		ConsentID:     acme.ConsentID(o.text("consent_id")),
		Bank:          o.text("bank"),
		Subject:       o.text("subject"),
		AccessToken:   bank.NewToken(o.text("access_token")),
		BankConsentID: bank.NewText(o.text("bank_consent_id")),
		WebhookURL:    o.text("webhook_url"),
		Metadata:      o.textMap("metadata"),
	}
	if loan := o.object("loan"); loan != nil {
		req.Loan = &acme.LoanTerms{
			Amount:     loan.text("amount"),
			Currency:   loan.text("currency"),
			TermMonths: loan.integer("term_months"),
		}
		loan.close()
	}
	keys := r.Header.Values("Idempotency-Key")
	if len(keys) > 1 {
		o.fault("Idempotency-Key", "must be given once")
	}
	if len(keys) > 0 {
		req.IdempotencyKey = keys[0]
	}
	return req, o.done()
}

// await holds the call until the job is finished, the wait is over, the
// caller has gone or the server drains, and returns the job as it then is.
func (a *API) await(w http.ResponseWriter, r *http.Request, job *acme.Job, wait time.Duration) (*acme.Job, error) {
	if job.Status.Finished() {
		return job, nil
	}
	a.hold(w, wait)
	ctx, cancel := a.waiting(r, wait)
	defer cancel()
	latest, err := a.cfg.Engine.Wait(ctx, job.ID)
	switch {
	case r.Context().Err() != nil:
		return nil, r.Context().Err()
	case latest != nil:
		return latest, nil
	case ctx.Err() != nil:
		return job, nil
	}
	return nil, err
}

func (a *API) getScore(w http.ResponseWriter, r *http.Request) error {
	job, err := a.ownJob(r)
	if err != nil {
		return err
	}
	if wait := a.waitPreferred(r); wait > 0 {
		if job, err = a.await(w, r, job, wait); err != nil {
			return err
		}
		applied(w, wait)
	}
	tag := `"` + strconv.FormatUint(job.Version, 10) + `"`
	w.Header().Set("ETag", tag)
	w.Header().Set("Cache-Control", "private, no-cache")
	if matches(r.Header.Values("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	a.writeJob(w, http.StatusOK, job)
	return nil
}

// matches compares entity tags weakly, as If-None-Match asks (RFC 9110
// section 13.1.2).
func matches(header []string, tag string) bool {
	for _, line := range header {
		for one := range strings.SplitSeq(line, ",") {
			one = strings.TrimPrefix(strings.TrimSpace(one), "W/")
			if one == tag || one == "*" {
				return true
			}
		}
	}
	return false
}

// writeJob answers with a job, and when to ask again while it is under way.
func (a *API) writeJob(w http.ResponseWriter, status int, job *acme.Job) {
	if !job.Status.Finished() {
		w.Header().Set("Retry-After", seconds(pollAfter))
	}
	writeJSON(w, status, viewJob(job))
}

// ownJob finds the job of the path. Another partner's is not found.
func (a *API) ownJob(r *http.Request) (*acme.Job, error) {
	id, ok := pathID(r)
	if !ok {
		return nil, acme.ErrNotFound
	}
	job, err := a.cfg.Engine.Job(r.Context(), acme.JobID(id))
	if err != nil {
		return nil, err
	}
	if job.Partner != callOf(r).partner {
		return nil, acme.ErrNotFound
	}
	return job, nil
}

func (a *API) listScores(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	after, limit, err := readPaging(q)
	if err != nil {
		return err
	}
	status := acme.Status(q.Get("status"))
	if status != "" && !status.Valid() {
		return newProblem(invalid, "See the member errors.",
			fieldFault{"status", "must be one of accepted, fetching, scoring, completed, failed"})
	}
	subject := q.Get("subject")
	if len(subject) > 4*256 || !utf8.ValidString(subject) {
		return newProblem(invalid, "See the member errors.", fieldFault{"subject", "must be at most 256 characters of UTF-8"})
	}
	found, err := a.cfg.Engine.Jobs(r.Context(), acme.JobQuery{
		Partner: callOf(r).partner, Subject: subject, Status: status, After: after, Limit: limit})
	if err != nil {
		return err
	}
	jobs := make([]*acme.Job, len(found.Jobs))
	for i, job := range found.Jobs {
		jobs[i] = viewJob(job)
	}
	writeJSON(w, http.StatusOK, newPage(jobs, found.Next))
	return nil
}
