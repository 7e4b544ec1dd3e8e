package anonymize

import "strconv"

// Category is what an entry was for, from a closed vocabulary. Numbers are
// stored: a category keeps its number for ever, new ones are appended.
type Category uint8

// The taxonomy. Categories that tell a purpose (Rent) are preferred to
// those that tell only how money moved (TransferOut, CardPayment,
// DirectDebit).
const (
	Uncategorized    Category = iota
	Salary                    // wages
	Benefits                  // state benefits
	Pension                   // pensions, public and private
	TransferIn                // money received from others, not known to be wages
	TransferOut               // money sent to others
	CashIn                    // cash paid in
	CashOut                   // cash withdrawn
	CardPayment               // purchases by card
	Rent                      // rent paid for a home; rent received is TransferIn
	Mortgage                  // instalments of a loan secured by a home
	Household                 // bundled household payments (rent, energy, phone), Czech SIPO
	Utilities                 // energy, water, telephone, internet
	Insurance                 // premiums
	Groceries                 // supermarkets and food shops
	LoanRepayment             // instalments
	LoanDisbursement          // a loan paid out
	Fees                      // account and service fees
	Penalty                   // overdraft, penalty and late-payment charges, sanction interest
	InterestEarned            // interest on deposits
	InterestPaid              // ordinary debit interest
	Gambling                  // stakes and winnings
	Tax                       // taxes paid and refunded
	OwnTransfer               // between the person's own accounts
	Reversal                  // an entry that undoes another, and the one undone
	DirectDebit               // collected by the payee, not known for what
	Savings                   // paid into or out of savings plans, funds and securities
	Collection                // debt collectors, bailiffs, enforcement
	numCategories             // keep last
)

// String returns the category's name in lower case with underscores, such
// as "loan_repayment"; "category_N" for a number this version does not know.
func (c Category) String() string {
	if c < numCategories {
		return categoryNames[c]
	}
	return "category_" + strconv.Itoa(int(c))
}

// categoryNames are the written names, also those of the lexicon files.
var categoryNames = [numCategories]string{
	Uncategorized:    "uncategorized",
	Salary:           "salary",
	Benefits:         "benefits",
	Pension:          "pension",
	TransferIn:       "transfer_in",
	TransferOut:      "transfer_out",
	CashIn:           "cash_in",
	CashOut:          "cash_out",
	CardPayment:      "card_payment",
	Rent:             "rent",
	Mortgage:         "mortgage",
	Household:        "household",
	Utilities:        "utilities",
	Insurance:        "insurance",
	Groceries:        "groceries",
	LoanRepayment:    "loan_repayment",
	LoanDisbursement: "loan_disbursement",
	Fees:             "fees",
	Penalty:          "penalty_fee",
	InterestEarned:   "interest_earned",
	InterestPaid:     "interest_paid",
	Gambling:         "gambling",
	Tax:              "tax",
	OwnTransfer:      "own_transfer",
	Reversal:         "reversal",
	DirectDebit:      "direct_debit",
	Savings:          "savings",
	Collection:       "debt_collection",
}

// parseCategory is String's inverse for the categories known here.
func parseCategory(name string) (Category, bool) {
	for c, n := range categoryNames {
		if n == name {
			return Category(c), true
		}
	}
	return Uncategorized, false
}
