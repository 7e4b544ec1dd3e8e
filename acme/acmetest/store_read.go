package acmetest

import (
	"fmt"
	"slices"
	"strings"

	"acme.example/creditscore/acme"
)

// readCases hold Get, List, Due and Expired to their contracts.
var readCases = []storeCase{
	{"Get returns one record", func(s *suite) {
		full := with(job("a", 1), func(r *acme.Record) {
			r.Group, r.DueAt, r.ExpiresAt = "group", at(5), at(50)
		})
		bare := acme.Record{Key: acme.Key{Kind: acme.KindIdempotency, ID: "x"}, Version: 1}
		s.commit(puts(full, bare))
		s.has(full, bare)
	}},
	{"Get returns ErrNotFound", func(s *suite) {
		s.lacks(job("a", 1))
		s.commit(puts(job("ab", 1)))
		s.lacks(job("a", 1), job("abc", 1), with(job("ab", 1), func(r *acme.Record) { r.Kind = acme.KindConsent }))
	}},
	{"List returns records as they were put", func(s *suite) {
		r := with(job("a", 1), func(r *acme.Record) { r.Group, r.DueAt, r.ExpiresAt = "group", at(5), at(50) })
		s.commit(puts(r))
		for _, q := range []acme.ListQuery{{}, {Group: "group"}} {
			if diff := compare(s.list(q, "a")[0], r); diff != "" {
				s.Fatal(diff)
			}
		}
		r = with(r, func(r *acme.Record) { r.Version, r.Body = 2, acme.StoredBody([]byte("new")) })
		s.commit(puts(r))
		if diff := compare(s.list(acme.ListQuery{}, "a")[0], r); diff != "" {
			s.Fatalf("after a replacement: %s", diff)
		}
	}},
	{"List gives the newest first", func(s *suite) {
		s.commit(puts(s.created("b", 2), s.created("a", 3), s.created("d", 1), s.created("c", 4)))
		s.list(acme.ListQuery{}, "c", "a", "b", "d")
	}},
	{"List orders equal times by ID, descending", func(s *suite) {
		ids := identifiers()
		for _, id := range ids {
			s.commit(puts(job(id, 1)))
		}
		slices.SortFunc(ids, func(a, b string) int { return strings.Compare(b, a) })
		s.list(acme.ListQuery{}, ids...)
		s.walk(acme.ListQuery{Limit: 7}, nil, ids...)
	}},
	{"List gives at most Limit records", func(s *suite) {
		s.commit(puts(s.created("a", 1), s.created("b", 2), s.created("c", 3)))
		s.list(acme.ListQuery{Limit: 1}, "c")
		s.list(acme.ListQuery{Limit: 2}, "c", "b")
		s.list(acme.ListQuery{Limit: 3}, "c", "b", "a")
		s.list(acme.ListQuery{Limit: 4}, "c", "b", "a")
	}},
	{"List goes on after a Cursor", func(s *suite) {
		s.commit(puts(s.created("a", 1), s.created("b", 2), s.created("c", 2), s.created("d", 3)))
		s.list(acme.ListQuery{After: acme.Cursor{CreatedAt: at(3), ID: "d"}}, "c", "b", "a")
		s.list(acme.ListQuery{After: acme.Cursor{CreatedAt: at(2), ID: "c"}}, "b", "a")
		s.list(acme.ListQuery{After: acme.Cursor{CreatedAt: at(1), ID: "a"}})
	}},
	{"a Cursor holds when its record is gone", func(s *suite) {
		s.commit(puts(s.created("a", 1), s.created("b", 2), s.created("c", 3)))
		after := s.list(acme.ListQuery{Limit: 2}, "c", "b")[1].Cursor()
		s.commit(deletes(job("b", 1), 1))
		s.list(acme.ListQuery{After: after}, "a")
	}},
	{"pages neither skip nor repeat under writes", func(s *suite) {
		var stay []string
		for i := range 30 {
			s.commit(puts(s.created(fmt.Sprintf("s%02d", i), 10*i), s.created(fmt.Sprintf("t%02d", i), 10*i)))
			stay = append([]string{fmt.Sprintf("s%02d", i)}, stay...)
		}
		page := 0
		s.walk(acme.ListQuery{Limit: 4}, func() {
			page++
			for i := range 30 {
				replaced := s.created(fmt.Sprintf("s%02d", i), 10*i)
				replaced.Version, replaced.Status = uint64(page+1), "page"
				s.commit(puts(replaced))
			}
			s.commit(
				deletes(job(fmt.Sprintf("t%02d", page), 1), 0), deletes(job(fmt.Sprintf("t%02d", 29-page), 1), 0),
				puts(s.created(fmt.Sprintf("u%02d", page), 1000+page), s.created(fmt.Sprintf("v%02d", page), 10*page+5)),
			)
		}, stay...)
	}},
	{"List narrows to a Group", func(s *suite) {
		group := func(id, group string, seconds int) acme.Record {
			return with(s.created(id, seconds), func(r *acme.Record) { r.Group = group })
		}
		s.commit(puts(group("a", "g", 1), group("b", "", 2), group("c", "h", 3), group("d", "g", 4), group("e", "gg", 5)))
		s.list(acme.ListQuery{Group: "g"}, "d", "a")
		s.list(acme.ListQuery{Group: "h"}, "c")
		s.list(acme.ListQuery{Group: "x"})
		s.list(acme.ListQuery{}, "e", "d", "c", "b", "a")
		s.list(acme.ListQuery{Group: "g", Limit: 1}, "d")
		s.list(acme.ListQuery{Group: "g", After: acme.Cursor{CreatedAt: at(4), ID: "d"}}, "a")
	}},
	{"List narrows to a Status", func(s *suite) {
		status := func(id, status string, seconds int) acme.Record {
			return with(s.created(id, seconds), func(r *acme.Record) { r.Status, r.Group = status, "g"+id[:1] })
		}
		s.commit(puts(status("a1", "x", 1), status("b1", "y", 2), status("a2", "x", 3), status("a3", "y", 4)))
		s.list(acme.ListQuery{Status: "x"}, "a2", "a1")
		s.list(acme.ListQuery{Status: "x", Limit: 1}, "a2")
		s.list(acme.ListQuery{Status: "z"})
		s.list(acme.ListQuery{Group: "ga", Status: "y"}, "a3")
		s.list(acme.ListQuery{Group: "gb", Status: "x"})
	}},
	{"lists follow a change of Status and Group", func(s *suite) {
		r := with(job("a", 1), func(r *acme.Record) { r.Group = "g" })
		s.commit(puts(r))
		r.Version, r.Status, r.Group = 2, "done", "h"
		s.commit(puts(r))
		s.list(acme.ListQuery{}, "a")
		s.list(acme.ListQuery{Status: "accepted"})
		s.list(acme.ListQuery{Status: "done"}, "a")
		s.list(acme.ListQuery{Group: "g"})
		s.list(acme.ListQuery{Group: "h", Status: "done"}, "a")
		r.Version, r.Group = 3, ""
		s.commit(puts(r))
		s.list(acme.ListQuery{Group: "h"})
		s.list(acme.ListQuery{}, "a")
	}},
	{"lists never cross an Owner", func(s *suite) {
		owner := func(id, owner string) acme.Record {
			return with(job(id, 1), func(r *acme.Record) { r.Owner, r.Group = owner, "g" })
		}
		s.commit(puts(owner("a", "o"), owner("b", "o "), owner("c", "oo"), owner("d", "O")))
		s.list(acme.ListQuery{Owner: "o"}, "a")
		s.list(acme.ListQuery{Owner: "oo", Group: "g"}, "c")
		s.list(acme.ListQuery{Owner: "p"})
	}},
	{"lists show no deleted record", func(s *suite) {
		r := with(job("a", 1), func(r *acme.Record) { r.Group, r.DueAt, r.ExpiresAt = "g", at(1), at(1) })
		s.commit(puts(r, job("b", 1)))
		s.commit(deletes(r, 0))
		s.list(acme.ListQuery{}, "b")
		s.list(acme.ListQuery{Group: "g"})
		s.due(at(9), acme.DueKey{}, 9)
		s.expired(at(9), 9)
	}},
	{"Due gives the earliest first", func(s *suite) {
		s.commit(puts(s.dueAt("a", 3), s.dueAt("b", 1), s.dueAt("d", 2), s.dueAt("c", 2)))
		got := s.due(at(9), acme.DueKey{}, 9, "b", "c", "d", "a")
		if !got[0].DueAt.Equal(at(1)) || !got[3].DueAt.Equal(at(3)) {
			s.Fatalf("Due gave the times %v", got)
		}
	}},
	{"Due orders equal times by ID", func(s *suite) {
		ids := identifiers()
		for _, id := range ids {
			s.commit(puts(s.dueAt(id, 1)))
		}
		slices.Sort(ids)
		s.due(at(1), acme.DueKey{}, 100, ids...)
	}},
	{"Due is up to and including until", func(s *suite) {
		s.commit(puts(s.dueAt("a", 1), s.dueAt("b", 2), s.dueAt("c", 3)))
		s.due(at(0), acme.DueKey{}, 9)
		s.due(at(2), acme.DueKey{}, 9, "a", "b")
		s.due(at(2).Add(-1000), acme.DueKey{}, 9, "a")
	}},
	{"Due gives at most limit", func(s *suite) {
		s.commit(puts(s.dueAt("a", 1), s.dueAt("b", 2), s.dueAt("c", 3)))
		s.due(at(9), acme.DueKey{}, 2, "a", "b")
	}},
	{"Due starts after a position", func(s *suite) {
		s.commit(puts(s.dueAt("a", 1), s.dueAt("b", 2), s.dueAt("c", 2), s.dueAt("d", 3)))
		last := s.due(at(9), acme.DueKey{}, 2, "a", "b")[1]
		s.due(at(9), last, 9, "c", "d")
		s.due(at(2), last, 9, "c")
		s.due(at(9), acme.DueKey{DueAt: at(3), ID: "d"}, 9)
		s.due(at(9), acme.DueKey{DueAt: at(2)}, 9, "b", "c", "d")
	}},
	{"Due shows only records whose DueAt is set, of one kind", func(s *suite) {
		other := with(s.dueAt("o", 1), func(r *acme.Record) { r.Kind = acme.KindDelivery })
		s.commit(puts(job("a", 1), s.dueAt("b", 1), other))
		s.due(at(9), acme.DueKey{}, 9, "b")
	}},
	{"Due follows a change of DueAt", func(s *suite) {
		s.commit(puts(s.dueAt("a", 1), s.dueAt("b", 2)))
		s.commit(puts(with(s.dueAt("a", 3), func(r *acme.Record) { r.Version = 2 })))
		s.due(at(9), acme.DueKey{}, 9, "b", "a")
		s.commit(puts(job("b", 2)))
		s.due(at(9), acme.DueKey{}, 9, "a")
	}},
	{"Due crosses owners", func(s *suite) {
		s.commit(puts(s.dueAt("a", 1), with(s.dueAt("b", 2), func(r *acme.Record) { r.Owner = "other" })))
		s.due(at(9), acme.DueKey{}, 9, "a", "b")
	}},
	{"Expired gives keys of any kind, earliest first", func(s *suite) {
		a, b, c := s.expiring("a", acme.KindJob, 3), s.expiring("b", acme.KindProfile, 1), s.expiring("c", acme.KindFlow, 2)
		s.commit(puts(a, b, c, job("never", 1)))
		s.expired(at(9), 9, b.Key, c.Key, a.Key)
	}},
	{"Expired is up to and including until, at most limit", func(s *suite) {
		a, b, c := s.expiring("a", acme.KindJob, 1), s.expiring("b", acme.KindJob, 2), s.expiring("c", acme.KindJob, 3)
		s.commit(puts(a, b, c))
		s.expired(at(0), 9)
		s.expired(at(2), 9, a.Key, b.Key)
		s.expired(at(2).Add(-1000), 9, a.Key)
		s.expired(at(9), 1, a.Key)
	}},
	{"expired records stay until a Tx deletes them", func(s *suite) {
		a, b := s.expiring("a", acme.KindJob, 1), s.expiring("b", acme.KindJob, 2)
		s.commit(puts(a, b))
		s.expired(at(9), 9, a.Key, b.Key)
		s.has(a, b)
		s.list(acme.ListQuery{}, "b", "a")
		s.commit(deletes(a, 1))
		s.expired(at(9), 9, b.Key)
	}},
	{"Expired follows a change of ExpiresAt", func(s *suite) {
		s.commit(puts(s.expiring("a", acme.KindJob, 1)))
		s.commit(puts(with(s.expiring("a", acme.KindJob, 7), func(r *acme.Record) { r.Version = 2 })))
		s.expired(at(6), 9)
		s.expired(at(7), 9, job("a", 1).Key)
		s.commit(puts(job("a", 3)))
		s.expired(at(9), 9)
	}},
}

