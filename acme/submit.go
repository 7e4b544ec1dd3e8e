package acme

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"acme.example/creditscore/acme/bank"
)

// Submit accepts a request. When it returns a job, the job is durable and
// will finish once, whatever crashes.
//
// Errors: *InvalidError, ErrUnknownBank, ErrConsentUnusable, ErrNotFound (no
// such consent of this partner), ErrIdempotencyMismatch, ErrBusy (a
// *BusyError), ErrStopped, and the Store's own.
func (e *Engine) Submit(ctx context.Context, r Request) (*Job, error) {
	ctx, leave, err := e.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	if err := r.validate(e.cfg.AllowPrivateNetworks); err != nil {
		return nil, err
	}
	idem, err := e.idempotency(r)
	if err != nil {
		return nil, err
	}
	if idem != nil {
		if job, err := e.replayed(ctx, idem); job != nil || err != nil {
			return job, err
		}
	}
	now := stamp(e.cfg.Now())
	doc := &jobDoc{
		ID: JobID(newID("scr_", now)), Partner: r.Partner, Status: StatusAccepted,
		Subject: r.Subject, Bank: r.Bank, Consent: r.ConsentID, CreatedAt: now,
		Metadata: r.Metadata, Loan: r.Loan, WebhookURL: r.WebhookURL, Attempt: 1, DueAt: now,
	}
	if err := e.bindAccess(ctx, doc, r); err != nil {
		return nil, err
	}
	if !e.unfinished.admit(doc.ID) {
		return nil, &BusyError{RetryAfter: e.busyFor()}
	}
	err = e.create(ctx, doc, idem, now)
	if err != nil {
		if idem != nil && errors.Is(err, ErrConflict) {
			// Another request with the same key was faster.
			if job, err := e.replayed(ctx, idem); job != nil || err != nil {
				return job, err
			}
		}
		return nil, fmt.Errorf("accepting the request: %w", err)
	}
	return doc.job(1), nil
}

// created follows the write of a new job, whether or not its caller still
// waits: the job's place is given back only when it is known not to be there.
func (e *Engine) created(id JobID, at time.Time, err error) {
	if err != nil {
		// Should it be there all the same, the sweep finds it.
		e.unfinished.release(id)
		return
	}
	e.metrics.accepted.Inc()
	if e.storeRole != nil {
		e.storeRole.jobs.add(string(id), at)
	}
}

// bindAccess settles whose account is read and with what.
func (e *Engine) bindAccess(ctx context.Context, doc *jobDoc, r Request) error {
	if r.ConsentID != "" {
		c, err := e.Consent(ctx, r.ConsentID)
		if err != nil {
			return err
		}
		if c.Partner != r.Partner {
			return fmt.Errorf("consent %s: %w", r.ConsentID, ErrNotFound)
		}
		if c.Status != ConsentAuthorized {
			return fmt.Errorf("%w: consent %s is %s", ErrConsentUnusable, c.ID, c.Status)
		}
		doc.Bank, doc.Subject = c.Bank, c.Subject
		return nil
	}
	if !e.knowsBank(r.Bank) {
		return fmt.Errorf("%w %q", ErrUnknownBank, r.Bank)
	}
	sealed, err := e.sealGrant("job:"+string(doc.ID), bank.Grant{AccessToken: r.AccessToken, ConsentID: r.BankConsentID})
	if err != nil {
		return err
	}
	doc.Access = &sealed
	return nil
}

// knowsBank is true also when the BankClient cannot tell.
func (e *Engine) knowsBank(id string) bool {
	k, ok := e.cfg.Bank.(KnownBanks)
	return !ok || k.Has(id)
}

