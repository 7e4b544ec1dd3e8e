package acme

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"acme.example/creditscore/acme/anonymize"
	"acme.example/creditscore/acme/bank"
	"acme.example/creditscore/acme/score"
	"acme.example/creditscore/acme/webhook"
)

// handler works on one message. nil acks it; an error gives it back to be
// worked on again.
type handler func(ctx context.Context, m Message) error

// Message care: heartbeats while a step runs, and the pause before a message
// that could not be worked on comes again.
const (
	heartbeatEvery = 10 * time.Second
	redeliverAfter = time.Second
)

// serve takes messages of one subject, at most limit at a time, until intake
// ends, and returns when the last has been worked on.
func (e *Engine) serve(intake, work context.Context, s Subject, limit int, h handler) error {
	slots := semaphore.NewWeighted(int64(limit))
	var running errgroup.Group
	for {
		// A slot first: a message that is taken is worked on at once.
		if slots.Acquire(intake, 1) != nil {
			break
		}
		r, err := e.queue.Receive(intake, s)
		if err != nil {
			slots.Release(1)
			if intake.Err() != nil || errors.Is(err, ErrQueueClosed) {
				break
			}
			e.log.Error("queue does not answer", "subject", string(s), "error", err)
			pause(intake, redeliverAfter)
			continue
		}
		running.Go(func() error {
			defer slots.Release(1)
			e.handle(work, r, s, h)
			return nil
		})
	}
	return running.Wait()
}

func (e *Engine) handle(ctx context.Context, r Received, s Subject, h handler) {
	stop := heartbeat(ctx, r)
	_, err := guard(func() (struct{}, error) { return struct{}{}, h(ctx, r.Message()) })
	stop()
	// The answer to the queue must get out though the engine is stopping.
	end := context.WithoutCancel(ctx)
	if err == nil {
		err = r.Ack(end)
	} else {
		if ctx.Err() == nil {
			e.log.Error("message goes back to the queue", "subject", string(s), "message", r.Message().MessageID(), "error", err)
		}
		err = r.Nack(end, redeliverAfter)
	}
	if err != nil {
		e.log.Error("queue did not take an answer", "subject", string(s), "error", err)
	}
}

// heartbeat tells the queue, while a step runs, that it is being worked on.
func heartbeat(ctx context.Context, r Received) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var mu sync.Mutex
	var timer *time.Timer
	beat := func() {
		if ctx.Err() != nil {
			return
		}
		_ = r.InProgress(ctx) // unheard, the message comes again, which does no harm
		mu.Lock()
		defer mu.Unlock()
		timer.Reset(heartbeatEvery)
	}
	mu.Lock()
	defer mu.Unlock()
	timer = time.AfterFunc(heartbeatEvery, beat)
	return func() {
		cancel()
		mu.Lock()
		defer mu.Unlock()
		timer.Stop()
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// issuer issues the command of one id. intake bounds handing it over, work
// what must be finished once begun, such as a token's refresh.
type issuer func(intake, work context.Context, id string) error

// issue takes ids off an agenda, which bounds how many, and issues their
// commands until intake ends.
func (e *Engine) issue(intake, work context.Context, a *agenda, f issuer) error {
	var running errgroup.Group
	for {
		id, err := a.next(intake)
		if err != nil {
			break
		}
		running.Go(func() error {
			_, err := guard(func() (struct{}, error) { return struct{}{}, f(intake, work, id) })
			if err != nil {
				e.notIssued(intake, a, id, err)
			}
			return nil
		})
	}
	return running.Wait()
}

// reissueAfter is the pause after a command that could not be issued, such
// as for a failing disk.
const reissueAfter = 2 * time.Second

// notIssued puts an id back, unless there is no such record or the engine
// ends: it then stays in the Store and is issued at the next start.
func (e *Engine) notIssued(ctx context.Context, a *agenda, id string, err error) {
	switch {
	case errors.Is(err, ErrNotFound), errors.Is(err, errUnreadable):
		a.done(id)
		e.log.Error("command cannot be issued", "id", id, "error", err)
	case ctx.Err() != nil, errors.Is(err, ErrStopped), errors.Is(err, ErrQueueClosed), errors.Is(err, errStopping):
	default:
		e.log.Error("command not issued", "id", id, "error", err)
		a.again(id, e.cfg.Now().Add(reissueAfter))
	}
}

// handleBank is the bank role: read, pseudonymize, and let go of everything
// else. The Statement does not leave this function.
func (e *Engine) handleBank(ctx context.Context, m Message) error {
	req := m.(BankRequest)
	step, cancel := context.WithTimeout(ctx, e.cfg.Timeouts.Fetch)
	defer cancel()
	start := e.cfg.Now()
	p, err := e.read(step, req)
	if err != nil && stopping(ctx) {
		return errStopping
	}
	e.metrics.step(stepFetch, e.cfg.Now().Sub(start))
	resp := BankResponse{Job: req.Job, Attempt: req.Attempt, Profile: p}
	if err != nil {
		resp.Profile, resp.Fault = nil, faultOf(step, err)
		e.logPanic("bank client", string(req.Job), err)
	}
	return e.answer(ctx, resp)
}

// read fetches a statement and returns what may be kept of it.
func (e *Engine) read(ctx context.Context, req BankRequest) (*anonymize.Profile, error) {
	grant, err := e.unsealGrant(req.Access)
	if err != nil {
		return nil, &bank.Error{Code: bank.CodeUnauthorized, Op: "unseal", Detail: "the token cannot be opened"}
	}
	access := bank.Access{Bank: req.Bank, Token: grant.AccessToken, ConsentID: grant.ConsentID}
	st, err := guard(func() (*bank.Statement, error) { return e.cfg.Bank.Fetch(ctx, access, req.Asked) })
	if err != nil {
		return nil, err
	}
	if st == nil {
		return nil, &bank.Error{Code: bank.CodeBadData, Op: "fetch", Detail: "no statement came"}
	}
	p, err := guard(func() (*anonymize.Profile, error) {
		return e.anonymizer.Profile(st, anonymize.Subject{Partner: req.Partner, ID: req.Who}, req.Asked.To)
	})
	if err != nil {
		return nil, &bank.Error{Code: bank.CodeBadData, Op: "pseudonymize", Detail: "the statement contradicts itself", Err: err}
	}
	return p, nil
}

// handleScore is the score role.
func (e *Engine) handleScore(ctx context.Context, m Message) error {
	req := m.(ScoreRequest)
	step, cancel := context.WithTimeout(ctx, e.cfg.Timeouts.Score)
	defer cancel()
	start := e.cfg.Now()
	report, err := guard(func() (*score.Report, error) {
		return e.cfg.Scorer.Score(step, score.Input{Profile: req.Profile, Loan: req.Loan})
	})
	if err != nil && stopping(ctx) {
		return errStopping
	}
	e.metrics.step(stepScore, e.cfg.Now().Sub(start))
	resp := ScoreResponse{Job: req.Job, Attempt: req.Attempt, Report: report}
	switch {
	case err != nil:
		resp.Report, resp.Fault = nil, scoreFault(step, err)
		e.logPanic("scorer", string(req.Job), err)
	case report == nil:
		resp.Fault = &Fault{Code: CodeScoreFailed, Detail: "the scorer gave no report"}
	}
	return e.answer(ctx, resp)
}

// answer publishes what a worker found out: also while the engine stops,
// since a finished step should not be made again.
func (e *Engine) answer(ctx context.Context, m Message) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerWithin)
	defer cancel()
	return e.queue.Publish(ctx, m)
}

