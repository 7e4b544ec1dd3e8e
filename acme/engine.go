package acme

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"acme.example/creditscore/acme/anonymize"
	"acme.example/creditscore/acme/bank"
	"acme.example/creditscore/acme/score"
	"acme.example/creditscore/acme/webhook"
)

// Engine runs requests for scores from acceptance to delivery. It is safe
// for concurrent use. Make one with New, run it with Start, end it with
// Stop; it cannot be started twice.
type Engine struct {
	cfg        Config
	log        *slog.Logger
	store      Store
	queue      Queue
	ownSender  *webhook.Sender // nil where a Notifier was given
	anonymizer *anonymize.Anonymizer
	commit     *committer
	waiters    *waiters
	endpoints  *endpointCache
	metrics    *metrics
	storeRole  *storeRole // nil where the role does not run here

	unfinished *ledger

	// started is when Start was called. It is written before any goroutine
	// that reads it runs.
	started time.Time

	mu        sync.Mutex
	state     engineState
	calls     sync.WaitGroup // writing calls of the API under way
	endIntake context.CancelFunc
	// working lives until running steps are to be cut off.
	working context.Context
	cutOff  context.CancelCauseFunc
	// workers take commands, appliers take answers; the second must outlive
	// the first.
	workers  *errgroup.Group
	appliers *errgroup.Group
	endApply context.CancelFunc
	draining chan struct{}
	stopped  chan struct{}
}

// engineState is where an Engine's own life stands.
type engineState int

const (
	engineNew engineState = iota
	engineStarting
	engineRunning
	engineDraining
	engineStopped
)

func (s engineState) String() string {
	return [...]string{"not started", "starting", "running", "draining", "stopped"}[s]
}

// errStopping is the cause of contexts that the engine itself ends. Work cut
// off by it is no failed attempt.
var errStopping = errors.New("engine is stopping")

// New checks the configuration and makes an Engine: no goroutine, no I/O.
// Every fault is reported at once, as an *InvalidError.
func New(cfg Config) (*Engine, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	if cfg.Scorer == nil {
		cfg.Scorer = score.New()
	}
	var ownSender *webhook.Sender
	if cfg.Notifier == nil {
		sender, err := webhook.NewSender(webhook.SenderConfig{
			AllowPrivateNetworks: cfg.AllowPrivateNetworks, Timeout: cfg.Timeouts.Deliver,
		})
		if err != nil {
			return nil, fmt.Errorf("making the webhook sender: %w", err)
		}
		cfg.Notifier, ownSender = sender, sender
	}
	if cfg.Queue == nil {
		cfg.Queue = NewMemoryQueue()
	}
	e := &Engine{
		cfg: cfg, log: cfg.Logger, store: cfg.Store, queue: cfg.Queue,
		ownSender: ownSender, anonymizer: anonymize.New(cfg.Keys), commit: newCommitter(cfg.Store, cfg.Now), waiters: newWaiters(),
		unfinished: newLedger(cfg.Limits.MaxAccepted),
		draining:   make(chan struct{}), stopped: make(chan struct{}),
	}
	e.endpoints = &endpointCache{e: e, by: make(map[string]cachedEndpoints)}
	if e.runs(RoleStore) {
		e.storeRole = newStoreRole(e)
	}
	var err error
	if e.metrics, err = newMetrics(e, cfg.Registerer); err != nil {
		return nil, fmt.Errorf("registering metrics: %w", err)
	}
	return e, nil
}

func (e *Engine) runs(r Role) bool { return slices.Contains(e.cfg.Roles, r) }

// Start resumes what was accepted before and runs the roles; it returns once
// they run. ctx bounds the start only. Errors: ErrStopped when it was
// started before, and the Store's own.
func (e *Engine) Start(ctx context.Context) error {
	e.mu.Lock()
	if e.state != engineNew {
		e.mu.Unlock()
		return fmt.Errorf("%w: it is %v and cannot be started again", ErrStopped, e.state)
	}
	e.state = engineStarting
	e.mu.Unlock()
	e.started = e.cfg.Now()

	go e.commit.run()
	if e.storeRole != nil {
		if err := e.storeRole.resume(ctx); err != nil {
			e.mu.Lock()
			e.state = engineStopped
			e.mu.Unlock()
			e.commit.close()
			close(e.draining)
			close(e.stopped)
			return fmt.Errorf("starting the engine: %w", err)
		}
	}
	intake, endIntake := context.WithCancel(context.Background())
	work, endWork := context.WithCancelCause(context.Background())
	apply, endApply := context.WithCancel(context.Background())
	e.endIntake, e.working, e.cutOff, e.endApply = endIntake, work, endWork, endApply
	e.workers, e.appliers = new(errgroup.Group), new(errgroup.Group)
	e.startRoles(intake, work, apply)

	e.mu.Lock()
	e.state = engineRunning
	e.mu.Unlock()
	e.log.Info("engine started", "roles", e.cfg.Roles, "unfinished", e.unfinished.size())
	return nil
}

