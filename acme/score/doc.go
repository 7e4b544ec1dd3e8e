// Package score turns a pseudonymized Profile into a credit score.
//
// [New] gives the embedded scorecard; [Load] reads another model file:
//
//	card := score.New()
//	report, err := card.Score(ctx, score.Input{Profile: profile})
//
// A score is made in four steps, each of which can be read by itself:
//
//   - the Profile's entries become a series of days (series.go);
//   - the days become features (features.go), every one a ratio or a share, so
//     that the currency's unit does not matter;
//   - a logistic regression weighs the features (model.go) and gives the
//     probability of default;
//   - the log-odds become points (points.go), whole numbers that add up
//     exactly to the score, and the points become reasons (reasons.go).
//
// # What is scored
//
// Booked entries only. The currency with the most entries is scored; accounts
// in other currencies are left out, since no exchange rate is known. All
// accounts of that currency are summed, card and loan accounts excepted: their
// balances are debts by design. Transfers between the person's own accounts
// count neither as income nor as spending, and a reversal takes back what it
// reverses. Only the last 730 days up to the newest entry are looked at.
//
// The reference day of every window is the day of the newest entry, not that
// of the reading, and no feature depends on the calendar: a history moved by
// any number of days scores the same.
//
// # Determinism
//
// The same Input gives the same Report, byte for byte, on every CPU: sums are
// of integers, products are rounded before they are added (the language
// allows a compiler to fuse the two, and on arm64 it does), no sum runs in
// the order of a map, and the exponential is the package's own, since
// math.Exp has different assembly on amd64, arm64 and s390x.
package score
