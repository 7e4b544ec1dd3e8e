package acme

import (
	"context"
	"errors"
	"fmt"

	"acme.example/creditscore/acme/webhook"
)

// WebhookSecret returns the secret that signs what goes to a partner's
// webhook_url: once, the first time it is asked for. Afterwards shown is
// false and secret is empty; RotateWebhookSecret gives a new one.
func (e *Engine) WebhookSecret(ctx context.Context, partner string) (secret webhook.Secret, shown bool, err error) {
	ctx, leave, err := e.enter(ctx)
	if err != nil {
		return secret, false, err
	}
	defer leave()
	if _, err := e.defaultSecret(ctx, partner); err != nil {
		return secret, false, err
	}
	var first bool
	doc, _, err := update(ctx, e, Key{KindSecret, secretID(partner)}, func() *secretDoc { return new(secretDoc) },
		func(d *secretDoc, _ uint64, _ *Tx) error {
			first = !d.Shown
			if !first {
				return errUnchanged
			}
			d.Shown = true
			return nil
		})
	if err != nil || !first {
		return secret, false, err
	}
	secret, err = e.unsealSecret(doc.Secrets[0].SealedSecret)
	return secret, err == nil, err
}

// RotateWebhookSecret gives a partner a new default secret, returned once.
// The old one signs beside it for 24 hours.
func (e *Engine) RotateWebhookSecret(ctx context.Context, partner string) (webhook.Secret, error) {
	ctx, leave, err := e.enter(ctx)
	if err != nil {
		return webhook.Secret{}, err
	}
	defer leave()
	if _, err := e.defaultSecret(ctx, partner); err != nil {
		return webhook.Secret{}, err
	}
	secret, sealed, err := e.newSecret("partner:" + partner)
	if err != nil {
		return secret, err
	}
	_, _, err = update(ctx, e, Key{KindSecret, secretID(partner)}, func() *secretDoc { return new(secretDoc) },
		func(d *secretDoc, _ uint64, _ *Tx) error {
			// A secret nobody was shown has nobody to overlap for.
			if d.Shown {
				d.Secrets = rotated(d.Secrets, sealed, e.cfg.Now())
			} else {
				d.Secrets = []keyedText{sealed}
			}
			d.Shown = true
			return nil
		})
	if err != nil {
		return webhook.Secret{}, err
	}
	return secret, nil
}

// secretID is the record's id: ids are never empty, partners may be.
func secretID(partner string) string { return "partner/" + partner }

// defaultSecret reads a partner's default secret, creating it if need be.
func (e *Engine) defaultSecret(ctx context.Context, partner string) (*secretDoc, error) {
	for range maxConflicts {
		d := new(secretDoc)
		_, err := load(ctx, e, Key{KindSecret, secretID(partner)}, d)
		if err == nil || !errors.Is(err, ErrNotFound) {
			return d, err
		}
		_, sealed, err := e.newSecret("partner:" + partner)
		if err != nil {
			return nil, err
		}
		d = &secretDoc{ID: secretID(partner), Partner: partner, CreatedAt: stamp(e.cfg.Now()), Secrets: []keyedText{sealed}}
		r, err := encode(d, 1)
		if err != nil {
			return nil, err
		}
		err = e.commit.write(ctx, Tx{Puts: []Record{r}})
		if !errors.Is(err, ErrConflict) {
			return d, err
		}
	}
	return nil, fmt.Errorf("creating a webhook secret: %w", ErrConflict)
}

// unsealSecret opens a sealed signing secret.
func (e *Engine) unsealSecret(s SealedSecret) (webhook.Secret, error) {
	plain, err := e.cfg.Keys.Unseal(s.Sealed, s.Context)
	if err != nil {
		return webhook.Secret{}, fmt.Errorf("unsealing a secret: %w", err)
	}
	defer clear(plain)
	return webhook.ParseSecret(string(plain))
}
