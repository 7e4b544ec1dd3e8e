// Package acmetest holds implementations of this project's interfaces to
// their contracts, and has fakes for tests of what is built on them.
//
// An adapter's whole test is one call:
//
//	func TestStore(t *testing.T) {
//		acmetest.RunStore(t, func(t testing.TB) acmetest.Backend {
//			return acmetest.Backend{Store: open(t)}
//		})
//	}
//
// RunStore has a subtest for every sentence of acme.Store's contract, and
// RunStoreModel compares a Store with a plain map over random operations,
// restarts and power cuts. That the suite finds faults is tested too: it
// runs against Stores with one fault each, and has to fail for every one.
//
// MemStore is an acme.Store in memory that passes the suite; FaultStore
// makes any Store fail, stall or conflict at the nth call.
//
// The package imports testing: only tests may import it.
package acmetest
