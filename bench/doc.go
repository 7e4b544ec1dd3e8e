// Package bench measures the engine, and holds the tools for it: a schedule
// of arrivals, the arithmetic of percentiles, a tally of what a receiver
// verified, in-memory connections.
//
//	go test -run '^$' -bench . -benchtime 1x ./bench
//
// There are four benchmarks. None judges a time: each reports, and fails
// only when an accepted job was lost or told of twice.
//
//   - Premise: arrivals at a fixed rate, a bank that takes ten seconds over
//     HTTP, a scorer that holds its slot for ten, a durable store on disk,
//     signed webhooks to a receiver in another process. Flags -premise and
//     -premise.rate.
//   - SimulatedDay: the same over in-memory connections in virtual time.
//     Flag -day.
//   - Overhead: a bank and a scorer that take no time, so that what is left is
//     the engine and its store.
//   - Real: the real scorer, people with 1,500 transactions, a bank without
//     delay; and each stage of a job by itself.
//
// # What is measured how
//
// Load is open-loop: request n is due at n/rate after the start whether or
// not the earlier ones were answered, and its latency counts from that due
// time, not from when it was sent. A system that stalls therefore shows
// every request the stall delayed (no coordinated omission).
//
// A latency ends when the receiver has verified the webhook's signature, by
// the receiver's clock; both processes run on one machine and read the same
// one. Percentiles are nearest-rank over all requests, ramp included:
// nothing is cut off.
//
// The engine's own share is a request's latency less the time that bank and
// scorer are told to wait, and less nothing else: HTTP, the bank's making of
// the answer, queueing, fsync and late timers all count as the engine's.
//
// CPU time and memory are those of this process, which runs the engine and
// submits; the bank and the receiver run in a child process of their own.
//
// The results of one machine, with the commands, are in docs/benchmarks.md.
package bench
