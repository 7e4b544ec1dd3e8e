// Package anonymize turns a bank's Statement into a Profile that may be
// stored. What it does is pseudonymization in the sense of GDPR article
// 4(5), not anonymization, since whoever holds the key can link pseudonyms
// back; the package keeps its short name and says so here.
//
//	keys, err := keyset.Open("data/keyset.json")
//	a := anonymize.New(keys)
//	p, err := a.Profile(statement, anonymize.Subject{Partner: "demo", ID: "user-42"}, today)
//	stored, err := p.MarshalBinary() // about 8 bytes a transaction
//
// # What is kept
//
// A Profile is an allow-list: days, amounts, balances, currencies, kinds of
// account, one Category an entry, and pseudonyms. No type within it has room
// for a text, and a test walks its types to hold that. Everything else of the
// Statement ends in the memory of the process that read the bank: ids, names,
// account numbers, remittance lines, codes, pending entries. Buffers and keys
// used on the way are zeroed; Go's strings cannot be, so the caller drops the
// Statement as soon as it has the Profile.
//
// # Categories
//
// Text is not scrubbed but mapped, in memory, to a closed vocabulary: see
// Categorize. The words are in lexicon/*.txt: English, German, French,
// Spanish, Italian, Dutch, Portuguese, Polish and Czech in some depth, the
// most important ones of fifteen more languages, and names of merchants,
// lenders, landlords, insurers and authorities. testdata/labelled.txt holds
// what is expected of them.
//
// A word in a text can mislead: a person may write "rent" beside a birthday
// gift. Categories are good on the whole of a history, not proof of one
// entry.
//
// # Pseudonyms
//
// A subject's key is the PRF of the partner's id and the subject's id, each
// with its length before it. A pseudonym is the first 128 bits of
// HMAC-SHA-256 under that key over a domain byte and the normalized account
// number, or where the bank gives none the normalized name. It recurs for
// the same counterparty of the same subject and partner, which is what
// scoring needs, and for no other. Whoever has the keyset can compute the
// pseudonym of a guessed account number; whoever has not can do nothing but
// count.
//
// # What remains
//
// Exact amounts and days are personal data on their own: someone who knows a
// few of a person's payments can find that person's Profile among many. So
// Profiles are kept for a limited time.
package anonymize
