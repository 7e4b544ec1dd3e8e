// Package keyset holds the keys of one installation: a Tink AEAD keyset that
// seals tokens and secrets, and a Tink PRF keyset (HMAC-SHA-256) from which
// pseudonyms are made. It is a leaf: it knows nothing of what it seals.
//
//	keys, err := keyset.Open("data/keyset.json") // made on first use, mode 0600
//	sealed, err := keys.Seal(token, "consent:con_01H…")
//	token, err = keys.Unseal(sealed, "consent:con_01H…")
//
// # Files
//
// Two files stand side by side:
//
//   - the path itself: the AEAD keyset, cleartext JSON as Tink defines it, so
//     that tinkey and every Tink library can read, rotate and back it up;
//   - the path with ".prf": the PRF keyset, in Tink's encrypted JSON form
//     under the first, with no associated data.
//
// Whoever has the first file can read everything that was sealed: it is
// created with mode 0600 and refused when others may read it.
//
// # Rotation
//
// A keyset may hold many keys. Seal uses the primary one, Unseal whichever
// fits, so a key is rotated by adding one with any Tink tool, making it
// primary and starting again; what the old key sealed stays readable as long
// as that key is kept. The PRF keyset must keep its primary key: another one
// gives other pseudonyms. If the .prf file is lost, a new one is made, and
// what was pseudonymized before no longer matches what comes after; if the
// first is lost and .prf is not, Open fails rather than make a second.
//
// # What it does not do
//
// Go cannot promise that key bytes are wiped from memory, and Tink keeps its
// primitives for the life of the Set. A key management service is not used
// here.
package keyset
