package e2e_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"acme.example/creditscore/acme/bank"
	"acme.example/creditscore/acme/bank/sandbox"
)

const plantedIBAN = "DE89370400440532013000"

// planted is the personal data of a person who does not exist, as a bank
// would have it.
var planted = map[string]string{
	"holder": "Quirina Vandersloot-Achterberg", "iban": plantedIBAN, "bban": "370400440532013000",
	"counterparty": "Zebulon Krzywicki", "counterparty iban": "GB33BUKB20201555555555", "spaced iban": "NL91 ABNA 0417 1643 00",
	"remittance": "Mietschuld Oktober Haus Nachtigall", "email": "quirina.v@planted.example", "phone": "+49 1512 3456789",
	"card": "4539 1488 0343 6467", "account name": "Quirinas Sparschwein", "transaction id": "TXPLANTED-7f3a91c2", "mandate": "MANDATE-88123-QV",
	"end to end": "E2E-QV-55018", "resource": "acc-planted-5d1e", "merchant": "Apotheke zum Goldenen Pelikan", "pending": "Vormerkung Juwelier Opal",
	"bad amount": "zwölf-QV-Euro",
}

// TestNothingLeaks scores a person whose every field is known, in all the
// ways there are, good and bad, and then looks for what was read into every
// byte that the server kept, logged, answered and sent, and for every token
// and secret that passed through it.
func TestNothingLeaks(t *testing.T) {
	t.Parallel()
	accounts, dataDir := t.TempDir(), filepath.Join(t.TempDir(), "data")
	writePlanted(t, accounts, "planted", 200, planted["resource"])
	writePlanted(t, accounts, "planted-short", 20, "acc-2")
	writePlanted(t, accounts, "planted-broken", 0, "acc-3")
	tap := newTap(t, accounts)
	config := writeConfig(t, settings{dataDir: dataDir, bank: tap.server.URL, private: true})
	server := begin(t, "serve", "-config", config)
	p := newPartner(t, server.url(), "demo")
	said := &transcript{}
	p.client.Transport = said.listen(p.client.Transport)
	h := newHooks(t)
	secrets := map[string]string{
		"partner's token": p.token, "client secret": "demo-secret", "other's secret": "other-secret", "bank's client secret": "sandbox-secret",
	}
	said.pause(func() {
		secrets["default webhook secret"] = h.expectDefault(t, p, "/url")
		secrets["endpoint's secret"] = h.expectEndpoint(t, p, "/endpoint")
	})
	for name, text := range planted {
		secrets[name] = text
	}

	inline := func(person string) string {
		secrets["token of "+person] = "sandbox-token-" + person
		return fmt.Sprintf(`{"bank":"sandbox","subject":"control-subject","access_token":"sandbox-token-%s","webhook_url":%q,"metadata":{"order":"control-metadata"}}`,
			person, h.url("/url"))
	}
	var ids []string
	for person, status := range map[string]string{"planted": "completed", "planted-short": "insufficient_history",
		"planted-broken": "bank_bad_data", "planted-nobody": "bank_unauthorized"} {
		a := p.want(t, 200, "POST", "/v1/scores", inline(person), "Prefer: wait=60")
		if !strings.Contains(string(a.body), `"`+status+`"`) {
			t.Errorf("%s is not %s: %s", person, status, a.body)
		}
		ids = append(ids, a.job(t).ID)
	}
	// With a consent at the bank, by the browser.
	consent := tap.consent(t, p, "planted")
	ids = append(ids, p.want(t, 200, "POST", "/v1/scores", `{"consent_id":"`+consent+`","webhook_url":"`+h.url("/url")+`"}`, "Prefer: wait=60").job(t).ID)
	p.want(t, 204, "DELETE", "/v1/consents/"+consent, "")
	// With tokens that are handed over, one of which is never used.
	secrets["refresh token"] = "refresh-planted-91b7"
	p.want(t, 201, "POST", "/v1/consents", `{"bank":"sandbox","subject":"control-subject","access_token":"sandbox-token-planted","refresh_token":"refresh-planted-91b7"}`)
	// With what is refused, or is no request at all.
	secrets["marker"] = marker
	p.want(t, 422, "POST", "/v1/scores", strings.Replace(inline("planted"), "control-metadata", planted["iban"], 1))
	p.want(t, 400, "POST", "/v1/scores", `{"access_token":"`+marker+`",`)
	p.want(t, 401, "GET", "/v1/scores", "", "Authorization: Bearer "+marker)
	p.want(t, 400, "GET", "/oauth/callback?code="+marker+"&state="+marker, "")
	eventually(t, "every webhook came", func() bool {
		for _, id := range ids {
			if !h.took(id, "/url", "/endpoint") {
				return false
			}
		}
		return true
	})
	for _, path := range []string{"/metrics", "/v1/scores", "/v1/deliveries", "/v1/consents/" + consent, "/healthz"} {
		p.want(t, 200, "GET", path, "")
	}
	h.reportFaults(t)
	server.stop()

	for name, text := range tap.tokens() {
		secrets[name] = text
	}
	found := searchAll(t, secrets, haystacks(t, dataDir, server, h, said))
	t.Logf("%d secrets in %d ways of writing were looked for in %d bytes of data, log, answers and webhooks: %d found",
		len(secrets), len(spellings(marker)), found.bytes, found.hits)
}

