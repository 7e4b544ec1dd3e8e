package acme

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/singleflight"
)

// storeRole keeps the state: it issues commands from the jobs' state,
// applies the workers' answers to it, and looks again at what was not heard
// of. It is the only role that advances a job.
type storeRole struct {
	e          *Engine
	jobs       *agenda // jobs whose bank command is to be issued, or of unknown step
	scores     *agenda // jobs whose score command is to be issued
	deliveries *agenda
	refreshes  singleflight.Group // one refresh of a consent's token for many jobs
}

func newStoreRole(e *Engine) *storeRole {
	return &storeRole{
		e: e, jobs: newAgenda(e.cfg.Now), scores: newAgenda(e.cfg.Now), deliveries: newAgenda(e.cfg.Now),
	}
}

// Bounds of the store role itself. Applying waits for the group commit, so
// that as many answers as may arrive meanwhile share one sync.
const (
	applyConcurrency = 256
	issueFetches     = 64 // each may wait for a token refresh
	issueScores      = 8  // each holds a profile
	issueDeliveries  = 32
)

// Sweep: what is due within the horizon is put on the agenda. An agenda
// holds no further future than that, however many deliveries wait for days.
const (
	sweepEvery   = 20 * time.Second
	sweepHorizon = time.Minute
	sweepPage    = 1000
)

// leaseSlack is granted beyond a step's own timeout before its command is
// issued again: queues take time too.
const leaseSlack = 30 * time.Second

// resume puts everything unfinished on the agenda and counts it. With a
// queue that lost its messages all of it is issued at once; otherwise only
// what is due.
func (s *storeRole) resume(ctx context.Context) error {
	until := s.e.cfg.Now().Add(sweepHorizon)
	if v, ok := s.e.queue.(interface{ Volatile() bool }); ok && v.Volatile() {
		until = farFuture
	}
	err := s.eachDue(ctx, KindJob, farFuture, func(k DueKey) {
		s.e.unfinished.note(JobID(k.ID))
		if !k.DueAt.After(until) {
			s.jobs.add(k.ID, s.e.cfg.Now())
		}
	})
	if err != nil {
		return fmt.Errorf("resuming jobs: %w", err)
	}
	return s.sweepDeliveries(ctx)
}

// farFuture is after every due time.
var farFuture = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

func (s *storeRole) sweepJobs(ctx context.Context) error {
	return s.eachDue(ctx, KindJob, s.e.cfg.Now().Add(sweepHorizon), func(k DueKey) {
		if !s.scores.busyWith(k.ID) {
			s.jobs.add(k.ID, k.DueAt)
		}
	})
}

func (s *storeRole) sweepDeliveries(ctx context.Context) error {
	return s.eachDue(ctx, KindDelivery, s.e.cfg.Now().Add(sweepHorizon), func(k DueKey) { s.deliveries.add(k.ID, k.DueAt) })
}

func (s *storeRole) eachDue(ctx context.Context, kind Kind, until time.Time, f func(DueKey)) error {
	var after DueKey
	for {
		page, err := s.e.store.Due(ctx, kind, until, after, sweepPage)
		if err != nil {
			return err
		}
		for _, k := range page {
			f(k)
		}
		if len(page) < sweepPage {
			return nil
		}
		after = page[len(page)-1]
	}
}

// sweep runs until ctx ends.
func (s *storeRole) sweep(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for name, f := range map[string]func(context.Context) error{
			"jobs": s.sweepJobs, "deliveries": s.sweepDeliveries, "retention": s.e.expire,
		} {
			if err := f(ctx); err != nil && ctx.Err() == nil {
				s.e.log.Error("sweep failed", "of", name, "error", err)
			}
		}
	}
}

// issueFetch issues a job's bank command, or hands the job on when it is
// already past that.
func (s *storeRole) issueFetch(ctx context.Context, id string) {
	doc := new(jobDoc)
	version, err := load(ctx, s.e, Key{KindJob, id}, doc)
	if err != nil {
		s.notIssued(ctx, s.jobs, id, err)
		return
	}
	now := stamp(s.e.cfg.Now())
	switch {
	case doc.step() == stepScore:
		s.jobs.done(id)
		s.scores.add(id, doc.NotBefore)
		return
	case doc.step() == stepNone:
		s.jobs.done(id)
		return
	case now.Before(doc.NotBefore):
		s.jobs.again(id, doc.NotBefore)
		return
	}
	access, fault, err := s.access(ctx, doc)
	if err != nil {
		s.notIssued(ctx, s.jobs, id, err)
		return
	}
	if fault != nil {
		if err := s.applyBank(ctx, BankResponse{Job: doc.ID, Attempt: doc.Attempt, Fault: fault}); err != nil {
			s.notIssued(ctx, s.jobs, id, err)
		}
		return
	}
	lease := now.Add(s.e.cfg.Timeouts.Fetch + leaseSlack)
	s.jobs.lease(id, lease)
	s.markFetching(ctx, *doc, version, lease)
	today := s.e.today()
	err = s.e.queue.Publish(ctx, BankRequest{
		Job: doc.ID, Attempt: doc.Attempt, Partner: doc.Partner, Who: doc.Subject, Bank: doc.Bank,
		Access: access, Asked: s.e.askedRange(doc.Bank, today),
	})
	if err != nil {
		s.notIssued(ctx, s.jobs, id, err)
	}
}

// markFetching makes the state visible. Its loss does no harm: the job is
// then accepted still, and issued again.
func (s *storeRole) markFetching(ctx context.Context, doc jobDoc, version uint64, lease time.Time) {
	doc.fetchIssued(lease)
	r, err := encode(&doc, version+1)
	if err != nil {
		s.e.log.Error("cannot mark a job as fetching", "job", doc.ID, "error", err)
		return
	}
	// A conflict means that the answer was faster.
	_ = s.e.commit.later(ctx, Tx{Puts: []Record{r}}, func(err error) {
		if err == nil {
			s.e.waiters.notify(doc.ID)
		}
	})
}

