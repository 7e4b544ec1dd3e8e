package sandbox

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"acme.example/creditscore/acme/bank"
)

// history is what simulate found: the accounts as the profile has them.
type history struct {
	asOf     bank.Date
	accounts []accountHistory
}

type accountHistory struct {
	booked, pending []posting // oldest first
	balance         int64     // booked, at the end
}

// posting is one entry of one account, before it is JSON.
type posting struct {
	booking, value bank.Date
	minor, balance int64
	party          *party
	text           string
	code, purpose  string
	seq            int32
	card, mandate  bool
	retried        bool // a direct debit presented again
	own            bool // has its counterpart on the savings account
}

// simulation lives a profile day by day. Every draw of a day depends on the
// days before it and not on when the history is read, so a later reading
// finds the same past.
type simulation struct {
	cfg     Config
	p       *profile
	own     []*party
	r       *rand.Rand
	start   bank.Date
	today   bank.Date
	year    int         // of the day of reading
	due     [][]posting // by days from start
	seq     int32
	balance [2]int64
	booked  [2][]posting
	debt    int64 // sum of a quarter's negative balances, day by day
	credit  int64 // the same of the savings account
	weights [numKinds]float64
	friends []*party
}

// lookahead is how many days after its cause an entry may be booked.
const lookahead = 48

// simulate returns the history as read on a day.
func simulate(cfg Config, login string, p *profile, own []*party, asOf bank.Date) *history {
	reach := int(cfg.History / day)
	from := asOf.AddDays(-reach)
	start := bank.NewDate(from.Time().Year(), time.January, 1)
	switch t := asOf.Time(); {
	case p.opened > 0:
		start = asOf.AddDays(-p.opened)
	case p.openedMonths > 0:
		start = bank.NewDate(t.Year(), t.Month()-time.Month(p.openedMonths), 1)
	case p.exact > 0:
		start = from
	}
	from = max(from, start)
	more := 1.0
	for {
		s := newSimulation(cfg, login, p, own, start, asOf)
		s.run(more)
		h := s.history(from)
		if p.exact == 0 {
			return h
		}
		if spare := len(h.accounts[0].booked) - p.exact; spare >= 0 {
			h.accounts[0].booked = h.accounts[0].booked[spare:]
			return h
		}
		more *= 1.3
	}
}

func newSimulation(cfg Config, login string, p *profile, own []*party, start, asOf bank.Date) *simulation {
	s := &simulation{cfg: cfg, p: p, own: own, r: newRand(cfg.Seed, login, "life"), start: start, today: asOf,
		year: asOf.Time().Year(), due: make([][]posting, asOf.Sub(start)+1+lookahead)}
	s.booked[0] = make([]posting, 0, max(p.exact, 512))
	s.balance[0] = p.opening
	if p.savings != nil {
		s.balance[1] = p.savings.opening
	}
	for k := range shops {
		s.weights[k] = shops[k].weight
		if w, ok := p.shopping.weights[kind(k)]; ok {
			s.weights[k] = w
		}
	}
	for range 4 {
		s.friends = append(s.friends, at(firstNames[s.r.IntN(len(firstNames))]+" "+lastNames[s.r.IntN(len(lastNames))]))
	}
	return s
}

// run lives every day; more multiplies the number of purchases.
func (s *simulation) run(more float64) {
	for d := s.start; d <= s.today; d++ {
		t := d.Time()
		if t.Day() == 1 || d == s.start {
			s.planMonth(d, t)
		}
		s.planDay(d, t, more)
		for _, e := range s.due[d.Sub(s.start)] {
			s.book(e)
		}
		s.endOfDay(d, t)
	}
}

// add plans an entry; one before the start or too far off is dropped.
func (s *simulation) add(d bank.Date, e posting) {
	i := d.Sub(s.start)
	if i < 0 || i >= len(s.due) {
		return
	}
	s.seq++
	e.seq, e.booking = s.seq, d
	if e.value.IsZero() {
		e.value = d
	}
	s.due[i] = append(s.due[i], e)
}

