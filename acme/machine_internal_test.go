package acme

import (
	"testing"
	"time"

	"acme.example/creditscore/acme/score"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func fetching(attempt int) *jobDoc {
	return &jobDoc{ID: "scr_1", Status: StatusFetching, Attempt: attempt, CreatedAt: noon, Access: &SealedGrant{}}
}

func TestOnlyTheAnswerThatIsAwaitedFits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		status  Status
		attempt int
		at      step
		answer  int
		fits    bool
	}{
		{"the awaited one", StatusFetching, 1, stepFetch, 1, true},
		{"before the state was marked", StatusAccepted, 1, stepFetch, 1, true},
		{"an earlier attempt's", StatusFetching, 2, stepFetch, 1, false},
		{"a later attempt's", StatusFetching, 1, stepFetch, 2, false},
		{"an earlier step's", StatusScoring, 1, stepFetch, 1, false},
		{"a later step's", StatusFetching, 1, stepScore, 1, false},
		{"of a finished job", StatusCompleted, 0, stepScore, 1, false},
		{"of a failed job", StatusFailed, 0, stepFetch, 0, false},
	} {
		d := &jobDoc{Status: c.status, Attempt: c.attempt}
		if got := d.awaits(c.at, c.answer); got != c.fits {
			t.Errorf("%s: fits %v, want %v", c.name, got, c.fits)
		}
	}
}

func TestTransitionsLeaveNoTokenBehind(t *testing.T) {
	t.Parallel()
	d := fetching(3)
	d.fetched(noon)
	if d.Access != nil || d.Status != StatusScoring || d.Attempt != 1 {
		t.Errorf("after fetching: %+v", d)
	}
	d.completed(&score.Report{}, noon, noon.Add(time.Hour))
	if d.Status != StatusCompleted || !d.DueAt.IsZero() || d.CompletedAt != noon {
		t.Errorf("after completion: %+v", d)
	}
	d = fetching(1)
	d.failed(Fault{Code: CodeBankUnauthorized}, noon, noon.Add(time.Hour))
	if d.Access != nil || d.Error.Title == "" || d.Error.Retryable || !d.DueAt.IsZero() {
		t.Errorf("after failure: %+v", d)
	}
}

func TestWaitsGrowAndAreBounded(t *testing.T) {
	t.Parallel()
	r := Retry{Attempts: 5, Base: time.Second, Max: time.Minute}
	for failed, want := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 4: 8 * time.Second, 7: time.Minute, 200: time.Minute} {
		if low, high := r.wait(failed, 0, 0), r.wait(failed, 0, 0.999999); low != want/2 || high < want || high > want*3/2 {
			t.Errorf("after %d failures %v to %v, want %v ±50 %%", failed, low, high, want)
		}
	}
	if got := r.wait(1, time.Hour, 0.5); got != time.Hour {
		t.Errorf("with Retry-After %v, want 1h", got)
	}
}

func TestEveryErrorCodeHasATitle(t *testing.T) {
	t.Parallel()
	for _, c := range []ErrorCode{CodeBankUnauthorized, CodeBankUnavailable, CodeBankRateLimited, CodeBankBadData,
		CodeInsufficientHistory, CodeScoreFailed, CodeTimeout} {
		if c.Title() == "" {
			t.Errorf("%s has no title", c)
		}
	}
}

func TestAgendaGivesOutEachIDOnce(t *testing.T) {
	t.Parallel()
	now := noon
	a := newAgenda(func() time.Time { return now }, 10, 0)
	a.add("b", noon.Add(time.Second))
	a.add("a", noon)
	a.add("a", noon)
	pop := func(want string) {
		t.Helper()
		if id, _ := a.pop(); id != want {
			t.Fatalf("gave out %q, want %q", id, want)
		}
	}
	pop("a")
	pop("") // b is not due
	a.add("a", noon)
	pop("") // a is issued, under its lease
	a.lease("a", noon.Add(time.Minute))
	now = noon.Add(30 * time.Second)
	pop("b")
	a.add("a", now)
	pop("")
	now = noon.Add(2 * time.Minute)
	a.add("a", now) // the lease is over: nothing was heard of it
	pop("a")
	a.done("a")
	a.add("a", now)
	pop("a")
	a.again("a", now.Add(time.Hour))
	a.add("a", now) // an earlier time wins
	pop("a")
	a.done("a")
	a.done("b")
	if waiting, issued := a.size(); waiting != 0 || issued != 0 {
		t.Errorf("%d wait and %d are issued, want none", waiting, issued)
	}
}

func TestAgendaKeepsOrderOfArrival(t *testing.T) {
	t.Parallel()
	a := newAgenda(func() time.Time { return noon }, 10, 0)
	for _, id := range []string{"x", "m", "a"} {
		a.add(id, noon)
	}
	for _, want := range []string{"x", "m", "a"} {
		if id, _ := a.pop(); id != want {
			t.Errorf("gave out %q, want %q", id, want)
		}
	}
}

func TestAgendaBoundsWhatIsIssued(t *testing.T) {
	t.Parallel()
	a := newAgenda(func() time.Time { return noon }, 3, 2)
	pop := func(want string) {
		t.Helper()
		if id, _ := a.pop(); id != want {
			t.Fatalf("gave out %q, want %q", id, want)
		}
	}
	for _, id := range []string{"a1", "a2", "a3", "a4", "b1"} {
		a.add(id, noon)
	}
	for _, id := range []string{"a1", "a2"} {
		pop(id)
		if !a.enter(id, "a") {
			t.Fatalf("%s was parked with room in its group", id)
		}
	}
	for _, id := range []string{"a3", "a4"} {
		pop(id)
		if a.enter(id, "a") {
			t.Fatalf("%s got in though its group has its share", id)
		}
	}
	pop("b1")
	if !a.enter("b1", "b") {
		t.Fatal("another group was held up")
	}
	a.add("b2", noon)
	pop("") // three are issued
	a.done("a1")
	pop("b2") // it waited longer than a3, which is let in only now
	a.enter("b2", "b")
	pop("")
	a.again("a2", noon.Add(time.Hour)) // its place goes to a4
	pop("a3")
	if !a.enter("a3", "a") {
		t.Error("a3 lost the place it was given")
	}
	pop("")
	a.done("b1")
	pop("a4")
	a.enter("a4", "a")
	for _, id := range []string{"a3", "a4", "b2"} {
		a.done(id)
	}
	if waiting, issued := a.size(); waiting != 1 || issued != 0 || len(a.groups) != 0 {
		t.Errorf("%d wait, %d issued, %d groups; want a2 waiting and nothing else", waiting, issued, len(a.groups))
	}
}

func TestAnAnswerFreesThePlaceBeforeItIsDurable(t *testing.T) {
	t.Parallel()
	a := newAgenda(func() time.Time { return noon }, 1, 1)
	for _, id := range []string{"x", "y"} {
		a.add(id, noon)
	}
	if id, _ := a.pop(); id != "x" || !a.enter("x", "g") {
		t.Fatal("x was not issued")
	}
	a.answered("x")
	a.answered("x") // a repeated answer frees nothing more
	if _, issued := a.size(); issued != 0 {
		t.Errorf("%d issued, want 0", issued)
	}
	a.add("x", noon) // under its lease still
	if id, _ := a.pop(); id != "y" || !a.enter("y", "g") {
		t.Fatal("y did not get x's place")
	}
	a.done("x")
	a.done("y")
	if waiting, issued := a.size(); waiting != 0 || issued != 0 || len(a.groups) != 0 {
		t.Errorf("%d wait, %d issued, %d groups; want none", waiting, issued, len(a.groups))
	}
}
