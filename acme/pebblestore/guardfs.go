package pebblestore

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// guardFS stands between Pebble and the disk so that a failed write becomes
// a power cut instead of the end of the process.
//
// Pebble gives up on a failed write in ways a library must not: it calls
// Logger.Fatalf while holding locks, it panics with its commit mutex held,
// and a failed log rotation panics through a deferred Unlock of an unlocked
// mutex, which no recover can catch. None of that happens when it never
// learns of the failure. So the first failed write is reported to fail, and
// from then on the disk is cut off: every change of a file is dropped and
// reported as done, as if power had gone at that moment, which is a state
// Pebble recovers from at the next Open by design. The Store checks for the
// failure after every sync and before every answer, so nothing that was
// dropped is ever acknowledged or shown.
//
// Tables are the exception: a table that was dropped would be missed when it
// is read back. Their writers are held until the Store closes; by then
// nobody reads, and they too are told that all is well. So they are while
// the database opens, since it waits for them and Open closes it again.
type guardFS struct {
	vfs.FS
	dir  string          // guarded: what lies below
	fail func(err error) // told each failed write

	phase   atomic.Int32  // opening, serving, closing
	cut     atomic.Bool   // nothing reaches the disk any more
	release chan struct{} // closed when held writers may go on
	syncs   atomic.Uint64 // of the log

	mu   sync.Mutex
	lock io.Closer
}

// The phases of a guardFS.
const (
	phaseOpening int32 = iota
	phaseServing
	phaseClosing
)

func newGuardFS(inner vfs.FS, dir string, fail func(error)) *guardFS {
	return &guardFS{FS: inner, dir: dir, fail: fail, release: make(chan struct{})}
}

// serving ends the opening phase.
func (g *guardFS) serving() { g.phase.Store(phaseServing) }

// closing lets held writers go.
func (g *guardFS) closing() {
	if g.phase.Swap(phaseClosing) != phaseClosing {
		close(g.release)
	}
}

// cutOff drops every further write.
func (g *guardFS) cutOff() { g.cut.Store(true) }

// guards tells whether name lies in the Store's directory. A checkpoint's
// files do not: their failure is the checkpoint's alone.
func (g *guardFS) guards(name string) bool {
	rest, ok := strings.CutPrefix(name, g.dir)
	return ok && (rest == "" || os.IsPathSeparator(rest[0]))
}

// isTable tells whether name is a file that is written once and then read.
func isTable(name string) bool {
	return strings.HasSuffix(name, ".sst") || strings.HasSuffix(name, ".blob")
}

// dropped tells whether a change of the file is to be dropped.
func (g *guardFS) dropped(name string) bool {
	if !g.guards(name) || !g.cut.Load() {
		return false
	}
	if isTable(name) && g.phase.Load() == phaseServing {
		<-g.release
	}
	return true
}

// check takes the result of a change of the file. A failure below the
// directory cuts the disk off and becomes nil.
func (g *guardFS) check(name string, err error) error {
	if err == nil || !g.guards(name) {
		return err
	}
	g.fail(err)
	g.dropped(name) // holds the writer of a table
	return nil
}

// wrap guards an open file; a file that failed to open is a null one.
func (g *guardFS) wrap(name string, f vfs.File, err error) (vfs.File, error) {
	if err = g.check(name, err); err != nil {
		return nil, err
	}
	if f == nil {
		return nullFile{name: g.PathBase(name)}, nil
	}
	return &guardFile{File: f, fs: g, name: name, log: strings.HasSuffix(name, ".log")}, nil
}

func (g *guardFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if g.dropped(name) {
		return nullFile{name: g.PathBase(name)}, nil
	}
	f, err := g.FS.Create(name, c)
	return g.wrap(name, f, err)
}

func (g *guardFS) ReuseForWrite(oldname, newname string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if g.dropped(newname) {
		return nullFile{name: g.PathBase(newname)}, nil
	}
	f, err := g.FS.ReuseForWrite(oldname, newname, c)
	return g.wrap(newname, f, err)
}

func (g *guardFS) OpenReadWrite(name string, c vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	f, err := g.FS.OpenReadWrite(name, c, opts...)
	if err != nil {
		return nil, err
	}
	return g.wrap(name, f, nil)
}

func (g *guardFS) OpenDir(name string) (vfs.File, error) {
	f, err := g.FS.OpenDir(name)
	if err != nil {
		return nil, err
	}
	return g.wrap(name, f, nil)
}

func (g *guardFS) Link(oldname, newname string) error {
	if g.dropped(newname) {
		return nil
	}
	return g.check(newname, g.FS.Link(oldname, newname))
}

func (g *guardFS) Rename(oldname, newname string) error {
	if g.dropped(newname) {
		return nil
	}
	return g.check(newname, g.FS.Rename(oldname, newname))
}

// Remove drops removals after a cut: a log must not go because a table that
// never reached the disk holds the same. That a file cannot be removed loses
// nothing and fails nobody.
func (g *guardFS) Remove(name string) error {
	if g.guards(name) && g.cut.Load() {
		return nil
	}
	return g.FS.Remove(name)
}

