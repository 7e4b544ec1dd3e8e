package bank_test

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"acme.example/creditscore/acme/bank"
)

func TestParseMoney(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text, currency string
		minor          int64
		decimal        string // "" when it must be refused
	}{
		{"256.67", "EUR", 25667, "256.67"},
		{"-100.03", "EUR", -10003, "-100.03"},
		{"+5", "EUR", 500, "5.00"},
		{"0.05", "EUR", 5, "0.05"},
		{"-0.05", "EUR", -5, "-0.05"},
		{"-0.00", "EUR", 0, "0.00"},
		{"0007.5", "EUR", 750, "7.50"},
		{"1.5000", "EUR", 150, "1.50"},
		{"100", "JPY", 100, "100"},
		{"100.00", "JPY", 100, "100"},
		{"1.234", "BHD", 1234, "1.234"},
		{"1.2345", "CLF", 12345, "1.2345"},
		{"90000000000000000.00", "EUR", 9_000_000_000_000_000_000, "90000000000000000.00"},
		{"90000000000000000.01", "EUR", 0, ""},
		{"99999999999999999999999", "EUR", 0, ""},
		{"1.005", "EUR", 0, ""}, {"1.5", "JPY", 0, ""},
		{"", "EUR", 0, ""}, {"-", "EUR", 0, ""}, {".5", "EUR", 0, ""}, {"5.", "EUR", 0, ""}, {"--5", "EUR", 0, ""}, {"-+5", "EUR", 0, ""},
		{"1,00", "EUR", 0, ""}, {"1 000", "EUR", 0, ""}, {"1e2", "EUR", 0, ""}, {"0x10", "EUR", 0, ""}, {"1_0", "EUR", 0, ""}, {"1.0.0", "EUR", 0, ""},
		{"１", "EUR", 0, ""}, {"NaN", "EUR", 0, ""}, {"5.-1", "EUR", 0, ""}, {" 5", "EUR", 0, ""},
		{"1", "eur", 0, ""}, {"1", "EURO", 0, ""}, {"1", "", 0, ""}, {"1", "€", 0, ""},
	} {
		m, err := bank.ParseMoney(c.text, c.currency)
		if c.decimal == "" {
			if err == nil {
				t.Errorf("%q %q is read as %s", c.text, c.currency, m)
			} else if len(c.text) > 3 && strings.Contains(err.Error(), c.text) {
				t.Errorf("error %q tells the amount", err)
			}
			continue
		}
		if err != nil || m.Minor != c.minor || m.Decimal() != c.decimal || m.Currency.String() != c.currency {
			t.Errorf("%q %q: %s (%d), error %v, want %s (%d)", c.text, c.currency, m, m.Minor, err, c.decimal, c.minor)
		}
	}
}

func TestMoneyRoundTrip(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		code := []string{"EUR", "JPY", "BHD", "CLF", "USD"}[r.IntN(5)]
		c, err := bank.ParseCurrency(code)
		if err != nil {
			t.Fatal(err)
		}
		m := bank.Money{Minor: (r.Int64N(9_000_000_000_000_000_000) >> r.IntN(62)) * (1 - 2*r.Int64N(2)), Currency: c}
		again, err := bank.ParseMoney(m.Decimal(), code)
		if err != nil || again != m {
			t.Fatalf("%s reads back as %s, error %v", m, again, err)
		}
	}
}

func FuzzParseMoney(f *testing.F) {
	for _, s := range []string{"256.67", "-0.05", "1e400", "5.", "-", "99999999999999999999", "1.000000000000000000000"} {
		f.Add(s, "EUR")
		f.Add(s, "JPY")
	}
	f.Fuzz(func(t *testing.T, text, currency string) {
		m, err := bank.ParseMoney(text, currency)
		if err != nil {
			return
		}
		again, err := bank.ParseMoney(m.Decimal(), currency)
		if err != nil || again != m {
			t.Fatalf("%q is %s, which reads back as %s, error %v", text, m, again, err)
		}
	})
}

func TestCurrencyText(t *testing.T) {
	t.Parallel()
	var c bank.Currency
	if err := json.Unmarshal([]byte(`"SEK"`), &c); err != nil || c.String() != "SEK" {
		t.Errorf("currency %s, error %v", c, err)
	}
	if b, err := json.Marshal(c); err != nil || string(b) != `"SEK"` {
		t.Errorf("written as %s, error %v", b, err)
	}
	if err := json.Unmarshal([]byte(`""`), &c); err != nil || c != (bank.Currency{}) || c.String() != "" {
		t.Errorf("empty currency %s, error %v", c, err)
	}
	if err := json.Unmarshal([]byte(`"kr"`), &c); err == nil {
		t.Error("kr is no currency")
	}
}
