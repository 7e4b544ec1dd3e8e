package anonymize

import (
	"cmp"
	"math"
)

// matcher finds every phrase of the lexicon in one pass over folded text:
// the Aho–Corasick automaton (Communications of the ACM 18(6), 1975) with
// its failure links resolved into a table of one step a byte. It is
// immutable after newMatcher and safe for concurrent use.
type matcher struct {
	step  []uint16 // state*alphabet + class → state
	out   []uint16 // state → 1 + index of the longest phrase ending here, 0 for none
	next  []uint16 // state → nearest shorter suffix state with a phrase, 0 for none
	words []phrase
}

// phrase is one entry of the lexicon.
type phrase struct {
	text     string // folded; a leading and a trailing space where words must end
	category Category
	sign     int8 // +1 for credits only, -1 for debits only, 0 for both
	tier     tier
	// more is 1 + the index of another phrase of the same text, which
	// differs in sign or tier; 0 for none.
	more uint16
}

// tier ranks how much a phrase tells.
type tier uint8

const (
	noTier   tier = iota
	channel       // how money moved: "card payment", "prichozi platba"
	name          // who was paid: a merchant, a lender, an authority
	purpose       // what it was for: "rent", "salary", "splatka uveru"
	numTiers      // keep last
)

// hit is the best phrase of one tier.
type hit struct {
	category Category
	length   int32
}

// alphabet has the space, 26 letters and 10 digits.
const alphabet = 37

func class(c byte) int {
	switch {
	case c >= 'a':
		return int(c-'a') + 1
	case c >= '0':
		return int(c-'0') + 27
	default:
		return 0
	}
}

// maxStates is what a uint16 can number.
const maxStates = math.MaxUint16

// newMatcher builds the automaton. It returns nil when the phrases need more
// states than it can number; a test holds the lexicon to that bound.
func newMatcher(words []phrase) *matcher {
	m := &matcher{words: words}
	grow := func() uint16 {
		m.step = append(m.step, make([]uint16, alphabet)...)
		m.out = append(m.out, 0)
		return uint16(len(m.out) - 1)
	}
	grow()
	for i := range words {
		s := uint16(0)
		for j := range len(words[i].text) {
			at := int(s)*alphabet + class(words[i].text[j])
			if m.step[at] == 0 {
				if len(m.out) == maxStates {
					return nil
				}
				n := grow()
				m.step[at] = n
			}
			s = m.step[at]
		}
		words[i].more = m.out[s]
		m.out[s] = uint16(i + 1)
	}
	m.link()
	return m
}

// link resolves failure links breadth first.
func (m *matcher) link() {
	n := len(m.out)
	m.next = make([]uint16, n)
	fail := make([]uint16, n)
	queue := make([]uint16, 0, n)
	for c := range alphabet {
		if s := m.step[c]; s != 0 {
			queue = append(queue, s)
		}
	}
	for len(queue) > 0 {
		s := queue[0]
		queue = queue[1:]
		f := fail[s]
		if m.out[f] != 0 {
			m.next[s] = f
		} else {
			m.next[s] = m.next[f]
		}
		for c := range alphabet {
			at := int(s)*alphabet + c
			if t := m.step[at]; t != 0 {
				fail[t] = m.step[int(f)*alphabet+c]
				queue = append(queue, t)
			} else {
				m.step[at] = m.step[int(f)*alphabet+c]
			}
		}
	}
}

// scan keeps in best, for each tier, the longest phrase of folded that fits
// the sign. Folded text begins and ends with a space. Of phrases equally
// long the one of the lower category number stays, so that the order of
// words does not matter.
func (m *matcher) scan(folded []byte, sign int8, best *[numTiers]hit) {
	s := uint16(0)
	for _, c := range folded {
		s = m.step[int(s)*alphabet+class(c)]
		t := s
		if m.out[t] == 0 {
			t = m.next[t]
		}
		for ; t != 0; t = m.next[t] {
			for w := m.out[t]; w != 0; w = m.words[w-1].more {
				m.words[w-1].offer(sign, best)
			}
		}
	}
}

func (p *phrase) offer(sign int8, best *[numTiers]hit) {
	if p.sign != 0 && p.sign != sign {
		return
	}
	b := &best[p.tier]
	h := hit{p.category, int32(len(p.text))}
	if cmp.Or(cmp.Compare(h.length, b.length), cmp.Compare(b.category, h.category)) > 0 {
		*b = h
	}
}