// haystacks is every place a secret could have come to.
func haystacks(t *testing.T, dataDir string, server *process, h *hooks, said *transcript) map[string][]byte {
	t.Helper()
	all := map[string][]byte{
		"the log":  []byte(strings.Join(server.lines(), "\n")),
		"answers":  said.bytes(),
		"webhooks": bytes.Join(h.requests(), []byte("\n")),
	}
	err := filepath.WalkDir(dataDir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		all[strings.TrimPrefix(path, dataDir)] = raw
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	all["the store's records"] = records(t, filepath.Join(dataDir, "pebble"))
	// What must be found shows that the search can find.
	for _, place := range []string{"the store's records", "webhooks", "answers"} {
		for _, control := range []string{"control-subject", "control-metadata"} {
			if !bytes.Contains(all[place], []byte(control)) {
				t.Errorf("%s: not even %q was found: the search is worth nothing", place, control)
			}
		}
	}
	return all
}

// records is every key and value of the store, unpacked: on the disk they may
// be compressed.
func records(t *testing.T, dir string) []byte {
	t.Helper()
	db, err := pebble.Open(dir, &pebble.Options{ReadOnly: true, Logger: quiet{t}})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	it, err := db.NewIter(nil)
	if err != nil {
		t.Fatal(err)
	}
	var all []byte
	for ok := it.First(); ok; ok = it.Next() {
		value, err := it.ValueAndErr()
		if err != nil {
			t.Fatal(err)
		}
		all = append(append(append(all, it.Key()...), '\n'), value...)
		all = append(all, '\n')
	}
	if err := it.Close(); err != nil {
		t.Fatal(err)
	}
	return all
}

// quiet is a Pebble logger that ends the test, not the process.
type quiet struct{ t *testing.T }

func (quiet) Infof(string, ...any)             {}
func (q quiet) Errorf(format string, a ...any) { q.t.Errorf(format, a...) }
func (q quiet) Fatalf(format string, a ...any) { q.t.Fatalf(format, a...) }

type findings struct{ bytes, hits int }

func searchAll(t *testing.T, secrets map[string]string, places map[string][]byte) (found findings) {
	t.Helper()
	for place, raw := range places {
		found.bytes += len(raw)
		lower := bytes.ToLower(raw)
		for name, secret := range secrets {
			for how, needle := range spellings(secret) {
				in := raw
				if how == "plain" || how == "without spaces" || how == "hex" || how == "escaped" {
					in = lower
				}
				if i := bytes.Index(in, needle); i >= 0 {
					found.hits++
					t.Errorf("%s: %s (%s) at %d: …%q…", place, name, how, i, raw[max(0, i-60):min(len(raw), i+len(needle)+20)])
				}
			}
		}
	}
	return found
}

// spellings is how a secret may be written. Base64 of something longer shows
// it in one of three ways, by where it begins.
func spellings(secret string) map[string][]byte {
	lower := strings.ToLower(secret)
	escaped := strings.Trim(fmt.Sprintf("%+q", lower), `"`)
	all := map[string][]byte{
		"plain": []byte(lower), "without spaces": []byte(strings.ReplaceAll(lower, " ", "")),
		"hex": []byte(hex.EncodeToString([]byte(secret))), "escaped": []byte(escaped), "URL": []byte(url.QueryEscape(secret)),
	}
	for shift := range 3 {
		long := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("\x00", shift) + secret + "\x00\x00\x00"))
		// The characters at the ends also hold bits of the neighbours.
		if core := long[(shift*8+5)/6 : (shift+len(secret))*8/6]; len(core) >= 6 {
			all[fmt.Sprintf("base64, shifted by %d", shift)] = []byte(core)
		}
	}
	return all
}

