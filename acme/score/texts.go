package score

import (
	"fmt"
	"math"
)

// percent says a share as whole per cent, bounded so that a text stays
// readable.
func percent(v float64) string {
	switch p := math.Round(v * 100); {
	case p > 999:
		return "more than 999 %"
	case p < -999:
		return "less than -999 %"
	default:
		return fmt.Sprintf("%d %%", int(p))
	}
}

// span is the length in days of a window of at most n.
func (s *series) span(n int) int { return min(n, s.days) }

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func textBelowZero(s *series, _ float64) string {
	n, of := s.below(window, 0)
	if n == 0 {
		return fmt.Sprintf("Balance was never below zero in the last %d days", of)
	}
	return fmt.Sprintf("Balance was below zero on %s in the last %d", plural(n, "day", "days"), of)
}

func textLowBalance(s *series, _ float64) string {
	n, of := s.below(365, s.lowBound())
	return fmt.Sprintf("Balance was below half a month's income on %s in the last %d", plural(n, "day", "days"), of)
}

func textMonthlySwing(_ *series, v float64) string {
	return fmt.Sprintf("Income and spending of a month typically differed by %s of income", percent(v))
}

func textSpendingSize(s *series, v float64) string {
	return fmt.Sprintf("A day with spending took %s of a month's income on average in the last %d days", percent(v), s.span(365))
}

func textSteepestFall(s *series, v float64) string {
	if v > 1 {
		return fmt.Sprintf("The whole balance and more left within one day in the last %d", s.span(90))
	}
	return fmt.Sprintf("At most %s of the balance left within one day in the last %d", percent(v), s.span(90))
}

func textBalanceToPeak(s *series, v float64) string {
	return fmt.Sprintf("Balance is at %s of its highest in the last %d days", percent(v), s.span(90))
}

func textLowestBalance(s *series, v float64) string {
	return fmt.Sprintf("Lowest balance of the last %d days was %s of a month's spending", s.span(180), percent(v))
}

func textWeakestMonth(s *series, v float64) string {
	return fmt.Sprintf("Weakest month of the last %d had %s of the average income", s.span(365)/month, percent(v))
}

func textRegularBills(s *series, _ float64) string {
	n := s.groups[household].count + s.groups[insurance].count
	return fmt.Sprintf("%s in the last %d days", plural(n, "household or insurance payment", "household or insurance payments"), s.days)
}

func textPenalties(s *series, _ float64) string {
	return fmt.Sprintf("%s in the last %d days", plural(s.groups[penalties].count, "penalty or overdraft charge", "penalty or overdraft charges"), s.days)
}

func textHistoryLength(s *series, _ float64) string {
	return fmt.Sprintf("%s of account history", plural(s.days, "day", "days"))
}

func textIncomeTrend(s *series, v float64) string {
	return fmt.Sprintf("Income of the last %d days was %s of its average", s.span(90), percent(v))
}

func textCashShare(_ *series, v float64) string {
	return fmt.Sprintf("%s of spending was drawn in cash", percent(v))
}

func textLargestSpending(s *series, v float64) string {
	return fmt.Sprintf("Largest spending of a day in the last %d was %s of a month's income", s.span(180), percent(v))
}
