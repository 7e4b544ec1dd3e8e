package demo_test

import (
	"bytes"
	"context"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"acme.example/creditscore/refserver/internal/demo"
)

// TestTerminal: on a terminal the line of a step that takes time changes in
// place, within the width; colours are left out when they are not wanted.
func TestTerminal(t *testing.T) {
	t.Parallel()
	sgr := regexp.MustCompile(`\x1b\[[0-9]*m`)
	for _, color := range []bool{true, false} {
		var out bytes.Buffer
		err := demo.Run(t.Context(), demo.Config{Once: true, Addr: "127.0.0.1:0", BankAddr: "127.0.0.1:0", Person: "alice",
			Latency: 300 * time.Millisecond, Out: &out, Terminal: true, Color: color, Width: 72, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatalf("%v\n%s", err, out.String())
		}
		if !regexp.MustCompile(`\r\x1b\[K.*⠋.* ms  the bank is read, the score made  accepted`).MatchString(out.String()) {
			t.Errorf("no progress in place:\n%q", out.String())
		}
		if sgr.MatchString(out.String()) != color {
			t.Errorf("colour %v, yet:\n%q", color, out.String())
		}
		for part := range strings.FieldsFuncSeq(sgr.ReplaceAllString(out.String(), ""), func(r rune) bool { return r == '\n' || r == '\r' }) {
			part = strings.TrimPrefix(part, "\x1b[K")
			if strings.Contains(part, " ms  ") && utf8.RuneCountInString(part) > 72 {
				t.Errorf("over 72 columns: %s", part)
			}
		}
	}
}

// TestInterrupted: whoever stops the demo half-way is told no more than that.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	var out bytes.Buffer
	err := demo.Run(ctx, demo.Config{Addr: "127.0.0.1:0", BankAddr: "127.0.0.1:0", Person: "alice",
		Latency: 30 * time.Second, Out: &out, Logger: slog.New(slog.DiscardHandler)})
	if err == nil || err.Error() != "demo: interrupted" {
		t.Errorf("%v\n%s", err, out.String())
	}
}
