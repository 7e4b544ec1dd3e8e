package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"acme.example/creditscore/acme/bank/sandbox"
)

// sandboxCommand runs the sandbox bank until ctx ends.
func sandboxCommand(ctx context.Context, args []string, io surroundings) error {
	var cfg sandbox.Config
	fs := newFlags("sandbox")
	addr := fs.String("addr", "127.0.0.1:9090", "`host:port` to listen on; port 0: any free one")
	fs.DurationVar(&cfg.Latency, "latency", 0, "how long reading one person takes")
	fs.StringVar(&cfg.AccountsDir, "accounts", "", "`folder` of payloads to serve, one NAME.json a person")
	fs.IntVar(&cfg.Transactions, "transactions", 0, "booked transactions of each generated person; 0: what such a person would have")
	fs.IntVar(&cfg.PageSize, "page-size", 0, "booked transactions a page; 0: 500")
	fs.DurationVar(&cfg.History, "history", 0, "how far back histories reach; 0: two years")
	fs.BoolVar(&cfg.NewestFirst, "newest-first", false, "list transactions newest first")
	fs.Uint64Var(&cfg.Seed, "seed", 0, "picks the people's histories")
	fs.StringVar(&cfg.BaseURL, "base-url", "", "the bank's own `URL`; empty: what each request calls it by")
	fs.BoolVar(&cfg.Admin, "admin", false, "let anybody set faults at /sandbox/faults")
	fs.Func("client", "`id:secret` that may obtain consents, can be repeated; none: acme:sandbox-secret", func(text string) error {
		id, secret, ok := strings.Cut(text, ":")
		if !ok || id == "" || secret == "" {
			return errors.New("want id:secret")
		}
		if cfg.Clients == nil {
			cfg.Clients = map[string]string{}
		}
		cfg.Clients[id] = secret
		return nil
	})
	form := logFlag(fs)
	if err := parseFlags(fs, args, io); err != nil {
		return err
	}
	format, err := form()
	if err != nil {
		return err
	}
	log := newLogger(io.stderr, format)
	cfg.Logger = log
	b, err := sandbox.New(cfg)
	if err != nil {
		return usagef("refserver sandbox: %w", err)
	}
	if _, _, err := net.SplitHostPort(*addr); err != nil {
		return usagef("refserver sandbox: -addr: %q: allowed: host:port, such as 127.0.0.1:9090", *addr)
	}
	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		return fmt.Errorf("listening on %s: %w", *addr, err)
	}
	log.Info("sandbox bank listening on http://"+listener.Addr().String(), "addr", listener.Addr().String(), "latency", cfg.Latency.String())
	return serveBank(ctx, b, listener, log)
}

// serveBank serves until ctx ends. Calls that wait, on purpose or not, are let
// go then.
func serveBank(ctx context.Context, b *sandbox.Bank, listener net.Listener, log *slog.Logger) error {
	server := &http.Server{Handler: b, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn)}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	_ = b.Close()
	stop, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := server.Shutdown(stop); err != nil {
		_ = server.Close()
	}
	<-served
	return nil
}
