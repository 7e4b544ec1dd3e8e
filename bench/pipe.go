package bench

import (
	"context"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// Network is a listener in memory: what Dial opens, Accept gets. Unlike
// net.Pipe its connections are buffered, as a socket is, so that two ends
// that write at the same time do not wait for each other. Every wait is one
// that testing/synctest understands. Made by NewNetwork.
type Network struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

var _ net.Listener = (*Network)(nil)

// NewNetwork returns a Network that accepts connections.
func NewNetwork() *Network {
	return &Network{conns: make(chan net.Conn), closed: make(chan struct{})}
}

// Dial opens a connection, whatever network and address are asked for; its
// form is that of http.Transport's DialContext. net.ErrClosed after Close.
func (n *Network) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := pipe()
	select {
	case n.conns <- there:
		return here, nil
	case <-n.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept implements net.Listener.
func (n *Network) Accept() (net.Conn, error) {
	select {
	case c := <-n.conns:
		return c, nil
	case <-n.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener. Connections stay open.
func (n *Network) Close() error {
	n.once.Do(func() { close(n.closed) })
	return nil
}

// Addr implements net.Listener.
func (n *Network) Addr() net.Addr { return memoryAddr{} }

type memoryAddr struct{}

func (memoryAddr) Network() string { return "memory" }
func (memoryAddr) String() string  { return "memory" }

// pipe returns the two ends of a connection.
func pipe() (net.Conn, net.Conn) {
	a, b := newStream(), newStream()
	return &pipeConn{in: a, out: b}, &pipeConn{in: b, out: a}
}

// pipeConn is one end: it reads one stream and writes the other.
type pipeConn struct{ in, out *stream }

func (c *pipeConn) Read(p []byte) (int, error)  { return c.in.read(p) }
func (c *pipeConn) Write(p []byte) (int, error) { return c.out.write(p) }

// Close ends both directions: the other end reads what is buffered, then EOF.
func (c *pipeConn) Close() error {
	c.in.close(true)
	c.out.close(false)
	return nil
}

func (c *pipeConn) LocalAddr() net.Addr  { return memoryAddr{} }
func (c *pipeConn) RemoteAddr() net.Addr { return memoryAddr{} }

func (c *pipeConn) SetDeadline(t time.Time) error {
	c.in.reading.set(t)
	c.out.writing.set(t)
	return nil
}

func (c *pipeConn) SetReadDeadline(t time.Time) error  { c.in.reading.set(t); return nil }
func (c *pipeConn) SetWriteDeadline(t time.Time) error { c.out.writing.set(t); return nil }

// streamSize bounds what is written and not yet read.
const streamSize = 64 << 10

// stream is one direction.
type stream struct {
	mu               sync.Mutex
	changed          *sync.Cond
	buf              []byte
	off              int  // where the unread part of buf begins
	ended            bool // by the writer: what is left is still read
	dropped          bool // by the reader: nobody reads any more
	reading, writing deadline
}

func newStream() *stream {
	s := &stream{}
	s.changed = sync.NewCond(&s.mu)
	s.reading.s, s.writing.s = s, s
	return s
}

func (s *stream) read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.dropped:
			return 0, io.ErrClosedPipe
		case s.reading.passed:
			return 0, os.ErrDeadlineExceeded
		case s.off < len(s.buf):
			n := copy(p, s.buf[s.off:])
			s.off += n
			if s.off == len(s.buf) {
				s.buf, s.off = s.buf[:0], 0
			}
			s.changed.Broadcast()
			return n, nil
		case s.ended:
			return 0, io.EOF
		case len(p) == 0:
			return 0, nil
		}
		s.changed.Wait()
	}
}

func (s *stream) write(p []byte) (done int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.ended || s.dropped:
			return done, io.ErrClosedPipe
		case s.writing.passed:
			return done, os.ErrDeadlineExceeded
		case len(p) == 0:
			return done, nil
		}
		if room := streamSize - (len(s.buf) - s.off); room > 0 {
			if s.off > 0 && len(s.buf) == cap(s.buf) {
				s.buf, s.off = s.buf[:copy(s.buf, s.buf[s.off:])], 0
			}
			n := min(room, len(p))
			s.buf = append(s.buf, p[:n]...)
			p, done = p[n:], done+n
			s.changed.Broadcast()
			continue
		}
		s.changed.Wait()
	}
}

func (s *stream) close(byReader bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if byReader {
		s.dropped = true
	} else {
		s.ended = true
	}
	s.reading.stop()
	s.writing.stop()
	s.changed.Broadcast()
}

// deadline ends waits of one kind on a stream; guarded by the stream's mu.
type deadline struct {
	s      *stream
	timer  *time.Timer
	gen    int // grows with every set, so that an old timer does nothing
	passed bool
}

func (d *deadline) set(t time.Time) {
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	d.stop()
	d.passed = false
	switch wait := time.Until(t); {
	case t.IsZero() || d.s.dropped || d.s.ended:
	case wait <= 0:
		d.passed = true
		d.s.changed.Broadcast()
	default:
		gen := d.gen
		d.timer = time.AfterFunc(wait, func() {
			d.s.mu.Lock()
			defer d.s.mu.Unlock()
			if d.gen == gen {
				d.passed = true
				d.s.changed.Broadcast()
			}
		})
	}
}

func (d *deadline) stop() {
	d.gen++
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
}
