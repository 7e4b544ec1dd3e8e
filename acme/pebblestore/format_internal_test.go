package pebblestore

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"acme.example/creditscore/acme"
)

var update = flag.Bool("update", false, "write the golden files")

func goldenRecords() []acme.Record {
	created := time.Date(2026, 1, 31, 12, 0, 0, 123456000, time.UTC)
	return []acme.Record{
		{
			Key: acme.Key{Kind: acme.KindJob, ID: "scr_01"}, Version: 1, Owner: "demo", Group: "user-42", Status: "accepted",
			CreatedAt: created, DueAt: created.Add(time.Minute), ExpiresAt: created.Add(24 * time.Hour), Body: acme.StoredBody([]byte("body")),
		},
		{
			Key: acme.Key{Kind: acme.KindJob, ID: "scr_01"}, Version: 2, Owner: "demo", Group: "user-42", Status: "completed",
			CreatedAt: created, ExpiresAt: created.Add(24 * time.Hour), Body: acme.StoredBody([]byte("other body")),
		},
		{Key: acme.Key{Kind: acme.KindIdempotency, ID: "a\x00b \u00e4"}, Version: 300},
	}
}

// TestFormatOnDisk pins every byte that a Store writes: a directory written
// today must be read by every later version, so a change of the golden file
// comes with a new format number and a reader of the old one.
func TestFormatOnDisk(t *testing.T) {
	t.Parallel()
	fs := vfs.NewMem()
	var out strings.Builder
	for i, r := range goldenRecords() {
		s, err := Open(fmt.Sprint("data", i), Options{FS: fs})
		if err != nil {
			t.Fatalf("Open: %v", err)
		}
		for v := range r.Version { // up to the version wanted
			w := r
			w.Version = v + 1
			if err := s.Commit(t.Context(), []acme.Tx{{Puts: []acme.Record{w}}})[0]; err != nil {
				t.Fatalf("Commit: %v", err)
			}
		}
		fmt.Fprintf(&out, "%s version %d\n", r.Kind, r.Version)
		it, err := s.db.NewIter(nil)
		if err != nil {
			t.Fatalf("NewIter: %v", err)
		}
		for ok := it.First(); ok; ok = it.Next() {
			fmt.Fprintf(&out, "  %s = %s\n", hex.EncodeToString(it.Key()), hex.EncodeToString(it.Value()))
		}
		if err := errors.Join(it.Close(), s.Close()); err != nil {
			t.Fatalf("Close: %v", err)
		}
	}
	golden := filepath.Join("testdata", "format1.golden")
	if *update {
		if err := os.WriteFile(golden, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if out.String() != string(want) {
		t.Fatalf("the format on disk has changed:\n%s\nwant:\n%s", out.String(), want)
	}
}

func TestRecordsComeBack(t *testing.T) {
	t.Parallel()
	far := time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC)
	extreme := acme.Record{Key: acme.Key{Kind: "k", ID: "i"}, Version: 1<<64 - 1, CreatedAt: time.Date(1, 1, 1, 0, 0, 0, 1000, time.UTC), DueAt: far, ExpiresAt: far}
	for _, r := range append(goldenRecords(), extreme) {
		got, err := decodeRecord(r.Key, encodeRecord(&r))
		if err != nil {
			t.Fatalf("decode: %v", err)
		}
		if !bytes.Equal(got.Body.Bytes(), r.Body.Bytes()) {
			t.Errorf("body %q, want %q", got.Body.Bytes(), r.Body.Bytes())
		}
		got.Body, r.Body = acme.Body{}, acme.Body{}
		if fmt.Sprintf("%#v", got) != fmt.Sprintf("%#v", r) {
			t.Errorf("got %#v, want %#v", got, r)
		}
	}
}

func TestDecodeRefusesDamage(t *testing.T) {
	t.Parallel()
	whole := encodeRecord(&goldenRecords()[0])
	head := len(whole) - len("body")
	for n := range head {
		if _, err := decodeRecord(acme.Key{}, whole[:n]); err == nil {
			t.Errorf("the first %d bytes of a record were taken for one", n)
		}
	}
	for _, format := range []byte{0, 2, 255} {
		_, err := decodeRecord(acme.Key{}, append([]byte{format}, whole[1:]...))
		if !errors.Is(err, ErrUnknownFormat) || !strings.Contains(err.Error(), fmt.Sprintf("format %d, this version reads format 1", format)) {
			t.Errorf("format %d: %v", format, err)
		}
	}
}

func FuzzDecodeRecord(f *testing.F) {
	for _, r := range goldenRecords() {
		f.Add(encodeRecord(&r))
	}
	f.Add([]byte{1, 1, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := decodeRecord(acme.Key{Kind: "k", ID: "i"}, b)
		if err != nil {
			return
		}
		again, err := decodeRecord(r.Key, encodeRecord(&r))
		if err != nil || again.Version != r.Version || again.Owner != r.Owner || !bytes.Equal(again.Body.Bytes(), r.Body.Bytes()) {
			t.Fatalf("%#v became %#v (%v)", r, again, err)
		}
	})
}

func FuzzCutKeys(f *testing.F) {
	f.Add(expiryKey(time.Unix(1, 0), acme.Key{Kind: "job", ID: "a\x00"})[1:])
	f.Add(appendCursor(nil, acme.Cursor{CreatedAt: time.Unix(1, 0), ID: "a"}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if d, err := cutDue(b); err == nil && !bytes.Equal(appendDue(nil, d), b) {
			t.Fatalf("%x is read as %v and written as %x", b, d, appendDue(nil, d))
		}
		if c, err := cutCursor(bytes.Clone(b)); err == nil && !bytes.Equal(appendCursor(nil, c), b) {
			t.Fatalf("%x is read as %v and written as %x", b, c, appendCursor(nil, c))
		}
		_, _ = cutExpiry(b)
	})
}

// TestKeysKeepTheOrder: the order of the bytes is that of what they encode.
func TestKeysKeepTheOrder(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 1))
	word := func() string {
		b := make([]byte, rng.IntN(5))
		for i := range b {
			b[i] = []byte{0, 1, 2, 'a', 0x7f, 0x80, 0xfe, 0xff}[rng.IntN(8)]
		}
		return string(b)
	}
	for range 20_000 {
		a := acme.DueKey{DueAt: microTime(rng.Int64N(3) - 1), ID: word()}
		b := acme.DueKey{DueAt: microTime(rng.Int64N(3) - 1), ID: word()}
		want := a.DueAt.Compare(b.DueAt)
		if want == 0 {
			want = strings.Compare(a.ID, b.ID)
		}
		if got := bytes.Compare(appendDue(nil, a), appendDue(nil, b)); got != want {
			t.Fatalf("due %v and %v: order %d, want %d", a, b, got, want)
		}
		ca, cb := acme.Cursor{CreatedAt: a.DueAt, ID: a.ID}, acme.Cursor{CreatedAt: b.DueAt, ID: b.ID}
		if got := bytes.Compare(appendCursor(nil, ca), appendCursor(nil, cb)); got != -want {
			t.Fatalf("list %v and %v: order %d, want %d", ca, cb, got, -want)
		}
	}
	words := []string{word(), word(), word(), word(), word()}
	slices.Sort(words)
	for _, w := range words {
		prefix := listPrefix("job", w, "")
		inside := appendCursor(bytes.Clone(prefix), acme.Cursor{ID: "x"})
		if bytes.Compare(inside, prefix) < 0 || bytes.Compare(inside, prefixEnd(prefix)) >= 0 {
			t.Fatalf("a key of list %q lies outside of its bounds", w)
		}
	}
}

