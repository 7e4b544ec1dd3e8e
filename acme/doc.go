// Package acme is an engine that turns a person's bank activity into a
// credit score and delivers it, with every accepted request finishing once,
// whatever crashes.
//
// An [Engine] is made of parts that can each be replaced: a [BankClient]
// that reads accounts (usually a bank.Directory), a [Store] that keeps what
// must survive (pebblestore), a score.Scorer (the embedded scorecard unless
// another is given), a [Notifier] that delivers events (webhook.Sender), and
// a [Queue] between its five roles (in memory unless another is given).
//
//	eng, err := acme.New(acme.Config{Bank: banks, Store: store, Keys: keys})
//	err = eng.Start(ctx)                       // resumes what was accepted before
//	job, err := eng.Submit(ctx, acme.Request{  // durable when it returns
//		Bank: "my-bank", Subject: "user-42", AccessToken: token,
//	})
//	job, err = eng.Wait(ctx, job.ID)           // or eng.Score: Submit and Wait
//	err = eng.Stop(ctx)                        // drains
//
// # A job
//
// goes from accepted by fetching and scoring to completed or failed. The
// Store is the truth: each step's command follows from the stored state and
// can be issued again, so the queue may lose, repeat and reorder. An answer
// that does not fit the state is a duplicate and changes nothing. The result
// and the webhooks that tell of it are one write.
//
// # What is private
//
// Raw bank data lives in the bank role's memory, for the length of one
// fetch. What leaves is an anonymize.Profile, which has no field for text;
// no message, record, report or event has a type that a statement fits in,
// and a Body can be made by this package alone. Tokens are sealed wherever
// they rest and travel.
//
// # What it does not do
//
// It installs no signal handler, ends no process, keeps no global, logs only
// to the Logger given and registers metrics only with the Registerer given.
// It does not close the Store: whoever opened it does, after Stop.
package acme
