// Package webhook signs, sends, receives and verifies webhooks as Standard
// Webhooks 1.0 says (https://www.standardwebhooks.com): an id, a timestamp
// and a signature over both and the raw body, in the headers webhook-id,
// webhook-timestamp and webhook-signature.
//
// It stands alone: it imports nothing of the engine, so that a receiver can
// use it without linking one.
//
// A receiver needs its secret and one function:
//
//	secret, err := webhook.ParseSecret(os.Getenv("WEBHOOK_SECRET")) // whsec_…
//	verifier, err := webhook.NewVerifier(secret)
//	receiver, err := webhook.NewReceiver(webhook.ReceiverConfig{
//		Verifier: verifier,
//		Handle: func(ctx context.Context, m webhook.Received) error {
//			return store.Once(ctx, m.ID, m.Event) // m.ID is the same on every attempt
//		},
//	})
//	http.Handle("POST /hooks", receiver)
//
// A sender makes one attempt at a time and is told how it went:
//
//	sender, err := webhook.NewSender(webhook.SenderConfig{})
//	result := sender.Send(ctx, webhook.Message{ID: id, URL: url, Body: body, Secrets: secrets})
//	if !result.Delivered() && !result.Permanent() {
//		wait, again := webhook.DefaultSchedule().Next(failed, result.RetryAfter, rand.Float64())
//	}
//
// Retrying, and remembering what is to be retried, is the caller's: only the
// caller has a durable store. [Schedule] says when.
//
// # Where a sender will not go
//
// An endpoint's URL is chosen by somebody else, so a [Sender] guards the
// network it runs in (server-side request forgery). It speaks https only,
// follows no redirect, ignores the proxies of the environment and refuses
// every private, local or special address. The check is made on the address
// that is about to be dialled, so a name that changes its answer between a
// check and its use gains nothing; [CheckURL] is the early, friendlier check
// for the moment an endpoint is registered. What neither can see is a public
// address that the operator's own network leads inside, a NAT64 prefix of
// the operator's own choice for one: keep such routes from the sending host.
package webhook
