package webhook_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"acme.example/creditscore/acme/webhook"
)

func TestDefaultScheduleIsThatOfTheContract(t *testing.T) {
	t.Parallel()
	s := webhook.DefaultSchedule()
	want := []time.Duration{5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour}
	for i, w := range want {
		// Half way through the jitter is the entry itself, to a nanosecond or so.
		got, again := s.Next(i+1, 0, 0.5)
		if !again || (got-w).Abs() > time.Microsecond {
			t.Errorf("after %d failed: %s, %t; want %s", i+1, got, again, w)
		}
	}
	if wait, again := s.Next(len(want)+1, time.Hour, 0.5); again || wait != 0 {
		t.Errorf("after the last attempt: %s, %t; want dead", wait, again)
	}
	if wait, again := s.Next(0, time.Hour, 0.5); !again || wait != 0 {
		t.Errorf("with none failed: %s, %t; want at once", wait, again)
	}
}

func TestScheduleProperties(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		s := make(webhook.Schedule, 1+random.IntN(12))
		for i := range s {
			s[i] = time.Duration(random.Int64N(int64(48 * time.Hour)))
		}
		failed := 1 + random.IntN(len(s)+3)
		asked := time.Duration(random.Int64N(int64(72*time.Hour))) - 12*time.Hour
		jitter := random.Float64()
		wait, again := s.Next(failed, asked, jitter)
		if again != (failed <= len(s)) {
			t.Fatalf("%d failed of %d waits: again %t", failed, len(s), again)
		}
		if !again {
			continue
		}
		entry := float64(s[failed-1])
		least, most := time.Duration(entry*0.8)-1, time.Duration(entry*1.2)+1
		plain, _ := s.Next(failed, 0, jitter)
		if plain < least || plain > most {
			t.Fatalf("%s is not within a fifth of %s", plain, s[failed-1])
		}
		if later, _ := s.Next(failed, 0, math.Nextafter(jitter, 1)); later < plain {
			t.Fatalf("more jitter waits less: %s, %s", plain, later)
		}
		if want := max(plain, min(asked, webhook.MaxRetryAfter)); wait != want {
			t.Fatalf("asked for %s: %s, want %s", asked, wait, want)
		}
	}
}

func TestScheduleSpreadsEvenlyOverItsJitter(t *testing.T) {
	t.Parallel()
	s := webhook.Schedule{100 * time.Second}
	random := rand.New(rand.NewPCG(3, 4))
	var buckets [8]int
	const n = 80_000
	for range n {
		wait, _ := s.Next(1, 0, random.Float64())
		buckets[int((wait-80*time.Second)/(5*time.Second))]++
	}
	for i, count := range buckets {
		if math.Abs(float64(count)-n/8) > 500 {
			t.Errorf("eighth %d has %d of %d", i, count, n)
		}
	}
}

func TestScheduleAtItsEdges(t *testing.T) {
	t.Parallel()
	s := webhook.Schedule{time.Hour, math.MaxInt64, -time.Hour}
	for _, tc := range []struct {
		rule   string
		failed int
		jitter float64
		want   time.Duration
	}{
		{"least jitter", 1, 0, 48 * time.Minute},
		{"jitter below its range", 1, -3, 48 * time.Minute},
		{"jitter above its range", 1, 7, 72 * time.Minute},
		{"jitter that is no number", 1, math.NaN(), 48 * time.Minute},
		{"a wait that would overflow", 2, 0.9, math.MaxInt64},
		{"a negative wait", 3, 0.5, 0},
	} {
		got, again := s.Next(tc.failed, 0, tc.jitter)
		if !again || (got-tc.want).Abs() > time.Microsecond {
			t.Errorf("%s: %s, %t; want %s", tc.rule, got, again, tc.want)
		}
	}
	if _, again := (webhook.Schedule)(nil).Next(1, 0, 0); again {
		t.Error("an empty schedule tries again")
	}
}
