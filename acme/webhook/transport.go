package webhook

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

const (
	idleConns        = 1024
	idleConnsPerHost = 64
	idleConnTime     = 90 * time.Second
	maxHeaderBytes   = 32 << 10
	tlsSessions      = 1024
	pingAfter        = 10 * time.Second
	// dialGrace is how much longer than an attempt a dial may take: enough
	// for the attempt's own deadline always to be the one that is seen.
	dialGrace = time.Second
)

// newTransport is the Sender's way to the network. Connections are opened
// here, both stages by ourselves, so that each failure is told by its stage
// and not by its text.
func newTransport(cfg SenderConfig) *http.Transport {
	dial := cfg.DialContext
	if dial == nil {
		dial = guardedDialer(cfg).DialContext
	}
	dialStage := func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, &stageError{classOfDial(err), err}
		}
		return conn, nil
	}
	tlsConfig := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		RootCAs:            cfg.RootCAs,
		NextProtos:         []string{"h2", "http/1.1"},
		ClientSessionCache: tls.NewLRUClientSessionCache(tlsSessions),
		Time:               cfg.Now,
	}
	return &http.Transport{
		Proxy:       nil, // not even the environment's: it would hide the address
		DialContext: dialStage,
		DialTLSContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			// The transport may let a dial outlive the attempt that began it,
			// so it has a bound of its own.
			ctx, cancel := context.WithTimeout(ctx, cfg.Timeout+dialGrace)
			defer cancel()
			conn, err := dialStage(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			secured, err := handshake(ctx, conn, addr, tlsConfig)
			if err != nil {
				_ = conn.Close()
				return nil, err
			}
			return secured, nil
		},
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingAfter},
		MaxIdleConns:           idleConns,
		MaxIdleConnsPerHost:    idleConnsPerHost,
		IdleConnTimeout:        idleConnTime,
		MaxResponseHeaderBytes: maxHeaderBytes,
		DisableCompression:     true, // bodies are dropped; never unpack one
	}
}

func handshake(ctx context.Context, conn net.Conn, addr string, base *tls.Config) (*tls.Conn, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, &stageError{ClassTLS, fmt.Errorf("split address: %w", err)}
	}
	config := base.Clone()
	config.ServerName = host
	secured := tls.Client(conn, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		return nil, &stageError{ClassTLS, err}
	}
	return secured, nil
}

// guardedDialer opens no connection to an address that CheckAddr refuses,
// unless private networks are allowed. The check is made on the socket's own
// address, after every lookup and on each of the addresses tried.
func guardedDialer(cfg SenderConfig) *net.Dialer {
	dialer := &net.Dialer{Timeout: cfg.Timeout + dialGrace, Resolver: cfg.Resolver}
	if cfg.AllowPrivateNetworks {
		return dialer
	}
	dialer.ControlContext = func(_ context.Context, _, address string, _ syscall.RawConn) error {
		target, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("%w: not an address and port", ErrRefusedAddress)
		}
		return CheckAddr(target.Addr())
	}
	return dialer
}
