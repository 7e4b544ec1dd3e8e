package webhook_test

import (
	"errors"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"acme.example/creditscore/acme/webhook"
)

func TestCheckURL(t *testing.T) {
	t.Parallel()
	const yes, no, private = "allowed", "refused", "only where private networks are allowed"
	for _, tc := range []struct{ raw, want string }{
		{"https://partner.example/hooks?x=1", yes},
		{"HTTPS://Partner.Example", yes},
		{"https://partner.example:443/", yes},
		{"https://partner.example:8443/", yes},
		{"https://a_b.partner.example/", yes},
		{"https://xn--bcher-kva.example/", yes},
		{"https://8.8.8.8/", yes},
		{"https://[2606:4700:4700::1111]:8443/", yes},
		{"https://1e100.net/", yes},
		{"https://0xabc.example/", yes},

		{"http://partner.example/", private},
		{"http://127.0.0.1:8080/hook", private},
		{"https://127.0.0.1/", private},
		{"https://[::1]:9000/", private},
		{"https://10.0.0.1/", private},
		{"https://169.254.169.254/latest/meta-data", private},
		{"https://[::ffff:127.0.0.1]/", private},
		{"https://[64:ff9b::7f00:1]/", private},
		{"https://[2002:7f00:1::]/", private},
		{"https://localhost/", private},
		{"https://intranet/", private},
		{"https://a.localhost/", private},
		{"https://printer.local/", private},
		{"https://metadata.google.internal/", private},
		{"https://METADATA.google.INTERNAL/", private},
		{"https://nas.home.arpa/", private},
		{"https://partner.example:80/", private},
		{"https://partner.example:22/", private},
		{"https://partner.example:1023/", private},

		{"", no},
		{"partner.example/hooks", no},
		{"//partner.example/hooks", no},
		{"https:partner.example", no},
		{"https://", no},
		{"https:///hooks", no},
		{"https://:443/", no},
		{"ftp://partner.example/", no},
		{"file:///etc/passwd", no},
		{"gopher://partner.example/", no},
		{"unix:///run/docker.sock", no},
		{"javascript:alert(1)", no},
		{" https://partner.example/", no},
		{"https://partner.example /", no},
		{"https://partner.example\t/", no},
		{"https://partner.example/\r\nX: y", no},
		{"https://user@partner.example/", no},
		{"https://user:pass@partner.example/", no},
		{"https://@partner.example/", no},
		{"https://8.8.8.8@127.0.0.1/", no},
		{"https://partner.example/#", no},
		{"https://partner.example/#part", no},
		{"https://partner.example:/", no},
		{"https://partner.example:0/", no},
		{"https://partner.example:65536/", no},
		{"https://partner.example:4x3/", no},
		{"https://partner.example./", no},
		{"https://.partner.example/", no},
		{"https://partner..example/", no},
		{"https://-partner.example/", no},
		{"https://partner-.example/", no},
		{"https://bücher.example/", no},
		{"https://partner.exa%6Dple/", no},
		{"https://partner。example/", no},
		{"https://" + strings.Repeat("a", 64) + ".example/", no},
		{"https://" + strings.Repeat("a.", 130) + "example/", no},
		{"https://partner.example/" + strings.Repeat("a", 2048), no},
		{"https://partner.example\\@127.0.0.1/", no},
		{"https://[::1", no},
		{"https://[partner.example]/", no},
		{"https://[127.0.0.1]/", no},
		{"https://[fe80::1%25eth0]/", no},
		{"https://::1/", no},

		// Addresses as some resolvers read them and netip does not.
		{"https://2130706433/", no},
		{"https://0x7f000001/", no},
		{"https://0x7F.0.0.1/", no},
		{"https://0x7f.1/", no},
		{"https://017700000001/", no},
		{"https://0177.0.0.1/", no},
		{"https://127.1/", no},
		{"https://127.0.1/", no},
		{"https://127.0.0.1./", no},
		{"https://127.0.0.01/", no},
		{"https://127.0.0.0x1/", no},
		{"https://0/", no},
		{"https://0x/", no},
		{"https://00000127.0.0.1/", no},
		{"https://256.256.256.256/", no},
		{"https://1.2.3.4.5/", no},
		{"https://8.8.2056/", no},
		{"https://partner.example.1/", no},
		{"https://①②⑦.⓪.⓪.①/", no},
		{"https://\uff11\uff12\uff17.0.0.1/", no},
		{"https://%31%32%37.0.0.1/", no},
	} {
		t.Run(tc.raw, func(t *testing.T) {
			t.Parallel()
			for _, allowPrivate := range []bool{false, true} {
				err := webhook.CheckURL(tc.raw, allowPrivate)
				if pass := tc.want == yes || tc.want == private && allowPrivate; pass != (err == nil) {
					t.Fatalf("private %t: %v; want %s", allowPrivate, err, tc.want)
				}
				if err != nil && !(errors.Is(err, webhook.ErrBadURL) && strings.Contains(err.Error(), "allowed")) {
					t.Fatalf("error does not say what is allowed: %v", err)
				}
			}
		})
	}
}

func TestCheckURLKeepsPasswordsOutOfItsErrors(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{"https://user:hunter2@partner.example/", "https://user:hunter2@partner.example/%zz", "ftp://x:hunter2@h/", "https://h/?token=hunter2#x"} {
		if err := webhook.CheckURL(raw, false); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v", err)
		}
	}
}

func FuzzCheckURL(f *testing.F) {
	for _, seed := range []string{"https://partner.example:8443/x", "https://0x7f.1/", "https://[::ffff:1.2.3.4]/", "https://a@b/", "https://1.1.1.1:443/#"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		strict, loose := webhook.CheckURL(raw, false), webhook.CheckURL(raw, true)
		if strict != nil {
			return
		}
		if loose != nil {
			t.Fatalf("allowed, but not with private networks: %v", loose)
		}
		u, err := url.Parse(raw)
		if err != nil || u.Scheme != "https" || u.User != nil || u.Fragment != "" || u.Hostname() == "" {
			t.Fatalf("allowed: %q", raw)
		}
		if addr, err := netip.ParseAddr(u.Hostname()); err == nil {
			if webhook.CheckAddr(addr) != nil {
				t.Fatalf("allowed: %q", raw)
			}
			return
		}
		last := u.Hostname()[strings.LastIndexByte(u.Hostname(), '.')+1:]
		if last == "" || last[0] >= '0' && last[0] <= '9' && strings.Trim(last, "0123456789") == "" {
			t.Fatalf("allowed: %q", raw)
		}
	})
}