func (e *Engine) create(ctx context.Context, doc *jobDoc, idem *idempotencyDoc, now time.Time) error {
	r, err := encode(doc, 1)
	tx := Tx{Puts: []Record{r}}
	if err == nil && idem != nil {
		idem.Job, idem.CreatedAt = doc.ID, now
		idem.ExpiresAt = now.Add(e.cfg.Retention.IdempotencyKeys)
		r, err = encode(idem, 1)
		tx.Puts = append(tx.Puts, r)
	}
	if err != nil {
		e.unfinished.release(doc.ID)
		return err
	}
	return e.commit.writeThen(ctx, tx, func(err error) { e.created(doc.ID, now, err) })
}

// idempotencyDoc remembers which job a key made, and of what request.
type idempotencyDoc struct {
	ID          string    `json:"id"`
	Partner     string    `json:"partner,omitempty"`
	Job         JobID     `json:"job"`
	Fingerprint string    `json:"fingerprint"`
	CreatedAt   time.Time `json:"created_at"`
	ExpiresAt   time.Time `json:"expires_at"`
}

func (d *idempotencyDoc) record() Record {
	return Record{Key: Key{KindIdempotency, d.ID}, Owner: d.Partner, CreatedAt: d.CreatedAt, ExpiresAt: d.ExpiresAt}
}

// idempotency returns what to remember of the request's key; nil without one.
// Key and request are kept as keyed digests: the request holds a token, and
// an unkeyed digest of a token could be tried out.
func (e *Engine) idempotency(r Request) (*idempotencyDoc, error) {
	if r.IdempotencyKey == "" {
		return nil, nil
	}
	id, err := e.digest("idempotency-key", r.Partner, r.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(struct {
		Consent  ConsentID
		Bank     string
		Subject  string
		Loan     *LoanTerms
		URL      string
		Metadata map[string]string
	}{r.ConsentID, r.Bank, r.Subject, r.Loan, r.WebhookURL, r.Metadata})
	if err != nil {
		return nil, fmt.Errorf("fingerprinting the request: %w", err)
	}
	print, err := e.digest("request", string(body), r.AccessToken.Reveal(), r.BankConsentID.Reveal())
	if err != nil {
		return nil, err
	}
	return &idempotencyDoc{ID: id, Partner: r.Partner, Fingerprint: print}, nil
}

// replayed answers a request whose key was used before; nil when it was not.
func (e *Engine) replayed(ctx context.Context, want *idempotencyDoc) (*Job, error) {
	var seen idempotencyDoc
	version, err := load(ctx, e, Key{KindIdempotency, want.ID}, &seen)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	case !seen.ExpiresAt.After(e.cfg.Now()):
		return nil, e.forgetKey(ctx, want.ID, version) // past its time, not yet swept away
	case seen.Fingerprint != want.Fingerprint:
		return nil, ErrIdempotencyMismatch
	}
	job, err := e.Job(ctx, seen.Job)
	if errors.Is(err, ErrNotFound) {
		// Retention has taken the job before the key.
		return nil, e.forgetKey(ctx, want.ID, version)
	}
	if err != nil {
		return nil, err
	}
	job.Replayed = true
	return job, nil
}

// forgetKey deletes a key that must neither answer nor stand in the way.
func (e *Engine) forgetKey(ctx context.Context, id string, version uint64) error {
	err := e.commit.write(ctx, Tx{Deletes: []VersionedKey{{Key{KindIdempotency, id}, version}}})
	if errors.Is(err, ErrConflict) { // somebody else has
		return nil
	}
	return err
}

// digest is a keyed digest of parts, each bounded by its length.
func (e *Engine) digest(parts ...string) (string, error) {
	var in []byte
	for _, p := range parts {
		in = fmt.Appendf(in, "%d:%s", len(p), p)
	}
	out, err := e.cfg.Keys.PRF(in, 16)
	clear(in)
	if err != nil {
		return "", fmt.Errorf("keyed digest: %w", err)
	}
	return hex.EncodeToString(out), nil
}

// busyFor guesses when there will be room: the time one of the places takes
// to come free is far below a second under load, but a caller that was
// refused should not come back at once.
func (e *Engine) busyFor() time.Duration { return 5 * time.Second }
