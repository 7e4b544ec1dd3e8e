package score

import (
	"math"
	"slices"
)

// feature is one measure of a series: what it is called, which way it may
// push, and how a person is told of it.
type feature struct {
	code, name string
	// measures says in a few words what is measured, and the unit.
	measures string
	// risk is +1 where more can only raise the probability of default, -1
	// where more can only lower it, 0 where reason demands neither.
	risk int
	// value is NaN where the history cannot tell; such a feature gets no
	// points either way.
	value func(*series) float64
	// text is the reason's, with the numbers behind the value.
	text func(s *series, value float64) string
}

// month is the length in days of a month in every feature: blocks of it,
// counted back from the newest entry, do not depend on the calendar.
const month = 30

// library is every feature a model may use, in the order of its code. The
// order and the codes are for ever; docs/reason-codes.md lists them.
var library = [...]feature{
	{"R01", "days_below_zero", "share of days that ended below zero, last 730 days", +1, daysBelowZero, textBelowZero},
	{"R02", "days_low_balance", "share of days that ended below half a month's income, last 365 days", +1, daysLowBalance, textLowBalance},
	{"R03", "monthly_swing", "root mean square of 30-day net flows, in mean 30-day incomes", +1, monthlySwing, textMonthlySwing},
	{"R04", "spending_size", "mean spending on a day with spending, in monthly incomes, last 365 days", +1, spendingSize, textSpendingSize},
	{"R05", "steepest_fall", "largest share of the balance gone within a day, last 90 days", +1, steepestFall, textSteepestFall},
	{"R06", "balance_to_peak", "balance in highest balances of the last 90 days", -1, balanceToPeak, textBalanceToPeak},
	{"R07", "lowest_balance", "lowest balance in months of spending, last 180 days", -1, lowestBalance, textLowestBalance},
	{"R08", "weakest_month", "lowest 30-day income in mean 30-day incomes, last 365 days", -1, weakestMonth, textWeakestMonth},
	{"R09", "regular_bills", "rent, household, utility and insurance payments in 30 days, at most 1", -1, regularBills, textRegularBills},
	{"R10", "penalties", "penalty and overdraft charges in 30 days", +1, penaltyRate, textPenalties},
	{"R11", "history_length", "days of history, at most 730", -1, historyLength, textHistoryLength},
	{"R12", "income_trend", "income of the last 90 days in the mean of the whole", -1, incomeTrend, textIncomeTrend},
	{"R13", "cash_share", "share of spending that was drawn in cash", +1, cashShare, textCashShare},
	{"R14", "largest_spending", "largest spending of a day in monthly incomes, last 180 days", +1, largestSpending, textLargestSpending},
}

// limit bounds what a ratio with nothing below the line can be.
const limit = 1e6

// ratio is a/b, bounded by limit, also where b is not positive.
func ratio(a, b float64) float64 {
	if b <= 0 {
		if a == 0 {
			return 0
		}
		return math.Copysign(limit, a)
	}
	return math.Min(math.Max(a/b, -limit), limit)
}

// total adds up days. Sums of a window fit by the series' scale.
func total(days []int64) int64 {
	var t int64
	for _, v := range days {
		t += v
	}
	return t
}

// last is the newest n days, or all where there are fewer.
func last(days []int64, n int) []int64 { return days[max(0, len(days)-n):] }

// monthly is a window's total a month.
func (s *series) monthly(days []int64) float64 {
	return float64(float64(total(days))*month) / float64(s.days)
}

func (s *series) monthlyIncome() float64   { return s.monthly(s.in) }
func (s *series) monthlySpending() float64 { return s.monthly(s.out) }

// below counts the newest n days that ended below a bound.
func (s *series) below(n int, bound float64) (count, of int) {
	days := last(s.balance, n)
	for _, v := range days {
		if float64(v) < bound {
			count++
		}
	}
	return count, len(days)
}

func (s *series) shareBelow(n int, bound float64) float64 {
	if !s.hasBalance {
		return math.NaN()
	}
	count, of := s.below(n, bound)
	return float64(count) / float64(of)
}

func daysBelowZero(s *series) float64 { return s.shareBelow(window, 0) }

func (s *series) lowBound() float64 { return math.Max(0, s.monthlyIncome()/2) }

func daysLowBalance(s *series) float64 { return s.shareBelow(365, s.lowBound()) }

// blocks calls f with each whole month of the newest n days, newest first.
func blocks(days []int64, n int, f func(sum int64)) {
	days = last(days, n)
	for end := len(days); end >= month; end -= month {
		f(total(days[end-month : end]))
	}
}

func monthlySwing(s *series) float64 {
	var flows [window / month]int64
	count, k := 0, 0
	blocks(s.in, window, func(v int64) { flows[count] = v; count++ })
	if count == 0 {
		return math.NaN()
	}
	income := total(flows[:count])
	blocks(s.out, window, func(v int64) { flows[k] -= v; k++ })
	squares := 0.0
	for _, v := range flows[:count] {
		squares += float64(float64(v) * float64(v))
	}
	n := float64(count)
	return ratio(math.Sqrt(squares/n), float64(income)/n)
}

func spendingSize(s *series) float64 {
	days := last(s.out, 365)
	count := 0
	for _, v := range days {
		if v > 0 {
			count++
		}
	}
	if count == 0 {
		return math.NaN()
	}
	return ratio(float64(total(days))/float64(count), s.monthlyIncome())
}

func steepestFall(s *series) float64 {
	if !s.hasBalance {
		return math.NaN()
	}
	fall := 0.0
	days := last(s.balance, 91)
	for i := 1; i < len(days); i++ {
		if days[i-1] > 0 {
			fall = math.Max(fall, 1-float64(days[i])/float64(days[i-1]))
		}
	}
	return math.Min(fall, 2)
}

func balanceToPeak(s *series) float64 {
	if !s.hasBalance {
		return math.NaN()
	}
	return math.Max(-1, ratio(float64(s.balance[s.days-1]), float64(slices.Max(last(s.balance, 90)))))
}

func lowestBalance(s *series) float64 {
	if !s.hasBalance {
		return math.NaN()
	}
	return ratio(float64(slices.Min(last(s.balance, 180))), s.monthlySpending())
}

func weakestMonth(s *series) float64 {
	lowest, sum, n := int64(math.MaxInt64), int64(0), 0
	blocks(s.in, 365, func(v int64) { lowest = min(lowest, v); sum += v; n++ })
	if n == 0 {
		return math.NaN()
	}
	return ratio(float64(lowest), float64(sum)/float64(n))
}

func regularBills(s *series) float64 {
	n := s.groups[household].count + s.groups[insurance].count
	return math.Min(1, float64(n*month)/float64(s.days))
}

func penaltyRate(s *series) float64 {
	return float64(s.groups[penalties].count*month) / float64(s.days)
}

func historyLength(s *series) float64 { return float64(s.days) }

func incomeTrend(s *series) float64 {
	recent := last(s.in, 90)
	return ratio(float64(total(recent))/float64(len(recent)), float64(total(s.in))/float64(s.days))
}

func cashShare(s *series) float64 {
	return math.Min(1, math.Max(0, ratio(float64(total(s.cashOut)), float64(total(s.out)))))
}

func largestSpending(s *series) float64 {
	return ratio(float64(slices.Max(last(s.out, 180))), s.monthlyIncome())
}

// values is every feature of the library; nil for a series without days.
func (s *series) values() []float64 {
	if s.days == 0 {
		return nil
	}
	out := make([]float64, len(library))
	for i := range library {
		out[i] = library[i].value(s)
	}
	return out
}
