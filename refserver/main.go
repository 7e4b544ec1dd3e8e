package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// surroundings is what a process has around it, so that tests can be one.
type surroundings struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	env            []string
}

func main() {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		cancel() // the first asks to end
		<-signals
		os.Exit(exitFailed) // the second does not ask
	}()
	os.Exit(run(ctx, os.Args[1:], surroundings{os.Stdin, os.Stdout, os.Stderr, os.Environ()}))
}
