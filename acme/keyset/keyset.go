// Package keyset holds the keys of one installation: a Tink AEAD keyset that
// seals tokens and secrets, and a Tink PRF keyset (HMAC-SHA-256) that makes
// pseudonyms. It is a leaf: it knows nothing of what it seals.
package keyset
