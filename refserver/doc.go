// Command refserver is the reference server: ACME's engine behind an HTTP API.
//
//	refserver demo                       everything in one process, walked through once
//	refserver serve -config FILE         the server
//	refserver sandbox -addr ADDR         the sandbox bank alone
//	refserver anonymize -api berlin-group < answer.json
//	refserver version
//
// Where to look:
//
//	main.go, command.go    the commands, their flags, exit codes
//	serve.go, sandbox.go, demo.go, anonymize.go
//	                       one file a command
//	internal/config        the configuration: file, environment, flags
//	internal/service       the server put together, started and drained
//	internal/httpapi       the HTTP API
//	internal/demo          the walk of the demo command
//
// Exit codes: 0 done; 1 failed; 2 called or configured wrongly, with one line
// on stderr that names what.
package main
