package sandbox_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"acme.example/creditscore/acme/bank"
	"acme.example/creditscore/acme/bank/berlingroup"
	"acme.example/creditscore/acme/bank/sandbox"
)

// The project's own adapter goes through the consent and reads the person.
func TestAdapterReadsTheSandbox(t *testing.T) {
	t.Parallel()
	f := setup(t, sandbox.Config{PageSize: 400})
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	a, err := berlingroup.New(berlingroup.Config{BaseURL: f.url, Transport: tr, OAuth: bank.OAuthConfig{
		AuthorizationURL: f.url + "/authorize", TokenURL: f.url + "/token", RevocationURL: f.url + "/revoke", Issuer: f.url,
		ClientID: "acme", ClientSecret: bank.NewToken("sandbox-secret")}})
	if err != nil {
		t.Fatal(err)
	}
	started, err := a.Authorize(t.Context(), redirect)
	if err != nil {
		t.Fatal(err)
	}
	req := httptest.NewRequestWithContext(t.Context(), "GET", started.URL, nil)
	q := back(t, f.answerPage(req.URL.Query(), "grace", "allow"))
	grant, err := a.Exchange(t.Context(), redirect, started, bank.Callback{
		Code: bank.NewToken(q.Get("code")), State: bank.NewToken(q.Get("state")), Issuer: q.Get("iss")})
	if err != nil {
		t.Fatal(err)
	}
	asked := bank.Range{From: bank.DateOf(today).AddDays(-365), To: bank.DateOf(today)}
	got, err := a.Fetch(t.Context(), bank.Access{Token: grant.AccessToken, ConsentID: grant.ConsentID}, asked)
	if err != nil || len(got.Accounts) != 2 || !got.Accounts[0].Complete {
		t.Fatalf("%v, %d accounts", err, len(got.Accounts))
	}
	rows := got.Accounts[0].Transactions
	var before bank.Transaction
	for i, x := range rows {
		if x.Status != bank.Booked {
			continue
		}
		if i > 0 && x.BalanceAfter.Minor != before.BalanceAfter.Minor+x.Amount.Minor {
			t.Fatalf("row %d does not close", i)
		}
		before = x
	}
	if len(rows) < 400 {
		t.Errorf("%d rows", len(rows))
	}
	if err := a.Revoke(t.Context(), grant); err != nil {
		t.Error(err)
	}
	_, err = a.Fetch(t.Context(), bank.Access{Token: grant.AccessToken}, asked)
	if be := (*bank.Error)(nil); !errors.As(err, &be) || be.Code != bank.CodeUnauthorized {
		t.Errorf("after revocation: %v", err)
	}
}

// Each fault reaches the engine under the code it has to act on.
func TestAdapterNamesTheFaults(t *testing.T) {
	t.Parallel()
	f := setup(t, sandbox.Config{Faults: sandbox.Faults{RetryAfterSeconds: 3600}}) // too long for a retry within the call
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	adapter := func(timeout time.Duration) *berlingroup.Adapter {
		a, err := berlingroup.New(berlingroup.Config{BaseURL: f.url, Transport: tr, Timeout: timeout})
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	// What is tried again within the call gets little time for it.
	patient, hasty := adapter(time.Minute), adapter(300*time.Millisecond)
	asked := bank.Range{From: bank.DateOf(today).AddDays(-365), To: bank.DateOf(today)}
	for fault, want := range map[sandbox.Fault]bank.Code{
		sandbox.FaultTimeout: bank.CodeUnavailable, sandbox.FaultRateLimited: bank.CodeRateLimited, sandbox.Fault500: bank.CodeUnavailable,
		sandbox.Fault502: bank.CodeUnavailable, sandbox.Fault503: bank.CodeUnavailable, sandbox.FaultTruncated: bank.CodeBadData,
		sandbox.FaultWrongJSON: bank.CodeBadData, sandbox.FaultHTML: bank.CodeBadData, sandbox.FaultExpired: bank.CodeUnauthorized,
		sandbox.FaultReset: "", // cut off or gone: either code says it may pass
	} {
		a := patient
		if want == bank.CodeUnavailable {
			a = hasty
		}
		_, err := a.Fetch(t.Context(), bank.Access{Token: bank.NewToken(sandbox.FaultToken(fault))}, asked)
		if be := (*bank.Error)(nil); !errors.As(err, &be) || (be.Code != want && want != "") || be.Retryable() != (want != bank.CodeUnauthorized) {
			t.Errorf("%s: %v, want %s", fault, err, want)
		}
	}
}
