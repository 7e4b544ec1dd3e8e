// Package score turns a pseudonymized Profile into a credit score.
package score