// planMonth plans what has its day in the month.
func (s *simulation) planMonth(first bank.Date, t time.Time) {
	for i := range s.p.incomes {
		in := &s.p.incomes[i]
		if in.day == 0 {
			continue
		}
		amount := around(s.r, in.amount, in.vary)
		if int(t.Month()) == in.bonusMonth {
			amount += in.amount * 8 / 10
		}
		s.onDay(first, t, in.day, posting{minor: amount, party: in.from, text: s.stamped(in.text, in.stamp, t), code: in.code, purpose: in.purpose})
	}
	for i := range s.p.bills {
		b := &s.p.bills[i]
		amount := around(s.r, b.amount, b.vary)
		before := (s.year-t.Year())*12 - int(t.Month()) + 1 // months before this year
		if (int(t.Month())-b.offset)%b.every != 0 || b.first > 0 && before > b.first || b.last > 0 && before < b.last {
			continue
		}
		s.onDay(first, t, b.day, posting{minor: -amount, party: b.to, text: s.stamped(b.text, b.stamp, t), code: b.code, purpose: b.purpose, mandate: b.debit()})
	}
	for _, l := range s.p.loans {
		if (s.year-t.Year())*12-int(t.Month())+1 == l.months {
			s.onDay(first, t, 14, posting{minor: l.amount, party: l.from, text: l.text, code: codeLoanPaidOut, purpose: "LOAN"})
		}
	}
	if s.p.savings != nil && s.p.savings.monthly > 0 {
		s.onDay(first, t, 27, posting{minor: -s.p.savings.monthly, party: s.own[1], text: "Sparen / savings plan", code: codeOwnOut, purpose: "SAVG", own: true})
	}
	if s.p.accountFee > 0 {
		s.onDay(first, t, 28, posting{minor: -s.p.accountFee, text: "Entgelt Kontofuehrung " + t.Format("01/2006"), code: codeFee})
	}
}

// onDay plans an entry for a day of t's month or the next working day. A
// month that was entered in its middle has no entries before that.
func (s *simulation) onDay(first bank.Date, t time.Time, dayOfMonth int, e posting) {
	last := bank.NewDate(t.Year(), t.Month()+1, 1).AddDays(-1)
	d := min(bank.NewDate(t.Year(), t.Month(), dayOfMonth), last)
	if d >= first {
		s.add(workingDay(d), e)
	}
}

func (s *simulation) stamped(text string, st stamp, t time.Time) string {
	switch st {
	case withMonth:
		return text + " " + t.Format("01/2006")
	case withInvoice:
		return text + " " + strconv.Itoa(100_000+s.r.IntN(900_000))
	case plain:
	}
	return text
}

// planDay draws what the day brings.
func (s *simulation) planDay(d bank.Date, t time.Time, more float64) {
	r, p := s.r, s.p
	working := workingDay(d) == d
	for i := range p.incomes {
		if in := &p.incomes[i]; in.day == 0 && working && r.Float64() < in.perMonth/workingDaysAMonth {
			s.add(d, posting{minor: around(r, in.amount, in.vary), party: in.from, text: s.stamped(in.text, in.stamp, t), code: in.code, purpose: in.purpose})
		}
	}
	for range poisson(r, p.shopping.perDay*more) {
		s.buy(d, t, more)
	}
	if r.Float64() < p.cash.perMonth/daysAMonth {
		if amount := max(p.cash.typical/1000*int64(1+r.IntN(4))/2, 1) * 1000; s.affords(amount) {
			s.add(workingDay(d), posting{minor: -amount, value: d, text: "BARGELDAUSZAHLUNG Geldautomat / cash withdrawal", code: codeCash, card: true})
		}
	}
	for range poisson(r, p.gambling.perMonth/daysAMonth) {
		s.gamble(d)
	}
	if p.exact == 0 && working && r.Float64() < 1.2/workingDaysAMonth {
		friend, amount := s.friends[r.IntN(len(s.friends))], int64(5+r.IntN(50))*100
		if r.IntN(3) == 0 {
			s.add(d, posting{minor: amount, party: friend, text: "Danke! Rest vom Wochenende", code: codeTransferIn})
		} else if s.affords(amount) {
			s.add(d, posting{minor: -amount, party: friend, text: "Geschenk / shared dinner", code: codeTransferOut})
		}
	}
}

const (
	daysAMonth        = 30.44
	workingDaysAMonth = 21.7
)

// buy makes one purchase by card, booked one to three working days later.
func (s *simulation) buy(d bank.Date, t time.Time, more float64) {
	k := s.pickKind()
	shop := &shops[k].shops[s.r.IntN(len(shops[k].shops))]
	mood := 1 + s.p.discipline*(min(max(float64(s.balance[0])/float64(s.p.cushion), -0.5), 2)-1)
	amount := skewed(s.r, shops[k].usual*s.p.shopping.scale*seasonal[t.Month()]*mood/more, shops[k].sigma)
	later := 1 + s.r.IntN(2)
	back := s.r.Float64() < s.p.shopping.refunds && k >= clothing
	if !s.affords(amount) && s.p.exact == 0 {
		return // declined
	}
	who := &party{name: shop.name}
	on := workingDay(d.AddDays(later))
	s.add(on, posting{minor: -amount, value: d, party: who, text: shop.text + " " + t.Format("02.01."), code: codeCard, card: true})
	if back {
		s.add(workingDay(on.AddDays(6)), posting{minor: amount, value: on.AddDays(4), party: who, text: "GUTSCHRIFT / refund " + shop.text, code: codeCardRefund, card: true})
	}
}

func (s *simulation) pickKind() kind {
	total := 0.0
	for _, w := range s.weights {
		total += w
	}
	x := s.r.Float64() * total
	for k, w := range s.weights {
		if x -= w; x < 0 {
			return kind(k)
		}
	}
	return groceries
}