// startRoles starts each role's loops.
func (e *Engine) startRoles(intake, work, apply context.Context) {
	if e.runs(RoleBank) {
		e.workers.Go(func() error {
			return e.serve(intake, work, SubjectBankRequest, e.cfg.Limits.FetchConcurrency, e.handleBank)
		})
	}
	if e.runs(RoleScore) {
		e.workers.Go(func() error {
			return e.serve(intake, work, SubjectScoreRequest, e.cfg.Limits.ScoreConcurrency, e.handleScore)
		})
	}
	if e.runs(RoleResponse) {
		e.workers.Go(func() error {
			return e.serve(intake, work, SubjectWebhookRequest, e.cfg.Limits.DeliverConcurrency, e.handleWebhook)
		})
	}
	if s := e.storeRole; s != nil {
		for subject, handle := range map[Subject]handler{
			SubjectBankResponse: s.handleBank, SubjectScoreResponse: s.handleScore, SubjectWebhookResponse: s.handleWebhook,
		} {
			e.appliers.Go(func() error { return e.serve(apply, apply, subject, applyConcurrency, handle) })
		}
		e.workers.Go(func() error { return e.issue(intake, work, s.jobs, s.issueFetch) })
		e.workers.Go(func() error { return e.issue(intake, work, s.scores, s.issueScore) })
		e.workers.Go(func() error { return e.issue(intake, work, s.deliveries, s.issueDelivery) })
		e.workers.Go(func() error { s.sweep(intake); return nil })
	}
}

// Stop drains and ends the engine: no request is accepted any more, running
// steps finish and are written, and what waits stays in the Store for the
// next start. When ctx ends first, running steps are cut off; that is no
// failed attempt, they are made again. Stop returns when every goroutine has
// ended, or with ctx's error when a plugged-in part does not honour its own
// context. The Store stays open: its opener closes it. Stopping twice waits
// for the same end.
func (e *Engine) Stop(ctx context.Context) error {
	e.mu.Lock()
	switch e.state {
	case engineNew:
		e.state = engineStopped
		e.mu.Unlock()
		close(e.draining)
		close(e.stopped)
		return nil
	case engineStarting:
		e.mu.Unlock()
		return fmt.Errorf("%w: it is still starting", ErrStopped)
	case engineRunning:
		e.state = engineDraining
		close(e.draining)
		e.log.Info("engine draining", "unfinished", e.unfinished.size())
		go e.drain(ctx)
	}
	e.mu.Unlock()
	select {
	case <-e.stopped:
		return nil
	case <-ctx.Done():
	}
	select { // cut-off work gets a moment to notice
	case <-e.stopped:
		return nil
	case <-time.After(cutOffGrace):
		return fmt.Errorf("stopping the engine: %w: a plugged-in part does not end", context.Cause(ctx))
	}
}

// cutOffGrace is how long cut-off steps may take to return.
const cutOffGrace = 2 * time.Second

// drain ends the engine in the order data flows.
func (e *Engine) drain(ctx context.Context) {
	defer close(e.stopped)
	cut := context.AfterFunc(ctx, func() { e.cutOff(errStopping) })
	defer cut()

	e.endIntake() // commands are neither issued nor taken any more
	_ = e.workers.Wait()
	e.calls.Wait()
	if f, ok := e.queue.(interface {
		Flush(context.Context, ...Subject) error
	}); ok && e.storeRole != nil {
		// What the workers found out is applied before the end. A failing
		// Store would hold this up for ever, hence the bound.
		flush, cancel := context.WithTimeout(context.WithoutCancel(ctx), cutOffGrace)
		if err := f.Flush(flush, SubjectBankResponse, SubjectScoreResponse, SubjectWebhookResponse); err != nil {
			e.log.Warn("answers were left unapplied; their steps will be made again", "error", err)
		}
		cancel()
	}
	e.endApply()
	_ = e.appliers.Wait()
	e.cutOff(errStopping)
	e.commit.close()
	_ = e.queue.Close()
	if e.ownSender != nil {
		e.ownSender.Close()
	}
	e.mu.Lock()
	e.state = engineStopped
	e.mu.Unlock()
	e.log.Info("engine stopped", "unfinished", e.unfinished.size())
}

// Stopped is closed when Stop has ended the engine.
func (e *Engine) Stopped() <-chan struct{} { return e.stopped }

// Ready returns nil when requests are accepted, and otherwise why not.
func (e *Engine) Ready() error {
	e.mu.Lock()
	state := e.state
	e.mu.Unlock()
	if state != engineRunning {
		return fmt.Errorf("%w: it is %v", ErrStopped, state)
	}
	if since := e.commit.busySince(); !since.IsZero() && e.cfg.Now().Sub(since) > commitWithin {
		return fmt.Errorf("the store has not taken a write since %s", since.Format(time.RFC3339))
	}
	if h, ok := e.store.(interface{ Healthy() error }); ok {
		return h.Healthy()
	}
	return nil
}

// commitWithin is how long a commit may take before the Engine calls itself
// not ready.
const commitWithin = 10 * time.Second

// enter begins a call that writes; leave ends it. Stop waits for such calls,
// and cuts them off with the running steps.
func (e *Engine) enter(ctx context.Context) (context.Context, func(), error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.state != engineRunning {
		return ctx, nil, fmt.Errorf("%w: it is %v", ErrStopped, e.state)
	}
	e.calls.Add(1)
	ctx, cancel := context.WithCancelCause(ctx)
	cut := context.AfterFunc(e.working, func() { cancel(errStopping) })
	return ctx, func() {
		cut()
		cancel(nil)
		e.calls.Done()
	}, nil
}

// today is the UTC day.
func (e *Engine) today() bank.Date { return bank.DateOf(e.cfg.Now()) }

// askedRange is the range of booking days to ask a bank for.
func (e *Engine) askedRange(bankID string, today bank.Date) bank.Range {
	history := e.cfg.History
	if h, ok := e.cfg.BankHistory[bankID]; ok {
		history = h
	}
	return bank.Range{From: today.AddDays(-int(history / (24 * time.Hour))), To: today}
}
