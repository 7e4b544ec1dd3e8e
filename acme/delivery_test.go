package acme_test

import (
	"testing"
	"testing/synctest"
	"time"

	"acme.example/creditscore/acme"
	"acme.example/creditscore/acme/webhook"
)

func endpoint(t *testing.T, b *bundle, events ...string) (*acme.Endpoint, webhook.Secret) {
	t.Helper()
	ep, secret, err := b.CreateEndpoint(t.Context(), acme.EndpointRequest{URL: "http://partner.example/hook", Events: events})
	if err != nil {
		t.Fatal(err)
	}
	return ep, secret
}

func onlyDelivery(t *testing.T, b *bundle) *acme.Delivery {
	t.Helper()
	page, err := b.Deliveries(t.Context(), acme.DeliveryQuery{})
	if err != nil || len(page.Deliveries) != 1 {
		t.Fatalf("%d deliveries (%v), want 1", len(page.Deliveries), err)
	}
	return page.Deliveries[0]
}

func TestFailedDeliveriesFollowTheSchedule(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		b := setup(t, func(b *bundle, _ *acme.Config) {
			b.inbox.answer = func(int, webhook.Message) webhook.Result {
				return webhook.Result{Status: 500, Class: webhook.ClassHTTPStatus}
			}
		})
		endpoint(t, b)
		mustScore(t, b.Engine, request())
		time.Sleep(5 * 24 * time.Hour)
		d := onlyDelivery(t, b)
		want := []time.Duration{5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
			10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour}
		if d.Status != acme.DeliveryDead || len(d.Attempts) != len(want)+1 || d.NextAttempt != nil {
			t.Fatalf("status %s after %d attempts, want dead after %d", d.Status, len(d.Attempts), len(want)+1)
		}
		for i, w := range want {
			gap := d.Attempts[i+1].At.Sub(d.Attempts[i].At)
			// The sweep that finds far attempts adds no more than its own step.
			if gap < w*8/10 || gap > w*12/10+time.Second {
				t.Errorf("gap %d is %v, want %v ±20 %%", i+1, gap, w)
			}
		}
		for _, m := range b.inbox.messages() {
			if m.ID != d.EventID || string(m.Body) != string(b.inbox.messages()[0].Body) {
				t.Error("attempts differ in id or body")
			}
		}
	})
}

func TestDeliveryGoesOnAfterARestart(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		b := setup(t, func(b *bundle, _ *acme.Config) {
			b.inbox.answer = func(int, webhook.Message) webhook.Result { return webhook.Result{Class: webhook.ClassConnect} }
		})
		endpoint(t, b)
		mustScore(t, b.Engine, request())
		time.Sleep(time.Minute) // two attempts
		stop(t, b.Engine)
		b2 := setup(t, func(n *bundle, _ *acme.Config) { n.store, n.keys = b.store, b.keys })
		time.Sleep(10 * time.Minute)
		d := onlyDelivery(t, b2)
		if d.Status != acme.DeliveryDelivered || len(d.Attempts) != 3 {
			t.Errorf("%s after %d attempts, want delivered with the third", d.Status, len(d.Attempts))
		}
	})
}

func TestReplaySendsTheSameEventAgain(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		b := setup(t, nil)
		endpoint(t, b)
		mustScore(t, b.Engine, request())
		synctest.Wait()
		d := onlyDelivery(t, b)
		if _, err := b.ReplayDelivery(t.Context(), d.ID); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		msgs := b.inbox.messages()
		if len(msgs) != 2 || msgs[0].ID != msgs[1].ID || string(msgs[0].Body) != string(msgs[1].Body) {
			t.Errorf("%d messages, want the same one twice", len(msgs))
		}
		if d := onlyDelivery(t, b); len(d.Attempts) != 2 || d.Status != acme.DeliveryDelivered {
			t.Errorf("%s with %d attempts, want delivered with 2", d.Status, len(d.Attempts))
		}
	})
}

func TestGoneDisablesTheEndpoint(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		b := setup(t, func(b *bundle, _ *acme.Config) {
			b.inbox.answer = func(int, webhook.Message) webhook.Result {
				return webhook.Result{Status: 410, Class: webhook.ClassGone}
			}
		})
		ep, _ := endpoint(t, b)
		mustScore(t, b.Engine, request())
		synctest.Wait()
		got, err := b.Endpoint(t.Context(), ep.ID)
		if err != nil || got.Status != acme.EndpointDisabled || got.DisabledReason == "" {
			t.Fatalf("endpoint %+v (%v), want disabled with a reason", got, err)
		}
		mustScore(t, b.Engine, request())
		synctest.Wait()
		if d := onlyDelivery(t, b); d.Status != acme.DeliveryDead || len(d.Attempts) != 1 {
			t.Errorf("%s after %d attempts, want dead after one", d.Status, len(d.Attempts))
		}
	})
}

