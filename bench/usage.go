package bench

import (
	"bytes"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Usage is what this process used between Watch and Stop.
type Usage struct {
	Wall time.Duration
	CPU  time.Duration // user and system; 0 where the system does not say
	// PeakRSS is the most resident memory in bytes; 0 where the system does
	// not say. On Linux the kernel's own high-water mark (VmHWM).
	PeakRSS    uint64
	Goroutines int // the most, sampled every 20 ms
	Allocs     uint64
	AllocBytes uint64
}

// CPUShare is the part of all cores that was used, from 0 to 1.
func (u Usage) CPUShare() float64 {
	return u.CPU.Seconds() / u.Wall.Seconds() / float64(runtime.NumCPU())
}

// Watch is a measurement under way.
type Watch struct {
	start      time.Time
	cpu        time.Duration
	mem        runtime.MemStats
	goroutines atomic.Int64
	quit       chan struct{}
	sampling   sync.WaitGroup
}

const sampleEvery = 20 * time.Millisecond

// NewWatch begins to measure. What earlier work left in memory is given back
// first, so that the peak is this measurement's own. Stop ends it.
func NewWatch() *Watch {
	debug.FreeOSMemory()
	resetPeakRSS()
	w := &Watch{quit: make(chan struct{})}
	w.sample()
	w.sampling.Go(func() {
		tick := time.NewTicker(sampleEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				w.sample()
			case <-w.quit:
				return
			}
		}
	})
	runtime.ReadMemStats(&w.mem)
	w.start, w.cpu = time.Now(), cpuTime()
	return w
}

func (w *Watch) sample() {
	w.goroutines.Store(max(w.goroutines.Load(), int64(runtime.NumGoroutine())))
}

// Stop ends the measurement; it must be called once.
func (w *Watch) Stop() Usage {
	u := Usage{Wall: time.Since(w.start), CPU: cpuTime() - w.cpu, PeakRSS: peakRSS()}
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	u.Allocs, u.AllocBytes = mem.Mallocs-w.mem.Mallocs, mem.TotalAlloc-w.mem.TotalAlloc
	close(w.quit)
	w.sampling.Wait()
	u.Goroutines = int(w.goroutines.Load())
	return u
}

// peakRSS reads VmHWM; 0 where there is no /proc.
func peakRSS() uint64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range bytes.Lines(status) {
		rest, ok := bytes.CutPrefix(line, []byte("VmHWM:"))
		if !ok {
			continue
		}
		kb, err := strconv.ParseUint(string(bytes.TrimSpace(bytes.TrimSuffix(bytes.TrimSpace(rest), []byte("kB")))), 10, 64)
		if err != nil {
			return 0
		}
		return kb << 10
	}
	return 0
}

// resetPeakRSS sets VmHWM to what is resident now (proc(5), clear_refs).
// Where that is not possible the peak is that of the process's whole life.
func resetPeakRSS() { _ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) }
