package main

import (
	"context"
	"errors"
	"flag"
	"io"
	"log/slog"
	"strings"

	"acme.example/creditscore/refserver/internal/config"
	"acme.example/creditscore/refserver/internal/service"
)

// serveCommand runs the server until ctx ends, then drains it.
func serveCommand(ctx context.Context, args []string, io surroundings) error {
	cfg, ignored, format, err := readServeConfig(args, io)
	if err != nil {
		return err
	}
	log := newLogger(io.stderr, format)
	for _, name := range ignored {
		log.Warn("an ACME_ variable sets no key and is ignored", "variable", name)
	}
	if len(cfg.Roles) < 5 {
		log.Warn("not every role runs here, and the queue is this process's own: jobs wait until all five roles run on this data_dir",
			"roles", strings.Join(cfg.Roles, ","))
	}
	s, err := service.Open(cfg, service.Options{Logger: log})
	var faults *config.Error
	if errors.As(err, &faults) {
		return usagef("configuration: %w", err)
	}
	if err != nil {
		return err
	}
	return s.Run(ctx)
}

// readServeConfig reads the flags and with them everything else. Each key is
// a flag; those of list elements exist for the indexes that were given.
func readServeConfig(args []string, io surroundings) (cfg config.Config, ignored []string, format string, err error) {
	src := config.Sources{Env: io.env}
	for _, variable := range io.env {
		switch name, value, _ := strings.Cut(variable, "="); name {
		case "ACME_CONFIG":
			src.File = value
		case "ACME_LOG":
			format = value
		}
	}
	if format == "" {
		format = "json"
	}
	fs := newFlags("serve")
	fs.StringVar(&src.File, "config", src.File, "the configuration `file` (YAML); see docs/configuration.md")
	fs.StringVar(&format, "log", format, "form of the log on stderr: json or text")
	for _, k := range config.Keys() {
		switch {
		case strings.Contains(k.Path, "[]"):
		case k.Bool:
			fs.BoolFunc(k.Path, "allowed: "+k.Allowed, setKey(&src, k.Path))
		default:
			fs.Func(k.Path, "allowed: "+k.Allowed, setKey(&src, k.Path))
		}
	}
	for _, arg := range args {
		name, _, _ := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		if path, ok := config.PathOfFlag(name); ok && strings.HasPrefix(arg, "-") && strings.Contains(path, "[") && fs.Lookup(name) == nil {
			fs.Func(name, "", setKey(&src, path))
		}
	}
	if err := parseFlags(fs, joinBools(args), io); err != nil {
		return cfg, nil, "", err
	}
	if format != "json" && format != "text" {
		return cfg, nil, "", usagef("configuration: log: %q: allowed: json or text", format)
	}
	cfg, ignored, err = config.Load(src)
	if err != nil {
		return cfg, nil, "", usagef("configuration: %w", err)
	}
	return cfg, ignored, format, nil
}

// joinBools makes "-key=true" of "-key true", since every other key takes its
// value that way and the flag package knows only the first form for these.
func joinBools(args []string) []string {
	bools := map[string]bool{}
	for _, k := range config.Keys() {
		bools[k.Path] = k.Bool
	}
	var joined []string
	for i := 0; i < len(args); i++ {
		arg := args[i]
		name := strings.TrimLeft(arg, "-")
		if bools[name] && name != arg && i+1 < len(args) && (args[i+1] == "true" || args[i+1] == "false") {
			i++
			arg += "=" + args[i]
		}
		joined = append(joined, arg)
	}
	return joined
}

func setKey(src *config.Sources, path string) func(string) error {
	return func(value string) error {
		src.Flags = append(src.Flags, config.Flag{Path: path, Value: value})
		return nil
	}
}

// newLogger logs one line an event, as JSON or for people.
func newLogger(w io.Writer, format string) *slog.Logger {
	if format == "text" {
		return slog.New(slog.NewTextHandler(w, nil))
	}
	return slog.New(slog.NewJSONHandler(w, nil))
}

// logFlag adds -log to a command that has no configuration.
func logFlag(fs *flag.FlagSet) func() (string, error) {
	format := fs.String("log", "json", "form of the log on stderr: json or text")
	return func() (string, error) {
		if *format != "json" && *format != "text" {
			return "", usagef("%s: -log: %q: allowed: json or text", fs.Name(), *format)
		}
		return *format, nil
	}
}
