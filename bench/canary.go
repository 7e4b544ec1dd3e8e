package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Canary shows, beside a measurement, what the machine itself could do
// meanwhile: how late this process was woken from a sleep, and how long a
// write of one block took to reach the disk. A slow request on a machine
// whose canary was as slow is no fault of the engine.
type Canary struct {
	file     *os.File
	quit     chan struct{}
	watching sync.WaitGroup
	// Late and Sync are complete once Stop has returned.
	Late Latencies // beyond the time asked for, of each sleep
	Sync Latencies // of each write and fsync of 4 KiB
	err  error
}

// The canary takes little of what it watches: it sleeps sixteen times
// between two writes.
const (
	canarySleep  = 15 * time.Millisecond
	canarySleeps = 16
	canaryBlock  = 4 << 10
)

// NewCanary begins to watch this process and the disk that dir is on. Stop
// ends it.
func NewCanary(dir string) (*Canary, error) {
	f, err := os.Create(filepath.Join(dir, "canary"))
	if err != nil {
		return nil, fmt.Errorf("canary: %w", err)
	}
	c := &Canary{file: f, quit: make(chan struct{})}
	c.watching.Go(c.watch)
	return c, nil
}

func (c *Canary) watch() {
	block := make([]byte, canaryBlock)
	for n := 0; c.err == nil; n++ {
		start := time.Now()
		select {
		case <-time.After(canarySleep):
			c.Late = append(c.Late, time.Since(start)-canarySleep)
		case <-c.quit:
			return
		}
		if n%canarySleeps != 0 {
			continue
		}
		start = time.Now()
		if _, c.err = c.file.WriteAt(block, 0); c.err == nil {
			c.err = c.file.Sync()
		}
		c.Sync = append(c.Sync, time.Since(start))
	}
}

// Stop ends the watch. The error is the disk's; it must be called once.
func (c *Canary) Stop() error {
	close(c.quit)
	c.watching.Wait()
	if err := c.file.Close(); c.err == nil {
		c.err = err
	}
	if c.err != nil {
		return fmt.Errorf("canary: %w", c.err)
	}
	return nil
}
