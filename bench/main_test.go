package bench_test

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"time"
)

// What the long forms are asked for with. The defaults are the short forms
// that fit into a run of all benchmarks.
var (
	premiseLength = flag.Duration("premise", 20*time.Second, "how long requests arrive in BenchmarkPremise")
	premiseRate   = flag.Float64("premise.rate", 10, "requests a second in BenchmarkPremise")
	dayLength     = flag.Duration("day", 0, "virtual time in which requests arrive in BenchmarkSimulatedDay and TestSimulatedDay (default 10m and 1m)")
)

// TestMain runs the tests or, when this binary was started as the bank and
// receiver of a benchmark, those.
func TestMain(m *testing.M) {
	if config, ok := os.LookupEnv(bystandersEnv); ok {
		if err := serveBystanders(config); err != nil {
			fmt.Fprintln(os.Stderr, "bystanders:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}
