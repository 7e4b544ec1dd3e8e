package keyset

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	tinkkeyset "github.com/tink-crypto/tink-go/v2/keyset"
)

const (
	prfSuffix = ".prf"
	fileMode  = 0o600
	dirMode   = 0o700
	// maxFile bounds what is read: a keyset of a thousand keys is smaller.
	maxFile = 1 << 20
)

// Open reads the keyset at path and the PRF keyset beside it, making them
// where there are none, and their folder (mode 0700) where that is missing.
// New files have mode 0600 and are on disk, folder entry included, before
// Open returns. Of processes that start at once exactly one makes each file
// and all end up with the same keys.
//
// Errors: ErrMode when group or others may read a file, naming its mode
// (nothing is checked on Windows, which has no such modes); ErrBadKeyset;
// those of the file system.
func Open(path string) (*Set, error) {
	if err := os.MkdirAll(filepath.Dir(path), dirMode); err != nil {
		return nil, fmt.Errorf("making keyset folder: %w", err)
	}
	a, err := openAEAD(path)
	if err != nil {
		return nil, err
	}
	p, err := openPRF(path+prfSuffix, a)
	if err != nil {
		return nil, err
	}
	return newSet(a, p)
}

func openAEAD(path string) (*tinkkeyset.Handle, error) {
	// Asked before path is read: path is always made first, so a .prf that
	// stands while path does not has lost its keyset.
	_, err := os.Lstat(path + prfSuffix)
	orphan := err == nil
	text, err := readOrCreate(path, func(w io.Writer) error {
		if orphan {
			return fmt.Errorf("%w: %s is missing though %s stands beside it", ErrBadKeyset, path, filepath.Base(path)+prfSuffix)
		}
		h, err := newAEADHandle()
		if err != nil {
			return err
		}
		return insecurecleartextkeyset.Write(h, tinkkeyset.NewJSONWriter(w))
	})
	if err != nil {
		return nil, err
	}
	defer clear(text)
	h, err := insecurecleartextkeyset.Read(tinkkeyset.NewJSONReader(bytes.NewReader(text)))
	if err != nil {
		return nil, fmt.Errorf("%w: %s: not a Tink cleartext JSON keyset", ErrBadKeyset, path)
	}
	return h, nil
}

func openPRF(path string, a *tinkkeyset.Handle) (*tinkkeyset.Handle, error) {
	master, err := aead.New(a)
	if err != nil {
		return nil, fmt.Errorf("%w: not an AEAD keyset", ErrBadKeyset)
	}
	text, err := readOrCreate(path, func(w io.Writer) error {
		h, err := newPRFHandle()
		if err != nil {
			return err
		}
		return h.Write(tinkkeyset.NewJSONWriter(w), master)
	})
	if err != nil {
		return nil, err
	}
	h, err := tinkkeyset.Read(tinkkeyset.NewJSONReader(bytes.NewReader(text)), master)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: not a Tink JSON keyset encrypted under the one beside it", ErrBadKeyset, path)
	}
	return h, nil
}

// readOrCreate returns the file's text, having written it first where there
// was no file.
func readOrCreate(path string, write func(io.Writer) error) ([]byte, error) {
	text, err := read(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return text, err
	}
	if err := create(path, write); err != nil {
		return nil, err
	}
	return read(path)
}

func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening keyset: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("opening keyset: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: %s: not a regular file", ErrBadKeyset, path)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 && runtime.GOOS != "windows" {
		return nil, fmt.Errorf("%w: %s has mode %04o, want %04o or narrower", ErrMode, path, mode, fileMode)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("reading keyset: %w", err)
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("%w: %s: more than %d bytes", ErrBadKeyset, path, maxFile)
	}
	return text, nil
}

// create writes a whole file under a passing name and then links it to path,
// which fails where another process came first: that one's file stands.
func create(path string, write func(io.Writer) error) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, filepath.Base(path)+".*.new") // mode 0600
	if err != nil {
		return fmt.Errorf("creating keyset: %w", err)
	}
	defer os.Remove(f.Name())
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("writing keyset: %w", err)
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("creating keyset: %w", err)
	}
	return syncDir(dir)
}

// syncDir makes the new entry last through a power cut.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // folders cannot be opened for syncing there
	}
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("syncing keyset folder: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("syncing keyset folder: %w", err)
	}
	return nil
}