// tap is the sandbox bank with an ear on it: it notes every token and code.
type tap struct {
	server *httptest.Server
	mu     sync.Mutex
	heard  map[string]string
}

func newTap(t *testing.T, accounts string) *tap {
	t.Helper()
	b, err := sandbox.New(sandbox.Config{AccountsDir: accounts})
	if err != nil {
		t.Fatal(err)
	}
	tp := &tap{heard: map[string]string{}}
	tp.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" {
			tp.token(w, r, b)
			return
		}
		b.ServeHTTP(w, r)
	}))
	t.Cleanup(tp.server.Close)
	return tp
}

// token notes what goes into and comes out of the token endpoint.
func (tp *tap) token(w http.ResponseWriter, r *http.Request, b http.Handler) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	rec := httptest.NewRecorder()
	b.ServeHTTP(rec, r)
	form, _ := url.ParseQuery(string(body)) // of our own client
	var out struct {
		Access    string `json:"access_token"`
		Refresh   string `json:"refresh_token"`
		ConsentID string `json:"consentId"`
	}
	_ = json.Unmarshal(rec.Body.Bytes(), &out) // empty for a refusal
	tp.mu.Lock()
	for name, v := range map[string]string{"bank's access token": out.Access, "bank's refresh token": out.Refresh, "bank's consent id": out.ConsentID,
		"authorization code": form.Get("code"), "code verifier": form.Get("code_verifier")} {
		if v != "" {
			tp.heard[name] = v
		}
	}
	tp.mu.Unlock()
	for name, values := range rec.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(rec.Code)
	_, _ = w.Write(rec.Body.Bytes())
}

func (tp *tap) tokens() map[string]string {
	tp.mu.Lock()
	defer tp.mu.Unlock()
	return tp.heard
}

var hiddenRequest = regexp.MustCompile(`name="request" value="([^"]*)"`)

// consent takes a person through the consent at the bank, as a browser would.
func (tp *tap) consent(t *testing.T, p *partner, person string) string {
	t.Helper()
	landing := httptest.NewServer(http.NotFoundHandler())
	defer landing.Close()
	var c struct {
		ID           string
		AuthorizeURL string `json:"authorize_url"`
	}
	p.want(t, 201, "POST", "/v1/consents", `{"bank":"sandbox","subject":"control-subject","redirect_uri":"`+landing.URL+`/done"}`).decode(t, &c)
	browser := &http.Client{Timeout: patience}
	page, _ := visit(t, browser, "GET", c.AuthorizeURL, nil)
	field := hiddenRequest.FindStringSubmatch(page)
	if field == nil {
		t.Fatalf("no consent page: %.300s", page)
	}
	form := url.Values{"request": {html.UnescapeString(field[1])}, "person": {person}, "decision": {"allow"}}
	_, end := visit(t, browser, "POST", tp.server.URL+"/authorize", form)
	if end.Query().Get("status") != "authorized" || end.Query().Get("consent_id") != c.ID {
		t.Fatalf("the browser ended at %s", end.Redacted())
	}
	if got := tp.tokens(); got["bank's access token"] == "" || got["authorization code"] == "" {
		t.Fatal("no token was heard: the search for tokens would be worth nothing")
	}
	return c.ID
}

