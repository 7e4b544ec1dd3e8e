package acme

import (
	"context"
	"fmt"
	"time"
)

// Job returns a job as it stands, or ErrNotFound. A caller with several
// partners compares Job.Partner itself.
func (e *Engine) Job(ctx context.Context, id JobID) (*Job, error) {
	d := new(jobDoc)
	version, err := load(ctx, e, Key{KindJob, string(id)}, d)
	if err != nil {
		return nil, err
	}
	return d.job(version), nil
}

// Wait waits until the job has finished. When ctx ends, or the engine stops,
// before that, it returns the job as it stands together with ctx's error or
// ErrStopped; the job goes on.
func (e *Engine) Wait(ctx context.Context, id JobID) (*Job, error) {
	return e.until(ctx, id, func(j *Job) bool { return j.Status.Finished() })
}

// Changed waits until the job is of a newer version than after, and returns
// it; at once when it has finished. Errors as for Wait.
func (e *Engine) Changed(ctx context.Context, id JobID, after uint64) (*Job, error) {
	return e.until(ctx, id, func(j *Job) bool { return j.Version > after || j.Status.Finished() })
}

// pollEvery is how often a waiting call looks by itself: for changes made by
// another process.
const pollEvery = 5 * time.Second

func (e *Engine) until(ctx context.Context, id JobID, enough func(*Job) bool) (*Job, error) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	var last *Job // as it stood when last looked at
	for {
		changed, leave := e.waiters.watch(id)
		job, err := e.Job(ctx, id)
		if err != nil && last != nil && ctx.Err() != nil {
			job, err = last, ctx.Err()
		}
		if err != nil || enough(job) {
			leave()
			return job, err
		}
		last = job
		select {
		case <-changed:
		case <-tick.C:
		case <-ctx.Done():
			err = ctx.Err()
		case <-e.draining:
			err = fmt.Errorf("%w: it is draining", ErrStopped)
		}
		leave()
		if err != nil {
			return job, err
		}
	}
}

// Score submits a request and waits for its score: Submit and Wait. When the
// wait is cut short the job is returned with the error, and goes on.
func (e *Engine) Score(ctx context.Context, r Request) (*Job, error) {
	job, err := e.Submit(ctx, r)
	if err != nil {
		return nil, err
	}
	return e.Wait(ctx, job.ID)
}

// Jobs lists a partner's jobs, newest first. Errors: *InvalidError.
func (e *Engine) Jobs(ctx context.Context, q JobQuery) (JobPage, error) {
	var page JobPage
	if q.Status != "" && !q.Status.Valid() {
		var f faults
		f.add("status", string(q.Status), "must be one of accepted, fetching, scoring, completed, failed")
		return page, f.err()
	}
	next, err := e.list(ctx, ListQuery{
		Kind: KindJob, Owner: q.Partner, Group: q.Subject, Status: string(q.Status), After: q.After, Limit: q.Limit,
	}, func(r Record) error {
		d := new(jobDoc)
		if err := decode(r, d); err != nil {
			return err
		}
		page.Jobs = append(page.Jobs, d.job(r.Version))
		return nil
	})
	page.Next = next
	return page, err
}

// Bounds of a page.
const (
	defaultPage = 20
	maxPage     = 100
)

// list reads one page and returns where the next starts.
func (e *Engine) list(ctx context.Context, q ListQuery, each func(Record) error) (next Cursor, err error) {
	if q.Limit == 0 {
		q.Limit = defaultPage
	}
	if q.Limit < 1 || q.Limit > maxPage {
		var f faults
		f.add("limit", fmt.Sprint(q.Limit), fmt.Sprintf("must be 1 to %d", maxPage))
		return next, f.err()
	}
	want := q.Limit
	q.Limit++ // one more tells whether there is a next page
	records, err := e.store.List(ctx, q)
	if err != nil {
		return next, fmt.Errorf("listing: %w", err)
	}
	if len(records) > want {
		records = records[:want]
		next = records[want-1].Cursor()
	}
	for _, r := range records {
		if err := each(r); err != nil {
			return next, err
		}
	}
	return next, nil
}

// DeliveryQuery selects deliveries.
type DeliveryQuery struct {
	Partner  string
	Endpoint EndpointID     // "" for all
	Status   DeliveryStatus // "" for every status
	After    Cursor
	Limit    int // 1 to 100; 0: 20
}

// Deliveries lists a partner's deliveries, newest first.
// Errors: *InvalidError.
func (e *Engine) Deliveries(ctx context.Context, q DeliveryQuery) (DeliveryPage, error) {
	var page DeliveryPage
	next, err := e.list(ctx, ListQuery{
		Kind: KindDelivery, Owner: q.Partner, Group: string(q.Endpoint), Status: string(q.Status), After: q.After, Limit: q.Limit,
	}, func(r Record) error {
		d := new(deliveryDoc)
		if err := decode(r, d); err != nil {
			return err
		}
		page.Deliveries = append(page.Deliveries, d.delivery())
		return nil
	})
	page.Next = next
	return page, err
}

// Delivery returns one delivery, or ErrNotFound.
func (e *Engine) Delivery(ctx context.Context, id DeliveryID) (*Delivery, error) {
	d := new(deliveryDoc)
	if _, err := load(ctx, e, Key{KindDelivery, string(id)}, d); err != nil {
		return nil, err
	}
	return d.delivery(), nil
}

// ReplayDelivery sends a delivery again, under the same webhook-id, with a
// fresh schedule; one that is still pending is sent at once.
// Errors: ErrNotFound, ErrStopped.
func (e *Engine) ReplayDelivery(ctx context.Context, id DeliveryID) (*Delivery, error) {
	ctx, leave, err := e.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	now := stamp(e.cfg.Now())
	d, _, err := update(ctx, e, Key{KindDelivery, string(id)}, func() *deliveryDoc { return new(deliveryDoc) },
		func(d *deliveryDoc, _ uint64, _ *Tx) error {
			d.Status, d.Failed, d.DueAt = DeliveryPending, 0, now
			return nil
		})
	if err != nil {
		return nil, err
	}
	e.deliverSoon([]*deliveryDoc{d})
	return d.delivery(), nil
}

// expire deletes what retention has ended, page by page.
func (e *Engine) expire(ctx context.Context) error {
	for {
		keys, err := e.store.Expired(ctx, e.cfg.Now(), sweepPage)
		if err != nil || len(keys) == 0 {
			return err
		}
		tx := Tx{Lazy: true}
		for _, k := range keys {
			tx.Deletes = append(tx.Deletes, VersionedKey{Key: k})
		}
		if err := e.commit.write(ctx, tx); err != nil {
			return fmt.Errorf("deleting expired records: %w", err)
		}
		if len(keys) < sweepPage {
			return nil
		}
	}
}

// Stats is how busy an Engine is, at one moment.
type Stats struct {
	Unfinished  int // jobs accepted and not finished
	MaxAccepted int
	// Waiting and Issued count, for each of fetch, score and deliver, the
	// commands that wait to be issued and those under way. Only where the
	// store role runs.
	Waiting, Issued map[string]int
}

// Stats returns how busy the Engine is.
func (e *Engine) Stats() Stats {
	s := Stats{
		Unfinished: e.unfinished.size(), MaxAccepted: e.cfg.Limits.MaxAccepted,
		Waiting: map[string]int{}, Issued: map[string]int{},
	}
	if r := e.storeRole; r != nil {
		for name, a := range map[string]*agenda{"fetch": r.jobs, "score": r.scores, "deliver": r.deliveries} {
			s.Waiting[name], s.Issued[name] = a.size()
		}
	}
	return s
}
