package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"acme.example/creditscore/acme/webhook"
)

// Config says how the demo is run.
type Config struct {
	// Once ends the demo after the walk; otherwise it serves until ctx ends.
	Once bool
	// Addr and BankAddr are where to listen. Empty: ports 8080 and 9090 on
	// loopback where they are free, any free ones otherwise.
	Addr, BankAddr string
	// Person is the login at the sandbox bank of who consents.
	Person string
	// Latency is how long the bank takes to be read.
	Latency time.Duration

	// Out gets everything that is shown.
	Out io.Writer
	// Terminal lets lines change in place, Color lets them be coloured;
	// Width is the number of columns.
	Terminal, Color bool
	Width           int
	// Logger gets the server's log.
	Logger *slog.Logger
}

// partnerID, partnerSecret and subject are the demo's own.
const (
	partnerID     = "demo"
	partnerSecret = "demo-secret"
	subject       = "user-42"
)

// Run walks through everything once and then, unless cfg.Once, serves until
// ctx ends. The temporary data is gone when it returns.
func Run(ctx context.Context, cfg Config) error {
	s := newScreen(cfg)
	s.heading("ACME turns a person's bank activity into a credit score")
	parts, err := startParts(ctx, cfg, s)
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	defer parts.stop()
	if err := walk(ctx, cfg, s, parts); err != nil {
		if ctx.Err() != nil {
			return errors.New("demo: interrupted")
		}
		return fmt.Errorf("demo: %w", err)
	}
	if cfg.Once {
		return nil
	}
	s.invitation(parts)
	return serveOn(ctx, s, parts)
}

// walk is the demo itself.
func walk(ctx context.Context, cfg Config, s *screen, parts *parts) error {
	p := &partner{base: parts.serverURL}
	s.heading("A partner signs in and says where events go")
	if err := s.step("access token for partner "+partnerID, func() error { return p.signIn(ctx) }); err != nil {
		return err
	}
	if err := s.step("webhook endpoint "+parts.hookURL, func() error { return p.registerEndpoint(ctx, parts) }); err != nil {
		return err
	}

	s.heading("A person consents at the bank")
	consent, err := consentAtBank(ctx, cfg, s, parts, p)
	if err != nil {
		return err
	}

	s.heading("An asynchronous score")
	job, err := asynchronous(ctx, s, parts, p, consent)
	if err != nil {
		return err
	}

	s.heading("A synchronous score")
	if err := s.wait("POST /v1/scores, Prefer: wait=60 → 200, the same score", func(func(string)) error {
		second, err := p.scoreNow(ctx, consent)
		if err == nil && second.Score.Value != job.Score.Value {
			err = fmt.Errorf("the second score is %d, the first was %d", second.Score.Value, job.Score.Value)
		}
		return err
	}); err != nil {
		return err
	}
	s.report(job)
	return nil
}

// consentAtBank takes the person through the redirects to a token.
func consentAtBank(ctx context.Context, cfg Config, s *screen, parts *parts, p *partner) (id string, err error) {
	var consent consentAnswer
	if err := s.step("POST /v1/consents → authorize_url", func() (err error) {
		consent, err = p.createConsent(ctx, parts.doneURL)
		return err
	}); err != nil {
		return "", err
	}
	b := newBrowser()
	if err := s.step("the browser goes to authorize_url → the bank's page", func() error {
		return b.open(ctx, consent.AuthorizeURL)
	}); err != nil {
		return "", err
	}
	if err := s.step(cfg.Person+" presses Allow → back to the partner's page", func() error {
		return b.allow(ctx, cfg.Person)
	}); err != nil {
		return "", err
	}
	arrived := b.at.Query()
	if arrived.Get("status") != "authorized" || arrived.Get("consent_id") != consent.ID {
		return "", fmt.Errorf("the browser came back with status %q", arrived.Get("status"))
	}
	s.note("consent " + consent.ID + ": authorized")
	return consent.ID, nil
}

// asynchronous asks for a score, follows its states and waits for the webhook.
func asynchronous(ctx context.Context, s *screen, parts *parts, p *partner, consent string) (*jobAnswer, error) {
	var job *jobAnswer
	if err := s.step("POST /v1/scores → 202, accepted durably", func() (err error) {
		job, err = p.askForScore(ctx, consent)
		return err
	}); err != nil {
		return nil, err
	}
	id := string(job.ID)
	if err := s.wait("the bank is read, the score made", func(show func(string)) (err error) {
		job, err = p.follow(ctx, id, show)
		return err
	}); err != nil {
		return nil, err
	}
	if job.Score == nil {
		return nil, fmt.Errorf("the job %s: %s", job.Status, job.errorText())
	}
	var got webhook.Received
	if err := s.wait("the webhook arrives and its signature holds", func(func(string)) (err error) {
		got, err = parts.awaitEvent(ctx, id)
		return err
	}); err != nil {
		return nil, err
	}
	s.note(fmt.Sprintf("%s, %s, signature ok", got.ID, got.Event.Type))
	return job, nil
}

// serveOn shows the events that come in until ctx ends.
func serveOn(ctx context.Context, s *screen, parts *parts) error {
	for {
		select {
		case <-ctx.Done():
			s.line("stopping; the temporary data is removed")
			return nil
		case err := <-parts.failed:
			return fmt.Errorf("demo: %w", err)
		case m := <-parts.events:
			s.line(fmt.Sprintf("%s  webhook %s  %s  signature ok", m.SentAt.Local().Format(time.TimeOnly), m.ID, m.Event.Type))
		}
	}
}
