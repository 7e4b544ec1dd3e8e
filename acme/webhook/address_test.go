package webhook_test

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"acme.example/creditscore/acme/webhook"
)

// refused names a range and its first and last address.
var refused = []struct{ rule, first, last string }{
	{"this network", "0.0.0.0", "0.255.255.255"},
	{"private 10", "10.0.0.0", "10.255.255.255"},
	{"carrier-grade NAT", "100.64.0.0", "100.127.255.255"},
	{"loopback", "127.0.0.0", "127.255.255.255"},
	{"link-local", "169.254.0.0", "169.254.255.255"},
	{"private 172.16", "172.16.0.0", "172.31.255.255"},
	{"protocol assignments", "192.0.0.0", "192.0.0.255"},
	{"documentation 1", "192.0.2.0", "192.0.2.255"},
	{"6to4 relay", "192.88.99.0", "192.88.99.255"},
	{"private 192.168", "192.168.0.0", "192.168.255.255"},
	{"benchmarking", "198.18.0.0", "198.19.255.255"},
	{"documentation 2", "198.51.100.0", "198.51.100.255"},
	{"documentation 3", "203.0.113.0", "203.0.113.255"},
	{"multicast", "224.0.0.0", "239.255.255.255"},
	{"reserved", "240.0.0.0", "255.255.255.254"},
	{"broadcast", "255.255.255.255", "255.255.255.255"},
	{"metadata of AWS, Google, Azure", "169.254.169.254", "169.254.169.254"},
	{"metadata of ECS tasks", "169.254.170.2", "169.254.170.2"},
	{"metadata of Alibaba", "100.100.100.200", "100.100.100.200"},
	{"metadata of Oracle", "192.0.0.192", "192.0.0.192"},
	{"platform of Azure", "168.63.129.16", "168.63.129.16"},
	{"unspecified", "::", "::"},
	{"IPv6 loopback", "::1", "::1"},
	{"IPv4-compatible", "::0.0.0.2", "::255.255.255.255"},
	{"IPv4-mapped", "::ffff:0.0.0.0", "::ffff:255.255.255.255"},
	{"IPv4-mapped public", "::ffff:8.8.8.8", "::ffff:8.8.8.8"},
	{"IPv4-translated", "::ffff:0:0:0", "::ffff:0:ffff:ffff"},
	{"NAT64", "64:ff9b::", "64:ff9b::255.255.255.255"},
	{"local NAT64", "64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff"},
	{"discard-only", "100::", "100::ffff:ffff:ffff:ffff"},
	{"Teredo", "2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff"},
	{"protocol assignments 6", "2001:1::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"},
	{"documentation 6", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"},
	{"6to4", "2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
	{"documentation 6, newer", "3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff"},
	{"not given out, high", "4000::", "5fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
	{"not given out, low", "200::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
	{"unique local", "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
	{"metadata of AWS over IPv6", "fd00:ec2::254", "fd00:ec2::254"},
	{"metadata of Google over IPv6", "fd20:ce::254", "fd20:ce::254"},
	{"link-local 6", "fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
	{"site-local", "fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
	{"multicast 6", "ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
}

var public = []string{
	"1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
	"168.63.129.15", "168.63.129.17", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "191.255.255.255", "192.0.1.0",
	"192.0.3.0", "192.88.98.255", "192.88.100.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "198.51.99.255", "198.51.101.0",
	"203.0.112.255", "203.0.114.0", "223.255.255.255", "1.0.0.0",
	"2001:200::1", "2001:db7:ffff::", "2001:db9::", "2001:4860:4860::8888", "2003::", "2606:4700:4700::1111", "2a00::1", "3ffe:ffff::1", "3fff:1000::",
}

func TestEveryRangeIsRefused(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(5, 6))
	for _, r := range refused {
		first, last := netip.MustParseAddr(r.first), netip.MustParseAddr(r.last)
		addrs := []netip.Addr{first, last}
		for range 200 {
			addrs = append(addrs, between(random, first, last))
		}
		for _, addr := range addrs {
			if err := webhook.CheckAddr(addr); !errors.Is(err, webhook.ErrRefusedAddress) {
				t.Errorf("%s: %s passes: %v", r.rule, addr, err)
			}
		}
	}
	for _, addr := range []netip.Addr{{}, netip.MustParseAddr("fe80::1%eth0"), netip.MustParseAddr("2606:4700:4700::1111%eth0")} {
		if err := webhook.CheckAddr(addr); !errors.Is(err, webhook.ErrRefusedAddress) {
			t.Errorf("%s passes: %v", addr, err)
		}
	}
}

func TestPublicAddressesPass(t *testing.T) {
	t.Parallel()
	for _, text := range public {
		if err := webhook.CheckAddr(netip.MustParseAddr(text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// What the standard library calls anything but global unicast never passes.
func TestCheckAddrIsStricterThanTheStandardLibrary(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(7, 8))
	for range 200_000 {
		var raw [16]byte
		binary.NativeEndian.PutUint64(raw[:8], random.Uint64())
		binary.NativeEndian.PutUint64(raw[8:], random.Uint64())
		for _, addr := range []netip.Addr{netip.AddrFrom4([4]byte(raw[:4])), netip.AddrFrom16(raw)} {
			if webhook.CheckAddr(addr) == nil && (!addr.IsGlobalUnicast() || addr.IsPrivate()) {
				t.Fatalf("%s passes", addr)
			}
		}
	}
}

func TestRefusedAddressNamesItsRange(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"10.1.2.3": "RFC 1918", "64:ff9b::a00:1": "NAT64", "2001::1": "Teredo", "::1": "loopback", "1000::": "2000::/3"} {
		if err := webhook.CheckAddr(netip.MustParseAddr(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

// between draws an address of the range by setting the bits in which its ends
// differ, which are the low ones, at random.
func between(random *rand.Rand, first, last netip.Addr) netip.Addr {
	low, high := first.AsSlice(), last.AsSlice()
	for i := range low {
		if span := int(high[i]) - int(low[i]); span > 0 {
			low[i] += byte(random.IntN(span + 1))
		}
	}
	addr, _ := netip.AddrFromSlice(low)
	return addr
}
