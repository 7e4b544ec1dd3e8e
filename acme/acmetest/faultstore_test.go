package acmetest_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"acme.example/creditscore/acme"
	"acme.example/creditscore/acme/acmetest"
)

var errDisk = errors.New("disk on fire")

func put(id string) []acme.Tx {
	return []acme.Tx{{Puts: []acme.Record{{Key: acme.Key{Kind: acme.KindJob, ID: id}, Version: 1}}}}
}

func TestFaultStoreWithoutFaults(t *testing.T) {
	t.Parallel()
	acmetest.RunStore(t, func(testing.TB) acmetest.Backend {
		return acmetest.Backend{Store: acmetest.NewFaultStore(acmetest.NewMemStore())}
	})
}

func TestFaultStoreHitsTheNthCall(t *testing.T) {
	t.Parallel()
	f := acmetest.NewFaultStore(acmetest.NewMemStore(),
		acmetest.Fault{Call: acmetest.CallCommit, Nth: 2, Err: acme.ErrConflict})
	var got []error
	for _, id := range []string{"a", "b", "b"} {
		got = append(got, f.Commit(t.Context(), put(id))...)
	}
	if got[0] != nil || !errors.Is(got[1], acme.ErrConflict) || got[2] != nil {
		t.Fatalf("errors %v, want only the second call to conflict", got)
	}
	if f.Calls(acmetest.CallCommit) != 3 || f.Hits() != 1 {
		t.Fatalf("%d calls, %d hits; want 3 and 1", f.Calls(acmetest.CallCommit), f.Hits())
	}
}

func TestFaultStoreFailsAfterTheWrite(t *testing.T) {
	t.Parallel()
	f := acmetest.NewFaultStore(acmetest.NewMemStore(), acmetest.Fault{
		Call: acmetest.CallCommit, Err: errDisk, After: true,
		Match: func(txs []acme.Tx) bool { return txs[0].Puts[0].ID == "b" },
	})
	if err := f.Commit(t.Context(), put("a"))[0]; err != nil {
		t.Fatalf("a Commit that does not match failed: %v", err)
	}
	if err := f.Commit(t.Context(), put("b"))[0]; !errors.Is(err, errDisk) {
		t.Fatalf("error %v, want the fault's", err)
	}
	if _, err := f.Get(t.Context(), acme.Key{Kind: acme.KindJob, ID: "b"}); err != nil {
		t.Fatalf("the write did not happen: %v", err)
	}
}

func TestFaultStoreDelays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := acmetest.NewFaultStore(acmetest.NewMemStore(),
			acmetest.Fault{Call: acmetest.CallGet, Delay: time.Minute})
		start := time.Now()
		if _, err := f.Get(t.Context(), acme.Key{Kind: acme.KindJob, ID: "a"}); !errors.Is(err, acme.ErrNotFound) {
			t.Fatalf("Get: %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := f.Get(ctx, acme.Key{Kind: acme.KindJob, ID: "a"}); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("Get with a short ctx: %v", err)
		}
		if got := time.Since(start); got != time.Minute+time.Second {
			t.Fatalf("the two calls took %v, want 1m1s", got)
		}
	})
}