func (s *suite) created(id string, seconds int) acme.Record {
	return with(job(id, 1), func(r *acme.Record) { r.CreatedAt = at(seconds) })
}

func (s *suite) dueAt(id string, seconds int) acme.Record {
	return with(job(id, 1), func(r *acme.Record) { r.DueAt = at(seconds) })
}

func (s *suite) expiring(id string, kind acme.Kind, seconds int) acme.Record {
	return with(job(id, 1), func(r *acme.Record) { r.Kind, r.ExpiresAt = kind, at(seconds) })
}

// walk pages through a list, calling between after each page, and expects
// each of ids exactly once, in order; others may be seen or not.
func (s *suite) walk(q acme.ListQuery, between func(), ids ...string) {
	s.Helper()
	q.Kind, q.Owner = acme.KindJob, "owner"
	var got []string
	for pages := 0; ; pages++ {
		if pages > 1000 {
			s.Fatal("the list has no end")
		}
		page, err := s.store.List(s.Context(), q)
		if err != nil {
			s.Fatalf("List: %v", err)
		}
		if len(page) > q.Limit {
			s.Fatalf("List gave %d records, the limit is %d", len(page), q.Limit)
		}
		for _, r := range page {
			if slices.Contains(ids, r.ID) {
				got = append(got, r.ID)
			}
		}
		if len(page) == 0 {
			break
		}
		q.After = page[len(page)-1].Cursor()
		if between != nil {
			between()
		}
	}
	if !slices.Equal(got, ids) {
		s.Fatalf("the pages gave %q, want %q", got, ids)
	}
}
