package acme

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"acme.example/creditscore/acme/bank"
)

// grantText is a bank.Grant in the clear: only ever between the keyset and
// the place where it is used.
type grantText struct {
	Access  string    `json:"a"`
	Refresh string    `json:"r,omitempty"`
	Expires time.Time `json:"e,omitzero"`
	Consent string    `json:"c,omitempty"`
}

// sealGrant seals a grant for the job or consent that context names.
func (e *Engine) sealGrant(context string, g bank.Grant) (SealedGrant, error) {
	plain, err := json.Marshal(grantText{g.AccessToken.Reveal(), g.RefreshToken.Reveal(), g.ExpiresAt, g.ConsentID.Reveal()})
	if err != nil {
		return SealedGrant{}, fmt.Errorf("sealing a grant: %w", err)
	}
	defer clear(plain)
	sealed, err := e.cfg.Keys.Seal(plain, context)
	if err != nil {
		return SealedGrant{}, fmt.Errorf("sealing a grant: %w", err)
	}
	return SealedGrant{Context: context, Sealed: sealed}, nil
}

// unsealGrant opens what sealGrant sealed.
func (e *Engine) unsealGrant(s SealedGrant) (bank.Grant, error) {
	plain, err := e.cfg.Keys.Unseal(s.Sealed, s.Context)
	if err != nil {
		return bank.Grant{}, fmt.Errorf("unsealing a grant: %w", err)
	}
	defer clear(plain)
	var t grantText
	if err := json.Unmarshal(plain, &t); err != nil {
		return bank.Grant{}, errors.New("unsealing a grant: not a grant")
	}
	return bank.Grant{
		AccessToken: bank.NewToken(t.Access), RefreshToken: bank.NewToken(t.Refresh),
		ExpiresAt: t.Expires, ConsentID: bank.NewText(t.Consent),
	}, nil
}

// Refreshing: how long before its end an access token is refreshed, so that
// it lasts through a fetch, and how long that may take.
const (
	refreshAhead  = 2 * time.Minute
	refreshWithin = 30 * time.Second
	revokeWithin  = 15 * time.Second
)

// access returns the sealed token a job's bank command carries: the inline
// one, or the consent's, refreshed if it is about to end or was refused. A
// fault means that the job cannot be fetched with it.
func (s *storeRole) access(ctx context.Context, doc *jobDoc) (SealedGrant, *Fault, error) {
	if doc.Consent == "" {
		if doc.Access == nil {
			return SealedGrant{}, &Fault{Code: CodeBankUnauthorized, Detail: "the job holds no token"}, nil
		}
		return *doc.Access, nil, nil
	}
	c := new(consentDoc)
	_, err := load(ctx, s.e, Key{KindConsent, string(doc.Consent)}, c)
	if errors.Is(err, ErrNotFound) {
		return SealedGrant{}, consentFault(ConsentRevoked), nil
	}
	if err != nil {
		return SealedGrant{}, nil, err
	}
	now := s.e.cfg.Now()
	if status := c.status(now); status != ConsentAuthorized || c.Grant == nil {
		return SealedGrant{}, consentFault(status), nil
	}
	grant := *c.Grant
	switch {
	case c.fresh(now, doc):
	case c.Refreshable:
		var fault *Fault
		if grant, fault, err = s.refreshed(ctx, doc); fault != nil || err != nil {
			return SealedGrant{}, fault, err
		}
	case doc.Renew:
		return SealedGrant{}, &Fault{Code: CodeBankUnauthorized, Detail: "the bank refused the token, and there is none to refresh it with"}, nil
	}
	return s.forJob(doc.ID, grant)
}

// fresh tells whether the token can be used as it is.
func (c *consentDoc) fresh(now time.Time, doc *jobDoc) bool {
	if doc.Renew && !c.RefreshedAt.After(doc.NotBefore) {
		return false // it is the one the bank refused
	}
	return c.TokenExpires.IsZero() || c.TokenExpires.After(now.Add(refreshAhead))
}

// forJob seals what a fetch needs of a consent's grant for one job: the
// refresh token stays here.
func (s *storeRole) forJob(id JobID, sealed SealedGrant) (SealedGrant, *Fault, error) {
	g, err := s.e.unsealGrant(sealed)
	if err != nil {
		s.e.log.Error("a consent's tokens cannot be opened", "job", id, "error", err)
		return SealedGrant{}, &Fault{Code: CodeBankUnauthorized, Detail: "the consent's token cannot be opened"}, nil
	}
	g.RefreshToken = bank.Token{}
	out, err := s.e.sealGrant("job:"+string(id), g)
	return out, nil, err
}

