package berlingroup_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"acme.example/creditscore/acme/bank"
	"acme.example/creditscore/acme/bank/berlingroup"
)

// page is an answer with booked entries and a link.
func page(next string, entries ...string) string {
	return fmt.Sprintf(`{"transactions":{"booked":[%s],"_links":{"next":{"href":%q}}}}`, strings.Join(entries, ","), next)
}

func numbered(id int) string {
	return entry(fmt.Sprintf("-%d.00", id), fmt.Sprintf(`"transactionId":"t%d"`, id))
}

const history = "/v1/accounts/a1/transactions"

func TestRequestsAreTheStandards(t *testing.T) {
	t.Parallel()
	s := oneAccount(`{"transactions":{"booked":[]}}`)
	if _, err := open(t, s).Fetch(t.Context(), access(), asked); err != nil {
		t.Fatal(err)
	}
	want := "/xs2a/v1/accounts /xs2a/v1/accounts/a1/balances /xs2a/v1/accounts/a1/transactions?bookingStatus=both&dateFrom=2017-01-01&dateTo=2017-12-31"
	if got := strings.Join(s.urls(), " "); got != want {
		t.Errorf("asked %s\nwant  %s", got, want)
	}
	uuid := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	ids := map[string]bool{}
	for _, r := range s.asked {
		id := r.Header.Get("X-Request-ID")
		if !uuid.MatchString(id) || ids[id] {
			t.Errorf("X-Request-ID %q: want a new UUID each request", id)
		}
		ids[id] = true
		if r.Header.Get("Authorization") != "Bearer tok-secret" || r.Header.Get("Consent-ID") != "consent-secret" || r.Header.Get("Accept") != "application/json" {
			t.Error("headers are missing")
		}
		for _, h := range []string{"PSU-IP-Address"} {
			if r.Header.Get(h) != "" {
				t.Errorf("%s is for when the person is present", h)
			}
		}
	}
}

func TestPagesAreFollowedWhereverTheLinkPoints(t *testing.T) {
	t.Parallel()
	for rule, link := range map[string]string{
		"absolute":                "https://bank.test/xs2a/v1/accounts/a1/transactions?page=2",
		"the default port named":  "https://bank.test:443/xs2a/v1/accounts/a1/transactions?page=2",
		"path":                    "/xs2a/v1/accounts/a1/transactions?page=2",
		"path of another prefix":  "/psd2/v1/accounts/a1/transactions?page=2",
		"path without the prefix": "/v1/accounts/a1/transactions?page=2",
		"relative":                "transactions?page=2",
		"only a query":            "?page=2",
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			s := oneAccount(page(link, numbered(1), numbered(2)))
			// The pages overlap in t2; t3 comes back with other contents.
			s.answers[history+"?page=2"] = page("?page=3", numbered(2), numbered(3))
			s.answers[history+"?page=3"] = page("", entry("-9.00", `"transactionId":"t3"`), entry("-1.00"), entry("-1.00"))
			st, err := open(t, s).Fetch(t.Context(), access(), asked)
			if err != nil {
				t.Fatal(err)
			}
			a := st.Accounts[0]
			if got, want := amounts(a.Transactions), "-1.00 EUR, -2.00 EUR, -3.00 EUR, -9.00 EUR, -1.00 EUR, -1.00 EUR"; got != want || !a.Complete {
				t.Errorf("amounts %s, want %s", got, want)
			}
		})
	}
}

