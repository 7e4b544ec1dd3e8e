package acme

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	"acme.example/creditscore/acme/score"
	"acme.example/creditscore/acme/webhook"
)

// The types of events.
const (
	EventScoreCompleted    = "score.completed"
	EventScoreFailed       = "score.failed"
	EventConsentAuthorized = "consent.authorized"
	EventConsentRevoked    = "consent.revoked"
	EventEndpointDisabled  = "endpoint.disabled"
	EventEndpointTest      = "endpoint.test" // sent by TestEndpoint only
)

// deliveryDoc is one event to one address, as it is stored: the outbox. It
// is written together with the change that it tells of.
type deliveryDoc struct {
	ID       DeliveryID     `json:"id"`
	EventID  string         `json:"event_id"`
	Partner  string         `json:"partner,omitempty"`
	Type     string         `json:"type"`
	Endpoint EndpointID     `json:"endpoint,omitempty"`
	URL      string         `json:"url"`
	Status   DeliveryStatus `json:"status"`
	// Job is whose state is sent; a finished job does not change, so its
	// body need not be kept a second time. Data is sent for other events.
	Job       JobID             `json:"job,omitempty"`
	Data      json.RawMessage   `json:"data,omitempty"`
	CreatedAt time.Time         `json:"created_at"` // the event's timestamp
	Attempts  []DeliveryAttempt `json:"attempts,omitempty"`
	// Attempt numbers the attempt that is due, from 1; it only grows.
	Attempt int `json:"attempt"`
	// Failed counts failures since the schedule began, or began again.
	Failed    int       `json:"failed,omitempty"`
	DueAt     time.Time `json:"due_at,omitzero"`
	ExpiresAt time.Time `json:"expires_at"`
}

// keptAttempts bounds the attempts a delivery lists: a full schedule and a
// few replays. Older ones are dropped first.
const keptAttempts = 32

func (d *deliveryDoc) record() Record {
	return Record{
		Key: Key{KindDelivery, string(d.ID)}, Owner: d.Partner, Group: string(d.Endpoint),
		Status: string(d.Status), CreatedAt: d.CreatedAt, DueAt: d.DueAt, ExpiresAt: d.ExpiresAt,
	}
}

func (d *deliveryDoc) delivery() *Delivery {
	out := &Delivery{
		ID: d.ID, EventID: d.EventID, Type: d.Type, Endpoint: d.Endpoint, URL: d.URL, Status: d.Status,
		Job: d.Job, CreatedAt: d.CreatedAt, Attempts: d.Attempts, Partner: d.Partner,
	}
	if out.Attempts == nil {
		out.Attempts = []DeliveryAttempt{}
	}
	if d.Status == DeliveryPending {
		at := d.DueAt
		out.NextAttempt = &at
	}
	return out
}

// attempted applies an attempt's result: delivered, another attempt later,
// or dead. jitter is in [0,1).
func (d *deliveryDoc) attempted(at time.Time, r webhook.Result, s webhook.Schedule, now time.Time, jitter float64) {
	d.Attempts = append(d.Attempts, DeliveryAttempt{
		At: stamp(at), StatusCode: r.Status, DurationMS: r.Duration.Milliseconds(), Error: string(r.Class),
	})
	if extra := len(d.Attempts) - keptAttempts; extra > 0 {
		d.Attempts = d.Attempts[extra:]
	}
	d.Attempt++
	if r.Delivered() {
		d.Status, d.DueAt, d.Failed = DeliveryDelivered, time.Time{}, 0
		return
	}
	d.Failed++
	wait, more := s.Next(d.Failed, r.RetryAfter, jitter)
	if !more || r.Permanent() {
		d.Status, d.DueAt = DeliveryDead, time.Time{}
		return
	}
	d.DueAt = stamp(now.Add(wait))
}

// eventJob is a job as events carry it: without its cash flow.
type eventJob struct {
	*Job
	Score *eventScore `json:"score"`
}

type eventScore struct {
	*score.Report
	CashFlow *struct{} `json:"cash_flow,omitempty"`
}

// body renders the event. The same delivery has the same body every time.
func (e *Engine) body(ctx context.Context, d *deliveryDoc) ([]byte, error) {
	ev := webhook.Event{Type: d.Type, Timestamp: d.CreatedAt, Data: d.Data}
	if d.Job != "" {
		job, err := e.Job(ctx, d.Job)
		if err != nil {
			return nil, err
		}
		data := eventJob{Job: job}
		if job.Score != nil {
			data.Score = &eventScore{Report: job.Score}
		}
		if ev.Data, err = json.Marshal(data); err != nil {
			return nil, fmt.Errorf("encoding an event: %w", err)
		}
	}
	return ev.Body()
}

// jobOutbox adds a finished job's events to the Tx that finishes it.
func (e *Engine) jobOutbox(ctx context.Context, d *jobDoc, now time.Time, tx *Tx) ([]*deliveryDoc, error) {
	event := EventScoreCompleted
	if d.Status == StatusFailed {
		event = EventScoreFailed
	}
	return e.outbox(ctx, tx, deliveryDoc{Partner: d.Partner, Type: event, Job: d.ID, CreatedAt: now}, d.WebhookURL)
}

