package sandbox

import (
	"math"
	"math/rand/v2"
)

// profile is how a person earns and spends; simulate lives it day by day.
// Amounts are cents, positive whichever way they go.
type profile struct {
	// opened is the age of the account in days and openedMonths in months
	// (it then opened on the first of a month); both 0: older than any history.
	opened, openedMonths int
	opening              int64 // the balance at the start
	overdraft            int64 // agreed
	incomes              []income
	bills                []bill
	loans                []payout
	shopping             shopping
	cash                 cashHabit
	gambling             gamblingHabit
	savings              *savingsPlan // nil: no savings account
	accountFee           int64        // a month
	// cushion is the balance at which the person spends as planned: less makes
	// careful, more makes generous. discipline 1 follows that fully, 0 never.
	cushion    int64
	discipline float64
	// exact is how many booked transactions there are, 0 as many as come.
	exact int
}

// income is money that comes in, monthly on a day or at random moments.
type income struct {
	from          *party
	text          string
	stamp         stamp
	amount        int64
	vary          float64 // relative standard deviation
	day           int     // of the month; 0 is at random
	perMonth      float64 // how often, where day is 0
	code, purpose string
	bonusMonth    int // the month it comes twice, 0 never
}

// bill is money that goes out by itself.
type bill struct {
	to      *party
	text    string
	stamp   stamp
	amount  int64
	vary    float64
	day     int
	every   int // months
	offset  int // the month (1 to 12) it is due in, modulo every
	code    string
	purpose string
	first   int // how many months before this year it started, 0 always
	last    int // how many months before this year it ended, 0 never
}

// debit tells a direct debit, which a bank may return.
func (b *bill) debit() bool { return b.code == codeDirectDebit }

// payout is a loan paid to the person so many months before this year.
type payout struct {
	from   *party
	text   string
	amount int64
	months int
}

type shopping struct {
	perDay  float64
	scale   float64 // of the shops' usual amounts
	weights map[kind]float64
	refunds float64 // share of purchases given back
}

type cashHabit struct {
	perMonth float64
	typical  int64
}

type gamblingHabit struct {
	perMonth float64
	typical  int64
	wins     float64 // share of stakes that win something
}

type savingsPlan struct {
	opening int64
	monthly int64
	rate    float64 // a year
	// sweep moves what is above this to the savings at a month's end; 0 never.
	sweep int64
}

// stamp is what a text gets behind it.
type stamp int

const (
	plain       stamp = iota
	withMonth         // 03/2025
	withInvoice       // a number
)

// The ISO 20022 bank transaction codes used (external code list).
const (
	codeSalary       = "PMNT-RCDT-SALA"
	codeTransferIn   = "PMNT-RCDT-ESCT"
	codeTransferOut  = "PMNT-ICDT-ESCT"
	codeStanding     = "PMNT-ICDT-STDO"
	codeDirectDebit  = "PMNT-RDDT-ESDD"
	codeReturned     = "PMNT-RDDT-UPDD"
	codeCard         = "PMNT-CCRD-POSD"
	codeCardRefund   = "PMNT-CCRD-RIMB"
	codeCash         = "PMNT-CCRD-CWDL"
	codeOwnOut       = "PMNT-ICDT-BOOK"
	codeOwnIn        = "PMNT-RCDT-BOOK"
	codeFee          = "ACMT-MDOP-CHRG"
	codeInterestPaid = "ACMT-MDOP-INTR"
	codeInterest     = "ACMT-MCOP-INTR"
	codeLoanPaidOut  = "LDAS-CSLN-DDWN"
)

func newRand(seed uint64, login, purpose string) *rand.Rand {
	return rand.New(rand.NewPCG(hash64(seed, login, purpose, "1"), hash64(seed, login, purpose, "2")))
}

// around draws an amount near mean with a relative standard deviation, never
// below a fifth of it.
func around(r *rand.Rand, mean int64, vary float64) int64 {
	if vary == 0 {
		return mean
	}
	v := float64(mean) * (1 + vary*r.NormFloat64())
	return int64(math.Max(v, float64(mean)/5))
}

// skewed draws a log-normal amount of a given mean.
func skewed(r *rand.Rand, mean, sigma float64) int64 {
	return max(int64(mean*math.Exp(sigma*r.NormFloat64()-sigma*sigma/2)), 50)
}

// poisson draws how many of a rare thing happen (Knuth's method; means here
// are below 30).
func poisson(r *rand.Rand, mean float64) int {
	limit, p, n := math.Exp(-mean), 1.0, 0
	for {
		p *= r.Float64()
		if p <= limit {
			return n
		}
		n++
	}
}
