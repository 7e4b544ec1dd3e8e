// Package config reads the server's configuration: a YAML file, ACME_…
// environment variables and flags, each overriding the one before.
//
//	cfg, err := config.Load(config.Sources{File: "refserver.yaml", Env: os.Environ(), Flags: flags})
//
// Every key has one name, its dotted path as in the file: limits.max_wait,
// banks[0].base_url. The flag is that name (-limits.max_wait 60s), the
// variable its upper-case form (ACME_LIMITS_MAX_WAIT). Lists are given whole,
// as text separated by commas or as YAML (-roles request,store), or one
// element's key at a time (-banks[0].base_url, ACME_BANKS_0_BASE_URL).
//
// All faults are found at once; each names the key, the value (never that of
// a secret) and what is allowed. docs/configuration.md lists the keys, and a
// test holds it to the types here.
package config
