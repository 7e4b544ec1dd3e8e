package acmetest_test

import (
	"testing"

	"go.uber.org/goleak"

	"acme.example/creditscore/acme/acmetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func openMem(testing.TB) acmetest.Backend {
	m := acmetest.NewMemStore()
	return acmetest.Backend{Store: m, Reopen: reopenMem(&m), Crash: reopenMem(&m)}
}

func TestMemStore(t *testing.T) {
	t.Parallel()
	acmetest.RunStore(t, openMem)
}

func TestMemStoreModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(5) {
		acmetest.RunStoreModel(t, openMem, seed, 500)
	}
}
