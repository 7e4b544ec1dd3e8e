package config

import (
	"time"

	"acme.example/creditscore/acme/bank"
)

// Config is everything the server can be told. Its fields' tags are the one
// source for names (yaml), checks (validate) and what a fault says is allowed
// (allowed). A field tagged secret is never quoted.
type Config struct {
	Listen          string        `yaml:"listen" validate:"listen" allowed:"host:port, such as 127.0.0.1:8080 (port 0: any free one)"`
	PublicURL       string        `yaml:"public_url" validate:"omitempty,baseurl" allowed:"an http or https URL without query, such as https://score.example"`
	DataDir         string        `yaml:"data_dir" validate:"required" allowed:"a folder"`
	Store           string        `yaml:"store" validate:"store" allowed:"pebble (postgres:// URLs are not in this build)"`
	Queue           string        `yaml:"queue" validate:"queue" allowed:"memory (nats:// URLs are not in this build)"`
	KeysetFile      string        `yaml:"keyset_file" allowed:"a file; empty: keyset.json in data_dir"`
	ShutdownTimeout time.Duration `yaml:"shutdown_timeout" validate:"gt=0,max=1h" allowed:"a duration over 0 and up to 1h, such as 30s"`
	Roles           []string      `yaml:"roles" validate:"min=1,unique,dive,oneof=request bank store score response" allowed:"one or more of request, bank, store, score, response, each once"`
	Partners        []Partner     `yaml:"partners" validate:"min=1,unique=ID,dive" allowed:"at least one partner, each with an id of its own"`
	Webhook         Webhook       `yaml:"webhook"`
	Limits          Limits        `yaml:"limits"`
	Retention       Retention     `yaml:"retention"`
	Banks           []Bank        `yaml:"banks" validate:"min=1,unique=ID,dive" allowed:"at least one bank, each with an id of its own"`
}

// Partner is one who may call the API.
type Partner struct {
	ID           string     `yaml:"id" validate:"required,name" allowed:"1 to 128 letters, digits, dots, hyphens and underscores"`
	Secret       bank.Token `yaml:"secret" secret:"true" validate:"required_without=SecretFile,excluded_with=SecretFile" allowed:"a secret here or in secret_file, not in both"`
	SecretFile   string     `yaml:"secret_file" allowed:"a readable file that holds the secret"`
	RedirectURIs []string   `yaml:"redirect_uris" validate:"dive,redirect" allowed:"https URLs, or http ones on loopback, without fragment"`
}

// Webhook is how events are delivered.
type Webhook struct {
	AllowPrivateNetworks bool `yaml:"allow_private_networks" allowed:"true or false"`
}

// Limits bounds what runs at once, and for how long a caller may wait.
type Limits struct {
	FetchConcurrency   int           `yaml:"fetch_concurrency" validate:"min=1,max=1000000" allowed:"a number from 1 to 1000000"`
	ScoreConcurrency   int           `yaml:"score_concurrency" validate:"min=0,max=100000" allowed:"a number from 0 to 100000 (0: one a processor)"`
	DeliverConcurrency int           `yaml:"deliver_concurrency" validate:"min=1,max=100000" allowed:"a number from 1 to 100000"`
	MaxAccepted        int           `yaml:"max_accepted" validate:"min=1,max=100000000" allowed:"a number from 1 to 100000000"`
	MaxWait            time.Duration `yaml:"max_wait" validate:"min=0,max=1h" allowed:"a duration from 0s to 1h, such as 120s"`
}

// Retention is how long records are kept.
type Retention struct {
	Profiles        time.Duration `yaml:"profiles" validate:"gt=0" allowed:"a duration over 0, such as 720h"`
	Jobs            time.Duration `yaml:"jobs" validate:"gt=0" allowed:"a duration over 0, such as 9480h"`
	IdempotencyKeys time.Duration `yaml:"idempotency_keys" validate:"gt=0" allowed:"a duration over 0, such as 48h"`
}

// Bank is one bank's API. The OAuth keys are given together, or not at all
// where partners bring the tokens.
type Bank struct {
	ID               string        `yaml:"id" validate:"required,name" allowed:"1 to 128 letters, digits, dots, hyphens and underscores"`
	API              string        `yaml:"api" validate:"required,bankapi" allowed:"berlin-group (uk-open-banking, plaid and fdx are not in this build)"`
	BaseURL          string        `yaml:"base_url" validate:"required,baseurl" allowed:"an http or https URL without query, such as https://bank.example"`
	AuthorizationURL string        `yaml:"authorization_url" validate:"required_with=TokenURL ClientID,omitempty,weburl" allowed:"an http or https URL, given together with token_url and client_id"`
	TokenURL         string        `yaml:"token_url" validate:"required_with=AuthorizationURL ClientID,omitempty,weburl" allowed:"an http or https URL, given together with authorization_url and client_id"`
	RevocationURL    string        `yaml:"revocation_url" validate:"omitempty,weburl" allowed:"an http or https URL"`
	ClientID         string        `yaml:"client_id" validate:"required_with=AuthorizationURL TokenURL,max=255" allowed:"what the bank calls us, given together with authorization_url and token_url"`
	ClientSecret     bank.Token    `yaml:"client_secret" secret:"true" validate:"excluded_with=ClientSecretFile" allowed:"a secret here or in client_secret_file, not in both"`
	ClientSecretFile string        `yaml:"client_secret_file" allowed:"a readable file that holds the secret"`
	Timeout          time.Duration `yaml:"timeout" validate:"gt=0,max=1h" allowed:"a duration over 0 and up to 1h, such as 60s"`
	History          time.Duration `yaml:"history" validate:"min=24h,max=87600h" allowed:"a duration from 24h to 87600h, such as 8760h"`
}

// Default returns the configuration before anything is said. It lacks what
// has no default: the partners and the banks.
func Default() Config {
	return Config{
		Listen:          "127.0.0.1:8080",
		DataDir:         "./data",
		Store:           "pebble",
		Queue:           "memory",
		ShutdownTimeout: 30 * time.Second,
		Roles:           []string{"request", "bank", "store", "score", "response"},
		Limits: Limits{
			FetchConcurrency:   512,
			DeliverConcurrency: 64,
			MaxAccepted:        100_000,
			MaxWait:            120 * time.Second,
		},
		Retention: Retention{
			Profiles:        720 * time.Hour,
			Jobs:            9480 * time.Hour,
			IdempotencyKeys: 48 * time.Hour,
		},
	}
}

// setDefaults fills a new element of Config.Banks.
func (b *Bank) setDefaults() {
	b.Timeout = 60 * time.Second
	b.History = 8760 * time.Hour
}
