package webhook

import (
	"errors"
	"fmt"
	"net/netip"
)

// CheckAddr tells whether a webhook may be sent to addr: nil for an address
// of the public internet, else an error that wraps ErrRefusedAddress and
// names the range. The ranges are those of the IANA special-purpose address
// registries (RFC 6890 and its successors) that are not for everybody, every
// form in which an IPv6 address carries an IPv4 one, and what clouds answer
// metadata on.
func CheckAddr(addr netip.Addr) error {
	if !addr.IsValid() {
		return fmt.Errorf("%w: not an address", ErrRefusedAddress)
	}
	// Contains never matches an address with a zone; a zone is never public.
	if addr.Zone() != "" {
		return fmt.Errorf("%w: %s has a zone", ErrRefusedAddress, addr.WithZone(""))
	}
	for _, r := range refusedRanges {
		if r.prefix.Contains(addr) {
			return fmt.Errorf("%w: %s is %s (%s)", ErrRefusedAddress, addr, r.name, r.prefix)
		}
	}
	if addr.Is6() && !globalUnicast6.Contains(addr) {
		return fmt.Errorf("%w: %s is not global unicast (%s)", ErrRefusedAddress, addr, globalUnicast6)
	}
	return nil
}

// ErrRefusedAddress is wrapped by errors about an address that webhooks are
// not sent to.
var ErrRefusedAddress = errors.New("refused address")

type refusedRange struct {
	prefix netip.Prefix
	name   string
}

// globalUnicast6 is all of IPv6 that IANA gives out (RFC 4291, section 2.4;
// IPv6 address space registry); whatever is outside is refused unnamed.
var globalUnicast6 = netip.MustParsePrefix("2000::/3")

var refusedRanges = [...]refusedRange{
	{netip.MustParsePrefix("0.0.0.0/8"), "unspecified or this network, RFC 791"},
	{netip.MustParsePrefix("10.0.0.0/8"), "private, RFC 1918"},
	{netip.MustParsePrefix("100.64.0.0/10"), "carrier-grade NAT, RFC 6598"},
	{netip.MustParsePrefix("127.0.0.0/8"), "loopback, RFC 1122"},
	{netip.MustParsePrefix("168.63.129.16/32"), "cloud metadata"},
	{netip.MustParsePrefix("169.254.0.0/16"), "link-local and cloud metadata, RFC 3927"},
	{netip.MustParsePrefix("172.16.0.0/12"), "private, RFC 1918"},
	{netip.MustParsePrefix("192.0.0.0/24"), "protocol assignments and cloud metadata, RFC 6890"},
	{netip.MustParsePrefix("192.0.2.0/24"), "documentation, RFC 5737"},
	{netip.MustParsePrefix("192.88.99.0/24"), "6to4 relay, RFC 7526"},
	{netip.MustParsePrefix("192.168.0.0/16"), "private, RFC 1918"},
	{netip.MustParsePrefix("198.18.0.0/15"), "benchmarking, RFC 2544"},
	{netip.MustParsePrefix("198.51.100.0/24"), "documentation, RFC 5737"},
	{netip.MustParsePrefix("203.0.113.0/24"), "documentation, RFC 5737"},
	{netip.MustParsePrefix("224.0.0.0/4"), "multicast, RFC 5771"},
	{netip.MustParsePrefix("255.255.255.255/32"), "broadcast, RFC 919"},
	{netip.MustParsePrefix("240.0.0.0/4"), "reserved, RFC 1112"},

	{netip.MustParsePrefix("::/128"), "unspecified, RFC 4291"},
	{netip.MustParsePrefix("::1/128"), "loopback, RFC 4291"},
	{netip.MustParsePrefix("::/96"), "IPv4-compatible, RFC 4291"},
	{netip.MustParsePrefix("::ffff:0:0/96"), "IPv4-mapped, RFC 4291"},
	{netip.MustParsePrefix("::ffff:0:0:0/96"), "IPv4-translated, RFC 2765"},
	{netip.MustParsePrefix("64:ff9b::/96"), "NAT64, RFC 6052"},
	{netip.MustParsePrefix("64:ff9b:1::/48"), "local NAT64, RFC 8215"},
	{netip.MustParsePrefix("100::/64"), "discard-only, RFC 6666"},
	{netip.MustParsePrefix("2001::/32"), "Teredo, RFC 4380"},
	{netip.MustParsePrefix("2001::/23"), "protocol assignments, RFC 2928"},
	{netip.MustParsePrefix("2001:db8::/32"), "documentation, RFC 3849"},
	{netip.MustParsePrefix("2002::/16"), "6to4, RFC 3056"},
	{netip.MustParsePrefix("3fff::/20"), "documentation, RFC 9637"},
	{netip.MustParsePrefix("fc00::/7"), "unique local and cloud metadata, RFC 4193"},
	{netip.MustParsePrefix("fe80::/10"), "link-local, RFC 4291"},
	{netip.MustParsePrefix("fec0::/10"), "site-local, RFC 3879"},
	{netip.MustParsePrefix("ff00::/8"), "multicast, RFC 4291"},
}
