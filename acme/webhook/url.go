package webhook

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// CheckURL tells whether a webhook endpoint may have the URL raw. It is to be
// asked when an endpoint is registered; Send asks again.
//
// Allowed are https with a host, on port 443 or any from 1024: at most 2,048
// bytes, no user information, no fragment. The host is a domain name in
// ASCII (an international one in its xn-- form) of at least two labels, or an
// address in its usual form that CheckAddr allows. Other spellings of
// addresses (2130706433, 0x7f.1, 127.1) are refused always: programs disagree
// on what they mean.
//
// With allowPrivate http is allowed too, and any address, port and name.
//
// Errors wrap ErrBadURL, say what is wrong and what is allowed, and hold of
// the URL at most its scheme, host or port; those about an address or a name
// that is not public wrap ErrRefusedAddress as well.
func CheckURL(raw string, allowPrivate bool) error {
	_, err := parseURL(raw, allowPrivate)
	return err
}

// ErrBadURL is wrapped by every error of CheckURL.
var ErrBadURL = errors.New("webhook: bad url")

const (
	maxURLBytes  = 2048
	maxHostBytes = 253
	minPort      = 1024
)

func parseURL(raw string, allowPrivate bool) (*url.URL, error) {
	if len(raw) > maxURLBytes {
		return nil, fmt.Errorf("%w: %d bytes; allowed: at most %d", ErrBadURL, len(raw), maxURLBytes)
	}
	u, err := url.Parse(raw)
	if err != nil {
		// The parser's error quotes the URL, which may hold a password.
		return nil, fmt.Errorf("%w: cannot be parsed; allowed: an absolute https URL", ErrBadURL)
	}
	switch {
	case u.Scheme == "https":
	case u.Scheme == "http" && allowPrivate:
	case allowPrivate:
		return nil, fmt.Errorf("%w: scheme %q; allowed: https, http", ErrBadURL, u.Scheme)
	default:
		return nil, fmt.Errorf("%w: scheme %q; allowed: https", ErrBadURL, u.Scheme)
	}
	switch {
	case u.User != nil:
		return nil, fmt.Errorf("%w: user information in it; allowed: none", ErrBadURL)
	case strings.Contains(raw, "#"):
		return nil, fmt.Errorf("%w: fragment in it; allowed: none", ErrBadURL)
	case u.Hostname() == "":
		return nil, fmt.Errorf("%w: no host; allowed: a domain name or a public address", ErrBadURL)
	}
	if err := checkPort(u, allowPrivate); err != nil {
		return nil, err
	}
	if err := checkHost(u, allowPrivate); err != nil {
		return nil, err
	}
	return u, nil
}

func checkPort(u *url.URL, allowPrivate bool) error {
	allowed := fmt.Sprintf("443, or %d to 65535", minPort)
	if allowPrivate {
		allowed = "1 to 65535"
	}
	if strings.HasSuffix(u.Host, ":") {
		return fmt.Errorf("%w: empty port; allowed: %s, or none", ErrBadURL, allowed)
	}
	if u.Port() == "" {
		return nil
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	if err != nil || port == 0 || !allowPrivate && port != 443 && port < minPort {
		return fmt.Errorf("%w: port %s; allowed: %s", ErrBadURL, u.Port(), allowed)
	}
	return nil
}

func checkHost(u *url.URL, allowPrivate bool) error {
	host := u.Hostname()
	bracketed := strings.HasPrefix(u.Host, "[")
	if addr, err := netip.ParseAddr(host); err == nil && addr.Is6() == bracketed {
		if addr.Zone() != "" {
			return fmt.Errorf("%w: address with a zone; allowed: without one", ErrBadURL)
		}
		if allowPrivate {
			return nil
		}
		if err := CheckAddr(addr); err != nil {
			return fmt.Errorf("%w: %w; allowed: public addresses", ErrBadURL, err)
		}
		return nil
	}
	if bracketed || endsInNumber(host) {
		return fmt.Errorf("%w: host %q is an address in an unusual form; allowed: 192.0.2.1 or [2001:db8::1] as examples of form", ErrBadURL, host)
	}
	if !isDomainName(host) {
		return fmt.Errorf("%w: host is not a domain name; allowed: labels of a-z, 0-9, - and _ (others in their xn-- form), at most %d bytes", ErrBadURL, maxHostBytes)
	}
	if !allowPrivate && isLocalName(host) {
		return fmt.Errorf("%w: %w: host %q is a local name; allowed: public domain names", ErrBadURL, ErrRefusedAddress, host)
	}
	return nil
}

// endsInNumber tells whether resolvers may take host for an IPv4 address: its
// last label, a final full stop aside, is a decimal, octal or hexadecimal
// number (URL Standard, "ends in a number checker").
func endsInNumber(host string) bool {
	host = strings.TrimSuffix(host, ".")
	last := strings.ToLower(host[strings.LastIndexByte(host, '.')+1:])
	if last == "" {
		return false
	}
	if hex, ok := strings.CutPrefix(last, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return strings.Trim(last, "0123456789") == ""
}

func isDomainName(host string) bool {
	if len(host) > maxHostBytes {
		return false
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			c := label[i] | 0x20 // lower case; - and digits have that bit set
			if (c < 'a' || c > 'z') && (label[i] < '0' || label[i] > '9') && label[i] != '-' && label[i] != '_' {
				return false
			}
		}
	}
	return true
}

// isLocalName knows the names that are local by definition (RFC 6761, RFC
// 6762, RFC 8375, and .internal as reserved by ICANN in 2024) and those of a
// single label, which only a search list can make mean something.
func isLocalName(host string) bool {
	host = strings.ToLower(host)
	if !strings.Contains(host, ".") {
		return true
	}
	for _, suffix := range []string{".localhost", ".local", ".internal", ".home.arpa"} {
		if strings.HasSuffix(host, suffix) {
			return true
		}
	}
	return false
}
