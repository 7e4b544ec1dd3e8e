package sandbox

import (
	"fmt"
	"hash/fnv"
	"strconv"
)

// germanIBAN makes an IBAN with valid check digits (ISO 13616) whose ten
// digits of account number come from n. German bank codes start with 1 to 8,
// so one that starts with 9 belongs to nobody.
func germanIBAN(bankCode string, n uint64) string {
	return withCheckDigits("DE", fmt.Sprintf("%s%010d", bankCode, n%10_000_000_000))
}

const (
	ownBankCode   = "99990000" // the sandbox itself
	otherBankCode = "99912345" // where its people's counterparties bank
)

// withCheckDigits puts the ISO 7064 MOD 97-10 digits between the country and
// the rest, which holds digits and capital letters.
func withCheckDigits(country, bban string) string {
	check := 98 - mod97(bban+country+"00")
	return country + fmt.Sprintf("%02d", check) + bban
}

// mod97 reads letters as 10 to 35, as ISO 7064 does.
func mod97(s string) int {
	m := 0
	for i := range len(s) {
		c := s[i]
		if c >= 'A' && c <= 'Z' {
			m = (m*100 + int(c-'A') + 10) % 97
		} else {
			m = (m*10 + int(c-'0')) % 97
		}
	}
	return m
}

// hash64 is FNV-1a of the parts under a seed: stable over runs and machines.
func hash64(seed uint64, parts ...string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write(strconv.AppendUint(nil, seed, 36)) // a hash.Hash never fails
	for _, p := range parts {
		_, _ = h.Write([]byte{0})
		_, _ = h.Write([]byte(p))
	}
	return mix(h.Sum64())
}

// mix is the finalizer of SplitMix64: FNV alone leaves the high bits of
// short inputs alike.
func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}

// resourceID is a UUID (version 8, RFC 9562: of our own making) for one
// account of one person.
func resourceID(seed uint64, login string, index int) string {
	i := strconv.Itoa(index)
	a, b := hash64(seed, login, i, "a"), hash64(seed, login, i, "b")
	a = a&^0xf000 | 0x8000
	b = b&^(3<<62) | 2<<62
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", a>>32, a>>16&0xffff, a&0xffff, b>>48, b&(1<<48-1))
}
