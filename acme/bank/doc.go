// Package bank reads people's accounts: consents and tokens, accounts,
// balances and transactions, in one shape whatever standard the bank speaks.
//
// A [Statement] is raw and personal. It lives in the memory of whoever
// fetched it and nowhere else: its texts are of type [Text], tokens of type
// [Token], and neither can be printed, logged or marshalled. Package
// anonymize turns a Statement into a Profile, which can.
//
// Money is integer minor units beside an ISO 4217 currency, read exactly
// from decimal text. Days are civil [Date]s.
//
// [HTTP] makes the requests and [OAuth] obtains a person's consent; both bound
// what a bank's answer may cost and report every failure as an [*Error],
// which holds nothing the bank wrote.
//
// Each standard is a package below this one that implements [Adapter]:
// berlingroup for NextGenPSD2. Package sandbox is a whole pretend bank.
package bank
