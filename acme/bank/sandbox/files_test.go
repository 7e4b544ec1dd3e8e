package sandbox_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"acme.example/creditscore/acme/bank/sandbox"
)

const givenFile = `{"accounts":[{"resourceId":"a-1","iban":"DE2310010010123456788","currency":"EUR","ownerName":"Zoë  Given",  "odd":{"kept":1.50}}],
"balances":{"a-1":[{"balanceType":"closingBooked","balanceAmount":{"currency":"EUR","amount":"500.0"}}]},
"transactions":{"a-1":{"booked":[
 {"transactionId":"3","transactionAmount":{"currency":"EUR","amount":"-1"},"bookingDate":"2025-10-03"},
 {"transactionId":"1", "transactionAmount":{"currency":"EUR","amount":"-2.500"},"bookingDate":"2025-10-01"},
 {"transactionId":"2","transactionAmount":{"currency":"EUR","amount":"3.00"}}],
 "pending":[{"transactionId":"p","transactionAmount":{"currency":"EUR","amount":"4.00"}}]}}}`

func dirOf(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestGivenPayloadsAreServedVerbatim(t *testing.T) {
	t.Parallel()
	f := setup(t, sandbox.Config{PageSize: 2, AccountsDir: dirOf(t, map[string]string{"zoe.json": givenFile, "README.md": "not read"})})
	token := f.login("zoe").AccessToken
	if list := f.get("/v1/accounts", token); !strings.Contains(string(list.body), `"ownerName":"Zoë  Given",  "odd":{"kept":1.50}}`) {
		t.Errorf("accounts %s", list.body)
	}
	if b := f.get("/v1/accounts/a-1/balances", token); !strings.Contains(string(b.body), `"amount":"500.0"`) {
		t.Errorf("balances %s", b.body)
	}
	first := f.get("/v1/accounts/a-1/transactions?bookingStatus=both", sandbox.Token("zoe"))
	if text := string(first.body); !strings.Contains(text, `{"transactionId":"1", "transactionAmount":{"currency":"EUR","amount":"-2.500"}`) ||
		strings.Index(text, `"3"`) > strings.Index(text, `"1"`) {
		t.Errorf("first page %s", text)
	}
	s := f.fetch(token, "bookingStatus=both")[0]
	if strings.Join(ids(s.booked), " ") != "3 1 2" || strings.Join(ids(s.pending), " ") != "p" || s.pages != 2 {
		t.Errorf("booked %v, pending %v on %d pages", ids(s.booked), ids(s.pending), s.pages)
	}
	s = f.fetch(token, "bookingStatus=booked&dateFrom=2025-10-02&dateTo=2025-10-03")[0]
	if strings.Join(ids(s.booked), " ") != "3 2" {
		t.Errorf("within the dates, and without one: %v", ids(s.booked))
	}
	if p := f.bank.People()[0]; p.Login != "zoe" || p.Name != "Zoë  Given" {
		t.Errorf("first on the page is %+v", p)
	}
}

func TestFilesReportEveryFault(t *testing.T) {
	t.Parallel()
	dir := dirOf(t, map[string]string{
		"good.json":     givenFile,
		"syntax.json":   `{"accounts":[}`,
		"short.json":    `{"accounts":[`,
		"unknown.json":  `{"accounts":[],"secret-key":1}`,
		"types.json":    `{"accounts":7}`,
		"empty.json":    `{}`,
		"person-3.json": givenFile,
		"bad name.json": givenFile,
		"many.json": `{"accounts":[{"iban":"X"},7,{"resourceId":"a"},{"resourceId":"a"}],"balances":{"b":[],"a":[1]},
			"transactions":{"a":{"booked":[{"bookingDate":"secret-day"},"x"],"pending":[null]},"c":{}}}`,
	})
	_, err := sandbox.New(sandbox.Config{AccountsDir: dir})
	if err == nil {
		t.Fatal("bad files were taken")
	}
	for _, want := range []string{
		"syntax.json: not JSON at byte 14", "short.json: not JSON", "unknown.json: an unknown key", "types.json: a value of the wrong type",
		"empty.json: accounts is missing", "person-3.json: the file's name is one of the sandbox's own", "bad name.json: the file's name must be",
		"many.json: accounts[0]: resourceId is missing", "many.json: accounts[1]: not an account object", "many.json: accounts[3]: its resourceId",
		"many.json: balances of accounts[2]: [0] is not an object", "many.json: booked transactions of accounts[2]: [0].bookingDate",
		"many.json: booked transactions of accounts[2]: [1] is not", "many.json: pending transactions of accounts[2]: [0]",
		"many.json: balances has 1 keys", "many.json: transactions has 1 keys",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in\n%v", want, err)
		}
	}
	if strings.Contains(err.Error(), "good.json") || strings.Contains(err.Error(), "secret") {
		t.Errorf("names a good file or quotes one: %v", err)
	}
	for _, dir := range []string{t.TempDir(), filepath.Join(t.TempDir(), "none")} {
		if _, err := sandbox.New(sandbox.Config{AccountsDir: dir}); err == nil {
			t.Errorf("a folder without files was taken")
		}
	}
}

func TestConfigReportsEveryFault(t *testing.T) {
	t.Parallel()
	_, err := sandbox.New(sandbox.Config{BaseURL: "bank", Latency: -1, PageSize: -1, Transactions: 1 << 30, History: 1, MaxGrants: -1,
		CacheBytes: -1, AccessTokenLifetime: -1, RefreshTokenLifetime: -1, Clients: map[string]string{"a": ""},
		Faults: sandbox.Faults{Rules: []sandbox.Rule{{Fault: "x"}}, RetryAfterSeconds: -1, DripEvery: -1}})
	if err == nil {
		t.Fatal("taken")
	}
	for _, field := range []string{"BaseURL", "Latency", "PageSize", "Transactions", "History", "MaxGrants", "CacheBytes", "AccessTokenLifetime",
		"RefreshTokenLifetime", "Clients", "Faults.Rules[0].Fault", "Faults.Rules[0].Every", "Faults.RetryAfterSeconds", "Faults.DripEvery"} {
		if !strings.Contains(err.Error(), field) {
			t.Errorf("%s is not named in\n%v", field, err)
		}
	}
}
