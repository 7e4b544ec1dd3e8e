package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"acme.example/creditscore/acme"
	"acme.example/creditscore/acme/bank"
	"acme.example/creditscore/acme/keyset"
	"acme.example/creditscore/acme/pebblestore"
	"acme.example/creditscore/refserver/internal/config"
	"acme.example/creditscore/refserver/internal/httpapi"
)

// Service is one server: everything behind one listening address. Open makes
// it, Run runs it once and closes it.
type Service struct {
	cfg      config.Config
	log      *slog.Logger
	listener net.Listener
	store    *pebblestore.Store
	banks    *banks
	engine   *acme.Engine
	api      *httpapi.API
	server   *http.Server
}

// Options is what a Service needs besides its configuration.
type Options struct {
	// Logger gets one record an event; nil: none.
	Logger *slog.Logger
}

// Open opens the keys, the store and the listening address; nothing runs yet.
// The error is a *config.Error where a key's value turned out to be of no use
// (a keyset_file that is no keyset).
func Open(cfg config.Config, opts Options) (_ *Service, err error) {
	s := &Service{cfg: cfg, log: opts.Logger}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	keys, err := openKeys(cfg)
	if err != nil {
		return nil, err
	}
	if s.banks, err = openBanks(cfg.Banks); err != nil {
		return nil, err
	}
	if s.store, err = openStore(cfg, s.log); err != nil {
		return nil, err
	}
	if s.listener, err = net.Listen("tcp", cfg.Listen); err != nil {
		return nil, fmt.Errorf("listening on %s: %w", cfg.Listen, err)
	}
	if s.cfg.PublicURL == "" {
		s.cfg.PublicURL = "http://" + reachable(s.listener.Addr())
	}
	if err := s.assemble(keys); err != nil {
		return nil, err
	}
	return s, nil
}

// openKeys opens the keyset, making it where there is none.
func openKeys(cfg config.Config) (*keyset.Set, error) {
	if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
		return nil, badKey("data_dir", cfg.DataDir, "cannot be made or used", "a folder that can be written to")
	}
	keys, err := keyset.Open(cfg.KeysetFile)
	switch {
	case errors.Is(err, keyset.ErrMode):
		return nil, badKey("keyset_file", cfg.KeysetFile, "others may read it", "a file of mode 0600")
	case errors.Is(err, keyset.ErrBadKeyset):
		return nil, badKey("keyset_file", cfg.KeysetFile, "is no keyset, or has lost the one beside it", "a Tink keyset in JSON, or a path where none is yet")
	case err != nil:
		return nil, badKey("keyset_file", cfg.KeysetFile, "cannot be opened or made", "a file that can be read, or a path where one can be made")
	}
	return keys, nil
}

func openStore(cfg config.Config, log *slog.Logger) (*pebblestore.Store, error) {
	store, err := pebblestore.Open(filepath.Join(cfg.DataDir, "pebble"), pebblestore.Options{
		Logger:  log,
		OnFatal: func(err error) { log.Error("the store has failed; nothing more is accepted", "error", err) },
	})
	if err != nil {
		return nil, fmt.Errorf("opening the store in data_dir %s: %w", cfg.DataDir, err)
	}
	return store, nil
}

func badKey(key, value, problem, allowed string) error {
	return &config.Error{Faults: []*config.Fault{{Key: key, Value: value, Problem: problem, Allowed: allowed}}}
}

