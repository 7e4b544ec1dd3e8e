package demo

import (
	"fmt"
	"strconv"
	"strings"

	"acme.example/creditscore/acme/score"
)

// report shows a score: its value, its reasons, the months behind it.
func (s *screen) report(job *jobAnswer) {
	r := job.Score
	s.heading("The score")
	s.line(fmt.Sprintf("  %s of %d to %d, %.2f %% probability of default, interval %d to %d",
		s.style(bold, strconv.Itoa(r.Value)), r.Min, r.Max, 100*r.ProbabilityOfDefault, r.Interval.Low, r.Interval.High))
	s.line("  " + s.gauge(r))
	s.line(s.style(dim, fmt.Sprintf("  model %s %s", r.Model.Name, r.Model.Version)))

	s.heading("Its reasons")
	for _, reason := range r.Reasons {
		points := fmt.Sprintf("%+5d", reason.Points)
		if reason.Points < 0 {
			points = s.style(red, points)
		} else {
			points = s.style(green, points)
		}
		for i, text := range wrapped(reason.Text, s.width-14) {
			if i == 0 {
				s.line(fmt.Sprintf("  %s  %-4s %s", points, reason.Code, text))
			} else {
				s.line(strings.Repeat(" ", 14) + text)
			}
		}
	}
	s.months(r.CashFlow)
}

// gauge is a bar with the interval and the value marked on it.
func (s *screen) gauge(r *score.Report) string {
	const width = 56
	place := func(value int) int {
		if r.Max <= r.Min {
			return 0
		}
		return max(0, min(width-1, (value-r.Min)*(width-1)/(r.Max-r.Min)))
	}
	cells := []rune(strings.Repeat("─", width))
	for i := place(r.Interval.Low); i <= place(r.Interval.High); i++ {
		cells[i] = '━'
	}
	cells[place(r.Value)] = '●'
	return fmt.Sprintf("%d %s %d", r.Min, string(cells), r.Max)
}

// months is the plot of income, spending and balance.
func (s *screen) months(flow score.CashFlow) {
	if len(flow.Months) == 0 {
		return
	}
	s.heading("Month by month, in " + flow.Currency.String())
	widest := 0.0
	for _, m := range flow.Months {
		widest = max(widest, number(m.Income), number(m.Spending))
	}
	const bar = 16
	s.line(s.style(dim, fmt.Sprintf("  %-7s  %-*s  %-*s  %10s", "", bar+11, "income", bar+11, "spending", "balance")))
	for _, m := range flow.Months {
		balance := fmt.Sprintf("%10s", m.Balance)
		if strings.HasPrefix(m.Balance, "-") {
			balance = s.style(red, balance)
		}
		s.line(fmt.Sprintf("  %-7s  %s %10s  %s %10s  %s", m.Month,
			s.style(green, block(number(m.Income), widest, bar)), m.Income,
			s.style(red, block(number(m.Spending), widest, bar)), m.Spending, balance))
	}
}

// number reads a decimal text for a bar's length; what is shown is the text
// itself.
func number(text string) float64 {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0
	}
	return v
}

// block is a bar of up to width columns, in eighths of one.
func block(value, widest float64, width int) string {
	if widest <= 0 || value < 0 {
		value, widest = 0, 1
	}
	eighths := int(value/widest*float64(width*8) + 0.5)
	text := strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		text += string([]rune("▏▎▍▌▋▊▉")[rest-1])
	}
	return text + strings.Repeat(" ", width-len([]rune(text)))
}
