package anonymize

// Category is what an entry was for, from a closed vocabulary. Numbers are
// stored: a category keeps its number for ever, new ones are appended.
type Category uint8

// The taxonomy.
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
	Rent                      //
	Mortgage                  //
	Household                 // bundled household payments (rent, energy, phone), Czech SIPO
	Utilities                 // energy, water, telephone, internet
	Insurance                 //
	Groceries                 //
	LoanRepayment             // instalments
	LoanDisbursement          // a loan paid out
	Fees                      // account and service fees
	Penalty                   // overdraft, penalty and late-payment charges, sanction interest
	InterestEarned            //
	InterestPaid              // ordinary debit interest
	Gambling                  //
	Tax                       //
	OwnTransfer               // between the person's own accounts
	Reversal                  // an entry that undoes another
	numCategories             // keep last
)
