package acmetest

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"acme.example/creditscore/acme"
)

// commitCases hold Commit to its contract.
var commitCases = []storeCase{
	{"a Put of version 1 creates", func(s *suite) {
		s.lacks(job("a", 1))
		s.commit(puts(job("a", 1)))
		s.has(job("a", 1))
	}},
	{"a Put of version 1 conflicts where the key exists", func(s *suite) {
		s.commit(puts(job("a", 1)))
		s.refuse(puts(with(job("a", 1), func(r *acme.Record) { r.Status = "other" })))
		s.has(job("a", 1))
	}},
	{"a Put of version n replaces version n-1", func(s *suite) {
		for v := range uint64(4) {
			s.commit(puts(job("a", v+1)))
			s.has(job("a", v+1))
		}
	}},
	{"a Put conflicts with any other version", func(s *suite) {
		s.refuse(puts(job("a", 2)))
		s.lacks(job("a", 2))
		s.commit(puts(job("a", 1)), puts(job("a", 2)), puts(job("a", 3)))
		for _, v := range []uint64{1, 2, 3, 5, 1 << 63} {
			s.refuse(puts(job("a", v)))
		}
		s.has(job("a", 3))
	}},
	{"a Delete removes exactly this version", func(s *suite) {
		s.commit(puts(job("a", 1)), puts(job("a", 2)))
		s.refuse(deletes(job("a", 2), 1))
		s.refuse(deletes(job("a", 2), 3))
		s.has(job("a", 2))
		s.commit(deletes(job("a", 2), 2))
		s.lacks(job("a", 2))
		s.list(acme.ListQuery{})
	}},
	{"a Delete of a version conflicts where there is no record", func(s *suite) {
		s.refuse(deletes(job("a", 1), 1))
	}},
	{"a Delete of version 0 removes any version", func(s *suite) {
		s.commit(puts(job("a", 1)), puts(job("a", 2)), puts(job("a", 3)))
		s.commit(deletes(job("a", 1), 0))
		s.lacks(job("a", 3))
		s.list(acme.ListQuery{})
	}},
	{"a Delete of version 0 removes nothing where there is none", func(s *suite) {
		s.commit(deletes(job("a", 1), 0))
		s.lacks(job("a", 1))
	}},
	{"a deleted key starts again at version 1", func(s *suite) {
		s.commit(puts(job("a", 1)), puts(job("a", 2)))
		s.commit(deletes(job("a", 2), 2))
		s.refuse(puts(job("a", 3)))
		s.commit(puts(job("a", 1)))
		s.has(job("a", 1))
	}},
	{"all writes of a Tx happen together", func(s *suite) {
		s.commit(puts(job("old", 1)))
		s.commit(acme.Tx{
			Puts:    []acme.Record{job("a", 1), job("b", 1), job("c", 1)},
			Deletes: []acme.VersionedKey{{Key: job("old", 1).Key, Version: 1}},
		})
		s.has(job("a", 1), job("b", 1), job("c", 1))
		s.lacks(job("old", 1))
	}},
	{"no write of a Tx happens where one conflicts", func(s *suite) {
		s.commit(puts(job("there", 1), job("old", 1)))
		old := acme.VersionedKey{Key: job("old", 1).Key, Version: 1}
		gone := acme.VersionedKey{Key: job("gone", 1).Key, Version: 1}
		s.refuse(acme.Tx{Puts: []acme.Record{job("a", 1), job("there", 1)}, Deletes: []acme.VersionedKey{old}})
		s.refuse(acme.Tx{Puts: []acme.Record{job("there", 1), job("a", 1)}, Deletes: []acme.VersionedKey{old}})
		s.refuse(acme.Tx{Puts: []acme.Record{job("a", 1)}, Deletes: []acme.VersionedKey{old, gone}})
		s.lacks(job("a", 1))
		s.has(job("there", 1), job("old", 1))
		s.list(acme.ListQuery{}, "there", "old")
	}},
	{"Txs of one call are independent of each other", func(s *suite) {
		s.commit(puts(job("there", 1)))
		got := s.store.Commit(s.Context(), []acme.Tx{
			puts(job("a", 1)), puts(job("b", 1), job("there", 1)), puts(job("c", 1)), deletes(job("d", 1), 1),
		})
		s.wantErrors(got, nil, acme.ErrConflict, nil, acme.ErrConflict)
		s.has(job("a", 1), job("c", 1), job("there", 1))
		s.lacks(job("b", 1))
	}},
	{"Txs of one call that touch the same key are applied in order", func(s *suite) {
		got := s.store.Commit(s.Context(), []acme.Tx{
			puts(job("a", 2)), puts(job("a", 1)), puts(job("a", 2)), deletes(job("a", 2), 1),
			deletes(job("a", 2), 2), puts(job("a", 3)), puts(job("a", 1)),
			puts(job("b", 1)), puts(job("b", 2)), deletes(job("b", 1), 0),
		})
		s.wantErrors(got, acme.ErrConflict, nil, nil, acme.ErrConflict, nil, acme.ErrConflict, nil, nil, nil, nil)
		s.has(job("a", 1))
		s.lacks(job("b", 2))
		s.list(acme.ListQuery{}, "a")
	}},
	{"a refused Tx leaves nothing for the ones after it", func(s *suite) {
		got := s.store.Commit(s.Context(), []acme.Tx{
			puts(job("a", 1), job("b", 7)), puts(job("a", 2)), puts(job("a", 1)),
		})
		s.wantErrors(got, acme.ErrConflict, acme.ErrConflict, nil)
		s.has(job("a", 1))
	}},
	{"Commit gives one error a Tx", func(s *suite) {
		if got := s.store.Commit(s.Context(), nil); len(got) != 0 {
			s.Fatalf("Commit of no Tx gave %d errors", len(got))
		}
		s.commit(acme.Tx{}, acme.Tx{Lazy: true})
		s.commit(puts(job("a", 1)), acme.Tx{}, puts(job("b", 1)))
	}},
	{"a call takes many Txs", func(s *suite) {
		var txs []acme.Tx
		for i := range 1000 {
			txs = append(txs, puts(job(fmt.Sprintf("%04d", i), 1)))
		}
		s.commit(txs...)
		s.has(job("0000", 1), job("0999", 1))
	}},
	{"identifiers are compared byte by byte", func(s *suite) {
		ids := identifiers()
		for i, id := range ids {
			s.commit(puts(with(job(id, 1), func(r *acme.Record) { r.Body = acme.StoredBody([]byte(strconv.Itoa(i))) })))
		}
		for i, id := range ids {
			s.has(with(job(id, 1), func(r *acme.Record) { r.Body = acme.StoredBody([]byte(strconv.Itoa(i))) }))
		}
		for i, id := range ids {
			s.commit(deletes(job(id, 1), 1))
			for j, other := range ids {
				_, err := s.store.Get(s.Context(), job(other, 1).Key)
				if gone := errors.Is(err, acme.ErrNotFound); gone != (j <= i) {
					s.Fatalf("after deleting %q: Get %q gave %v", id, other, err)
				}
			}
		}
	}},
	{"owners, groups and statuses are compared byte by byte", func(s *suite) {
		words := identifiers()
		for i, word := range words {
			s.commit(puts(with(job(strconv.Itoa(i), 1), func(r *acme.Record) { r.Owner, r.Group, r.Status = word, word, word })))
		}
		for i, word := range words {
			s.list(acme.ListQuery{Owner: word}, strconv.Itoa(i))
			s.list(acme.ListQuery{Owner: word, Group: word}, strconv.Itoa(i))
			s.list(acme.ListQuery{Owner: word, Status: word}, strconv.Itoa(i))
			s.list(acme.ListQuery{Owner: word, Group: word + "x"})
			s.list(acme.ListQuery{Owner: word, Status: word + "x"})
		}
	}},
	{"kinds are apart", func(s *suite) {
		profile := with(job("a", 1), func(r *acme.Record) { r.Kind = acme.KindProfile; r.Status = "kept" })
		s.commit(puts(job("a", 1), profile))
		s.commit(puts(job("a", 2)))
		s.has(job("a", 2), profile)
		s.list(acme.ListQuery{Kind: acme.KindProfile}, "a")
		s.commit(deletes(profile, 1))
		s.has(job("a", 2))
	}},
	{"of concurrent Commits that expect one version exactly one wins", func(s *suite) {
		const rounds, callers = 8, 16
		for v := range uint64(rounds) {
			results := make([]error, callers)
			var wg sync.WaitGroup
			for i := range callers {
				wg.Go(func() {
					r := with(job("a", v+1), func(r *acme.Record) { r.Body = acme.StoredBody([]byte(strconv.Itoa(i))) })
					results[i] = s.store.Commit(s.Context(), []acme.Tx{puts(r)})[0]
				})
			}
			wg.Wait()
			winner := -1
			for i, err := range results {
				switch {
				case err == nil && winner >= 0:
					s.Fatalf("version %d: callers %d and %d both won", v+1, winner, i)
				case err == nil:
					winner = i
				case !errors.Is(err, acme.ErrConflict):
					s.Fatalf("version %d: %v", v+1, err)
				}
			}
			if winner < 0 {
				s.Fatalf("version %d: nobody won", v+1)
			}
			s.has(with(job("a", v+1), func(r *acme.Record) { r.Body = acme.StoredBody([]byte(strconv.Itoa(winner))) }))
		}
	}},
	{"concurrent read-modify-write loses no update", func(s *suite) {
		const callers, each = 8, 8
		count := func(r acme.Record) int { n, _ := strconv.Atoi(string(r.Body.Bytes())); return n }
		var wg sync.WaitGroup
		for range callers {
			wg.Go(func() {
				for done := 0; done < each; {
					r, err := s.store.Get(s.Context(), job("n", 1).Key)
					if err != nil && !errors.Is(err, acme.ErrNotFound) {
						s.Errorf("Get: %v", err)
						return
					}
					next := with(job("n", r.Version+1), func(n *acme.Record) { n.Body = acme.StoredBody([]byte(strconv.Itoa(count(r) + 1))) })
					switch err := s.store.Commit(s.Context(), []acme.Tx{puts(next)})[0]; {
					case err == nil:
						done++
					case !errors.Is(err, acme.ErrConflict):
						s.Errorf("Commit: %v", err)
						return
					}
				}
			})
		}
		wg.Wait()
		r, err := s.store.Get(s.Context(), job("n", 1).Key)
		if err != nil || count(r) != callers*each || r.Version != callers*each {
			s.Fatalf("after %d additions: %d at version %d (%v)", callers*each, count(r), r.Version, err)
		}
	}},
	{"a Lazy Tx is applied in order", func(s *suite) {
		lazy := func(r acme.Record) acme.Tx { return acme.Tx{Puts: []acme.Record{r}, Lazy: true} }
		s.commit(puts(job("a", 1)))
		s.commit(lazy(job("a", 2)))
		s.has(job("a", 2))
		s.refuse(puts(job("a", 2)))
		s.refuse(lazy(job("a", 2)))
		s.commit(puts(job("a", 3)), lazy(job("a", 4)), puts(job("a", 5)))
		s.has(job("a", 5))
	}},
	{"times have microseconds", func(s *suite) {
		r := with(job("a", 1), func(r *acme.Record) {
			r.CreatedAt = start.Add(123456 * time.Microsecond)
			r.DueAt = start.Add(1 * time.Microsecond)
			r.ExpiresAt = time.Date(2099, 12, 31, 23, 59, 59, 999999000, time.UTC)
		})
		s.commit(puts(r))
		s.has(r)
	}},
	{"times come back in UTC", func(s *suite) {
		east := with(job("a", 1), func(r *acme.Record) {
			r.CreatedAt, r.DueAt = r.CreatedAt.In(time.FixedZone("", 3600)), at(1).In(time.FixedZone("", -3600))
		})
		s.commit(puts(east))
		s.has(with(east, func(r *acme.Record) { r.DueAt = at(1) }))
	}},
	{"times before 1970 are kept", func(s *suite) {
		r := with(job("a", 1), func(r *acme.Record) { r.CreatedAt = time.Date(1950, 1, 2, 3, 4, 5, 6000, time.UTC) })
		s.commit(puts(r, job("b", 1)))
		s.has(r)
		s.list(acme.ListQuery{}, "b", "a")
	}},
	{"a Body comes back byte by byte", func(s *suite) {
		for i, raw := range [][]byte{nil, {}, {0}, {0xFF, 0, 0xFE, '\n'}, []byte(strings.Repeat("0123456789abcdef", 1<<16))} {
			r := with(job(strconv.Itoa(i), 1), func(r *acme.Record) { r.Body = acme.StoredBody(raw) })
			s.commit(puts(r))
			s.has(r)
		}
	}},
}

// identifiers are strings that a careless comparison takes for each other.
func identifiers() []string {
	return []string{
		"a", "A", "ä", "Ä", "a\u0308", // composed, decomposed
		"a ", " a", "a\t", "a\n", "a\x00", "a\x00\x01", "a\x00b", "a\x01", "\x00", // ends that get trimmed
		"aa", "a/b", "a%2Fb", "a:b", "a.b", "a_b", "a-b", "%", "_", "*", "'", "\"", "\\", "..",
		"ı", "i", "I", "ß", "ss", "ﬁ", "fi", "ſ", "s", "\u212a", "K", "\u2126", "\u03a9", // folds and compatibility forms
		"1", "01", "1.0", "null", "NULL", "\u200b", "a\u200b", "\ufeff", "\U0010FFFF", "😀",
		strings.Repeat("x", 512), strings.Repeat("x", 511), strings.Repeat("\U0010FFFF", 128),
	}
}
