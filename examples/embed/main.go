// Command embed runs the credit score engine inside a program of its own: no
// server, nothing to install, state in a folder.
//
//	go run ./examples/embed
//
// To have an account to read it also starts a sandbox bank on loopback; with
// a real bank only its address and the token are different.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"

	"acme.example/creditscore/acme"
	"acme.example/creditscore/acme/bank"
	"acme.example/creditscore/acme/bank/berlingroup"
	"acme.example/creditscore/acme/bank/sandbox"
	"acme.example/creditscore/acme/keyset"
	"acme.example/creditscore/acme/pebblestore"
)

func main() {
	dir, err := os.MkdirTemp("", "acme-embed-")
	if err != nil {
		log.Fatal(err)
	}
	pretend, err := sandbox.New(sandbox.Config{})
	if err != nil {
		log.Fatal(err)
	}
	server := httptest.NewServer(pretend)
	embed(context.Background(), os.Stdout, dir, server.URL, bank.NewToken(sandbox.Token("alice")))
	server.Close()
	if err := os.RemoveAll(dir); err != nil {
		log.Fatal(err)
	}
}

// embed is all that an embedder writes. token is what the person's consent
// gave; dir keeps what must survive a crash, and the keys.
func embed(ctx context.Context, out io.Writer, dir, bankURL string, token bank.Token) {
	// README begin
	keys := must(keyset.Open(filepath.Join(dir, "keyset.json")))
	store := must(pebblestore.Open(filepath.Join(dir, "store"), pebblestore.Options{}))
	adapter := must(berlingroup.New(berlingroup.Config{BaseURL: bankURL}))
	banks := bank.NewDirectory(map[string]bank.Adapter{"my-bank": adapter})
	eng := must(acme.New(acme.Config{Bank: banks, Store: store, Keys: keys}))
	check(eng.Start(ctx))
	job := must(eng.Submit(ctx, acme.Request{Bank: "my-bank", Subject: "user-42", AccessToken: token}))
	job = must(eng.Wait(ctx, job.ID))
	check(errors.Join(eng.Stop(ctx), store.Close()))
	show(out, job)
	// README end
}

// show prints what became of a job: a finished one has a score or an error.
func show(out io.Writer, job *acme.Job) {
	if job.Status == acme.StatusFailed {
		fmt.Fprintf(out, "%s failed: %s\n", job.Subject, job.Error.Title)
		return
	}
	s := job.Score
	fmt.Fprintf(out, "%s scores %d of %d to %d, probability of default %.2f %%\n",
		job.Subject, s.Value, s.Min, s.Max, 100*s.ProbabilityOfDefault)
	for _, r := range s.Reasons {
		fmt.Fprintf(out, "%+5d  %s  %s\n", r.Points, r.Code, r.Text)
	}
}

// must and check keep the example short: they panic where a program of yours
// would return the error.
func must[T any](v T, err error) T {
	check(err)
	return v
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