// answerWithin bounds the wait for room for an answer. Without room by then
// the message is given back, and its step made again.
const answerWithin = time.Minute

// handleWebhook is the response role: one attempt, signed.
func (e *Engine) handleWebhook(ctx context.Context, m Message) error {
	req := m.(WebhookRequest)
	secrets := make([]webhook.Secret, len(req.Secrets))
	for i, s := range req.Secrets {
		var err error
		if secrets[i], err = e.unsealSecret(s); err != nil {
			// No later attempt can sign it either.
			e.log.Error("a webhook cannot be signed", "delivery", req.Delivery, "error", err)
			return e.answer(ctx, WebhookResponse{
				Delivery: req.Delivery, Attempt: req.Attempt, At: e.cfg.Now(), Result: webhook.Result{Class: webhook.ClassInvalid},
			})
		}
	}
	step, cancel := context.WithTimeout(ctx, e.cfg.Timeouts.Deliver)
	defer cancel()
	at := e.cfg.Now()
	result, err := guard(func() (webhook.Result, error) {
		return e.cfg.Notifier.Send(step, webhook.Message{ID: req.EventID, URL: req.URL, Body: req.Body, Secrets: secrets}), nil
	})
	if stopping(ctx) && !result.Delivered() {
		return errStopping
	}
	if err != nil {
		e.logPanic("notifier", string(req.Delivery), err)
		result = webhook.Result{Class: webhook.ClassInvalid}
	}
	if result.Canceled() {
		return errors.New("the attempt was called off")
	}
	return e.answer(ctx, WebhookResponse{Delivery: req.Delivery, Attempt: req.Attempt, At: at, Result: result})
}

// stopping tells whether the engine itself has cut the work off.
func stopping(ctx context.Context) bool { return errors.Is(context.Cause(ctx), errStopping) }

func (e *Engine) logPanic(part, id string, err error) {
	var p *PanicError
	if errors.As(err, &p) {
		e.log.Error("a plugged-in part panicked", "part", part, "id", id, "cause", p.Cause, "stack", string(p.Stack))
	}
}

func (s *storeRole) handleBank(ctx context.Context, m Message) error {
	r := m.(BankResponse)
	s.jobs.answered(string(r.Job))
	return s.persist(ctx, m, func() error { return s.applyBank(ctx, r) })
}

func (s *storeRole) handleScore(ctx context.Context, m Message) error {
	r := m.(ScoreResponse)
	s.scores.answered(string(r.Job))
	return s.persist(ctx, m, func() error { return s.applyScore(ctx, r) })
}

func (s *storeRole) handleWebhook(ctx context.Context, m Message) error {
	r := m.(WebhookResponse)
	s.deliveries.answered(string(r.Delivery))
	return s.persist(ctx, m, func() error { return s.applyWebhook(ctx, r) })
}

// persist applies an answer until the Store takes it: what a bank said is
// not thrown away for a Store that fails for a moment. Answers that wait
// here hold the workers back.
func (s *storeRole) persist(ctx context.Context, m Message, apply func() error) error {
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		_, err := guard(func() (struct{}, error) { return struct{}{}, apply() })
		if err == nil || errors.Is(err, errUnreadable) || errors.Is(err, ErrStopped) || ctx.Err() != nil {
			return err
		}
		s.e.log.Error("an answer is not applied yet", "message", m.MessageID(), "error", err)
		pause(ctx, wait)
	}
}
