package anonymize

import (
	"strings"
	"unicode"
)

// LooksPersonal is a second line of defence for texts that partners write
// themselves, such as metadata: it tells whether text holds something with
// the form of personal data or of a secret, and which: "iban" (mod-97
// checksum and the country's length), "pan" (a payment card's number: Luhn
// and an issuer's range), "email", "phone" (a + and at least 9 digits) or
// "token" (JWT, well-known prefixes, long random strings of mixed case).
//
// It looks through full-width forms, zero-width characters and the usual
// separators. It is made to leave alone order numbers, UUIDs, ULIDs, hex
// digests, dates and times; it knows no names and no national ids, so a
// text it passes may still be personal.
func LooksPersonal(text string) (kind string, found bool) {
	t := plain(text)
	switch {
	case hasToken(t):
		return "token", true
	case hasEmail(t):
		return "email", true
	case hasIBAN(t):
		return "iban", true
	case hasPAN(t):
		return "pan", true
	case hasPhone(t):
		return "phone", true
	}
	return "", false
}

// plain narrows full-width forms, drops joiners, and makes one of each kind
// of space, dash and digit.
func plain(text string) string {
	ascii := true
	for i := range len(text) {
		ascii = ascii && text[i] < 0x80
	}
	if ascii {
		return text
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r < 0x80:
			return r
		case r >= 0xff01 && r <= 0xff5e:
			return r - 0xfee0
		case r == 0xad, unicode.Is(unicode.Cf, r), unicode.Is(unicode.Mn, r):
			return -1
		case unicode.IsSpace(r):
			return ' '
		case unicode.Is(unicode.Pd, r):
			return '-'
		case unicode.IsDigit(r):
			return '0' + digitValue(r)
		}
		return r
	}, text)
}

// digitValue is the value of a decimal digit of any script: Unicode encodes
// the ten of each in a row, beginning at a zero.
func digitValue(r rune) rune {
	zero := r
	for unicode.IsDigit(zero-1) && r-zero < 9 {
		zero--
	}
	return r - zero
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
func isUpper(c byte) bool { return c >= 'A' && c <= 'Z' }
func isLower(c byte) bool { return c >= 'a' && c <= 'z' }
func isWord(c byte) bool {
	return isDigit(c) || isUpper(c) || isLower(c) || c >= 0x80
}

// startsWord tells whether a word of text begins at i.
func startsWord(text string, i int) bool { return i == 0 || !isWord(text[i-1]) }

// tokenPrefixes begin secrets of well-known services and ours.
var tokenPrefixes = []string{
	"sk_live_", "sk_test_", "pk_live_", "rk_live_", "whsec_", "ghp_", "gho_", "github_pat_", "glpat-", "xoxb-", "xoxp-",
	"access-production-", "access-sandbox-", "access-development-", "AKIA", "ya29.", "-----BEGIN ",
}

func hasToken(t string) bool {
	for _, p := range tokenPrefixes {
		if i := strings.Index(t, p); i >= 0 && len(t)-i >= len(p)+8 && startsWord(t, i) {
			return true
		}
	}
	if i := strings.Index(strings.ToLower(t), "bearer "); i >= 0 && startsWord(t, i) && len(t)-i >= len("bearer ")+16 {
		return true
	}
	for field := range strings.FieldsFuncSeq(t, notTokenRune) {
		if isJWT(field) || isRandom(field) {
			return true
		}
	}
	return false
}

func notTokenRune(r rune) bool {
	return r >= 0x80 || !isWord(byte(r)) && !strings.ContainsRune("-_.+/=", r)
}

// isJWT knows the compact form of RFC 7515, whose header begins {" .
func isJWT(s string) bool {
	return strings.HasPrefix(s, "eyJ") && strings.Count(s, ".") >= 2 && len(s) >= 30
}

// isRandom knows long strings of digits and both cases, well mixed.
func isRandom(s string) bool {
	if len(s) < 32 {
		return false
	}
	run, changes := 0, 0
	var digits, upper, lower int
	last := byte(0)
	for i := range len(s) {
		c := s[i]
		kind := byte('-')
		switch {
		case isDigit(c):
			kind, digits = 'd', digits+1
		case isUpper(c):
			kind, upper = 'u', upper+1
		case isLower(c):
			kind, lower = 'l', lower+1
		}
		if kind == '-' {
			run = 0
		} else if run++; kind != last {
			changes++
		}
		last = kind
	}
	return digits >= 2 && upper >= 4 && lower >= 4 && changes*3 >= len(s) && run > 0
}

func hasEmail(t string) bool {
	for i := 1; i < len(t)-1; i++ {
		if t[i] != '@' || !isWord(t[i-1]) {
			continue
		}
		domain := t[i+1:]
		end := 0
		for end < len(domain) && (isWord(domain[end]) || domain[end] == '.' || domain[end] == '-') {
			end++
		}
		domain = strings.TrimRight(domain[:end], ".-")
		dot := strings.LastIndexByte(domain, '.')
		if dot > 0 && len(domain)-dot > 2 && !isDigit(domain[len(domain)-1]) {
			return true
		}
	}
	return false
}

// hasPhone knows international numbers: E.164 allows 15 digits.
func hasPhone(t string) bool {
	for i := range len(t) {
		if t[i] != '+' || !startsWord(t, i) {
			continue
		}
		digits, gap := 0, 0
		for _, c := range []byte(t[i+1:]) {
			if isDigit(c) {
				digits, gap = digits+1, 0
			} else if gap++; !strings.ContainsRune(" -./()", rune(c)) || gap > 2 {
				break
			}
		}
		if digits >= 9 && digits <= 15 {
			return true
		}
	}
	return false
}