func TestFailuresOfPaging(t *testing.T) {
	t.Parallel()
	anonymous := make([]string, 12)
	for i := range anonymous {
		anonymous[i] = entry(fmt.Sprintf("-%d.00", i+1))
	}
	for _, c := range []struct {
		rule    string
		answers map[string]string
		detail  string
	}{
		{"a link back to the first page", map[string]string{
			history: page("?page=2", numbered(1)), history + "?page=2": page("?page=3", numbered(2)), history + "?page=3": page("?page=2", numbered(3)),
		}, "page 3 links back to page 2"},
		{"a new link to the same page", map[string]string{
			history: page("?page=2", numbered(1)), history + "?page=2": page("?page=3", numbered(1)),
		}, "page 2 repeats earlier pages"},
		{"the same page without ids", map[string]string{
			history: page("?page=2", anonymous...), history + "?page=2": page("?page=3", anonymous...),
		}, "page 2 repeats earlier pages"},
		{"another host", map[string]string{history: page("https://evil.test/xs2a/v1/accounts/a1/transactions", numbered(1))}, "link leaves the bank's origin"},
		{"another host without a scheme", map[string]string{history: page("//evil.test/v1/accounts/a1/transactions", numbered(1))}, "link leaves the bank's origin"},
		{"another scheme", map[string]string{history: page("http://bank.test/xs2a/", numbered(1))}, "link leaves the bank's origin"},
		{"another port", map[string]string{history: page("https://bank.test:8443/xs2a/", numbered(1))}, "link leaves the bank's origin"},
		{"user information", map[string]string{history: page("https://u:p@bank.test/xs2a/", numbered(1))}, "link leaves the bank's origin"},
		{"no URL", map[string]string{history: page("http://[::1", numbered(1))}, "link is not a URL"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			t.Parallel()
			s := oneAccount("")
			for k, v := range c.answers {
				s.answers[k] = v
			}
			_, err := open(t, s).Fetch(t.Context(), access(), asked)
			if e := bankError(t, err); e.Code != bank.CodeBadData || e.Detail != c.detail {
				t.Errorf("error %v, want %s", e, c.detail)
			}
			for _, r := range s.asked {
				if r.URL.Host != "bank.test" || r.URL.Scheme != "https" {
					t.Error("a request left the bank's origin")
				}
			}
		})
	}
}

