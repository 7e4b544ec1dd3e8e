// Package creditscore is ACME: it turns a person's bank activity into a
// credit score. This page is a tour; the code is in the packages below.
//
// # A score in ten lines
//
// The engine is package [acme.example/creditscore/acme]. It needs a Store,
// keys, and a way to the bank:
//
//	keys, err := keyset.Open("data/keyset.json")                     // made on first use
//	store, err := pebblestore.Open("data/store", pebblestore.Options{})
//	adapter, err := berlingroup.New(berlingroup.Config{BaseURL: "https://xs2a.bank.example"})
//	banks := bank.NewDirectory(map[string]bank.Adapter{"my-bank": adapter})
//
//	eng, err := acme.New(acme.Config{Bank: banks, Store: store, Keys: keys})
//	err = eng.Start(ctx)
//	defer eng.Stop(context.Background())
//
//	job, err := eng.Score(ctx, acme.Request{
//		Bank: "my-bank", Subject: "user-42", AccessToken: bank.NewToken(token),
//	})
//
// New checks everything and reports every fault at once; it starts nothing.
// Start resumes what an earlier process accepted. A finished job has either
// a Score or an Error, whose Code is from a closed list.
//
// # Waiting, or not
//
// Score is Submit and then Wait. Submit returns as soon as the job is
// durable, so a program that does not want to wait takes the job's id and
// leaves. It can ask later, from another process too:
//
//	job, err := eng.Submit(ctx, request)
//	…
//	job, err = eng.Wait(ctx, job.ID)
//
// There is one path for both. A caller who waits and hangs up changes
// nothing about the job.
//
// Two requests with the same IdempotencyKey are one job, also after a
// restart; the same key with another request is
// acme.ErrIdempotencyMismatch. When MaxAccepted jobs are unfinished, Submit
// answers acme.ErrBusy at once and takes nothing on that it could not keep.
//
// # Being told
//
// A request's WebhookURL, and every endpoint of the partner's, gets a signed
// event when the job has finished. Event and score are one write: there is
// no score without its event and no event without its score. The receiver is
// package [acme.example/creditscore/acme/webhook], which stands alone:
//
//	verifier, err := webhook.NewVerifier(secret)
//	receiver, err := webhook.NewReceiver(webhook.ReceiverConfig{Verifier: verifier, Handle: handle})
//	http.Handle("POST /hooks", receiver)
//
// An event may come more than once, always under the same id.
//
// # Consents
//
// A partner that holds an access token passes it, as above. Otherwise the
// engine obtains one: CreateConsent, AuthorizeConsent for the address to send
// the browser to, CompleteConsent with what the bank sent back. Tokens are
// kept sealed, refreshed before they end, and destroyed by RevokeConsent.
//
// # Parts of your own
//
// Each of these is an interface with a handful of methods, and its
// documentation is its contract:
//
//	acme.BankClient   reads accounts          bank.Directory over adapters
//	score.Scorer      makes the score         score.Scorecard
//	acme.Store        keeps what must survive pebblestore.Store
//	acme.Queue        carries messages        acme.MemoryQueue
//	acme.Notifier     delivers events         webhook.Sender
//
// A panic in one of them fails the job at hand and not the process. A Store
// is held to its contract by acmetest.RunStore.
//
// # What is kept of a person
//
// A bank's answer is a bank.Statement, whose texts are of types that nothing
// can print, log or marshal. Package [acme.example/creditscore/acme/anonymize]
// turns it into a Profile of days, amounts, categories and keyed pseudonyms,
// and that is all the Store, the Queue and the Scorer have types for.
//
// # A server
//
// The command refserver puts the engine behind an HTTP API:
//
//	go run ./refserver demo
//
// See README.md for a walk through it, and docs/ for how it is built, run and
// trusted.
package creditscore
