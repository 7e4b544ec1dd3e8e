package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"acme.example/creditscore/acme/bank/sandbox"
	"acme.example/creditscore/acme/webhook"
	"acme.example/creditscore/refserver/internal/config"
	"acme.example/creditscore/refserver/internal/service"
)

// parts is what runs: a bank, the server, and the partner's own site, which
// receives webhooks and is where the browser comes back to.
type parts struct {
	serverURL, bankURL, hookURL, doneURL string

	dir      string
	bank     *sandbox.Bank
	sites    []*http.Server
	endServe context.CancelFunc
	running  sync.WaitGroup
	// failed gets the error of a part that ended by itself.
	failed chan error

	// receiver verifies webhooks once their secret is known.
	receiver atomic.Pointer[webhook.Receiver]
	events   chan webhook.Received
}

// startParts starts everything and waits until the server is ready.
func startParts(ctx context.Context, cfg Config, s *screen) (_ *parts, err error) {
	p := &parts{failed: make(chan error, 4), events: make(chan webhook.Received, 64)}
	defer func() {
		if err != nil {
			p.stop()
		}
	}()
	if p.dir, err = os.MkdirTemp("", "acme-demo-"); err != nil {
		return nil, fmt.Errorf("making a temporary folder: %w", err)
	}
	s.heading("Three servers start, on loopback")
	if err := s.step("sandbox bank", func() error { return p.startBank(cfg) }); err != nil {
		return nil, err
	}
	if err := s.step("the partner's site", p.startSite); err != nil {
		return nil, err
	}
	if err := s.step("credit score server", func() error { return p.startServer(ctx, cfg) }); err != nil {
		return nil, err
	}
	s.note(fmt.Sprintf("server %s, bank %s", p.serverURL, p.bankURL))
	return p, nil
}

// listen takes the address asked for, or the usual one, or any free port.
func listen(asked, usual string) (net.Listener, error) {
	if asked != "" {
		l, err := net.Listen("tcp", asked)
		if err != nil {
			return nil, fmt.Errorf("listening on %s: %w", asked, err)
		}
		return l, nil
	}
	l, err := net.Listen("tcp", usual)
	if err != nil {
		if l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return nil, fmt.Errorf("listening on loopback: %w", err)
		}
	}
	return l, nil
}

func (p *parts) startBank(cfg Config) error {
	l, err := listen(cfg.BankAddr, "127.0.0.1:9090")
	if err != nil {
		return err
	}
	p.bankURL = "http://" + l.Addr().String()
	if p.bank, err = sandbox.New(sandbox.Config{Latency: cfg.Latency}); err != nil {
		_ = l.Close()
		return err
	}
	p.serve(l, p.bank)
	return nil
}

// startSite starts what a partner would have: a page to come back to, and a
// webhook receiver.
func (p *parts) startSite() error {
	l, err := listen("", "127.0.0.1:0")
	if err != nil {
		return err
	}
	base := "http://" + l.Addr().String()
	p.hookURL, p.doneURL = base+"/hooks", base+"/done"
	mux := http.NewServeMux()
	mux.HandleFunc("GET /done", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "Thank you. You can close this page.\n")
	})
	mux.HandleFunc("POST /hooks", func(w http.ResponseWriter, r *http.Request) {
		rc := p.receiver.Load()
		if rc == nil {
			http.Error(w, "no secret yet", http.StatusServiceUnavailable)
			return
		}
		rc.ServeHTTP(w, r)
	})
	p.serve(l, mux)
	return nil
}

// receive verifies webhooks with this secret from now on.
func (p *parts) receive(secret string) error {
	key, err := webhook.ParseSecret(secret)
	if err != nil {
		return err
	}
	verifier, err := webhook.NewVerifier(key)
	if err != nil {
		return err
	}
	rc, err := webhook.NewReceiver(webhook.ReceiverConfig{Verifier: verifier, Handle: p.took})
	if err != nil {
		return err
	}
	p.receiver.Store(rc)
	return nil
}

var errFull = errors.New("too many events at once")

func (p *parts) took(_ context.Context, m webhook.Received) error {
	select {
	case p.events <- m:
		return nil
	default:
		return errFull // sent again later
	}
}

// awaitEvent waits for the score event of a job; others are passed over.
func (p *parts) awaitEvent(ctx context.Context, job string) (webhook.Received, error) {
	timeout := time.NewTimer(time.Minute)
	defer timeout.Stop()
	for {
		select {
		case m := <-p.events:
			var data struct {
				ID string `json:"id"`
			}
			if err := json.Unmarshal(m.Event.Data, &data); err == nil && data.ID == job {
				return m, nil
			}
		case err := <-p.failed:
			return webhook.Received{}, err
		case <-timeout.C:
			return webhook.Received{}, errors.New("no webhook came within a minute")
		case <-ctx.Done():
			return webhook.Received{}, ctx.Err()
		}
	}
}

// serve runs an HTTP server until stop.
func (p *parts) serve(l net.Listener, h http.Handler) {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	p.sites = append(p.sites, server)
	p.running.Go(func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			p.failed <- fmt.Errorf("serving %s: %w", l.Addr(), err)
		}
	})
}

// configuration is the server's, as its user would write it.
const configuration = `listen: %s
data_dir: %s
shutdown_timeout: 10s
partners:
  - id: %s
    secret: %s
webhook:
  allow_private_networks: true
banks:
  - id: sandbox
    api: berlin-group
    base_url: %[5]s
    authorization_url: %[5]s/authorize
    token_url: %[5]s/token
    revocation_url: %[5]s/revoke
    client_id: acme
    client_secret: sandbox-secret
`

func (p *parts) startServer(ctx context.Context, cfg Config) error {
	addr := cfg.Addr
	if addr == "" {
		// Found out by listening, and then given free for the server to take.
		l, err := listen("", "127.0.0.1:8080")
		if err != nil {
			return err
		}
		addr = l.Addr().String()
		if err := l.Close(); err != nil {
			return err
		}
	}
	file := filepath.Join(p.dir, "refserver.yaml")
	dataDir, err := json.Marshal(filepath.Join(p.dir, "data")) // a JSON string is a YAML string
	if err != nil {
		return err
	}
	text := fmt.Sprintf(configuration, addr, dataDir, partnerID, partnerSecret, p.bankURL)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return fmt.Errorf("writing the configuration: %w", err)
	}
	loaded, _, err := config.Load(config.Sources{File: file})
	if err != nil {
		return err
	}
	server, err := service.Open(loaded, service.Options{Logger: cfg.Logger})
	if err != nil {
		return err
	}
	p.serverURL = server.PublicURL()
	serving, end := context.WithCancel(context.Background())
	p.endServe = end
	p.running.Go(func() {
		if err := server.Run(serving); err != nil {
			p.failed <- err
		}
	})
	return p.awaitReady(ctx)
}

// awaitReady asks /readyz until it says yes.
func (p *parts) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.serverURL+"/readyz", nil)
		if err != nil {
			return err
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-again.C:
		case err := <-p.failed:
			return err
		case <-ctx.Done():
			return errors.New("the server did not become ready")
		}
	}
}

// stop ends everything and removes the data.
func (p *parts) stop() {
	if p.bank != nil {
		_ = p.bank.Close() // lets calls go that wait for the latency
	}
	if p.endServe != nil {
		p.endServe()
	}
	for _, s := range p.sites {
		_ = s.Close()
	}
	p.running.Wait()
	if p.dir != "" {
		_ = os.RemoveAll(p.dir)
	}
}
