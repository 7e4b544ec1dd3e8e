// Command webhookreceiver takes score events at POST /hooks, verifies each
// and acts on it once. It needs the secret that was shown when the endpoint
// was registered:
//
//	WEBHOOK_SECRET=whsec_… go run ./examples/webhookreceiver
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"sync"
	"time"

	"acme.example/creditscore/acme/webhook"
)

func main() {
	receiver, err := newReceiver(os.Getenv("WEBHOOK_SECRET"), os.Stdout)
	if err != nil {
		log.Fatal(err)
	}
	http.Handle("POST /hooks", receiver)
	server := &http.Server{
		Addr:        cmp.Or(os.Getenv("ADDR"), "127.0.0.1:8090"),
		ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second,
	}
	log.Println("listening on", server.Addr)
	log.Fatal(server.ListenAndServe())
}

// newReceiver returns the handler of the endpoint. Whatever reaches it with a
// wrong signature, a changed body or an old timestamp is answered 4xx and
// goes no further.
func newReceiver(secret string, out io.Writer) (http.Handler, error) {
	key, err := webhook.ParseSecret(secret)
	if err != nil {
		return nil, err
	}
	verifier, err := webhook.NewVerifier(key)
	if err != nil {
		return nil, err
	}
	var seen sync.Map // in a real program: a table, written together with the effect
	return webhook.NewReceiver(webhook.ReceiverConfig{
		Verifier: verifier,
		Handle: func(_ context.Context, m webhook.Received) error {
			if _, again := seen.LoadOrStore(m.ID, true); again {
				return nil // the answer to the first attempt got lost
			}
			return act(out, m.Event)
		},
	})
}

// act is what the partner does with an event: here it prints it.
func act(out io.Writer, e webhook.Event) error {
	var job struct {
		ID, Subject string
		Score       *struct{ Value int }
		Error       *struct{ Code string }
	}
	if err := json.Unmarshal(e.Data, &job); err != nil {
		return err
	}
	var err error
	switch {
	case e.Type == "score.completed" && job.Score != nil:
		_, err = fmt.Fprintf(out, "%s: %s scores %d\n", e.Type, job.Subject, job.Score.Value)
	case e.Type == "score.failed" && job.Error != nil:
		_, err = fmt.Fprintf(out, "%s: %s: %s\n", e.Type, job.Subject, job.Error.Code)
	default:
		_, err = fmt.Fprintln(out, e.Type)
	}
	return err
}
