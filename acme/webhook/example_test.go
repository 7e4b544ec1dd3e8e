package webhook_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"time"

	"acme.example/creditscore/acme/webhook"
)

// A receiver in one handler, and a sender that posts to it.
func Example() {
	secret, err := webhook.NewSecret()
	if err != nil {
		fmt.Println(err)
		return
	}
	verifier, err := webhook.NewVerifier(secret)
	if err != nil {
		fmt.Println(err)
		return
	}
	receiver, err := webhook.NewReceiver(webhook.ReceiverConfig{
		Verifier: verifier,
		Handle: func(_ context.Context, m webhook.Received) error {
			fmt.Println(m.ID, m.Event.Type, string(m.Event.Data))
			return nil
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	server := httptest.NewServer(receiver)
	defer server.Close()

	// Loopback and http are for examples: production leaves this false.
	sender, err := webhook.NewSender(webhook.SenderConfig{AllowPrivateNetworks: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sender.Close()
	body, err := webhook.Event{Type: "score.completed", Timestamp: time.Now(), Data: []byte(`{"id":"scr_1"}`)}.Body()
	if err != nil {
		fmt.Println(err)
		return
	}
	result := sender.Send(context.Background(), webhook.Message{
		ID: "msg_1", URL: server.URL, Body: body, Secrets: []webhook.Secret{secret},
	})
	fmt.Println(result.Delivered(), result.Status)
	// Output:
	// msg_1 score.completed {"id":"scr_1"}
	// true 204
}

func ExampleSign() {
	secret, err := webhook.ParseSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		fmt.Println(err)
		return
	}
	signature, err := webhook.Sign("msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`), secret)
	fmt.Println(signature, err)
	fmt.Println("the secret prints as", secret)
	// Output:
	// v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= <nil>
	// the secret prints as [redacted]
}

func ExampleCheckURL() {
	fmt.Println(webhook.CheckURL("https://partner.example/hooks", false))
	fmt.Println(webhook.CheckURL("http://partner.example/hooks", false))
	fmt.Println(webhook.CheckURL("https://10.1.2.3/", false))
	fmt.Println(webhook.CheckURL("https://0x7f.1/", false))
	// Output:
	// <nil>
	// webhook: bad url: scheme "http"; allowed: https
	// webhook: bad url: refused address: 10.1.2.3 is private, RFC 1918 (10.0.0.0/8); allowed: public addresses
	// webhook: bad url: host "0x7f.1" is an address in an unusual form; allowed: 192.0.2.1 or [2001:db8::1] as examples of form
}

func ExampleSchedule_Next() {
	schedule := webhook.DefaultSchedule()
	wait, again := schedule.Next(1, 0, rand.Float64())
	fmt.Println(wait >= 4*time.Second, wait <= 6*time.Second, again)
	wait, _ = schedule.Next(1, time.Hour, rand.Float64()) // the receiver said Retry-After: 3600
	fmt.Println(wait)
	_, again = schedule.Next(10, 0, rand.Float64())
	fmt.Println(again)
	// Output:
	// true true true
	// 1h0m0s
	// false
}