// assemble makes the engine and what faces the outside.
func (s *Service) assemble(keys *keyset.Set) error {
	registry := prometheus.NewRegistry()
	if err := errors.Join(
		registry.Register(collectors.NewGoCollector()),
		registry.Register(collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})),
	); err != nil {
		return fmt.Errorf("registering metrics: %w", err)
	}
	c := s.cfg
	roles := make([]acme.Role, len(c.Roles))
	operatorOnly := true
	for i, r := range c.Roles {
		roles[i] = acme.Role(r)
		operatorOnly = operatorOnly && roles[i] != acme.RoleRequest
	}
	var err error
	s.engine, err = acme.New(acme.Config{
		Bank: s.banks.directory, Store: s.store, Keys: keys,
		Roles: roles, CallbackURL: c.PublicURL + "/oauth/callback", AllowPrivateNetworks: c.Webhook.AllowPrivateNetworks,
		BankHistory: s.banks.history,
		Timeouts:    acme.Timeouts{Fetch: fetchTimeout(c.Banks)},
		Limits: acme.Limits{FetchConcurrency: c.Limits.FetchConcurrency, ScoreConcurrency: c.Limits.ScoreConcurrency,
			DeliverConcurrency: c.Limits.DeliverConcurrency, MaxAccepted: c.Limits.MaxAccepted},
		Retention: acme.Retention{Profiles: c.Retention.Profiles, Jobs: c.Retention.Jobs, IdempotencyKeys: c.Retention.IdempotencyKeys},
		Logger:    s.log, Registerer: registry,
	})
	if err != nil {
		return fmt.Errorf("making the engine: %w", err)
	}
	partners := make([]httpapi.Partner, len(c.Partners))
	for i, p := range c.Partners {
		partners[i] = httpapi.Partner{ID: p.ID, Secret: p.Secret, RedirectURIs: p.RedirectURIs}
	}
	s.api, err = httpapi.New(httpapi.Config{
		Engine: s.engine, Keys: keys, PublicURL: c.PublicURL, Partners: partners, MaxWait: c.Limits.MaxWait,
		Registry: registry, OperatorOnly: operatorOnly, Logger: s.log,
	})
	if err != nil {
		return fmt.Errorf("making the API: %w", err)
	}
	s.server = newServer(s.api, s.log)
	return nil
}

// newServer bounds what a client can hold on to: 10 s for a header of 32 KiB,
// 30 s for a whole request, a minute for an answer. Calls that wait move
// their own deadlines.
func newServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}

// reachable is the address as a client on this computer writes it.
func reachable(addr net.Addr) string {
	tcp, ok := addr.(*net.TCPAddr)
	if ok && tcp.IP.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", fmt.Sprint(tcp.Port))
	}
	return addr.String()
}

// Addr is the address it listens on.
func (s *Service) Addr() net.Addr { return s.listener.Addr() }

// PublicURL is what callers reach it under.
func (s *Service) PublicURL() string { return s.cfg.PublicURL }

// banks is the banks of a configuration, ready to be called.
type banks struct {
	directory *bank.Directory
	history   map[string]time.Duration
	close     []func()
}

func (s *Service) close() {
	if s.listener != nil {
		_ = s.listener.Close() // closed by the server already, mostly
	}
	if s.banks != nil {
		for _, close := range s.banks.close {
			close()
		}
	}
	if s.store != nil {
		if err := s.store.Close(); err != nil {
			s.log.Error("closing the store", "error", err)
		}
	}
}

// Run serves until ctx ends, then drains: no new request is let in, calls
// that wait are answered, running steps finish or are cut off (to be made
// again at the next start), all within shutdown_timeout. It closes the
// Service and returns nil after a drain, or the error that ended it before.
func (s *Service) Run(ctx context.Context) error {
	defer s.close()
	served := make(chan error, 1)
	go func() { served <- s.server.Serve(s.listener) }()
	address := "http://" + reachable(s.listener.Addr())
	s.log.Info("listening on "+address, "addr", s.listener.Addr().String(), "public_url", s.cfg.PublicURL)
	if err := s.engine.Start(ctx); err != nil {
		_ = s.server.Close()
		<-served
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	s.log.Info("ready", "addr", s.listener.Addr().String())
	var failed error
	select {
	case <-ctx.Done():
		s.log.Info("draining", "shutdown_timeout", s.cfg.ShutdownTimeout.String())
	case failed = <-served:
		served <- failed
		failed = fmt.Errorf("serving: %w", failed)
	}
	s.drain()
	<-served
	s.log.Info("stopped")
	return failed
}

// engineReserve is kept of shutdown_timeout for what follows the engine's
// work: noticing that it was cut off, applying answers, closing connections.
const engineReserve = 5 * time.Second

func (s *Service) drain() {
	total := s.cfg.ShutdownTimeout
	ctx, cancel := context.WithTimeout(context.Background(), total)
	defer cancel()
	s.api.Drain()
	work, cut := context.WithTimeout(ctx, max(total/2, total-engineReserve))
	defer cut()
	if err := s.engine.Stop(work); err != nil {
		s.log.Warn("some work did not end in time and will be done again", "error", err)
	}
	if err := s.server.Shutdown(ctx); err != nil {
		s.log.Warn("some connections did not end in time", "error", err)
		_ = s.server.Close()
	}
}

// fetchTimeout bounds one fetch at any of the banks: several of its requests
// at their own limit, and five minutes at least.
func fetchTimeout(banks []config.Bank) time.Duration {
	const requests = 4
	most := 5 * time.Minute
	for _, b := range banks {
		most = max(most, requests*b.Timeout)
	}
	return min(most, time.Hour)
}
