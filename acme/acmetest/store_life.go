package acmetest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"acme.example/creditscore/acme"
)

// lifeCases hold a Store to what it says of contexts, closing, restarts and
// power cuts.
var lifeCases = []storeCase{
	{"a dead ctx ends any call with its error", func(s *suite) {
		s.commit(puts(job("any", 1)))
		canceled, cancel := context.WithCancel(s.Context())
		cancel()
		for name, err := range s.each(canceled) {
			if !errors.Is(err, context.Canceled) {
				s.Errorf("%s with a canceled ctx: %v", name, err)
			}
		}
		late, cancel := context.WithDeadline(s.Context(), time.Unix(1, 0))
		defer cancel()
		for name, err := range s.each(late) {
			if !errors.Is(err, context.DeadlineExceeded) {
				s.Errorf("%s with a ctx past its deadline: %v", name, err)
			}
		}
	}},
	{"a dead ctx does no harm to what follows", func(s *suite) {
		ctx, cancel := context.WithCancel(s.Context())
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				for v := range uint64(50) {
					if s.store.Commit(ctx, []acme.Tx{puts(job(strconv.Itoa(i), v+1), job("x"+strconv.Itoa(i), v+1))})[0] != nil {
						return
					}
					if i == 0 && v == 5 {
						cancel()
					}
				}
			})
		}
		wg.Wait()
		cancel()
		for i := range 20 {
			a, errA := s.store.Get(s.Context(), job(strconv.Itoa(i), 1).Key)
			x, errX := s.store.Get(s.Context(), job("x"+strconv.Itoa(i), 1).Key)
			if a.Version != x.Version || !errors.Is(errA, errX) && !errors.Is(errX, errA) {
				s.Fatalf("a Tx was applied in part: versions %d and %d (%v, %v)", a.Version, x.Version, errA, errX)
			}
			s.commit(puts(job(strconv.Itoa(i), a.Version+1)))
		}
	}},
	{"after Close every call returns ErrStoreClosed", func(s *suite) {
		if err := s.store.Close(); err != nil {
			s.Fatalf("Close: %v", err)
		}
		for name, err := range s.each(s.Context()) {
			if !errors.Is(err, acme.ErrStoreClosed) {
				s.Errorf("%s after Close: %v", name, err)
			}
		}
	}},
	{"a second Close returns ErrStoreClosed", func(s *suite) {
		if err := s.store.Close(); err != nil {
			s.Fatalf("Close: %v", err)
		}
		for range 2 {
			if err := s.store.Close(); !errors.Is(err, acme.ErrStoreClosed) {
				s.Fatalf("Close again: %v", err)
			}
		}
	}},
	{"Close amid running calls ends them well", func(s *suite) {
		var wg sync.WaitGroup
		var closed atomic.Bool
		for i := range 16 {
			wg.Go(func() {
				for v := uint64(1); ; v++ {
					r := job(strconv.Itoa(i), v)
					late := closed.Load()
					if err := s.store.Commit(s.Context(), []acme.Tx{puts(r)})[0]; err != nil {
						if !errors.Is(err, acme.ErrStoreClosed) {
							s.Errorf("Commit while closing: %v", err)
						}
						return
					}
					if _, err := s.store.Get(s.Context(), r.Key); err != nil && !errors.Is(err, acme.ErrStoreClosed) {
						s.Errorf("Get while closing: %v", err)
					}
					if late {
						s.Errorf("a Commit after Close succeeded")
						return
					}
					if i == 0 && v == 20 {
						wg.Go(func() {
							if err := s.store.Close(); err != nil {
								s.Errorf("Close: %v", err)
							}
							closed.Store(true)
						})
					}
				}
			})
		}
		wg.Wait()
	}},
	{"a restart keeps everything", func(s *suite) {
		full := with(job("a", 1), func(r *acme.Record) { r.Group, r.DueAt, r.ExpiresAt = "g", at(1), at(2) })
		s.commit(puts(full, job("b", 1), job("c", 1)))
		s.commit(puts(job("b", 2)), deletes(job("c", 1), 1))
		s.commit(acme.Tx{Puts: []acme.Record{job("lazy", 1)}, Lazy: true})
		s.reopen()
		s.has(full, job("b", 2), job("lazy", 1))
		s.lacks(job("c", 1))
		s.list(acme.ListQuery{}, "lazy", "b", "a")
		s.list(acme.ListQuery{Group: "g"}, "a")
		s.due(at(9), acme.DueKey{}, 9, "a")
		s.expired(at(9), 9, full.Key)
		s.refuse(puts(job("a", 1)))
		s.commit(puts(job("b", 3)))
		s.reopen()
		s.has(full, job("b", 3))
	}},
	{"a power cut loses nothing that was committed", func(s *suite) {
		for round := range 3 {
			var want []acme.Record
			for i := range 10 {
				r := job(fmt.Sprintf("%d-%d", round, i), 1)
				s.commit(puts(r, with(r, func(r *acme.Record) { r.Kind = acme.KindDelivery })))
				s.commit(puts(job(r.ID, 2)))
				want = append(want, job(r.ID, 2), with(r, func(r *acme.Record) { r.Kind = acme.KindDelivery }))
			}
			s.commit(deletes(want[0], 2))
			s.crash()
			s.has(want[1:]...)
			s.lacks(want[0])
			s.commit(puts(job(want[0].ID, 1)))
		}
	}},
	{"a power cut loses no Lazy Tx that something durable came after", func(s *suite) {
		for i := range 10 {
			s.commit(acme.Tx{Puts: []acme.Record{job("a", uint64(2*i+1)), job("l"+strconv.Itoa(i), 1)}, Lazy: true})
			s.commit(puts(job("a", uint64(2*i+2))))
		}
		s.commit(acme.Tx{Puts: []acme.Record{job("mixed", 1)}, Lazy: true}, puts(job("b", 1)))
		s.crash()
		s.has(job("a", 20), job("l0", 1), job("l9", 1), job("b", 1), job("mixed", 1))
	}},
	{"a power cut takes Lazy Txs from the end", func(s *suite) {
		s.commit(puts(job("a", 1)))
		for v := uint64(2); v <= 20; v++ {
			s.commit(acme.Tx{Puts: []acme.Record{job("a", v), job("l"+strconv.FormatUint(v, 10), 1)}, Lazy: true})
		}
		s.crash()
		r, err := s.store.Get(s.Context(), job("a", 1).Key)
		if err != nil {
			s.Fatalf("Get: %v", err)
		}
		for v := uint64(2); v <= 20; v++ {
			other := job("l"+strconv.FormatUint(v, 10), 1)
			if v <= r.Version {
				s.has(other)
			} else {
				s.lacks(other)
			}
		}
		s.commit(puts(job("a", r.Version+1)))
	}},
}