func (s *simulation) gamble(d bank.Date) {
	c := casinos[s.r.IntN(len(casinos))]
	stake := skewed(s.r, float64(s.p.gambling.typical), 0.6) / 500 * 500
	won := s.r.Float64() < s.p.gambling.wins
	if stake == 0 || !s.affords(stake) {
		return
	}
	who := at(c.name)
	s.add(workingDay(d.AddDays(1)), posting{minor: -stake, value: d, party: who, text: c.text, code: codeCard, card: true})
	if won {
		s.add(workingDay(d.AddDays(4)), posting{minor: stake * int64(1+s.r.IntN(4)), party: who, text: "Auszahlung / payout " + c.name, code: codeTransferIn})
	}
}

// affords tells whether the bank lets a card payment through.
func (s *simulation) affords(amount int64) bool { return s.balance[0]+s.p.overdraft >= amount }

// book enters one posting on the current account and what it brings about.
func (s *simulation) book(e posting) {
	s.enter(0, e)
	switch {
	case e.own:
		e.minor, e.party, e.code = -e.minor, s.own[0], codeOwnIn
		if e.minor < 0 {
			e.code = codeOwnOut
		}
		s.seq++
		e.seq = s.seq
		s.enter(1, e)
	case e.mandate && s.balance[0] < -s.p.overdraft && s.p.exact == 0:
		s.giveBack(e)
	}
}

// giveBack returns a direct debit that was not covered: the money comes back
// with a fee, and the creditor tries once more and charges for that.
func (s *simulation) giveBack(e posting) {
	next := workingDay(e.booking.AddDays(1))
	s.add(next, posting{minor: -e.minor, party: e.party, text: "Ruecklastschrift mangels Deckung: " + e.text, code: codeReturned})
	s.add(next, posting{minor: -350, text: "Entgelt Ruecklastschrift / returned debit fee", code: codeFee})
	if !e.retried {
		s.add(workingDay(e.booking.AddDays(10)), posting{minor: e.minor - 500, party: e.party, text: e.text + " inkl. Mahngebuehr 5,00 EUR",
			code: codeDirectDebit, mandate: true, retried: true})
	}
}

func (s *simulation) enter(account int, e posting) {
	s.balance[account] += e.minor
	e.balance = s.balance[account]
	s.booked[account] = append(s.booked[account], e)
}

// endOfDay counts interest, settles it at the end of a quarter, and moves
// what is left over to the savings at the end of a month.
func (s *simulation) endOfDay(d bank.Date, t time.Time) {
	s.debt += max(-s.balance[0], 0)
	s.credit += max(s.balance[1], 0)
	tomorrow := d.AddDays(1).Time()
	if tomorrow.Day() != 1 {
		return
	}
	if sp := s.p.savings; sp != nil && sp.sweep > 0 {
		if over := (s.balance[0] - sp.sweep) / sweepStep * sweepStep; over > 0 {
			s.add(workingDay(d.AddDays(2)), posting{minor: -over, party: s.own[1],
				text: "Umbuchung Tagesgeld / to savings", code: codeOwnOut, purpose: "SAVG", own: true})
		}
	}
	if t.Month()%3 != 0 {
		return
	}
	if interest := s.debt * 1190 / 10_000 / 365; interest > 0 {
		s.add(workingDay(d.AddDays(1)), posting{minor: -interest, value: d, text: "Abschluss: Sollzinsen / overdraft interest", code: codeInterestPaid})
	}
	if sp := s.p.savings; sp != nil {
		if interest := int64(float64(s.credit) * sp.rate / 365); interest > 0 {
			s.seq++
			s.enter(1, posting{seq: s.seq, booking: d, value: d, minor: interest, text: "Habenzinsen / interest", code: codeInterest})
		}
	}
	s.debt, s.credit = 0, 0
}

// sweepStep is what transfers to the savings are a multiple of: 100 EUR.
const sweepStep = 100_00

// history cuts what was booked after a day and adds what is pending: card
// payments made but not booked yet.
func (s *simulation) history(after bank.Date) *history {
	h := &history{asOf: s.today, accounts: make([]accountHistory, len(s.own))}
	for i := range h.accounts {
		a := &h.accounts[i]
		a.balance = s.balance[i]
		n, _ := slices.BinarySearchFunc(s.booked[i], after, func(e posting, d bank.Date) int { return e.booking.Sub(d) })
		a.booked = s.booked[i][n:]
	}
	for _, later := range s.due[s.today.Sub(s.start)+1:] {
		for _, e := range later {
			if e.card && e.value <= s.today {
				h.accounts[0].pending = append(h.accounts[0].pending, e)
			}
		}
	}
	return h
}

// workingDay returns d, or the Monday after a weekend.
func workingDay(d bank.Date) bank.Date {
	switch ((d+4)%7 + 7) % 7 { // 1970-01-01 was a Thursday
	case 6:
		return d + 2
	case 0:
		return d + 1
	}
	return d
}
