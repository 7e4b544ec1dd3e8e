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

// refreshAhead is how long before its end an access token is refreshed, so
// that it lasts through a fetch.
const refreshAhead = 2 * time.Minute

// access returns the sealed grant a job's bank command carries: the inline
// one, or the consent's, refreshed if it is about to end. A fault means that
// the job cannot be fetched with it.
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
	if c.TokenExpires.IsZero() || c.TokenExpires.After(now.Add(refreshAhead)) || !c.Refreshable {
		return *c.Grant, nil, nil
	}
	return s.refreshed(ctx, c.ID)
}

func consentFault(status ConsentStatus) *Fault {
	return &Fault{Code: CodeBankUnauthorized, Detail: "the consent is " + string(status)}
}

// refreshed refreshes a consent's token once for all jobs that wait for it.
func (s *storeRole) refreshed(ctx context.Context, id ConsentID) (SealedGrant, *Fault, error) {
	type answer struct {
		grant SealedGrant
		fault *Fault
	}
	v, err, _ := s.refreshes.Do(string(id), func() (any, error) {
		g, f, err := s.refresh(ctx, id)
		return answer{g, f}, err
	})
	a, _ := v.(answer)
	return a.grant, a.fault, err
}

func (s *storeRole) refresh(ctx context.Context, id ConsentID) (SealedGrant, *Fault, error) {
	c := new(consentDoc)
	if _, err := load(ctx, s.e, Key{KindConsent, string(id)}, c); err != nil {
		return SealedGrant{}, nil, err
	}
	now := s.e.cfg.Now()
	if c.Grant == nil {
		return SealedGrant{}, consentFault(c.status(now)), nil
	}
	if c.TokenExpires.After(now.Add(refreshAhead)) { // someone was faster
		return *c.Grant, nil, nil
	}
	old, err := s.e.unsealGrant(*c.Grant)
	if err != nil {
		return SealedGrant{}, nil, err
	}
	consenter, err := s.e.consenter(c.Bank)
	if err != nil {
		return *c.Grant, nil, nil //nolint:nilerr // no way to refresh: the bank decides whether the token still is good
	}
	ctx, cancel := context.WithTimeout(ctx, s.e.cfg.Timeouts.Fetch)
	defer cancel()
	fresh, err := guard(func() (bank.Grant, error) { return consenter.Refresh(ctx, old) })
	if err != nil {
		f := faultOf(ctx, err)
		if f.Code == CodeBankUnauthorized {
			// The bank has ended it: nobody need ask with it again.
			if err := s.e.endConsent(ctx, id, ConsentExpired); err != nil {
				return SealedGrant{}, nil, err
			}
		}
		return SealedGrant{}, f, nil
	}
	// Durable before it is used: a bank that rotates refresh tokens has
	// already ended the old one.
	sealed, err := s.e.replaceGrant(ctx, id, fresh)
	if errors.Is(err, ErrConsentUnusable) { // revoked meanwhile
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
			c.keep(sealed, g)
			return nil
		})
	return sealed, err
}
