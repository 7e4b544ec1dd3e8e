package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"slices"
	"time"

	"golang.org/x/term"

	"acme.example/creditscore/refserver/internal/demo"
)

// demoCommand runs everything in one process, on loopback, on temporary data.
func demoCommand(ctx context.Context, args []string, io surroundings) error {
	cfg := demo.Config{Out: io.stdout}
	fs := newFlags("demo")
	fs.BoolVar(&cfg.Once, "once", false, "exit after the walk")
	fs.StringVar(&cfg.Addr, "addr", "", "`host:port` of the server; empty: 127.0.0.1:8080, or any free port")
	fs.StringVar(&cfg.BankAddr, "bank-addr", "", "`host:port` of the sandbox bank; empty: 127.0.0.1:9090, or any free port")
	fs.StringVar(&cfg.Person, "person", "alice", "who consents: alice, bob, carol, dave, erin, frank, grace or heidi")
	fs.DurationVar(&cfg.Latency, "latency", 1500*time.Millisecond, "how long the bank takes to be read")
	format := fs.String("log", "off", "the server's log on stderr: off, json or text")
	if err := parseFlags(fs, args, io); err != nil {
		return err
	}
	switch {
	case *format == "json" || *format == "text":
		cfg.Logger = newLogger(io.stderr, *format)
	case *format != "off":
		return usagef("refserver demo: -log: %q: allowed: off, json or text", *format)
	default:
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Latency < 0 || cfg.Latency > time.Minute {
		return usagef("refserver demo: -latency: %q: allowed: 0s to 1m", cfg.Latency)
	}
	cfg.Terminal, cfg.Width = terminal(io.stdout)
	cfg.Color = cfg.Terminal && !slices.ContainsFunc(io.env, func(v string) bool {
		return len(v) > len("NO_COLOR=") && v[:len("NO_COLOR=")] == "NO_COLOR=" || v == "TERM=dumb"
	})
	return demo.Run(ctx, cfg)
}

// terminal tells whether w is one, and how wide.
func terminal(w io.Writer) (is bool, width int) {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return false, 80
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width < 40 {
		width = 80
	}
	return true, width
}
