package bank

import (
	"fmt"
	"strconv"
	"strings"
)

// Money is an amount in the minor units of its currency (cents for EUR,
// whole yen for JPY), signed: negative leaves the account. It is never a
// float.
type Money struct {
	Minor    int64
	Currency Currency
}

// Currency is an ISO 4217 alphabetic code: three capital letters.
type Currency [3]byte

// ParseCurrency reads a code such as "EUR".
func ParseCurrency(code string) (Currency, error) {
	var c Currency
	if len(code) != len(c) {
		return c, fmt.Errorf("currency: %d characters, want an ISO 4217 code of three capital letters", len(code))
	}
	for i := range c {
		if code[i] < 'A' || code[i] > 'Z' {
			return Currency{}, fmt.Errorf("currency: want an ISO 4217 code of three capital letters")
		}
		c[i] = code[i]
	}
	return c, nil
}

// String returns the code, or "" for the zero Currency.
func (c Currency) String() string {
	if c == (Currency{}) {
		return ""
	}
	return string(c[:])
}

// MarshalText writes the code.
func (c Currency) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads a code; an empty text gives the zero Currency.
func (c *Currency) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*c = Currency{}
		return nil
	}
	v, err := ParseCurrency(string(text))
	if err == nil {
		*c = v
	}
	return err
}

// exponents lists the currencies whose minor unit is not a hundredth
// (ISO 4217, list one, "minor unit" column).
var exponents = map[string]int{
	"BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0, "RWF": 0,
	"UGX": 0, "UYI": 0, "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0,
	"BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
	"CLF": 4, "UYW": 4,
}

// Exponent is the number of decimal places of the minor unit: 2 for most.
func (c Currency) Exponent() int {
	if e, ok := exponents[c.String()]; ok {
		return e
	}
	return 2
}

// ParseMoney reads a decimal text such as "-256.67" exactly. More decimals
// than the currency has are accepted only when they are zeros; exponents,
// thousands separators, a decimal comma and anything else are refused, as
// is an amount beyond ±9·10^18 minor units. The text itself is never part of
// the error, since it comes from a person's account.
func ParseMoney(text, currency string) (Money, error) {
	c, err := ParseCurrency(currency)
	if err != nil {
		return Money{}, fmt.Errorf("parsing money: %w", err)
	}
	digits, negative := strings.CutPrefix(text, "-")
	if !negative {
		digits = strings.TrimPrefix(digits, "+")
	}
	whole, frac, dotted := strings.Cut(digits, ".")
	exp := c.Exponent()
	if len(frac) > exp {
		if strings.Trim(frac[exp:], "0") != "" {
			return Money{}, fmt.Errorf("parsing money: more than %d decimals for %s", exp, c)
		}
		frac = frac[:exp]
	}
	frac += strings.Repeat("0", exp-len(frac))
	all := whole + frac
	if whole == "" || (dotted && strings.HasSuffix(digits, ".")) || strings.IndexFunc(all, notDigit) >= 0 {
		return Money{}, fmt.Errorf("parsing money: want a decimal number such as -12.34")
	}
	minor, err := strconv.ParseInt(all, 10, 64)
	if err != nil || minor > maxMinor {
		return Money{}, fmt.Errorf("parsing money: amount out of range")
	}
	if negative {
		minor = -minor
	}
	return Money{Minor: minor, Currency: c}, nil
}

// maxMinor leaves room for sums of a few amounts in an int64.
const maxMinor = 9_000_000_000_000_000_000

func notDigit(r rune) bool { return r < '0' || r > '9' }

// Decimal returns the amount as decimal text, without its currency.
func (m Money) Decimal() string {
	exp := m.Currency.Exponent()
	u := uint64(m.Minor)
	sign := ""
	if m.Minor < 0 {
		u, sign = -u, "-"
	}
	s := strconv.FormatUint(u, 10)
	if exp == 0 {
		return sign + s
	}
	if len(s) <= exp {
		s = strings.Repeat("0", exp-len(s)+1) + s
	}
	return sign + s[:len(s)-exp] + "." + s[len(s)-exp:]
}

// String returns the amount and its currency, such as "-12.34 EUR".
func (m Money) String() string { return m.Decimal() + " " + m.Currency.String() }