func TestEndlessPagesEnd(t *testing.T) {
	t.Parallel()
	s := oneAccount(page("?page=1", numbered(0)))
	for i := 1; i < 30; i++ {
		s.answers[fmt.Sprintf("%s?page=%d", history, i)] = page(fmt.Sprintf("?page=%d", i+1), numbered(i))
	}
	_, err := open(t, s).Fetch(t.Context(), access(), asked)
	if e := bankError(t, err); e.Detail != "more than 20 pages" {
		t.Errorf("error %v", e)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	tpp := func(status, code string) string {
		return fmt.Sprintf(`%s {"tppMessages":[{"category":"ERROR","code":%q,"text":"John Miles, DE2310010010123456789"}]}`, status, code)
	}
	for _, c := range []struct {
		answer string
		code   bank.Code
		detail string
	}{
		{tpp("401", "CONSENT_EXPIRED"), bank.CodeUnauthorized, "CONSENT_EXPIRED"},
		{tpp("400", "CONSENT_UNKNOWN"), bank.CodeUnauthorized, "CONSENT_UNKNOWN"},
		{tpp("401", "TOKEN_EXPIRED"), bank.CodeUnauthorized, "TOKEN_EXPIRED"},
		{tpp("401", "MILES_EXPIRED"), bank.CodeUnauthorized, ""},
		{tpp("403", "RESOURCE_UNKNOWN"), bank.CodeUnauthorized, "RESOURCE_UNKNOWN"},
		{tpp("404", "RESOURCE_UNKNOWN"), bank.CodeBadData, "RESOURCE_UNKNOWN"},
		{tpp("400", "ACCESS_EXCEEDED"), bank.CodeRateLimited, "ACCESS_EXCEEDED"},
		{tpp("429", "ACCESS_EXCEEDED"), bank.CodeRateLimited, ""},
		{`401 {"type":"https://bank/John","title":"John","code":"FORMAT_ERROR","additionalErrors":[{"code":"CONSENT_INVALID"}]}`, bank.CodeUnauthorized, "CONSENT_INVALID"},
		{`400 {"tppMessages":{"code":"CONSENT_INVALID"}}`, bank.CodeBadData, "unexpected status"},
		{`403 <html>John Miles</html>`, bank.CodeUnauthorized, ""},
		{`500 {"tppMessages":[{"code":"CONSENT_EXPIRED"}]}`, bank.CodeUnavailable, ""},
	} {
		t.Run(c.answer, func(t *testing.T) {
			t.Parallel()
			s := &scripted{answers: map[string]string{"/v1/accounts": c.answer}}
			_, err := open(t, s).Fetch(t.Context(), access(), asked)
			if e := bankError(t, err); e.Code != c.code || e.Detail != c.detail {
				t.Errorf("error %v, want %s %q", e, c.code, c.detail)
			}
		})
	}
}

func TestBankWithoutBothIsAskedForBooked(t *testing.T) {
	t.Parallel()
	s := oneAccount(`400 {"tppMessages":[{"code":"PARAMETER_NOT_SUPPORTED"}]}`)
	s.answers[history+"?bookingStatus=booked&dateFrom=2017-01-01&dateTo=2017-12-31"] = page("", numbered(1))
	a := open(t, s)
	for range 2 {
		st, err := a.Fetch(t.Context(), access(), asked)
		if err != nil || len(st.Accounts[0].Transactions) != 1 {
			t.Fatalf("error %v", err)
		}
	}
	if n := len(s.asked); n != 7 {
		t.Errorf("%d requests %v, want 7: the refusal is paid for once", n, s.urls())
	}
}

func TestRefusedPeriodIsAskedForTheLast90Days(t *testing.T) {
	t.Parallel()
	s := oneAccount(`400 {"tppMessages":[{"code":"PERIOD_INVALID"}]}`)
	s.answers[history+"?bookingStatus=both&dateFrom=2017-10-03&dateTo=2017-12-31"] = page("", numbered(1))
	st, err := open(t, s).Fetch(t.Context(), access(), asked)
	if err != nil || len(st.Accounts[0].Transactions) != 1 || st.Asked != asked {
		t.Fatalf("error %v, asked %v", err, s.urls())
	}
	s = oneAccount(`400 {"tppMessages":[{"code":"PERIOD_INVALID"}]}`)
	_, err = open(t, s).Fetch(t.Context(), access(), asked)
	if e := bankError(t, err); e.Detail != "PERIOD_INVALID" || len(s.asked) != 4 {
		t.Errorf("error %v after %v", e, s.urls())
	}
}

func TestBadTransactions(t *testing.T) {
	t.Parallel()
	for rule, c := range map[string]struct{ answer, detail string }{
		"no transactions field":      {`{}`, "answer has no transactions field"},
		"null":                       {`{"transactions":null}`, "answer has no transactions field"},
		"cut off":                    {`{"transactions":{"booked":[`, "answer is not JSON from byte 27 of 27 on"},
		"something after the end":    {`{"transactions":{}} x`, "answer is not JSON from byte 21 of 21 on"},
		"empty":                      {``, "answer is empty"},
		"a list for an object":       {`{"transactions":[]}`, `field "transactions" is of another type than the standard's`},
		"a huge exponent":            {`{"transactions":{"booked":[{"transactionAmount":{"currency":"EUR","amount":1e400},"bookingDate":"2025-01-01"}]}}`, "parsing money: want a decimal number such as -12.34"},
		"a decimal comma":            {`{"transactions":{"booked":[` + entry("1,00") + `]}}`, "parsing money: want a decimal number such as -12.34"},
		"too many decimals":          {`{"transactions":{"booked":[` + entry("1.005") + `]}}`, "parsing money: more than 2 decimals for EUR"},
		"no amount":                  {`{"transactions":{"booked":[{"bookingDate":"2025-01-01"}]}}`, "parsing money: want a decimal number such as -12.34"},
		"no date":                    {`{"transactions":{"booked":[{"transactionAmount":{"currency":"EUR","amount":"1"}}]}}`, "a booked entry has neither a booking date nor a value date"},
		"a date that is none":        {`{"transactions":{"booked":[{"transactionAmount":{"currency":"EUR","amount":"1"},"bookingDate":"31.12.2025"}]}}`, "a date is not a date"},
		"deeper than JSON may be":    {strings.Repeat("[", 20_000), "answer is not JSON from byte 10001 of 20000 on"},
		"a balance that is no money": {`{"transactions":{"booked":[` + entry("1.00", after("x")) + `]}}`, "a balance after an entry: parsing money: want a decimal number such as -12.34"},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			_, err := open(t, oneAccount(c.answer)).Fetch(t.Context(), access(), asked)
			if e := bankError(t, err); e.Code != bank.CodeBadData || e.Detail != c.detail {
				t.Errorf("error %v, want %s", e, c.detail)
			}
		})
	}
}