func TestEndpointsGetTheEventsTheyWant(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		b := setup(t, func(b *bundle, _ *acme.Config) {
			b.bank.fail = func(int, bankAccess) error { return unauthorized() }
		})
		endpoint(t, b, acme.EventScoreCompleted)
		wants, _ := endpoint(t, b, acme.EventScoreFailed)
		mustScore(t, b.Engine, request())
		synctest.Wait()
		d := onlyDelivery(t, b)
		if d.Endpoint != wants.ID || d.Type != acme.EventScoreFailed {
			t.Errorf("%s went to %s, want score.failed to %s", d.Type, d.Endpoint, wants.ID)
		}
		_, data := eventData(t, b.inbox.messages()[0].Body)
		if data["error"].(map[string]any)["code"] != "bank_unauthorized" {
			t.Errorf("event data %v", data)
		}
	})
}

func TestRotatedSecretsBothSignForADay(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		b := setup(t, nil)
		ep, old := endpoint(t, b)
		fresh, err := b.RotateEndpointSecret(t.Context(), ep.ID)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.TestEndpoint(t.Context(), ep.ID); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		time.Sleep(25 * time.Hour)
		if _, err := b.TestEndpoint(t.Context(), ep.ID); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		msgs := b.inbox.messages()
		if len(msgs) != 2 {
			t.Fatalf("%d messages, want 2", len(msgs))
		}
		if s := msgs[0].Secrets; len(s) != 2 || !s[0].Equal(fresh) || !s[1].Equal(old) {
			t.Errorf("signed with %d secrets right after rotation, want the new and the old", len(s))
		}
		if s := msgs[1].Secrets; len(s) != 1 || !s[0].Equal(fresh) {
			t.Errorf("signed with %d secrets a day later, want the new one", len(s))
		}
	})
}

func TestWebhookURLIsSignedWithTheDefaultSecret(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		b := setup(t, nil)
		secret, shown, err := b.WebhookSecret(t.Context(), "")
		if err != nil || !shown {
			t.Fatalf("first look: shown %v, %v", shown, err)
		}
		if again, shown, err := b.WebhookSecret(t.Context(), ""); err != nil || shown || !again.IsZero() {
			t.Errorf("second look: shown %v, %v", shown, err)
		}
		r := request()
		r.WebhookURL = "http://partner.example/once"
		mustScore(t, b.Engine, r)
		synctest.Wait()
		m := b.inbox.messages()
		if len(m) != 1 || len(m[0].Secrets) != 1 || !m[0].Secrets[0].Equal(secret) {
			t.Error("not signed with the partner's secret")
		}
	})
}

func TestDeletedEndpointGetsNothingMore(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		b := setup(t, func(b *bundle, _ *acme.Config) {
			b.inbox.answer = func(int, webhook.Message) webhook.Result { return webhook.Result{Class: webhook.ClassConnect} }
		})
		ep, _ := endpoint(t, b)
		mustScore(t, b.Engine, request())
		synctest.Wait()
		if err := b.DeleteEndpoint(t.Context(), ep.ID); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if n := len(b.inbox.messages()); n != 1 {
			t.Errorf("%d attempts, want the one before", n)
		}
		if d := onlyDelivery(t, b); d.Status != acme.DeliveryDead {
			t.Errorf("delivery is %s, want dead", d.Status)
		}
	})
}

func TestRetentionDeletesWhatIsOver(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		b := setup(t, func(_ *bundle, cfg *acme.Config) {
			cfg.Retention = acme.Retention{Profiles: time.Hour, Jobs: 24 * time.Hour, IdempotencyKeys: time.Hour}
		})
		endpoint(t, b)
		job := mustScore(t, b.Engine, keyed("k"))
		synctest.Wait()
		key := acme.Key{Kind: acme.KindProfile, ID: string(job.ID)}
		if _, err := b.store.Get(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Hour)
		if _, err := b.store.Get(t.Context(), key); err == nil {
			t.Error("the profile outlived its retention")
		}
		if _, err := b.Job(t.Context(), job.ID); err != nil {
			t.Error("the job went with the profile")
		}
		time.Sleep(24 * time.Hour)
		if _, err := b.Job(t.Context(), job.ID); err == nil {
			t.Error("the job outlived its retention")
		}
		if page, _ := b.Deliveries(t.Context(), acme.DeliveryQuery{}); len(page.Deliveries) != 0 {
			t.Error("the delivery outlived its retention")
		}
	})
}
