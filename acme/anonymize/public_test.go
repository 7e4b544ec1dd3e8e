package anonymize_test

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"acme.example/creditscore/acme/anonymize"
	"acme.example/creditscore/acme/bank"
)

// sharedFile opens a file of the folder of shared data that may stand beside
// the module, or that ACME_SHARED names.
func sharedFile(t *testing.T, name string) *os.File {
	t.Helper()
	dir := os.Getenv("ACME_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared")
	}
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		t.Skip("the shared folder of planted data is not here")
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// Planted rows: every text of a row is put in every text of an entry, and
// none of the row's secrets may be in the Profile's bytes. Markers of the
// text must be told by the category.
func TestPlantedRows(t *testing.T) {
	t.Parallel()
	type secret struct{ Type, Value string }
	type row struct {
		ID       string
		Payload  struct{ Transaction map[string]any }
		Secrets  []secret
		Controls []struct {
			Type  string
			AnyOf []string `json:"any_of"`
		}
	}
	var st bank.Statement
	acc := account("A")
	var secrets []secret
	kept, markers := 0, 0
	lines := bufio.NewScanner(sharedFile(t, "leak/public_sample.jsonl"))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r row
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		secrets = append(secrets, r.Secrets...)
		tx := r.Payload.Transaction
		first := func(keys ...string) string {
			for _, k := range keys {
				if s, ok := tx[k].(string); ok && s != "" {
					return s
				}
			}
			return ""
		}
		minor := int64(1)
		if m, ok := tx["transactionAmount"].(map[string]any); ok && strings.HasPrefix(m["amount"].(string), "-") ||
			tx["CreditDebitIndicator"] == "Debit" {
			minor = -1
		}
		if a, ok := tx["amount"].(float64); ok && a > 0 {
			minor = -1
		}
		x := booked(r.ID, today, minor, first("remittanceInformationUnstructured", "TransactionInformation", "name"))
		if minor < 0 {
			x.Counterparty = bank.NewText(first("creditorName"))
		} else {
			x.Counterparty = bank.NewText(first("debtorName"))
		}
		x.BankCode, x.Purpose = bank.NewText(first("bankTransactionCode")), bank.NewText(first("purposeCode"))
		category := strings.ReplaceAll(anonymize.Categorize(&x).String(), "_", " ")
		for _, c := range r.Controls {
			switch c.Type {
			case "salary_marker", "rent_marker", "loan_marker", "benefit_marker", "fee_marker", "gambling_merchant", "atm_marker", "utility_word", "lender":
				markers++
				if containsAny(category, c.AnyOf) {
					kept++
				} else {
					t.Logf("%s: %s of %v became %s", r.ID, c.Type, c.AnyOf, category)
				}
			}
		}
		whole := bank.NewText(lines.Text())
		x.Counterparty, x.CounterpartyAccount, x.Remittance = whole, whole, whole
		acc.Transactions = append(acc.Transactions, x)
	}
	if len(acc.Transactions) < 50 || markers < 15 {
		t.Fatalf("%d rows, %d markers", len(acc.Transactions), markers)
	}
	if kept*100 < markers*95 {
		t.Errorf("%d of %d markers survive", kept, markers)
	}
	st.Accounts = append(st.Accounts, acc)
	p, err := anonymize.New(fixedKeys{}).Profile(&st, who, today)
	if err != nil {
		t.Fatal(err)
	}
	bytes := strings.ToLower(string(encode(t, p)))
	for _, s := range secrets {
		if len(s.Value) >= 4 && strings.Contains(bytes, strings.ToLower(s.Value)) {
			t.Errorf("a planted %s is in the profile", s.Type)
		}
	}
}

func containsAny(text string, words []string) bool {
	for _, w := range words {
		if strings.Contains(text, strings.ToLower(w)) {
			return true
		}
	}
	return false
}
