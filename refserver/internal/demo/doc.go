// Package demo is the demo command: a sandbox bank, the server and a webhook
// receiver in one process, and one person led through all of them.
//
// Nothing is short-circuited. The server is the one that serve runs, from a
// configuration file; the partner's calls and the person's way to the bank
// and back are HTTP requests to real listeners; the webhook is verified with
// package webhook, as a partner's receiver would.
//
//	demo.go    the walk, step by step
//	parts.go   the three servers
//	partner.go the partner's calls
//	browser.go the person's browser
//	screen.go  progress; report.go the score; curl.go what to try next
package demo
