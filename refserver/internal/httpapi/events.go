package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"acme.example/creditscore/acme"
)

// keepAlive is how often a silent stream says that it lives, so that proxies
// leave it open.
const keepAlive = 15 * time.Second

// getScoreEvents streams every change of a job's state until it is finished,
// as Server-Sent Events (WHATWG HTML, section 9.2). An event's data is the
// job; its id is the rank of its state, so that a stream can be resumed at any
// server and after any restart. States that passed before the stream began,
// or in between two looks, are told all the same, in order.
func (a *API) getScoreEvents(w http.ResponseWriter, r *http.Request) error {
	job, err := a.ownJob(r)
	if err != nil {
		return err
	}
	seen := lastSeen(r.Header.Get("Last-Event-ID"))
	if seen >= rank(acme.StatusCompleted) && job.Status.Finished() {
		w.WriteHeader(http.StatusNoContent) // tells an EventSource not to come back
		return nil
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil
	}
	s := stream{a: a, w: w, rc: http.NewResponseController(w)}
	if !s.write("retry: 2000\n\n") {
		return nil
	}
	for {
		for _, past := range statesUpTo(job, seen) {
			if !s.event(past) {
				return nil
			}
			seen = rank(past.Status)
		}
		if job.Status.Finished() {
			return nil
		}
		next, err := a.changed(r, job)
		switch {
		case err == nil:
			job = next
		case errors.Is(err, context.DeadlineExceeded):
			if !s.write(": keep-alive\n\n") {
				return nil
			}
		default:
			return nil // the caller left, or the server drains: it comes back with Last-Event-ID
		}
	}
}

// changed waits for the job's next change, for at most keepAlive.
func (a *API) changed(r *http.Request, job *acme.Job) (*acme.Job, error) {
	ctx, cancel := a.waiting(r, keepAlive)
	defer cancel()
	next, err := a.cfg.Engine.Changed(ctx, job.ID, job.Version)
	if err != nil && ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return next, err
}

// stream writes events and keeps the connection's deadlines ahead of them.
type stream struct {
	a  *API
	w  http.ResponseWriter
	rc *http.ResponseController
}

func (s *stream) event(job *acme.Job) bool {
	data, err := json.Marshal(viewJob(job))
	if err != nil {
		return false
	}
	return s.write(fmt.Sprintf("id: %d\ndata: %s\n\n", rank(job.Status), data))
}

func (s *stream) write(text string) bool {
	s.a.hold(s.w, keepAlive)
	if _, err := s.w.Write([]byte(text)); err != nil {
		return false
	}
	return s.rc.Flush() == nil
}

// order is that of the states; a job can fail from each of the first three.
var order = []acme.Status{acme.StatusAccepted, acme.StatusFetching, acme.StatusScoring, acme.StatusCompleted}

// rank is a state's place, from 1.
func rank(s acme.Status) int {
	for i, one := range order {
		if s == one || i == len(order)-1 {
			return i + 1
		}
	}
	return len(order)
}

// lastSeen reads Last-Event-ID; what is not an id of ours means nothing was
// seen.
func lastSeen(text string) int {
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil || n < 1 || n > len(order) {
		return 0
	}
	return n
}

// statesUpTo returns the job in each state it has been in since the one of
// rank seen, the present one last. From where a failed job failed is not
// kept, so of its past only what is certain is told.
func statesUpTo(job *acme.Job, seen int) []*acme.Job {
	var states []*acme.Job
	last := rank(job.Status)
	for i, status := range order {
		if i+1 <= seen || i+1 > last {
			continue
		}
		if i+1 == last {
			states = append(states, job)
			continue
		}
		if job.Status == acme.StatusFailed && status != acme.StatusAccepted {
			continue
		}
		past := *job
		past.Status, past.CompletedAt, past.Score, past.Error = status, nil, nil, nil
		states = append(states, &past)
	}
	return states
}
