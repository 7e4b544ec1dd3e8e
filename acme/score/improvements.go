package score

import (
	"fmt"
	"math"
)

// improvementDays is how long a change is kept up.
const improvementDays = 90

// buffers are the changes tried: how much more to keep in the account, in
// hundredths of a month's spending. In shares, so that the unit of the
// currency does not matter.
var buffers = [...]int{10, 25, 50, 100}

// mostAdded leaves room for sums of a balance and what is added to it.
const mostAdded = 1 << 60

// improvements are feasible changes, smallest first, each scored by the model
// itself on the same history with the change kept up for its newest 90 days.
// A change is named only if it gains at least one point over the one before.
func (m *model) improvements(s *series, value int) []Improvement {
	out := []Improvement{}
	if !s.hasBalance || total(s.out) <= 0 || value >= Max {
		return out
	}
	changed := *s
	for _, share := range buffers {
		exact := math.Round(s.monthlySpending() * float64(share) / 100)
		if exact > mostAdded {
			break
		}
		more := int64(exact)
		changed.balance = append([]int64(nil), s.balance...)
		for i := max(0, s.days-improvementDays); i < s.days; i++ {
			changed.balance[i] += more
		}
		t := m.tally(m.predict(changed.values()))
		if t.value <= value {
			continue
		}
		value = t.value
		out = append(out, Improvement{
			Change: fmt.Sprintf("Keep %d %% of a month's spending more in the account for 3 months", share),
			Value:  value,
		})
	}
	return out
}
