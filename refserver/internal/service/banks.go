package service

import (
	"fmt"
	"time"

	"acme.example/creditscore/acme/bank"
	"acme.example/creditscore/acme/bank/berlingroup"
	"acme.example/creditscore/refserver/internal/config"
)

// openBanks makes an adapter for each bank. It makes no request.
func openBanks(list []config.Bank) (*banks, error) {
	b := &banks{history: make(map[string]time.Duration, len(list))}
	adapters := make(map[string]bank.Adapter, len(list))
	for i, c := range list {
		a, err := berlingroup.New(berlingroup.Config{
			BaseURL: c.BaseURL,
			Timeout: c.Timeout,
			OAuth: bank.OAuthConfig{
				ClientID: c.ClientID, ClientSecret: c.ClientSecret,
				AuthorizationURL: c.AuthorizationURL, TokenURL: c.TokenURL, RevocationURL: c.RevocationURL,
			},
		})
		if err != nil {
			return nil, fmt.Errorf("banks[%d] (%s): %w", i, c.ID, err)
		}
		b.close = append(b.close, a.Close)
		b.history[c.ID] = c.History
		adapters[c.ID] = a
		if !a.CanConsent() {
			adapters[c.ID] = tokensOnly{a}
		}
	}
	b.directory = bank.NewDirectory(adapters)
	return b, nil
}

// tokensOnly hides that an adapter could obtain consents, for a bank whose
// authorization server is not configured.
type tokensOnly struct{ bank.Adapter }
