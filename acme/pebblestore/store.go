package pebblestore

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"

	"acme.example/creditscore/acme"
)

// Store is an acme.Store in a directory. All its methods are safe for
// concurrent use.
type Store struct {
	db    *pebble.DB
	guard *guardFS
	log   *slog.Logger

	turn    chan struct{} // holds one token: reading, checking and applying
	pending pendingWrites

	mu     sync.Mutex
	calls  int           // running, and Commits whose caller has left
	closed bool          // no call begins any more
	idle   chan struct{} // closed when closed and calls is zero

	onFatal func(error)
	cause   atomic.Pointer[error] // why the Store failed
	failed  chan struct{}         // closed with cause set
	broken  atomic.Bool           // Pebble may hold locks for ever
}

var _ acme.Store = (*Store)(nil)

// Options sets how a Store works. The zero value is good.
type Options struct {
	// FS is the filesystem; nil is the disk. Tests give one in memory, or
	// one that fails.
	FS vfs.FS
	// Logger hears of what went wrong in the background. nil: nothing is
	// logged. No record, identifier or key is ever logged.
	Logger *slog.Logger
	// CacheBytes bounds the memory for blocks of tables, and
	// MemTableBytes that for a table being filled, of which up to four
	// exist while the disk is slower than the writers. 0: 32 MB and 16 MB.
	CacheBytes    int64
	MemTableBytes int64
	// MaxOpenFiles bounds the tables kept open. 0: 256.
	MaxOpenFiles int
	// OnFatal is called once, on a goroutine of its own, when the Store
	// failed and will do nothing more. It may call Close. The error wraps
	// ErrStoreFailed.
	OnFatal func(error)
}

// Errors of this package, beside those of acme.Store.
var (
	// ErrStoreFailed: a write to the disk failed, and nothing further is
	// written or answered. Wrapped together with the cause.
	ErrStoreFailed = errors.New("store has failed")
	// ErrInUse: another Store, here or in another process, has the
	// directory.
	ErrInUse = errors.New("directory is in use by another store")
)

// keyFormat is the format of the keys, kept in the directory.
const keyFormat = 1

const (
	defaultCacheBytes    = 32 << 20
	defaultMemTableBytes = 16 << 20
	defaultMaxOpenFiles  = 256
	// failedCloseWait is how long Close waits for what a failed disk holds.
	failedCloseWait = 10 * time.Second
)

// Open opens the Store in dir, which is made where it is missing, and
// recovers what was durable when it was last used. Errors: ErrInUse,
// ErrUnknownFormat, and those of the disk.
func Open(dir string, opts Options) (*Store, error) {
	for _, o := range []struct {
		name  string
		value int64
	}{
		{"CacheBytes", opts.CacheBytes},
		{"MemTableBytes", opts.MemTableBytes},
		{"MaxOpenFiles", int64(opts.MaxOpenFiles)},
	} {
		if o.value < 0 {
			return nil, fmt.Errorf("open store: %s: %d: 0 for the default, or more", o.name, o.value)
		}
	}
	inner := opts.FS
	if inner == nil {
		inner = vfs.Default
	}
	s := &Store{
		log:     cmp.Or(opts.Logger, slog.New(slog.DiscardHandler)),
		turn:    make(chan struct{}, 1),
		idle:    make(chan struct{}),
		failed:  make(chan struct{}),
		onFatal: opts.OnFatal,
	}
	s.pending.keys = map[acme.Key]*pendingWrite{}
	s.guard = newGuardFS(inner, dir, s.fail)
	if err := inner.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open store: make directory: %w", err)
	}
	if err := s.openDB(dir, opts); err != nil {
		var locked *lockError
		if errors.As(err, &locked) {
			return nil, fmt.Errorf("open store: %q: %w: %w", dir, ErrInUse, locked.err)
		}
		return nil, fmt.Errorf("open store: %w", err)
	}
	return s, nil
}

// openDB opens Pebble and checks the format of the keys.
func (s *Store) openDB(dir string, opts Options) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errors.Join(fmt.Errorf("pebble panicked: %v", p), s.guard.unlock())
		}
	}()
	s.db, err = pebble.Open(dir, s.pebbleOptions(opts))
	if err != nil {
		return cmp.Or(s.failure(), err)
	}
	err = s.checkFormat()
	s.guard.serving()
	if err = cmp.Or(s.failure(), err); err != nil {
		s.guard.closing()
		return errors.Join(err, s.db.Close())
	}
	return nil
}

