package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"runtime/debug"
	"strings"
)

// The exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// command is one of refserver's.
type command struct {
	name, about string
	run         func(ctx context.Context, args []string, io surroundings) error
}

func commands() []command {
	return []command{
		{"demo", "run everything in one process, walked through once (-once: then exit)", demoCommand},
		{"serve", "run the server: serve -config refserver.yaml", serveCommand},
		{"sandbox", "run the sandbox bank alone", sandboxCommand},
		{"anonymize", "show what is kept of a bank's answer on stdin: -api berlin-group", anonymizeCommand},
		{"version", "print the version", versionCommand},
	}
}

// usageError is a call that was wrong: exit 2.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// errHelp: help was asked for and given.
var errHelp = errors.New("help was given")

// run is the whole program but for signals. ctx ends it.
func run(ctx context.Context, args []string, io surroundings) int {
	err := dispatch(ctx, args, io)
	var usage *usageError
	switch {
	case err == nil, errors.Is(err, errHelp):
		return exitOK
	case errors.As(err, &usage):
		fmt.Fprintln(io.stderr, "refserver: "+oneLine(err))
		return exitUsage
	}
	fmt.Fprintln(io.stderr, "refserver: "+oneLine(err))
	return exitFailed
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

func dispatch(ctx context.Context, args []string, io surroundings) error {
	if len(args) == 0 {
		return usagef("no command given; allowed: %s, help", commandNames())
	}
	name, rest := args[0], args[1:]
	switch name {
	case "help", "-h", "-help", "--help":
		if len(rest) > 0 && name == "help" {
			return dispatch(ctx, []string{rest[0], "-h"}, io)
		}
		help(io.stdout)
		return nil
	}
	for _, c := range commands() {
		if c.name == name {
			return c.run(ctx, rest, io)
		}
	}
	return usagef("unknown command %q; allowed: %s, help", name, commandNames())
}

func commandNames() string {
	var names []string
	for _, c := range commands() {
		names = append(names, c.name)
	}
	return strings.Join(names, ", ")
}

func help(w io.Writer) {
	fmt.Fprint(w, "refserver turns a person's bank activity into a credit score.\n\nUsage: refserver COMMAND [FLAGS]\n\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-10s %s\n", c.name, c.about)
	}
	fmt.Fprint(w, "\nrefserver help COMMAND lists the flags of one.\n")
}

// newFlags makes a set whose faults are for parseFlags to report.
func newFlags(name string) *flag.FlagSet {
	fs := flag.NewFlagSet("refserver "+name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.Usage = func() {}
	return fs
}

// parseFlags reads flags and refuses what is left over.
func parseFlags(fs *flag.FlagSet, args []string, io surroundings) error {
	err := fs.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprintf(io.stdout, "Usage: %s [FLAGS]\n\n", fs.Name())
		fs.SetOutput(io.stdout)
		fs.PrintDefaults()
		return errHelp
	case err != nil:
		return usagef("%s: %w; allowed: the flags that %s -h lists", fs.Name(), err, fs.Name())
	case fs.NArg() > 0:
		return usagef("%s: unexpected argument %q; allowed: flags only", fs.Name(), fs.Arg(0))
	}
	return nil
}

func versionCommand(_ context.Context, args []string, io surroundings) error {
	if err := parseFlags(newFlags("version"), args, io); err != nil {
		return err
	}
	version, revision, goVersion := "(devel)", "", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		if info.Main.Version != "" {
			version = info.Main.Version
		}
		goVersion = " " + info.GoVersion
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" && len(s.Value) >= 12 {
				revision = " " + s.Value[:12]
			}
		}
	}
	fmt.Fprintf(io.stdout, "refserver %s%s%s\n", version, revision, goVersion)
	return nil
}
