// Package train fits scorecards: a logistic regression with sign constraints
// and a ridge penalty, whose features and penalty are chosen by
// cross-validation, and the measures by which it is judged. Everything is
// deterministic for a given seed.
package train
