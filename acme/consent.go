package acme

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"acme.example/creditscore/acme/bank"
)

// consentDoc is a consent as it is stored.
type consentDoc struct {
	ID          ConsentID     `json:"id"`
	Partner     string        `json:"partner,omitempty"`
	Status      ConsentStatus `json:"status"`
	Bank        string        `json:"bank"`
	Subject     string        `json:"subject"`
	RedirectURI string        `json:"redirect_uri,omitempty"`
	CreatedAt   time.Time     `json:"created_at"`
	// EndsAt is when a consent that is not authorized by then, or cannot be
	// refreshed, is over.
	EndsAt time.Time `json:"ends_at,omitzero"`

	Grant        *SealedGrant `json:"grant,omitempty"`
	TokenExpires time.Time    `json:"token_expires,omitzero"`
	Refreshable  bool         `json:"refreshable,omitempty"`
	RefreshedAt  time.Time    `json:"refreshed_at,omitzero"`
	// ExpiresAt is when the record is deleted: some time after its end.
	ExpiresAt time.Time `json:"expires_at,omitzero"`
}

func (c *consentDoc) record() Record {
	return Record{
		Key: Key{KindConsent, string(c.ID)}, Owner: c.Partner, Group: c.Subject,
		Status: string(c.Status), CreatedAt: c.CreatedAt, ExpiresAt: c.ExpiresAt,
	}
}

// status is the stored one, or expired once its time is over.
func (c *consentDoc) status(now time.Time) ConsentStatus {
	open := c.Status == ConsentAwaiting || c.Status == ConsentAuthorized
	if open && !c.EndsAt.IsZero() && !now.Before(c.EndsAt) {
		return ConsentExpired
	}
	return c.Status
}

// keep takes a grant over.
func (c *consentDoc) keep(sealed SealedGrant, g bank.Grant, retention time.Duration) {
	c.Grant, c.TokenExpires, c.Refreshable = &sealed, stamp(g.ExpiresAt), !g.RefreshToken.IsZero()
	if g.ExpiresAt.IsZero() {
		c.TokenExpires = time.Time{}
	}
	c.EndsAt, c.ExpiresAt = time.Time{}, time.Time{}
	if !c.Refreshable && !c.TokenExpires.IsZero() {
		c.EndsAt, c.ExpiresAt = c.TokenExpires, c.TokenExpires.Add(retention)
	}
}

func (c *consentDoc) consent(now time.Time) *Consent {
	out := &Consent{
		ID: c.ID, Status: c.status(now), Bank: c.Bank, Subject: c.Subject,
		RedirectURI: c.RedirectURI, CreatedAt: c.CreatedAt, Partner: c.Partner,
	}
	if !c.EndsAt.IsZero() {
		at := c.EndsAt
		out.ExpiresAt = &at
	}
	return out
}

// How long a person may take: to start, and then at the bank.
const (
	consentOpenFor = 24 * time.Hour
	flowOpenFor    = time.Hour
)

// CreateConsent creates a consent: one that awaits the person's
// authorization (see AuthorizeConsent), or, when the request holds tokens,
// one that is authorized already.
//
// Errors: *InvalidError, ErrUnknownBank, ErrNoAuthorization, ErrStopped, and
// the Store's own.
func (e *Engine) CreateConsent(ctx context.Context, r ConsentRequest) (*Consent, error) {
	ctx, leave, err := e.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	if err := r.validate(); err != nil {
		return nil, err
	}
	if !e.knowsBank(r.Bank) {
		return nil, fmt.Errorf("%w %q", ErrUnknownBank, r.Bank)
	}
	now := stamp(e.cfg.Now())
	c := &consentDoc{
		ID: ConsentID(newID("con_", now)), Partner: r.Partner, Status: ConsentAwaiting, Bank: r.Bank,
		Subject: r.Subject, RedirectURI: r.RedirectURI, CreatedAt: now, EndsAt: now.Add(consentOpenFor),
		ExpiresAt: now.Add(consentOpenFor + e.cfg.Retention.Jobs),
	}
	var tx Tx
	var outbox []*deliveryDoc
	if r.RedirectURI != "" {
		if _, err := e.consenter(r.Bank); err != nil {
			return nil, err
		}
	} else {
		g := bank.Grant{AccessToken: r.AccessToken, RefreshToken: r.RefreshToken, ConsentID: r.BankConsentID}
		if r.ExpiresAt != nil {
			g.ExpiresAt = *r.ExpiresAt
		}
		sealed, err := e.sealGrant("consent:"+string(c.ID), g)
		if err != nil {
			return nil, err
		}
		c.Status = ConsentAuthorized
		c.keep(sealed, g, e.cfg.Retention.Jobs)
		if outbox, err = e.consentOutbox(ctx, c, EventConsentAuthorized, now, &tx); err != nil {
			return nil, err
		}
	}
	rec, err := encode(c, 1)
	if err != nil {
		return nil, err
	}
	tx.Puts = append(tx.Puts, rec)
	if err := e.commit.write(ctx, tx); err != nil {
		return nil, fmt.Errorf("creating a consent: %w", err)
	}
	e.deliverSoon(outbox)
	return c.consent(now), nil
}

