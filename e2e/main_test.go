package e2e_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
)

// program is the path of the refserver that every test here runs, built once.
var program string

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	flag.Parse()
	// These tests wait for processes, banks and timeouts far more than they
	// compute, so more of them run at once than there are processors.
	if p := flag.Lookup("test.parallel"); p.Value.String() == strconv.Itoa(runtime.GOMAXPROCS(0)) {
		if err := p.Value.Set("8"); err != nil {
			panic(err) // a number it is
		}
	}
	dir, err := os.MkdirTemp("", "acme-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "no place for the program:", err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "refserver")
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	if out, err := exec.Command("go", "build", "-o", program, "acme.example/creditscore/refserver").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building refserver: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}