// outbox adds a delivery like proto for each endpoint of the partner that
// wants the event, proto's own excepted, and one for address unless it is "".
func (e *Engine) outbox(ctx context.Context, tx *Tx, proto deliveryDoc, address string) ([]*deliveryDoc, error) {
	var out []*deliveryDoc
	put := func(endpoint EndpointID, to string) error {
		d := proto
		d.ID = DeliveryID(newID("dlv_", proto.CreatedAt))
		d.EventID = newID("msg_", proto.CreatedAt)
		d.Endpoint, d.URL, d.Status = endpoint, to, DeliveryPending
		d.Attempt, d.DueAt = 1, proto.CreatedAt
		d.ExpiresAt = proto.CreatedAt.Add(e.cfg.Retention.Jobs)
		r, err := encode(&d, 1)
		tx.Puts = append(tx.Puts, r)
		out = append(out, &d)
		return err
	}
	if address != "" {
		if err := put("", address); err != nil {
			return nil, err
		}
	}
	endpoints, err := e.endpoints.of(ctx, proto.Partner)
	if err != nil {
		return nil, err
	}
	for _, ep := range endpoints {
		if ep.wants(proto.Type) && ep.ID != proto.Endpoint {
			if err := put(ep.ID, ep.URL); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// deliverSoon puts fresh deliveries on the agenda, where the store role runs
// here; elsewhere its sweep finds them.
func (e *Engine) deliverSoon(docs []*deliveryDoc) {
	if e.storeRole == nil {
		return
	}
	for _, d := range docs {
		e.storeRole.deliveries.add(string(d.ID), d.DueAt)
	}
}

// issueDelivery issues the command for a delivery's next attempt.
func (s *storeRole) issueDelivery(intake, work context.Context, id string) error {
	d := new(deliveryDoc)
	if _, err := load(intake, s.e, Key{KindDelivery, id}, d); err != nil {
		return err
	}
	now := s.e.cfg.Now()
	switch {
	case d.Status != DeliveryPending:
		s.deliveries.done(id)
		return nil
	case now.Before(d.DueAt):
		s.deliveries.again(id, d.DueAt)
		return nil
	case !s.deliveries.enter(id, receiver(d.URL)):
		return nil
	}
	secrets, err := s.e.signers(intake, d)
	var body []byte
	if err == nil {
		body, err = s.e.body(intake, d)
	}
	if errors.Is(err, ErrNotFound) || errors.Is(err, errUnreadable) {
		// The endpoint was deleted or disabled, or the job is gone.
		return s.bury(work, d.ID)
	}
	if err != nil {
		return err
	}
	s.deliveries.lease(id, s.e.lease(s.e.cfg.Timeouts.Deliver))
	return s.e.queue.Publish(intake, WebhookRequest{
		Delivery: d.ID, Attempt: d.Attempt, EventID: d.EventID, URL: d.URL, Body: body, Secrets: secrets,
	})
}

// receiver is who shares a bound on attempts under way: the URL's host.
func receiver(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return u.Host
}

// bury ends a delivery that nobody can receive any more.
func (s *storeRole) bury(ctx context.Context, id DeliveryID) error {
	_, _, err := update(ctx, s.e, Key{KindDelivery, string(id)}, func() *deliveryDoc { return new(deliveryDoc) },
		func(d *deliveryDoc, _ uint64, _ *Tx) error {
			if d.Status != DeliveryPending {
				return errUnchanged
			}
			d.Status, d.DueAt = DeliveryDead, time.Time{}
			return nil
		})
	if err == nil {
		s.deliveries.done(string(id))
	}
	return err
}

// applyWebhook applies the response role's answer to a delivery's state.
func (s *storeRole) applyWebhook(ctx context.Context, m WebhookResponse) error {
	var applied bool
	var outbox []*deliveryDoc
	d, _, err := update(ctx, s.e, Key{KindDelivery, string(m.Delivery)}, func() *deliveryDoc { return new(deliveryDoc) },
		func(d *deliveryDoc, _ uint64, tx *Tx) (err error) {
			outbox = nil
			applied = d.Status == DeliveryPending && d.Attempt == m.Attempt
			if !applied {
				return errUnchanged
			}
			d.attempted(m.At, m.Result, s.e.cfg.Retry.Webhook, stamp(s.e.cfg.Now()), jitter())
			if m.Result.Gone() && d.Endpoint != "" {
				outbox, err = s.e.disableEndpoint(ctx, tx, d.Endpoint, "gone")
				return err
			}
			return nil
		})
	switch {
	case errors.Is(err, ErrNotFound): // expired or erased meanwhile
		s.deliveries.done(string(m.Delivery))
		return nil
	case err != nil:
		return err
	case !applied:
		return nil
	}
	if m.Result.Gone() {
		s.e.endpoints.forget(d.Partner)
	}
	s.deliveries.done(string(d.ID))
	s.e.deliverSoon(outbox)
	if d.Status == DeliveryPending && d.DueAt.Before(s.e.cfg.Now().Add(sweepHorizon)) {
		s.deliveries.add(string(d.ID), d.DueAt)
	}
	s.e.metrics.attempt(m.Result, d, s.e.cfg.Now())
	if !m.Result.Delivered() {
		s.e.log.Warn("webhook attempt failed", "delivery", d.ID, "class", string(m.Result.Class),
			"http_status", m.Result.Status, "attempt", m.Attempt, "status", string(d.Status))
	}
	return nil
}
