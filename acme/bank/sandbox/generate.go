package sandbox

import (
	"math"
	"math/rand/v2"
)

// maxTransactions bounds Config.Transactions: a person of 100,000 entries
// takes some 50 MB.
const maxTransactions = 100_000

// generatePerson draws the nth person: about one in eight lives beyond their
// means, one in ten is paid at random moments.
func generatePerson(cfg Config, login string, n uint64) (Person, *profile) {
	r := newRand(cfg.Seed, login, "profile")
	who := Person{Login: login, Name: firstNames[r.IntN(len(firstNames))] + " " + lastNames[r.IntN(len(lastNames))], About: "generated"}
	wage := min(skewed(r, 255_000, 0.35), 900_000)
	share := 0.22 + 0.2*r.Float64() // of income, for rent
	loose := r.Float64() < 0.13
	p := &profile{
		opening:    int64(float64(wage) * r.Float64() * 1.2),
		overdraft:  int64(r.IntN(4)) * 50_000,
		accountFee: int64(r.IntN(3)) * 295,
		cushion:    wage * int64(4+r.IntN(5)) / 10,
		discipline: 0.6 + 0.35*r.Float64(),
		shopping:   shopping{refunds: 0.03},
		cash:       cashHabit{perMonth: 3 * r.Float64(), typical: int64(1+r.IntN(5)) * 2000},
	}
	pay := salary(employers[r.IntN(len(employers))], wage)
	if r.Float64() < 0.1 {
		pay.text, pay.stamp, pay.code, pay.purpose = "Rechnung / invoice", withInvoice, codeTransferIn, ""
		pay.vary, pay.day, pay.perMonth, pay.amount = 0.4, 0, 2.5, wage*2/5
	} else {
		pay.vary = 0.05 * r.Float64()
	}
	p.incomes = []income{pay}
	p.bills = append([]bill{rent("Hausverwaltung "+lastNames[r.IntN(len(lastNames))], int64(share*float64(wage))/1000*1000)},
		household(5000+int64(r.IntN(9000)), 900+int64(r.IntN(40))*100)...)
	p.bills = p.bills[:4+r.IntN(len(p.bills)-3)]
	for range r.IntN(3) {
		p.bills = append(p.bills, debit("Kredit Nord Bank", "Ratenkredit Rate Vertrag", int64(40+r.IntN(200))*100, 1+r.IntN(28)))
	}
	if loose {
		p.discipline, p.opening = 0.25, -p.overdraft/2
		p.gambling = gamblingHabit{perMonth: float64(r.IntN(8)), typical: 3000, wins: 0.12}
	} else if r.Float64() < 0.5 && cfg.Transactions == 0 {
		p.savings = &savingsPlan{opening: wage * int64(r.IntN(8)), monthly: wage / 100 * int64(2+r.IntN(10)), rate: 0.0175, sweep: wage * 2}
	}
	p.shopping.perDay = 0.7 + 0.5*r.Float64()
	if cfg.Transactions > 0 {
		p.fit(r, cfg)
	}
	p.balanceBudget(loose)
	return who, p
}

// fit makes the profile one of exactly cfg.Transactions booked entries: when
// there is room for few only the foremost bills are kept, and purchases fill
// the rest with a little to spare.
func (p *profile) fit(r *rand.Rand, cfg Config) {
	p.exact = cfg.Transactions
	months := float64(cfg.History) / float64(day) / daysAMonth
	monthly := float64(p.exact) / months
	p.accountFee, p.gambling = 0, gamblingHabit{}
	if keep := int(math.Max(monthly*0.6-1, 1)); keep < len(p.bills) {
		p.bills = p.bills[:keep]
	}
	if monthly < 30 {
		p.cash = cashHabit{}
	}
	fixed := float64(len(p.bills)) + 1 + p.cash.perMonth*0.5
	spare := 1.06 + 3/math.Sqrt(float64(p.exact)) // three standard deviations of a Poisson count
	p.shopping.perDay = math.Max(monthly*spare-fixed, 0.5) / daysAMonth
	p.shopping.refunds *= r.Float64()
}

// balanceBudget scales the purchases so that what comes in about goes out:
// a loose spender has a tenth too little.
func (p *profile) balanceBudget(loose bool) {
	left := 0.0
	for _, in := range p.incomes {
		times := 1.0
		if in.day == 0 {
			times = in.perMonth
		}
		left += float64(in.amount) * times
	}
	income := left
	for _, b := range p.bills {
		left -= float64(b.amount) / float64(b.every)
	}
	left -= p.cash.perMonth * float64(p.cash.typical) * 1.25
	left -= p.gambling.perMonth * float64(p.gambling.typical)
	if p.savings != nil {
		left -= float64(p.savings.monthly)
	}
	if loose {
		left += income / 10
	}
	total, weight := 0.0, 0.0
	for k := range shops {
		total += shops[k].usual * shops[k].weight
		weight += shops[k].weight
	}
	p.shopping.scale = math.Max(left, income/8) / (p.shopping.perDay * daysAMonth * total / weight)
}
