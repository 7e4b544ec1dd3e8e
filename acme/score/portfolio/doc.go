// Package portfolio reads a folder of past loans and the bank transactions
// before them, the form in which a scorecard is fitted, and turns each loan
// into the [bank.Statement] a bank would have answered on the loan's day.
// Model fitting and serving so read the same thing by the same path.
//
// # The folder
//
// loans.csv has one row a loan:
//
//	loan_id   any text, unique
//	date      YYYY-MM-DD, the day the loan was granted
//	amount    decimal, greater than 0
//	duration  months, 1 to 600
//	payments  decimal, the monthly instalment, not negative
//	status    any text, for information
//	bad       1 when the loan was not repaid as agreed, else 0
//	currency  ISO 4217 code; the column may be absent, the currency is then CZK
//
// transactions.csv, or transactions.csv.gz, has one row a booked entry of the
// loan's account, those of one loan in the order they were booked:
//
//	loan_id    a loan of loans.csv
//	date       YYYY-MM-DD, strictly before the loan's date
//	type       PRIJEM (in), VYDAJ or VYBER (out)
//	operation  VKLAD, VYBER, VYBER KARTOU, PREVOD Z UCTU, PREVOD NA UCET, or empty
//	amount     decimal, not negative
//	balance    decimal, the account's balance after the entry
//	k_symbol   UROK, SANKC. UROK, SLUZBY, SIPO, POJISTNE, DUCHOD, UVER, one space, or empty
//	bank       code of the counterparty's bank, or empty
//	account    number of the counterparty's account, or empty
//
// Columns are found by their name in the first row, in any order; further
// columns are ignored. The words are those of the PKDD'99 Discovery Challenge
// (financial data, Berka and Sochorova).
package portfolio