func (s *Store) pebbleOptions(opts Options) *pebble.Options {
	// Pebble prints keys in some of its errors; ours hold identifiers.
	comparer := *pebble.DefaultComparer
	comparer.FormatKey = func(key []byte) fmt.Formatter { return hiddenKey(len(key)) }

	o := &pebble.Options{
		FS:                 s.guard,
		Comparer:           &comparer,
		FormatMajorVersion: pebble.FormatNewest,
		CacheSize:          cmp.Or(opts.CacheBytes, defaultCacheBytes),
		MemTableSize:       uint64(cmp.Or(opts.MemTableBytes, defaultMemTableBytes)),
		// Four: the one being filled and three that wait for the disk.
		MemTableStopWritesThreshold: 4,
		MaxOpenFiles:                cmp.Or(opts.MaxOpenFiles, defaultMaxOpenFiles),
		// One compaction keeps up with small records and leaves the cores
		// to the application; a second starts only when tables pile up.
		CompactionConcurrencyRange: func() (int, int) { return 1, 2 },
		Logger:                     engineLog{s, s.log},
		EventListener:              s.listener(s.log),
	}
	// Ten bits a key let one create in a hundred read a table to find
	// nothing. Old levels, which are read least, are compressed best.
	for i := range o.Levels {
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
		o.Levels[i].FilterType = pebble.TableFilter
	}
	o.ApplyCompressionSettings(func() pebble.DBCompressionSettings { return pebble.DBCompressionBalanced })
	return o
}

// checkFormat reads the format of the keys; a new directory gets ours.
func (s *Store) checkFormat() error {
	value, closer, err := s.db.Get(metaKey("format"))
	if errors.Is(err, pebble.ErrNotFound) {
		return s.db.Set(metaKey("format"), binary.AppendUvarint(nil, keyFormat), pebble.Sync)
	}
	if err != nil {
		return fmt.Errorf("read format: %w", err)
	}
	defer closer.Close()
	format, n := binary.Uvarint(value)
	if n <= 0 {
		return fmt.Errorf("read format: %w", errBadRecord)
	}
	if format != keyFormat {
		return fmt.Errorf("%w: directory of format %d, this version reads format %d", ErrUnknownFormat, format, keyFormat)
	}
	return nil
}

// hiddenKey prints a key's length instead of the key.
type hiddenKey int

// Format implements fmt.Formatter.
func (n hiddenKey) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "(key of %d bytes)", int(n)) }

// enter begins a call. Each nil is followed by a leave.
func (s *Store) enter(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return acme.ErrStoreClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.failure(); err != nil {
		return err
	}
	s.calls++
	return nil
}

// stay counts a goroutine of a running call.
func (s *Store) stay() {
	s.mu.Lock()
	s.calls++
	s.mu.Unlock()
}

func (s *Store) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls--
	if s.closed && s.calls == 0 {
		close(s.idle)
	}
}

// fail ends the Store for the reason given first. It may be called with any
// lock of Pebble held.
func (s *Store) fail(cause error) {
	err := fmt.Errorf("%w: %w", ErrStoreFailed, cause)
	if !s.cause.CompareAndSwap(nil, &err) {
		return
	}
	s.guard.cutOff()
	close(s.failed)
	if s.guard.phase.Load() == phaseOpening {
		return // Open reports it
	}
	s.log.Error("the store has failed; nothing more is written", slog.Any("error", cause))
	if s.onFatal != nil {
		go s.onFatal(err)
	}
}

// failure is why the Store failed, or nil.
func (s *Store) failure() error {
	if err := s.cause.Load(); err != nil {
		return *err
	}
	return nil
}

// Close waits for running calls, and releases the directory. A second Close
// returns acme.ErrStoreClosed at once. The Close of a Store that failed
// returns why.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return acme.ErrStoreClosed
	}
	s.closed = true
	if s.calls == 0 {
		close(s.idle)
	}
	s.mu.Unlock()

	finished := make(chan error, 1)
	go func() {
		// A call may wait for room that a held table would make, so of a
		// failed Store the tables go first.
		select {
		case <-s.idle:
		case <-s.failed:
			s.guard.closing()
			<-s.idle
		}
		s.guard.closing()
		if s.broken.Load() {
			finished <- s.guard.unlock()
			return
		}
		finished <- s.db.Close()
	}()

	var err error
	select {
	case err = <-finished:
	case <-s.failed:
		timer := time.NewTimer(failedCloseWait)
		defer timer.Stop()
		select {
		case err = <-finished:
		case <-timer.C:
			err = s.guard.unlock()
		}
	}
	if failure := s.failure(); failure != nil {
		return fmt.Errorf("close store: %w", failure)
	}
	if err != nil {
		return fmt.Errorf("close store: %w", err)
	}
	return nil
}
