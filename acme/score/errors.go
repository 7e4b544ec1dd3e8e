package score

import "errors"

// ErrInsufficientHistory is wrapped by the error of a Scorer that has too
// little to judge: fewer than 90 days or 10 booked transactions.
var ErrInsufficientHistory = errors.New("insufficient history")
