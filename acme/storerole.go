package acme

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/singleflight"

	"acme.example/creditscore/acme/anonymize"
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
	l := e.cfg.Limits
	return &storeRole{
		e: e,
		// A step more than the workers hold is issued, so that a slot never
		// waits for the next. A bank that hangs leaves a quarter to others,
		// a receiver that hangs a half.
		jobs:       newAgenda(e.cfg.Now, l.FetchConcurrency+ahead(l.FetchConcurrency), (3*l.FetchConcurrency+3)/4),
		scores:     newAgenda(e.cfg.Now, l.ScoreConcurrency+ahead(l.ScoreConcurrency), 0),
		deliveries: newAgenda(e.cfg.Now, l.DeliverConcurrency+ahead(l.DeliverConcurrency), (l.DeliverConcurrency+1)/2),
	}
}

// ahead is how many commands wait beside limit that are being worked on.
func ahead(limit int) int { return min(64, limit/4+1) }

// applyConcurrency is how many answers are applied at once. Applying waits
// for the group commit, so that as many as arrive meanwhile share one sync.
const applyConcurrency = 256

// Sweep: what is due within the horizon is put on the agenda. An agenda
// holds no further future than that, however many deliveries wait for days,
// and no more deliveries than agendaMost, however many are overdue.
const (
	sweepEvery   = 20 * time.Second
	sweepHorizon = time.Minute
	sweepPage    = 1000
	agendaMost   = 200_000
)

// leaseSlack is granted beyond a step's own timeout before its command is
// issued again: queues take time too.
const leaseSlack = 30 * time.Second

// lease is until when a step is in good hands: one that waits for a worker
// does so for no longer than another takes.
func (e *Engine) lease(timeout time.Duration) time.Time {
	return stamp(e.cfg.Now().Add(2*timeout + leaseSlack))
}

// resume puts everything unfinished on the agenda and counts it. With a
// queue that lost its messages all of it is issued at once; otherwise only
// what is due.
func (s *storeRole) resume(ctx context.Context) error {
	until := s.e.cfg.Now().Add(sweepHorizon)
	if v, ok := s.e.queue.(interface{ Volatile() bool }); ok && v.Volatile() {
		until = farFuture
	}
	err := s.eachDue(ctx, KindJob, farFuture, func(k DueKey) bool {
		s.e.unfinished.note(JobID(k.ID))
		if !k.DueAt.After(until) {
			s.jobs.add(k.ID, s.e.cfg.Now())
		}
		return true
	})
	if err != nil {
		return fmt.Errorf("resuming jobs: %w", err)
	}
	return s.sweepDeliveries(ctx)
}

// farFuture is after every due time.
var farFuture = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

func (s *storeRole) sweepJobs(ctx context.Context) error {
	return s.eachDue(ctx, KindJob, s.e.cfg.Now().Add(sweepHorizon), func(k DueKey) bool {
		if !s.scores.busyWith(k.ID) && s.jobs.add(k.ID, k.DueAt) {
			// Written by another process, or by a Submit that never heard so.
			s.e.unfinished.note(JobID(k.ID))
		}
		return true
	})
}

func (s *storeRole) sweepDeliveries(ctx context.Context) error {
	return s.eachDue(ctx, KindDelivery, s.e.cfg.Now().Add(sweepHorizon), func(k DueKey) bool {
		s.deliveries.add(k.ID, k.DueAt)
		waiting, _ := s.deliveries.size()
		return waiting < agendaMost
	})
}

func (s *storeRole) eachDue(ctx context.Context, kind Kind, until time.Time, more func(DueKey) bool) error {
	var after DueKey
	for {
		page, err := s.e.store.Due(ctx, kind, until, after, sweepPage)
		if err != nil {
			return err
		}
		for _, k := range page {
			if !more(k) {
				return nil
			}
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
			if _, err := guard(func() (struct{}, error) { return struct{}{}, f(ctx) }); err != nil && ctx.Err() == nil {
				s.e.log.Error("sweep failed", "of", name, "error", err)
			}
		}
	}
}

