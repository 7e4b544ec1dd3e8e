package pebblestore

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"

	"github.com/cockroachdb/pebble/v2"
)

// engineLog is the Logger that Pebble gets. Progress is not logged; a Store
// that failed says so once and is then silent.
type engineLog struct {
	store *Store
	log   *slog.Logger
}

// Infof drops what is said of flushes and compactions.
func (engineLog) Infof(string, ...any) {}

// Errorf logs what Pebble goes on after.
func (l engineLog) Errorf(format string, args ...any) {
	if l.store.failure() == nil {
		l.log.Error("pebble reports an error", slog.String("error", fmt.Sprintf(format, args...)))
	}
}

// fatalError is what Fatalf panics with where a Store's method will recover.
type fatalError struct{ err error }

// Fatalf takes the place of os.Exit. Failed writes never get here: guardFS
// keeps them from Pebble. What does is Pebble finding itself broken, and it
// relies on no return.
//
// Before and after the serving phase it does return: Pebble then hands the
// error on to Open, or works on files that are cut off for a Store that
// nobody can call. Otherwise the Store is failed, and a caller's goroutine
// is unwound to the method it called, which returns ErrStoreFailed; one of
// Pebble's own is parked, since it would work on from a state it has just
// called impossible, and ending it would run its deferred unlocks. Pebble
// cannot be closed then: Close gives the directory free and leaves the rest
// to the end of the process.
func (l engineLog) Fatalf(format string, args ...any) {
	err := fmt.Errorf("pebble gave up: %s", fmt.Sprintf(format, args...))
	if l.store.guard.phase.Load() != phaseServing {
		l.store.fail(err)
		return
	}
	l.store.broken.Store(true)
	l.store.fail(err)
	if calledByStore() {
		panic(fatalError{err})
	}
	select {}
}

// calledByStore tells whether a method of Store that contains panics is on
// this goroutine's stack.
func calledByStore() bool {
	pcs := make([]uintptr, 256)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	for {
		f, more := frames.Next()
		if strings.Contains(f.Function, "/pebblestore.(*Store).") {
			return true
		}
		if !more {
			return false
		}
	}
}

// contain turns a panic of Pebble into ErrStoreFailed. It is deferred.
func (s *Store) contain(err *error) {
	p := recover()
	if p == nil {
		return
	}
	s.broken.Store(true)
	cause, ok := p.(fatalError)
	if !ok {
		cause.err = fmt.Errorf("pebble panicked: %v", p)
	}
	s.fail(cause.err)
	*err = s.failure()
}

// listener hears of background errors. Those of writing have failed the
// Store already; a table that is damaged fails it too, since what it held
// may be missing from any answer.
func (s *Store) listener(log *slog.Logger) *pebble.EventListener {
	return &pebble.EventListener{
		BackgroundError: func(err error) {
			switch {
			case s.failure() != nil:
			case errors.Is(err, pebble.ErrCorruption):
				s.fail(err)
			default:
				log.Error("background work of the store failed; it is tried again", slog.Any("error", err))
			}
		},
		DataCorruption: func(info pebble.DataCorruptionInfo) {
			s.fail(fmt.Errorf("damaged file: %w", info.Details))
		},
	}
}