func consentFault(status ConsentStatus) *Fault {
	return &Fault{Code: CodeBankUnauthorized, Detail: "the consent is " + string(status)}
}

// refreshed refreshes a consent's token once for all jobs that wait for it.
func (s *storeRole) refreshed(ctx context.Context, doc *jobDoc) (SealedGrant, *Fault, error) {
	type answer struct {
		grant SealedGrant
		fault *Fault
	}
	v, err, _ := s.refreshes.Do(string(doc.Consent), func() (any, error) {
		g, f, err := s.refresh(ctx, doc)
		return answer{g, f}, err
	})
	a, _ := v.(answer)
	return a.grant, a.fault, err
}

func (s *storeRole) refresh(ctx context.Context, doc *jobDoc) (SealedGrant, *Fault, error) {
	c := new(consentDoc)
	if _, err := load(ctx, s.e, Key{KindConsent, string(doc.Consent)}, c); err != nil {
		return SealedGrant{}, nil, err
	}
	now := s.e.cfg.Now()
	if c.Grant == nil {
		return SealedGrant{}, consentFault(c.status(now)), nil
	}
	consenter, err := s.e.consenter(c.Bank)
	if err != nil || c.fresh(now, doc) {
		// Someone was faster; or there is no way to refresh, and the bank
		// decides whether the token still is good.
		return *c.Grant, nil, nil //nolint:nilerr // see above
	}
	old, err := s.e.unsealGrant(*c.Grant)
	if err != nil {
		s.e.log.Error("a consent's tokens cannot be opened", "consent", c.ID, "error", err)
		return SealedGrant{}, &Fault{Code: CodeBankUnauthorized, Detail: "the consent's token cannot be opened"}, nil
	}
	called, cancel := context.WithTimeout(ctx, refreshWithin)
	defer cancel()
	fresh, err := guard(func() (bank.Grant, error) { return consenter.Refresh(called, old) })
	if err != nil {
		if stopping(ctx) {
			return SealedGrant{}, nil, errStopping
		}
		f := faultOf(called, err)
		f.TokenRefused = false
		if f.Code == CodeBankUnauthorized {
			// The bank has ended it: nobody need ask with it again.
			if err := s.e.endConsent(ctx, c.ID, ConsentExpired); err != nil {
				return SealedGrant{}, nil, err
			}
		}
		return SealedGrant{}, f, nil
	}
	// Durable before it is used: a bank that rotates refresh tokens has
	// already ended the old one.
	sealed, err := s.e.replaceGrant(context.WithoutCancel(ctx), c.ID, fresh)
	if errors.Is(err, ErrConsentUnusable) {
		s.e.revokeAtBank(ctx, c.ID, c.Bank, fresh) // ended meanwhile: nobody holds this one
		return SealedGrant{}, consentFault(ConsentRevoked), nil
	}
	return sealed, nil, err
}

// replaceGrant writes a refreshed grant into its consent.
func (e *Engine) replaceGrant(ctx context.Context, id ConsentID, g bank.Grant) (SealedGrant, error) {
	sealed, err := e.sealGrant("consent:"+string(id), g)
	if err != nil {
		return SealedGrant{}, err
	}
	_, _, err = update(ctx, e, Key{KindConsent, string(id)}, func() *consentDoc { return new(consentDoc) },
		func(c *consentDoc, _ uint64, _ *Tx) error {
			if c.Status != ConsentAuthorized {
				return ErrConsentUnusable
			}
			c.keep(sealed, g, e.cfg.Retention.Jobs)
			c.RefreshedAt = stamp(e.cfg.Now())
			return nil
		})
	return sealed, err
}

// revokeAtBank tells the bank that a grant is over, whether the caller waits
// for it or not.
func (e *Engine) revokeAtBank(ctx context.Context, id ConsentID, bankID string, g bank.Grant) {
	consenter, err := e.consenter(bankID)
	if err != nil || g.AccessToken.IsZero() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), revokeWithin)
	defer cancel()
	if _, err := guard(func() (struct{}, error) { return struct{}{}, consenter.Revoke(ctx, g) }); err != nil {
		e.log.Warn("the bank did not revoke a token", "consent", id, "bank", bankID, "error", publicError(err))
	}
}
