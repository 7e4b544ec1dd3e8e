package anonymize_test

import (
	"strings"
	"testing"

	"acme.example/creditscore/acme/anonymize"
)

func TestLooksPersonal(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"DE89370400440532013000":                      "iban",
		"de89 3704 0044 0532 0130 00":                 "iban",
		"paid from GB82-WEST-1234-5698-7654-32 today": "iban",
		"NO9386011117947":                             "iban",
		"ＤＥ８９３７０４００４４０５３２０１３０００":                             "iban",
		"D\u200bE89370400440532013000":                       "iban",
		"4111111111111111":                                   "pan",
		"card 4111 1111 1111 1111 ok":                        "pan",
		"3782-822463-10005":                                  "pan",
		"5555555555554444":                                   "pan",
		"someone@example.org":                                "email",
		"mail: a.b+c@mail.example.co.uk.":                    "email",
		"+49 (151) 2345-6789":                                "phone",
		"tel:+420777123456":                                  "phone",
		"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl":  "token",
		"Bearer abcdefghijklmnopqrst":                        "token",
		"access-sandbox-74f3a6eb-55ce-3c75-23d8-3c9bb20fc53": "token",
		"Ha1kfS46XT1A2DLHlQXoHF49ErteSGLTkTNyxfAx":           "token",

		"order-12345":                          "",
		"ORDER/2026/000123":                    "",
		"f47ac10b-58cc-4372-a567-0e02b2c3d479": "",
		"01J9ZQ8R7XKZ3M5N6P7Q8R9S0T":           "",
		"2026-03-01":                           "",
		"2026-03-01T10:11:12.123456+02:00":     "",
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855": "",
		"1234567890123456":               "",
		"4111111111111112":               "",
		"DE89370400440532013001":         "",
		"1+1 = 2":                        "",
		"+12 34":                         "",
		"a @ b":                          "",
		"@handle":                        "",
		"v1.2.3-rc.1+build.5":            "",
		"campaign: Spring sale 2026, 5%": "",
		"https://partner.example/applications/2026/17?step=2": "",
		"": "",
	} {
		kind, found := anonymize.LooksPersonal(text)
		if kind != want || found != (want != "") {
			t.Errorf("%q: got %q, %v; want %q", text, kind, found, want)
		}
	}
}

func FuzzLooksPersonal(f *testing.F) {
	for _, s := range []string{"", "+", "@", "DE89 3704", "4111 1111 1111 1111", "\xff\xfe", "eyJ.."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		anonymize.LooksPersonal(text)
		if kind, _ := anonymize.LooksPersonal("DE89370400440532013000 " + text); kind == "" {
			t.Error("an IBAN before other text was not seen")
		}
	})
}

func BenchmarkLooksPersonal(b *testing.B) {
	text := strings.Repeat("order-12345 of campaign spring ", 3)
	b.ReportAllocs()
	for b.Loop() {
		anonymize.LooksPersonal(text)
	}
}