// issueFetch issues a job's bank command, or hands the job on when it is
// already past that.
func (s *storeRole) issueFetch(intake, work context.Context, id string) error {
	doc := new(jobDoc)
	version, err := load(intake, s.e, Key{KindJob, id}, doc)
	if err != nil {
		return err
	}
	now := s.e.cfg.Now()
	switch {
	case doc.step() == stepScore:
		s.jobs.done(id)
		s.scores.add(id, now)
		return nil
	case doc.step() == stepNone:
		s.jobs.done(id)
		s.e.unfinished.release(doc.ID)
		return nil
	case now.Before(doc.NotBefore):
		s.jobs.again(id, doc.NotBefore)
		return nil
	case !now.Before(s.deadline(doc)):
		return s.applyBank(work, BankResponse{Job: doc.ID, Attempt: doc.Attempt, Fault: overdue()})
	case !s.jobs.enter(id, doc.Bank):
		return nil
	}
	access, fault, err := s.access(work, doc)
	if err != nil {
		return err
	}
	if fault != nil {
		return s.applyBank(work, BankResponse{Job: doc.ID, Attempt: doc.Attempt, Fault: fault})
	}
	lease := s.e.lease(s.e.cfg.Timeouts.Fetch)
	s.jobs.lease(id, lease)
	s.markFetching(intake, *doc, version, lease)
	return s.e.queue.Publish(intake, BankRequest{
		Job: doc.ID, Attempt: doc.Attempt, Partner: doc.Partner, Who: doc.Subject, Bank: doc.Bank,
		Access: access, Asked: s.e.askedRange(doc.Bank, s.e.today()),
	})
}

// deadline is when a job must be finished. Time in which no engine ran does
// not count.
func (s *storeRole) deadline(d *jobDoc) time.Time {
	from := d.CreatedAt
	if from.Before(s.e.started) {
		from = s.e.started
	}
	return from.Add(s.e.cfg.Timeouts.Job)
}

func overdue() *Fault {
	return &Fault{Code: CodeTimeout, Detail: "the job's time is over"}
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
func (s *storeRole) issueScore(intake, work context.Context, id string) error {
	doc := new(jobDoc)
	if _, err := load(intake, s.e, Key{KindJob, id}, doc); err != nil {
		return err
	}
	now := s.e.cfg.Now()
	switch {
	case doc.step() != stepScore:
		s.scores.done(id)
		return nil
	case now.Before(doc.NotBefore):
		s.scores.again(id, doc.NotBefore)
		return nil
	case !now.Before(s.deadline(doc)):
		return s.applyScore(work, ScoreResponse{Job: doc.ID, Attempt: doc.Attempt, Fault: overdue()})
	}
	loan, err := doc.Loan.parse()
	if err == nil {
		var p *anonymize.Profile
		if p, err = s.e.profile(intake, doc.ID); err == nil {
			s.scores.lease(id, s.e.lease(s.e.cfg.Timeouts.Score))
			return s.e.queue.Publish(intake, ScoreRequest{Job: doc.ID, Attempt: doc.Attempt, Profile: p, Loan: loan})
		}
		if !errors.Is(err, ErrNotFound) && !errors.Is(err, errUnreadable) {
			return err
		}
	}
	// Neither comes back by waiting.
	s.e.log.Error("a job cannot be scored any more", "job", doc.ID, "error", err)
	return s.applyScore(work, ScoreResponse{
		Job: doc.ID, Attempt: doc.Attempt, Fault: &Fault{Code: CodeScoreFailed, Detail: "its profile is gone or cannot be read"},
	})
}

// applyBank applies the bank role's answer to the job's state.
func (s *storeRole) applyBank(ctx context.Context, m BankResponse) error {
	return s.applyStep(ctx, m.Job, stepFetch, m.Attempt, m.Fault, func(d *jobDoc, tx *Tx, now time.Time) error {
		d.fetched(s.e.lease(s.e.cfg.Timeouts.Score))
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
				d.faulted(*fault, s.e.cfg.Retry, s.deadline(d), now, now.Add(s.e.cfg.Retention.Jobs), jitter())
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
	// First what follows, then the end: nobody who sees the job no longer
	// counted may find its deliveries not yet there.
	s.e.deliverSoon(outbox)
	s.agendaOf(from).done(id)
	switch doc.step() {
	case stepFetch:
		s.jobs.add(id, later(doc.NotBefore, s.e.cfg.Now()))
	case stepScore:
		s.scores.add(id, later(doc.NotBefore, s.e.cfg.Now()))
	case stepNone:
		s.e.unfinished.release(doc.ID)
		s.e.metrics.finished(doc)
	}
	if fault != nil {
		s.e.metrics.fault(from, fault.Code)
		s.e.log.Warn("step failed", "job", doc.ID, "step", string(from), "code", string(fault.Code),
			"status", string(doc.Status), "detail", fault.Detail)
	}
	s.e.waiters.notify(doc.ID)
}

// later is the later of two times.
func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
