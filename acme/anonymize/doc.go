// Package anonymize turns a bank's Statement into a Profile that may be
// stored: pseudonymization in the sense of GDPR article 4(5), not
// anonymization, since whoever holds the key can link pseudonyms back.
package anonymize
