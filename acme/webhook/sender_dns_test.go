package webhook_test

import (
	"context"
	"encoding/binary"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"

	"acme.example/creditscore/acme/webhook"
)

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

// nameServer answers every name with the addresses it holds at that moment,
// or with "no such name" when it holds none.
type nameServer struct {
	mu      sync.Mutex
	addrs   []netip.Addr
	lookups atomic.Int32
}

func (n *nameServer) set(addrs ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.addrs = nil
	for _, a := range addrs {
		n.addrs = append(n.addrs, netip.MustParseAddr(a))
	}
}

func (n *nameServer) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go n.serve(server)
		return client, nil
	}}
}

// serve speaks DNS over a stream (RFC 1035, section 4.2.2).
func (n *nameServer) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	for {
		var length [2]byte
		if _, err := io.ReadFull(conn, length[:]); err != nil {
			return
		}
		query := make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(conn, query); err != nil {
			return
		}
		answer := n.answer(query)
		if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...)); err != nil {
			return
		}
	}
}

func (n *nameServer) answer(query []byte) []byte {
	n.mu.Lock()
	defer n.mu.Unlock()
	end := 12
	for query[end] != 0 {
		end += int(query[end]) + 1
	}
	end += 5
	kind := binary.BigEndian.Uint16(query[end-4:])
	var records []byte
	var count uint16
	for _, addr := range n.addrs {
		if kind == 1 && addr.Is4() || kind == 28 && addr.Is6() {
			raw := addr.AsSlice()
			records = append(records, 0xc0, 12)
			records = binary.BigEndian.AppendUint16(records, kind)
			records = append(records, 0, 1, 0, 0, 0, 0)
			records = binary.BigEndian.AppendUint16(records, uint16(len(raw)))
			records = append(records, raw...)
			count++
		}
	}
	if kind == 1 {
		n.lookups.Add(1)
	}
	flags := uint16(0x8180)
	if len(n.addrs) == 0 {
		flags |= 3
	}
	out := append([]byte(nil), query[:2]...)
	for _, field := range []uint16{flags, 1, count, 0, 0} {
		out = binary.BigEndian.AppendUint16(out, field)
	}
	return append(append(out, query[12:end]...), records...)
}

// A name that is checked while it points outside and dialled when it points
// inside reaches nothing: the address dialled is what counts.
func TestSendRefusesWhatANameIsReboundTo(t *testing.T) {
	t.Parallel()
	var connections atomic.Int32
	server := httptest.NewUnstartedServer(nil)
	server.Config.ErrorLog = quiet()
	server.Config.ConnState = func(net.Conn, http.ConnState) { connections.Add(1) }
	server.StartTLS()
	t.Cleanup(server.Close)
	target, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	names := &nameServer{}
	guarded := newSender(t, webhook.SenderConfig{Resolver: names.resolver()})
	hook := "https://rebind.partner.example:" + target.Port() + "/"
	if err := webhook.CheckURL(hook, false); err != nil {
		t.Fatal(err)
	}
	for _, addrs := range [][]string{
		{"127.0.0.1"}, {"::1"}, {"127.0.0.1", "::1"}, {"127.0.0.1", "127.0.0.2", "127.0.0.3"}, {"0.0.0.0"}, {"::"}, {"::ffff:127.0.0.1"},
		{"::127.0.0.1"}, {"64:ff9b::7f00:1"}, {"2002:7f00:1::"}, {"169.254.169.254"}, {"10.0.0.1"}, {"100.64.0.1"}, {"fd00:ec2::254"}, {"224.0.0.1"},
	} {
		names.set(addrs...)
		if result := guarded.Send(t.Context(), message(t, hook)); !kept(addrs[0], result) || result.Permanent() {
			t.Errorf("%v: %+v, want refused_address", addrs, result)
		}
	}
	if n := connections.Load(); n != 0 {
		t.Fatalf("%d connections reached the inside", n)
	}
	if names.lookups.Load() == 0 {
		t.Fatal("the name server was not asked")
	}

	// The same name does lead there when private networks are allowed, so it
	// was the guard that refused.
	names.set("127.0.0.1")
	open := newSender(t, webhook.SenderConfig{Resolver: names.resolver(), AllowPrivateNetworks: true})
	if result := open.Send(t.Context(), message(t, hook)); result.Class != webhook.ClassTLS || connections.Load() == 0 {
		t.Fatalf("unguarded: %+v, %d connections", result, connections.Load())
	}
}

func TestEveryRefusedRangeIsRefusedWhenDialled(t *testing.T) {
	t.Parallel()
	names := &nameServer{}
	sender := newSender(t, webhook.SenderConfig{Resolver: names.resolver()})
	for _, r := range refused {
		// Dialled, and judged, as the IPv4 address it carries.
		if r.rule == "IPv4-mapped public" {
			continue
		}
		names.set(r.first)
		if result := sender.Send(t.Context(), message(t, "https://rebind.partner.example/")); !kept(r.first, result) {
			t.Errorf("%s, %s: %+v", r.rule, r.first, result)
		}
	}
}

// kept tells whether the guard refused addr. Where the machine has no IPv6,
// opening a socket fails before the guard is asked.
func kept(addr string, result webhook.Result) bool {
	if result.Class == webhook.ClassConnect && netip.MustParseAddr(addr).Is6() {
		probe, err := net.ListenPacket("udp6", "[::]:0")
		if err != nil {
			return true
		}
		_ = probe.Close()
	}
	return result.Class == webhook.ClassRefusedAddress
}

func TestSendClassesAMissingNameAsDNS(t *testing.T) {
	t.Parallel()
	sender := newSender(t, webhook.SenderConfig{Resolver: (&nameServer{}).resolver()})
	if result := sender.Send(t.Context(), message(t, "https://missing.partner.example/")); result.Class != webhook.ClassDNS || result.Permanent() {
		t.Fatalf("%+v, want dns", result)
	}
}