func (g *guardFS) RemoveAll(name string) error {
	if g.guards(name) && g.cut.Load() {
		return nil
	}
	return g.FS.RemoveAll(name)
}

// Lock keeps hold of the lock, so that it can be given up even when Pebble
// cannot be closed any more.
func (g *guardFS) Lock(name string) (io.Closer, error) {
	l, err := g.FS.Lock(name)
	if err != nil {
		return nil, &lockError{err}
	}
	once := &onceCloser{c: l}
	g.mu.Lock()
	g.lock = once
	g.mu.Unlock()
	return once, nil
}

// unlock gives the directory free.
func (g *guardFS) unlock() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.lock == nil {
		return nil
	}
	return g.lock.Close()
}

func (g *guardFS) Unwrap() vfs.FS { return g.FS }

// lockError marks a failed Lock among the errors of Open.
type lockError struct{ err error }

func (e *lockError) Error() string { return e.err.Error() }
func (e *lockError) Unwrap() error { return e.err }

// onceCloser closes once.
type onceCloser struct {
	once sync.Once
	c    io.Closer
	err  error
}

func (o *onceCloser) Close() error {
	o.once.Do(func() { o.err = o.c.Close() })
	return o.err
}

// guardFile is a file that is written through a guardFS.
type guardFile struct {
	vfs.File
	fs   *guardFS
	name string
	log  bool
}

func (f *guardFile) Write(p []byte) (int, error) {
	if f.fs.dropped(f.name) {
		return len(p), nil
	}
	n, err := f.File.Write(p)
	if err != nil {
		if err = f.fs.check(f.name, err); err == nil {
			n = len(p)
		}
	}
	return n, err
}

func (f *guardFile) WriteAt(p []byte, off int64) (int, error) {
	if f.fs.dropped(f.name) {
		return len(p), nil
	}
	n, err := f.File.WriteAt(p, off)
	if err != nil {
		if err = f.fs.check(f.name, err); err == nil {
			n = len(p)
		}
	}
	return n, err
}

// Preallocate reserves room, for speed alone: a full disk shows itself in
// the Write that follows.
func (f *guardFile) Preallocate(offset, length int64) error {
	if f.fs.dropped(f.name) {
		return nil
	}
	_ = f.File.Preallocate(offset, length)
	return nil
}

func (f *guardFile) Sync() error {
	if f.fs.dropped(f.name) {
		return nil
	}
	f.count()
	return f.fs.check(f.name, f.File.Sync())
}

func (f *guardFile) SyncData() error {
	if f.fs.dropped(f.name) {
		return nil
	}
	f.count()
	return f.fs.check(f.name, f.File.SyncData())
}

func (f *guardFile) SyncTo(length int64) (bool, error) {
	if f.fs.dropped(f.name) {
		return true, nil
	}
	full, err := f.File.SyncTo(length)
	return full, f.fs.check(f.name, err)
}

// Close closes the real file whatever happened before. Of a cut-off Store
// nothing that the file still holds back matters.
func (f *guardFile) Close() error {
	err := f.File.Close()
	if f.fs.guards(f.name) && f.fs.cut.Load() {
		return nil
	}
	return f.fs.check(f.name, err)
}

func (f *guardFile) count() {
	if f.log {
		f.fs.syncs.Add(1)
	}
}

// nullFile stands for a file that a cut-off disk did not create. It takes
// everything and holds nothing.
type nullFile struct{ name string }

var errNullFile = errors.New("file was not created: the disk has failed")

func (nullFile) Close() error                           { return nil }
func (nullFile) Read([]byte) (int, error)               { return 0, errNullFile }
func (nullFile) ReadAt([]byte, int64) (int, error)      { return 0, errNullFile }
func (nullFile) Write(p []byte) (int, error)            { return len(p), nil }
func (nullFile) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }
func (nullFile) Preallocate(int64, int64) error         { return nil }
func (f nullFile) Stat() (vfs.FileInfo, error)          { return nullInfo(f), nil }
func (nullFile) Sync() error                            { return nil }
func (nullFile) SyncTo(int64) (bool, error)             { return true, nil }
func (nullFile) SyncData() error                        { return nil }
func (nullFile) Prefetch(int64, int64) error            { return nil }
func (nullFile) Fd() uintptr                            { return vfs.InvalidFd }

// nullInfo describes a nullFile.
type nullInfo struct{ name string }

func (i nullInfo) Name() string         { return i.name }
func (nullInfo) Size() int64            { return 0 }
func (nullInfo) Mode() fs.FileMode      { return 0 }
func (nullInfo) ModTime() time.Time     { return time.Time{} }
func (nullInfo) IsDir() bool            { return false }
func (nullInfo) Sys() any               { return nil }
func (nullInfo) DeviceID() vfs.DeviceID { return vfs.DeviceID{} }