// issueScore issues a job's score command.
func (s *storeRole) issueScore(ctx context.Context, id string) {
	doc := new(jobDoc)
	if _, err := load(ctx, s.e, Key{KindJob, id}, doc); err != nil {
		s.notIssued(ctx, s.scores, id, err)
		return
	}
	now := s.e.cfg.Now()
	switch {
	case doc.step() != stepScore:
		s.scores.done(id)
		return
	case now.Before(doc.NotBefore):
		s.scores.again(id, doc.NotBefore)
		return
	}
	loan, err := doc.Loan.parse()
	if err != nil {
		s.notIssued(ctx, s.scores, id, err)
		return
	}
	p, err := s.e.profile(ctx, doc.ID)
	if err != nil {
		s.notIssued(ctx, s.scores, id, err)
		return
	}
	s.scores.lease(id, now.Add(s.e.cfg.Timeouts.Score+leaseSlack))
	err = s.e.queue.Publish(ctx, ScoreRequest{Job: doc.ID, Attempt: doc.Attempt, Profile: p, Loan: loan})
	if err != nil {
		s.notIssued(ctx, s.scores, id, err)
	}
}

// reissueAfter is the pause after a command that could not be issued, such
// as for a failing disk.
const reissueAfter = 2 * time.Second

// notIssued puts an id back, unless there is no such job or the engine ends.
func (s *storeRole) notIssued(ctx context.Context, a *agenda, id string, err error) {
	switch {
	case errors.Is(err, ErrNotFound):
		a.done(id)
	case ctx.Err() != nil || errors.Is(err, ErrStopped) || errors.Is(err, ErrQueueClosed):
		// It stays in the Store and is issued at the next start.
	default:
		s.e.log.Error("command not issued", "id", id, "error", err)
		a.again(id, s.e.cfg.Now().Add(reissueAfter))
	}
}

// applyBank applies the bank role's answer to the job's state.
func (s *storeRole) applyBank(ctx context.Context, m BankResponse) error {
	return s.applyStep(ctx, m.Job, stepFetch, m.Attempt, m.Fault, func(d *jobDoc, tx *Tx, now time.Time) error {
		d.fetched(now.Add(s.e.cfg.Timeouts.Score + leaseSlack))
		r, err := profileRecord(d.ID, d.Partner, d.Subject, m.Profile, now, now.Add(s.e.cfg.Retention.Profiles))
		tx.Puts = append(tx.Puts, r)
		return err
	})
}

// applyScore applies the score role's answer to the job's state.
func (s *storeRole) applyScore(ctx context.Context, m ScoreResponse) error {
	return s.applyStep(ctx, m.Job, stepScore, m.Attempt, m.Fault, func(d *jobDoc, _ *Tx, now time.Time) error {
		d.completed(m.Report, now, now.Add(s.e.cfg.Retention.Jobs))
		return nil
	})
}

// applyStep is the one transition: an answer that fits the job's state moves
// it on in one atomic write, together with what follows; any other is a
// duplicate and changes nothing.
func (s *storeRole) applyStep(ctx context.Context, id JobID, at step, attempt int, fault *Fault, succeed func(*jobDoc, *Tx, time.Time) error) error {
	var applied bool
	var outbox []*deliveryDoc
	doc, _, err := update(ctx, s.e, Key{KindJob, string(id)}, func() *jobDoc { return new(jobDoc) },
		func(d *jobDoc, _ uint64, tx *Tx) error {
			applied, outbox = false, nil
			if !d.awaits(at, attempt) {
				return errUnchanged
			}
			now := stamp(s.e.cfg.Now())
			if fault == nil {
				if err := succeed(d, tx, now); err != nil {
					return err
				}
			} else {
				deadline := d.CreatedAt.Add(s.e.cfg.Timeouts.Job)
				d.faulted(*fault, s.e.cfg.Retry, deadline, now, now.Add(s.e.cfg.Retention.Jobs), jitter())
			}
			applied = true
			if !d.Status.Finished() {
				return nil
			}
			var err error
			outbox, err = s.e.jobOutbox(ctx, d, now, tx)
			return err
		})
	switch {
	case errors.Is(err, ErrNotFound): // erased meanwhile
		s.agendaOf(at).done(string(id))
		return nil
	case err != nil:
		return err
	case !applied:
		return nil
	}
	s.moved(doc, at, fault, outbox)
	return nil
}

func (s *storeRole) agendaOf(at step) *agenda {
	if at == stepScore {
		return s.scores
	}
	return s.jobs
}

// moved follows a durable transition: the next command, the outbox, the
// waiting calls.
func (s *storeRole) moved(doc *jobDoc, from step, fault *Fault, outbox []*deliveryDoc) {
	id := string(doc.ID)
	s.agendaOf(from).done(id)
	switch doc.step() {
	case stepFetch:
		s.jobs.add(id, doc.NotBefore)
	case stepScore:
		s.scores.add(id, doc.NotBefore)
	case stepNone:
		s.e.unfinished.release(doc.ID)
		s.e.metrics.finished(doc)
	}
	if fault != nil {
		s.e.metrics.fault(from, fault.Code)
		s.e.log.Warn("step failed", "job", doc.ID, "step", string(from), "code", string(fault.Code),
			"status", string(doc.Status), "detail", fault.Detail)
	}
	for _, d := range outbox {
		s.deliveries.add(string(d.ID), d.DueAt)
	}
	s.e.waiters.notify(doc.ID)
}