// TestPebbleGivingUpEndsTheStoreOnly calls Fatalf as Pebble does.
func TestPebbleGivingUpEndsTheStoreOnly(t *testing.T) {
	t.Parallel()
	fs := vfs.NewMem()
	s, err := Open("data", Options{FS: fs})
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { _ = s.db.Close() }) // in truth it is well
	put := []acme.Tx{{Puts: goldenRecords()[:1]}}
	if err := s.Commit(t.Context(), put)[0]; err != nil {
		t.Fatalf("Commit: %v", err)
	}
	// On a caller's goroutine, below one of the Store's methods.
	err = s.scan(t.Context(), nil, nil, func(*pebble.Snapshot, []byte, []byte) (bool, error) {
		engineLog{s, s.log}.Fatalf("invariant %d", 7)
		t.Error("Fatalf returned")
		return false, nil
	})
	if !errors.Is(err, ErrStoreFailed) || !strings.Contains(err.Error(), "invariant 7") {
		t.Fatalf("error %v, want ErrStoreFailed with Pebble's text", err)
	}
	if err := s.Commit(t.Context(), put)[0]; !errors.Is(err, ErrStoreFailed) {
		t.Fatalf("Commit: %v, want ErrStoreFailed", err)
	}
	if err := s.Close(); !errors.Is(err, ErrStoreFailed) {
		t.Fatalf("Close: %v, want ErrStoreFailed", err)
	}
	again, err := Open("data", Options{FS: fs}) // the directory is free
	if err != nil {
		t.Fatalf("Open again: %v", err)
	}
	defer again.Close()
	if r, err := again.Get(t.Context(), goldenRecords()[0].Key); err != nil || r.Version != 1 {
		t.Fatalf("Get: %+v, %v", r, err)
	}
}

// TestGoroutinesOfPebbleAreParked: a Fatalf with no caller to unwind to.
func TestGoroutinesOfPebbleAreParked(t *testing.T) {
	t.Parallel()
	s, err := Open("data", Options{FS: vfs.NewMem()})
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { _ = s.db.Close() }) // in truth it is well
	go engineLog{s, s.log}.Fatalf("background")
	<-s.failed
	if _, err := s.Get(t.Context(), goldenRecords()[0].Key); !errors.Is(err, ErrStoreFailed) {
		t.Fatalf("Get: %v, want ErrStoreFailed", err)
	}
	if err := s.Close(); !errors.Is(err, ErrStoreFailed) {
		t.Fatalf("Close: %v, want ErrStoreFailed", err)
	}
}