// TestDeepNestingIsReadOnce: read level by level, this would take minutes.
func TestDeepNestingIsReadOnce(t *testing.T) {
	t.Parallel()
	const depth = 9_000
	long := strings.Repeat(" ", 4<<20)
	for _, nest := range [][2]string{{"[", "]"}, {`{"reference":`, "}"}} {
		body := `{"transactions":{"booked":[` + entry("1.00", `"remittanceInformationStructured":`+
			strings.Repeat(nest[0], depth)+long+"1"+strings.Repeat(nest[1], depth)) + `]}}`
		start := time.Now()
		a, err := berlingroup.ReadTransactions([]byte(body))
		if err != nil || !a.Transactions[0].Remittance.IsZero() || time.Since(start) > 5*time.Second {
			t.Errorf("error %v after %s", err, time.Since(start))
		}
	}
}

func TestWhatBanksWriteOtherwiseIsUnderstood(t *testing.T) {
	t.Parallel()
	a, err := berlingroup.ReadTransactions([]byte(`{"account":{"bban":"BARC 1","currency":"EUR"},"transactions":{"booked":[
		{"transactionId":42,"transactionAmount":{"amount":-12.30},"valueDate":"2025-03-04T00:00:00Z","bookingDate":"0001-01-01",
		 "remittanceInformationUnstructuredArray":["one","tw\u00f6"],"remittanceInformationStructured":{"reference":"RF18"},
		 "ultimateCreditor":"Shop","creditorAccount":{"other":{"identification":"77"}},"merchantCategoryCode":5411,
		 "purposeCode":"SALA","proprietaryBankTransactionCode":"CARD","bankTransactionCode":"PMNT-CCRD-POSD",
		 "balanceAfterTransaction":{"balanceAmount":{"amount":"-1.00","currency":"EUR"},"balanceType":"interimBooked"}},
		{"entryReference":"e","transactionAmount":{"amount":"3","currency":"EUR"},"bookingDate":"2019-01-01",
		 "debtorAccount":{"maskedPan":"41**"},"additionalInformation":"more",
		 "balanceAfterTransaction":{"balanceAmount":{"amount":"9"},"balanceType":"interimAvailable"}}]}}`))
	if err != nil {
		t.Fatal(err)
	}
	x, y := a.Transactions[0], a.Transactions[1]
	for _, c := range []struct{ what, got, want string }{
		{"number", a.Number.Reveal(), "BARC 1"},
		{"id", x.ID.Reveal(), "42"},
		{"amount", x.Amount.String(), "-12.30 EUR"},
		{"booking", x.Booking.String(), "2025-03-04"},
		{"remittance", x.Remittance.Reveal(), "one\ntwö\nRF18"},
		{"counterparty", x.Counterparty.Reveal(), "Shop"},
		{"its account", x.CounterpartyAccount.Reveal(), "77"},
		{"merchant category", x.MCC.Reveal(), "5411"},
		{"purpose", x.Purpose.Reveal(), "SALA"},
		{"code", x.BankCode.Reveal(), "PMNT-CCRD-POSD"},
		{"own code", x.ProprietaryCode.Reveal(), "CARD"},
		{"balance after", x.BalanceAfter.String(), "-1.00 EUR"},
		{"second id", y.ID.Reveal(), "e"},
		{"second's account", y.CounterpartyAccount.Reveal(), "41**"},
		{"second's text", y.Remittance.Reveal(), "more"},
		{"delivered", a.Delivered.From.String() + " " + a.Delivered.To.String(), "2019-01-01 2025-03-04"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %q, want %q", c.what, c.got, c.want)
		}
	}
	if !x.HasBalanceAfter || y.HasBalanceAfter {
		t.Error("only a booked balance is the balance after an entry")
	}
}

