package anonymize

import (
	"embed"
	"fmt"
	"strings"
	"sync"
)

// The lexicon: one file a language and one of names, each line
//
//	category sign phrase, phrase, …
//
// under a heading [purpose], [name] or [channel]. The sign is + for credits
// only, - for debits only, = for both. A phrase is matched as whole words;
// "miet*" also begins longer words, "*miete" also ends them. Phrases are
// folded like any text; one with ä, ö, ü, å, æ or ø also matches its
// spelling with ae, oe, ue, aa.
//
//go:embed lexicon/*.txt
var lexiconFiles embed.FS

// lexicon is compiled once, on first use, and never changes. The embedded
// files are part of the program: that they compile is held by a test.
var lexicon = sync.OnceValue(func() *matcher {
	words, err := readLexicon()
	if err != nil {
		return newMatcher(nil)
	}
	if m := newMatcher(words); m != nil {
		return m
	}
	return newMatcher(nil)
})

func readLexicon() ([]phrase, error) {
	files, err := lexiconFiles.ReadDir("lexicon")
	if err != nil {
		return nil, err
	}
	p := lexiconParser{seen: map[phrase]bool{}}
	for _, f := range files {
		text, err := lexiconFiles.ReadFile("lexicon/" + f.Name())
		if err != nil {
			return nil, err
		}
		p.tier = noTier
		for i, line := range strings.Split(string(text), "\n") {
			if err := p.line(strings.TrimSpace(line)); err != nil {
				return nil, fmt.Errorf("%s:%d: %w", f.Name(), i+1, err)
			}
		}
	}
	return p.words, nil
}

type lexiconParser struct {
	tier  tier
	words []phrase
	seen  map[phrase]bool
}

func (p *lexiconParser) line(line string) error {
	switch line {
	case "[purpose]":
		p.tier = purpose
		return nil
	case "[name]":
		p.tier = name
		return nil
	case "[channel]":
		p.tier = channel
		return nil
	}
	if line == "" || line[0] == '#' {
		return nil
	}
	word, rest, _ := strings.Cut(line, " ")
	sign, list, ok := strings.Cut(rest, " ")
	c, known := parseCategory(word)
	if !ok || !known || p.tier == noTier {
		return fmt.Errorf("want a heading, then: category sign phrase, phrase")
	}
	w := phrase{category: c, tier: p.tier}
	switch sign {
	case "+":
		w.sign = 1
	case "-":
		w.sign = -1
	case "=":
	default:
		return fmt.Errorf("unknown sign")
	}
	for text := range strings.SplitSeq(list, ",") {
		if err := p.phrase(strings.TrimSpace(text), w); err != nil {
			return err
		}
	}
	return nil
}

// digraphs are the spellings of letters where the bank's character set had
// none of them.
var digraphs = strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue", "å", "aa", "ø", "oe", "Ä", "ae", "Ö", "oe", "Ü", "ue")

func (p *lexiconParser) phrase(text string, w phrase) error {
	left, right := " ", " "
	text, ok := strings.CutPrefix(text, "*")
	if ok {
		left = ""
	}
	if text, ok = strings.CutSuffix(text, "*"); ok {
		right = ""
	}
	for _, form := range []string{text, digraphs.Replace(text)} {
		folded := string(folding().append(nil, form))
		if len(folded) < 2 {
			return fmt.Errorf("phrase too short")
		}
		w.text = left + folded + right
		if !p.seen[w] {
			p.seen[w] = true
			p.words = append(p.words, w)
		}
	}
	return nil
}