// visit follows every redirect and returns the page at the end and where it is.
func visit(t *testing.T, browser *http.Client, method, target string, form url.Values) (string, *url.URL) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, target, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := browser.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Error(err)
	}
	return string(page), resp.Request.URL
}

// transcript keeps everything the API answered.
type transcript struct {
	mu   sync.Mutex
	off  bool
	said []byte
}

// pause leaves out the answers that show a secret by contract.
func (s *transcript) pause(while func()) {
	s.set(true)
	defer s.set(false)
	while()
}

func (s *transcript) set(off bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.off = off
}

func (s *transcript) bytes() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.said
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func (s *transcript) listen(inner http.RoundTripper) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		resp, err := inner.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		resp.Body = io.NopCloser(bytes.NewReader(body))
		s.mu.Lock()
		defer s.mu.Unlock()
		if !s.off {
			s.said = append(fmt.Appendf(s.said, "%v\n", resp.Header), body...)
		}
		return resp, err
	})
}

// writePlanted writes a person's account with the planted data in every field
// that holds text, one entry a day for so many days; with none, an entry that
// cannot be read.
func writePlanted(t *testing.T, dir, login string, days int, resource string) {
	t.Helper()
	type object = map[string]any
	money := func(text string) object { return object{"currency": "EUR", "amount": text} }
	today := bank.DateOf(time.Now().UTC())
	entry := func(day bank.Date, amount string, n int) object {
		return object{
			"transactionId": fmt.Sprintf("%s-%d", planted["transaction id"], n), "entryReference": planted["transaction id"], "endToEndId": planted["end to end"],
			"mandateId": planted["mandate"], "bookingDate": day.String(), "valueDate": day.String(), "transactionAmount": money(amount),
			"creditorName": planted["counterparty"], "creditorAccount": object{"iban": planted["counterparty iban"]}, "ultimateCreditor": planted["merchant"],
			"debtorName": planted["holder"], "debtorAccount": object{"iban": planted["iban"], "bban": planted["bban"], "maskedPan": planted["card"]},
			"remittanceInformationUnstructured": strings.Join([]string{planted["remittance"], planted["email"], planted["phone"], planted["spaced iban"]}, " "),
			"additionalInformation":             planted["merchant"], "bankTransactionCode": "PMNT-ICDT-ESCT",
			"proprietaryBankTransactionCode": planted["end to end"],
		}
	}
	var booked []object
	for n := range days {
		amount := "-12.34"
		if n%30 == 0 {
			amount = "2100.00"
		}
		booked = append(booked, entry(today.AddDays(n-days), amount, n))
	}
	if days == 0 {
		booked = []object{entry(today, planted["bad amount"], 0)}
	}
	pending := entry(today, "-99.00", days)
	pending["remittanceInformationUnstructured"] = planted["pending"]
	raw, err := json.Marshal(object{
		"accounts": []object{{"resourceId": resource, "iban": planted["iban"], "bban": planted["bban"], "currency": "EUR", "ownerName": planted["holder"],
			"name": planted["account name"], "product": planted["account name"], "cashAccountType": "CACC", "maskedPan": planted["card"]}},
		"balances":     object{resource: []object{{"balanceType": "closingBooked", "balanceAmount": money("1234.56"), "referenceDate": today.String()}}},
		"transactions": object{resource: object{"booked": booked, "pending": []object{pending}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, login+".json"), raw, 0o600); err != nil {
		t.Fatal(err)
	}
}