func TestAccounts(t *testing.T) {
	t.Parallel()
	s := &scripted{answers: map[string]string{
		"/v1/accounts": `{"accounts":[
			{"resourceId":"a/1?x","maskedPan":"41**","currency":"SEK","cashAccountType":"CARD","ownerName":"Heike",
			 "balances":[{"balanceType":"CLBD","balanceAmount":{"amount":"1.50","currency":"SEK"}}],"_links":{"transactions":"/x"}},
			{"resourceId":"gone","status":"deleted"},
			{"resourceId":"s","cashAccountType":"SVGS","_links":{"balances":{"href":"/x"}}}]}`,
		"/v1/accounts/a%2F1%3Fx/transactions": page("", entry("2.00")),
		"/v1/accounts/s/balances":             `{"balances":[{"balanceType":"authorised","balanceAmount":{"amount":"7","currency":"SEK"}}]}`,
	}}
	st, err := open(t, s).Fetch(t.Context(), access(), asked)
	if err != nil {
		t.Fatalf("%v after %v", err, s.urls())
	}
	if len(st.Accounts) != 2 || len(s.asked) != 3 {
		t.Fatalf("%d accounts after %v", len(st.Accounts), s.urls())
	}
	card, savings := st.Accounts[0], st.Accounts[1]
	if card.Kind != bank.AccountCard || card.Holder.Reveal() != "Heike" || len(card.Balances) != 1 || card.Balances[0].Type != bank.BalanceClosingBooked {
		t.Error("card account misread")
	}
	if savings.Kind != bank.AccountSavings || !savings.Balances[0].CreditLimitIncluded || savings.Balances[0].Type != bank.BalanceAvailable || !savings.Complete {
		t.Error("savings account misread")
	}
	for _, bad := range []string{`{}`, `{"accounts":[{"iban":"x"}]}`, `{"accounts":[{"resourceId":".."}]}`, `{"accounts":[{"resourceId":"a","currency":"euro"}]}`} {
		_, err := open(t, &scripted{answers: map[string]string{"/v1/accounts": bad}}).Fetch(t.Context(), access(), asked)
		if e := bankError(t, err); e.Code != bank.CodeBadData {
			t.Errorf("%s: error %v", bad, e)
		}
	}
}

func TestStatementCannotBeMarshalled(t *testing.T) {
	t.Parallel()
	st, err := open(t, oneAccount(fixture(t, "transactionsExample1_RegularAccount_json"))).Fetch(t.Context(), access(), asked)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := json.Marshal(st); err == nil {
		t.Errorf("marshalled to %s", b)
	}
	if s := fmt.Sprintf("%+v %#v %v", st, *st, st.Accounts); strings.Contains(s, "Miles") || strings.Contains(s, "DE00") {
		t.Error("printed a name or a number")
	}
}

func TestConfigurationFaultsAreAllReported(t *testing.T) {
	t.Parallel()
	_, err := berlingroup.New(berlingroup.Config{
		BaseURL: "ftp://x", Timeout: -1, MaxPages: -2, MaxTransactions: -3, ParallelAccounts: -4,
		OAuth: bank.OAuthConfig{TokenURL: "nowhere", ClientSecret: bank.NewToken("s3cret")},
	})
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range []string{`BaseURL: "ftp://x"`, "Timeout: -1ns", "MaxPages: -2", "MaxTransactions: -3", "ParallelAccounts: -4", `TokenURL: "nowhere"`, "AuthorizationURL", "ClientID: empty"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error does not tell %q: %v", part, err)
		}
	}
	if strings.Contains(err.Error(), "s3cret") {
		t.Error("the secret is told")
	}
}

func TestConsentIsOptional(t *testing.T) {
	t.Parallel()
	without := open(t, oneAccount(""))
	with, err := berlingroup.New(berlingroup.Config{BaseURL: base, OAuth: bank.OAuthConfig{
		ClientID: "acme", AuthorizationURL: base + "/authorize", TokenURL: base + "/token",
	}})
	if err != nil {
		t.Fatal(err)
	}
	d := bank.NewDirectory(map[string]bank.Adapter{"with": with, "without": without})
	if _, ok := d.Consenter("without"); ok {
		t.Error("a bank without OAuth is no Consenter")
	}
	c, ok := d.Consenter("with")
	if !ok {
		t.Fatal("a bank with OAuth is a Consenter")
	}
	if a, err := c.Authorize(t.Context(), "https://acme.test/cb"); err != nil || !strings.HasPrefix(a.URL, base+"/authorize?") {
		t.Errorf("authorization %q, error %v", a.URL, err)
	}
	_, err = without.Authorize(t.Context(), "")
	bankError(t, err)
	_, err = without.Refresh(t.Context(), bank.Grant{})
	bankError(t, err)
	_, err = without.Exchange(t.Context(), "", bank.Authorization{}, bank.Callback{})
	bankError(t, err)
	if err := without.Revoke(t.Context(), bank.Grant{}); err != nil {
		t.Error(err)
	}
}