// Consent returns a consent, or ErrNotFound.
func (e *Engine) Consent(ctx context.Context, id ConsentID) (*Consent, error) {
	c := new(consentDoc)
	if _, err := load(ctx, e, Key{KindConsent, string(id)}, c); err != nil {
		return nil, err
	}
	return c.consent(e.cfg.Now()), nil
}

// flowDoc is one attempt to authorize at the bank. Its id is a keyed digest
// of the OAuth state, so that a callback finds it and nobody else can.
type flowDoc struct {
	ID        string    `json:"id"`
	Consent   ConsentID `json:"consent"`
	Partner   string    `json:"partner,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	EndsAt    time.Time `json:"ends_at"`
	// Secrets are the state and the verifier, sealed.
	Secrets SealedGrant `json:"secrets"`
}

func (f *flowDoc) record() Record {
	return Record{Key: Key{KindFlow, f.ID}, Owner: f.Partner, Group: string(f.Consent), CreatedAt: f.CreatedAt, ExpiresAt: f.EndsAt}
}

// AuthorizeConsent starts the authorization at the bank and returns the
// address to send the person's browser to. A person who comes back starts
// anew; the older attempt stays valid for an hour.
//
// Errors: ErrNotFound, ErrConsentUnusable (not awaiting authorization),
// ErrNoAuthorization, *bank.Error, ErrStopped.
func (e *Engine) AuthorizeConsent(ctx context.Context, id ConsentID) (string, error) {
	ctx, leave, err := e.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	c := new(consentDoc)
	if _, err := load(ctx, e, Key{KindConsent, string(id)}, c); err != nil {
		return "", err
	}
	now := stamp(e.cfg.Now())
	if status := c.status(now); status != ConsentAwaiting {
		return "", fmt.Errorf("%w: it is %s", ErrConsentUnusable, status)
	}
	consenter, err := e.consenter(c.Bank)
	if err != nil {
		return "", err
	}
	a, err := guard(func() (bank.Authorization, error) { return consenter.Authorize(ctx, e.cfg.CallbackURL) })
	if err != nil {
		return "", fmt.Errorf("starting the authorization: %w", err)
	}
	flowID, err := e.digest("oauth-state", a.State.Reveal())
	if err != nil {
		return "", err
	}
	// State and verifier travel as a grant's two tokens.
	sealed, err := e.sealGrant("flow:"+flowID, bank.Grant{AccessToken: a.State, RefreshToken: a.Verifier, ConsentID: a.ConsentID})
	if err != nil {
		return "", err
	}
	f := &flowDoc{ID: flowID, Consent: c.ID, Partner: c.Partner, CreatedAt: now, EndsAt: now.Add(flowOpenFor), Secrets: sealed}
	rec, err := encode(f, 1)
	if err != nil {
		return "", err
	}
	if err := e.commit.write(ctx, Tx{Puts: []Record{rec}}); err != nil {
		return "", fmt.Errorf("starting the authorization: %w", err)
	}
	return a.URL, nil
}

// CompleteConsent takes the bank's answer from the browser. A state serves
// once: whatever comes of it, a second callback with it is ErrFlowUnknown.
// On a denial the consent comes back as denied, without an error. When the
// exchange fails, the consent comes back with the error and still awaits.
//
// Errors: ErrFlowUnknown, *bank.Error, ErrConsentUnusable, ErrStopped.
func (e *Engine) CompleteConsent(ctx context.Context, cb bank.Callback) (*Consent, error) {
	ctx, leave, err := e.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	f, a, err := e.takeFlow(ctx, cb)
	if err != nil {
		return nil, err
	}
	c, err := e.Consent(ctx, f.Consent)
	if err != nil {
		return nil, err
	}
	if c.Status != ConsentAwaiting {
		return c, fmt.Errorf("%w: it is %s", ErrConsentUnusable, c.Status)
	}
	consenter, err := e.consenter(c.Bank)
	if err != nil {
		return c, err
	}
	g, err := guard(func() (bank.Grant, error) { return consenter.Exchange(ctx, e.cfg.CallbackURL, a, cb) })
	if errors.Is(err, bank.ErrDenied) {
		// Believed only now: the exchange has checked who says so.
		if err := e.endConsent(ctx, c.ID, ConsentDenied); err != nil {
			return c, err
		}
		return e.Consent(ctx, c.ID)
	}
	if err != nil {
		return c, fmt.Errorf("exchanging the code: %w", err)
	}
	if g.ConsentID.IsZero() {
		g.ConsentID = a.ConsentID
	}
	if err := e.authorized(ctx, c.ID, g); err != nil {
		return c, err
	}
	return e.Consent(ctx, c.ID)
}

// takeFlow finds a callback's flow and ends it.
func (e *Engine) takeFlow(ctx context.Context, cb bank.Callback) (*flowDoc, bank.Authorization, error) {
	var a bank.Authorization
	if cb.State.IsZero() {
		return nil, a, ErrFlowUnknown
	}
	id, err := e.digest("oauth-state", cb.State.Reveal())
	if err != nil {
		return nil, a, err
	}
	f := new(flowDoc)
	version, err := load(ctx, e, Key{KindFlow, id}, f)
	if errors.Is(err, ErrNotFound) {
		return nil, a, ErrFlowUnknown
	}
	if err != nil {
		return nil, a, err
	}
	// Taken before it is used, so that of two callbacks only one goes on.
	err = e.commit.write(ctx, Tx{Deletes: []VersionedKey{{Key{KindFlow, id}, version}}})
	if errors.Is(err, ErrConflict) || (err == nil && !e.cfg.Now().Before(f.EndsAt)) {
		return nil, a, ErrFlowUnknown
	}
	if err != nil {
		return nil, a, fmt.Errorf("ending the authorization: %w", err)
	}
	g, err := e.unsealGrant(f.Secrets)
	if err != nil {
		return nil, a, err
	}
	return f, bank.Authorization{State: g.AccessToken, Verifier: g.RefreshToken, ConsentID: g.ConsentID}, nil
}

// authorized keeps the grant and tells the partner.
func (e *Engine) authorized(ctx context.Context, id ConsentID, g bank.Grant) error {
	sealed, err := e.sealGrant("consent:"+string(id), g)
	if err != nil {
		return err
	}
	return e.changeConsent(ctx, id, EventConsentAuthorized, func(c *consentDoc) error {
		if c.Status != ConsentAwaiting {
			return fmt.Errorf("%w: it is %s", ErrConsentUnusable, c.Status)
		}
		c.Status = ConsentAuthorized
		c.keep(sealed, g, e.cfg.Retention.Jobs)
		return nil
	})
}

// RevokeConsent ends a consent: the tokens are destroyed here and revoked at
// the bank (RFC 7009), which gets 15 s to answer whether or not the caller
// still waits. What counts is that ACME no longer has them; that a bank did
// not answer is logged. A consent that has ended already stays as it is.
//
// Errors: ErrNotFound, ErrStopped.
func (e *Engine) RevokeConsent(ctx context.Context, id ConsentID) error {
	ctx, leave, err := e.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	was, err := e.end(ctx, id, ConsentRevoked)
	if err != nil || was.Grant == nil {
		return err
	}
	grant, err := e.unsealGrant(*was.Grant)
	if err != nil {
		// It cannot be revoked at the bank, but it is destroyed here.
		e.log.Error("a consent's tokens cannot be opened", "consent", id, "error", err)
		return nil
	}
	e.revokeAtBank(ctx, id, was.Bank, grant)
	return nil
}

// endConsent moves a consent to a final state and destroys its tokens.
func (e *Engine) endConsent(ctx context.Context, id ConsentID, to ConsentStatus) error {
	_, err := e.end(ctx, id, to)
	return err
}

// end is endConsent; it returns the consent as it was in the moment before.
func (e *Engine) end(ctx context.Context, id ConsentID, to ConsentStatus) (was consentDoc, err error) {
	event := ""
	if to == ConsentRevoked {
		event = EventConsentRevoked
	}
	err = e.changeConsent(ctx, id, event, func(c *consentDoc) error {
		was = consentDoc{}
		if c.Status != ConsentAwaiting && c.Status != ConsentAuthorized {
			return errUnchanged
		}
		was = *c
		c.Status, c.Grant, c.TokenExpires, c.Refreshable, c.EndsAt = to, nil, time.Time{}, false, time.Time{}
		c.ExpiresAt = stamp(e.cfg.Now().Add(e.cfg.Retention.Jobs))
		return nil
	})
	return was, err
}

// changeConsent writes a change of a consent together with its event.
func (e *Engine) changeConsent(ctx context.Context, id ConsentID, event string, change func(*consentDoc) error) error {
	var outbox []*deliveryDoc
	_, _, err := update(ctx, e, Key{KindConsent, string(id)}, func() *consentDoc { return new(consentDoc) },
		func(c *consentDoc, _ uint64, tx *Tx) (err error) {
			outbox = nil
			if err := change(c); err != nil || event == "" {
				return err
			}
			outbox, err = e.consentOutbox(ctx, c, event, stamp(e.cfg.Now()), tx)
			return err
		})
	if err == nil {
		e.deliverSoon(outbox)
	}
	return err
}

// consenter returns the way to a bank's consents.
func (e *Engine) consenter(bankID string) (bank.Consenter, error) {
	if b, ok := e.cfg.Bank.(ConsentingBank); ok && e.cfg.CallbackURL != "" {
		if c, ok := b.Consenter(bankID); ok {
			return c, nil
		}
	}
	return nil, fmt.Errorf("%w: bank %q", ErrNoAuthorization, bankID)
}

// consentOutbox adds a consent event for every endpoint that wants it.
func (e *Engine) consentOutbox(ctx context.Context, c *consentDoc, event string, now time.Time, tx *Tx) ([]*deliveryDoc, error) {
	data, err := json.Marshal(c.consent(now))
	if err != nil {
		return nil, fmt.Errorf("encoding a consent event: %w", err)
	}
	return e.outbox(ctx, tx, deliveryDoc{Partner: c.Partner, Type: event, CreatedAt: now, Data: data}, "")
}
