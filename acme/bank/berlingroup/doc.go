// Package berlingroup reads accounts from banks that speak NextGenPSD2 XS2A
// 1.3, the account information interface of The Berlin Group:
//
//	GET {base}/v1/accounts
//	GET {base}/v1/accounts/{id}/balances
//	GET {base}/v1/accounts/{id}/transactions?bookingStatus=both&dateFrom=…&dateTo=…
//
// An [Adapter] is built once for each bank and serves every person:
//
//	a, err := berlingroup.New(berlingroup.Config{BaseURL: "https://xs2a.bank.example"})
//	statement, err := a.Fetch(ctx, bank.Access{Token: token}, asked)
//
// # Where banks and the standard's own examples disagree
//
// Addresses are built from resourceId under the base URL and not taken from
// an account's _links: the standard's examples link to "/psd2/v1/…" wherever
// the interface really stands. The links still say what there is to read: an
// account that links its balances but no transactions has none for us, and
// the other way round. Links to further pages have to be followed; one that
// is a path with /v1/ in it is read from there on under the base URL, for the
// same reason.
//
// The sign of an amount is told by a minus where a bank writes one, but the
// standard's examples also write a debit as plain "256.67" to a creditor. A
// minus is always believed. An amount without one is decided, in this order,
// by
//
//  1. creditDebitIndicator, where the bank sends it;
//  2. the balances after the entry and after its neighbour, when their
//     difference is the amount;
//  3. whether the bank writes minus signs at all: when the account's answer
//     has more entries with a minus than entries without one that name a
//     creditor only, plain amounts are credits;
//  4. the ISO 20022 bank transaction code (an issued credit transfer, a
//     received direct debit, a card payment and a withdrawal are debits; their
//     opposites credits; returns and reversals are not decided by it);
//  5. the sides named: only a creditor means a debit, as the standard says of
//     creditorName ("if a debited transaction").
//
// What is left is a credit.
//
// Every booked entry that was delivered is kept, also when it is older or
// newer than what was asked for: Account.Delivered says what there is. An
// entry that appears again on a later page, with the same transactionId and
// the same contents, is kept once.
//
// A bank that refuses bookingStatus=both is asked for booked entries alone.
// One that refuses the period is asked once more for the last 90 days, which
// is what the law lets every bank give without a new authentication of the
// person (Delegated Regulation (EU) 2018/389, article 10). A bank that only
// offers a file to download is not supported, and says so as CodeBadData.
package berlingroup
