package berlingroup_test

import (
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"acme.example/creditscore/acme/bank"
	"acme.example/creditscore/acme/bank/berlingroup"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const base = "https://bank.test/xs2a"

var asked = bank.Range{From: bank.NewDate(2017, 1, 1), To: bank.NewDate(2017, 12, 31)}

// scripted is a bank without a network: it answers by path and query, below
// base, and keeps what it was asked.
type scripted struct {
	mu      sync.Mutex
	answers map[string]string // "/v1/accounts", "…/transactions?page=2"; "404 {…}" gives a status
	asked   []*http.Request
}

func (s *scripted) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, r)
	path := strings.TrimPrefix(r.URL.EscapedPath(), "/xs2a")
	body, ok := s.answers[path+"?"+r.URL.RawQuery]
	if !ok {
		body, ok = s.answers[path]
	}
	status := http.StatusOK
	if !ok {
		body = "404 {}"
	}
	if len(body) > 4 && body[0] >= '2' && body[0] <= '5' {
		status = int(body[0]-'0')*100 + int(body[1]-'0')*10 + int(body[2]-'0')
		body = body[4:]
	}
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: r,
	}, nil
}

func (s *scripted) urls() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, r := range s.asked {
		out = append(out, r.URL.RequestURI())
	}
	return out
}

func open(t testing.TB, s *scripted) *berlingroup.Adapter {
	t.Helper()
	a, err := berlingroup.New(berlingroup.Config{BaseURL: base, Transport: s, MaxPages: 20, MaxTransactions: 50_000})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func access() bank.Access {
	return bank.Access{Bank: "b", Token: bank.NewToken("tok-secret"), ConsentID: bank.NewText("consent-secret")}
}

func fixture(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// oneAccount answers a list of one account without links, with these
// transactions.
func oneAccount(transactions string) *scripted {
	return &scripted{answers: map[string]string{
		"/v1/accounts":                 `{"accounts":[{"resourceId":"a1","iban":"DE00","currency":"EUR"}]}`,
		"/v1/accounts/a1/balances":     `{"balances":[]}`,
		"/v1/accounts/a1/transactions": transactions,
	}}
}

func bankError(t *testing.T, err error) *bank.Error {
	t.Helper()
	var e *bank.Error
	if !errors.As(err, &e) {
		t.Fatalf("error is %T %v, want *bank.Error", err, err)
	}
	for _, secret := range []string{"tok-secret", "consent-secret", "bank.test", "a1", "Miles"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("error %q tells %q", err, secret)
		}
	}
	return e
}

// amounts writes the transactions' amounts in order.
func amounts(list []bank.Transaction) string {
	var out []string
	for _, tx := range list {
		out = append(out, tx.Amount.String())
	}
	return strings.Join(out, ", ")
}
