package demo

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// screen shows the walk. On a terminal the line of a step that takes time
// changes in place; elsewhere each line is written once. Its methods are
// called by one goroutine.
type screen struct {
	out                io.Writer
	terminal, coloured bool
	width              int
}

func newScreen(cfg Config) *screen {
	s := &screen{out: cfg.Out, terminal: cfg.Terminal, coloured: cfg.Color, width: cfg.Width}
	if s.width < 40 || s.width > 100 {
		s.width = 80
	}
	return s
}

// The few styles there are (ECMA-48 SGR).
const (
	bold  = "1"
	dim   = "2"
	red   = "31"
	green = "32"
	cyan  = "36"
)

func (s *screen) style(sgr, text string) string {
	if !s.coloured || text == "" {
		return text
	}
	return "\x1b[" + sgr + "m" + text + "\x1b[0m"
}

func (s *screen) line(text string) { fmt.Fprintln(s.out, text) }

func (s *screen) heading(text string) { s.line("\n" + s.style(bold, text)) }

func (s *screen) note(text string) { s.line(s.style(dim, "             "+text)) }

// step does something quick and shows how long it took.
func (s *screen) step(text string, do func() error) error {
	return s.wait(text, func(func(string)) error { return do() })
}

// wait does something that takes a while. do may tell more about how far it
// is; on a terminal that and the time are shown while they change.
func (s *screen) wait(text string, do func(show func(string)) error) error {
	began := time.Now()
	var mu sync.Mutex
	more := ""
	done := make(chan error, 1)
	go func() {
		done <- do(func(told string) {
			mu.Lock()
			defer mu.Unlock()
			more = told
		})
	}()
	told := func() string {
		mu.Lock()
		defer mu.Unlock()
		return more
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for frame := 0; ; frame++ {
		select {
		case err := <-done:
			s.finished(text, told(), time.Since(began), err)
			return err
		case <-tick.C:
			if s.terminal {
				spinner := string([]rune("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")[frame%10])
				fmt.Fprint(s.out, "\r\x1b[K"+s.stage(s.style(cyan, spinner), time.Since(began), text, told()))
			}
		}
	}
}

func (s *screen) finished(text, more string, took time.Duration, err error) {
	if s.terminal {
		fmt.Fprint(s.out, "\r\x1b[K")
	}
	if err != nil {
		s.line(s.stage(s.style(red, "✗"), took, text, ""))
		return
	}
	s.line(s.stage(s.style(green, "✓"), took, text, ""))
	if more != "" {
		s.note(more)
	}
}

// stage is a line: mark, time, text, and what more is told, cut to the width.
func (s *screen) stage(mark string, took time.Duration, text, more string) string {
	if more != "" {
		text += "  " + more
	}
	if room := s.width - 14; utf8.RuneCountInString(text) > room {
		text = string([]rune(text)[:room-1]) + "…"
	}
	return fmt.Sprintf("  %s %8s  %s", mark, spoken(took), text)
}

// spoken writes a duration with the precision that matters.
func spoken(d time.Duration) string {
	switch {
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}

// wrapped breaks text into lines of at most width columns.
func wrapped(text string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
