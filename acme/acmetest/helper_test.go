package acmetest_test

import (
	"testing"

	"acme.example/creditscore/acme"
	"acme.example/creditscore/acme/acmetest"
)

// reopenMem is the hook that opens *m again, which loses nothing.
func reopenMem(m **acmetest.MemStore) func(testing.TB) acme.Store {
	return func(testing.TB) acme.Store {
		*m = (*m).Reopen()
		return *m
	}
}
