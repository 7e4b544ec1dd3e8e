package httpapi_test

import (
	"bufio"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"acme.example/creditscore/acme/bank"
)

// TestScoreAsynchronous: 202 with where and when to look, then the job.
func TestScoreAsynchronous(t *testing.T) {
	t.Parallel()
	w := setup(t, options{})
	w.bank.shut()
	body := `{"bank":"sandbox","subject":"user-42","access_token":"t","bank_consent_id":"c","metadata":{"ref":"A-1"},` +
		`"loan":{"amount":"5000.00","currency":"EUR","term_months":24}}`
	got := w.call("POST", "/v1/scores", body)
	job := got.job(t)
	if got.status != 202 || got.header.Get("Retry-After") == "" || got.header.Get("Location") != w.server.URL+"/v1/scores/"+string(job.ID) {
		t.Fatalf("%d %v %s", got.status, got.header, got.body)
	}
	if !strings.Contains(got.body, `"metadata":{"ref":"A-1"}`) || !strings.Contains(got.body, `"score":null,"error":null`) {
		t.Errorf("got %s", got.body)
	}
	path := "/v1/scores/" + string(job.ID)
	if got := w.call("GET", path, ""); got.status != 200 || got.header.Get("Retry-After") == "" {
		t.Errorf("%d %v", got.status, got.header)
	}
	w.bank.open()
	got = w.call("GET", path, "", "Prefer: wait=20")
	if job = got.job(t); job.Status != "completed" || job.Score.Value != 683 || got.header.Get("Preference-Applied") != "wait=20" {
		t.Errorf("%v %s", got.header, got.body)
	}
	tag := got.header.Get("ETag")
	for _, sent := range []string{tag, "W/" + tag, `"x", ` + tag, "*"} {
		if got := w.call("GET", path, "", "If-None-Match: "+sent); got.status != 304 || got.body != "" || got.header.Get("ETag") != tag {
			t.Errorf("If-None-Match %s: %d %s", sent, got.status, got.body)
		}
	}
	if got := w.call("GET", path, "", `If-None-Match: "x"`); got.status != 200 {
		t.Errorf("another tag: %d", got.status)
	}
	if got := w.call("GET", path, "", w.asOther()); got.status != 404 {
		t.Errorf("another partner: %d", got.status)
	}
}

// TestScoreSynchronous: Prefer: wait holds the call until the job is finished
// or the wait, which is capped, is over.
func TestScoreSynchronous(t *testing.T) {
	t.Parallel()
	w := setup(t, options{maxWait: 2 * time.Second})
	for _, prefer := range []string{"wait=60", "respond-async, wait=60", `wait="60"; x=y`, "WAIT=60"} {
		got := w.call("POST", "/v1/scores", inline, "Prefer: "+prefer)
		if got.status != 200 || got.job(t).Status != "completed" || got.header.Get("Preference-Applied") != "wait=2" {
			t.Errorf("%s: %d %v %s", prefer, got.status, got.header, got.body)
		}
	}
	for _, prefer := range []string{"wait=0", "wait=-1", "wait=soon", "wait", "handling=lenient"} {
		if got := w.call("POST", "/v1/scores", inline, "Prefer: "+prefer); got.status != 202 || got.header.Get("Preference-Applied") != "" {
			t.Errorf("%s: %d", prefer, got.status)
		}
	}
	w.bank.shut()
	began := time.Now()
	got := w.call("POST", "/v1/scores", inline, "Prefer: wait=1")
	if took := time.Since(began); got.status != 202 || took < time.Second || got.header.Get("Location") == "" {
		t.Errorf("lapsed: %d after %s", got.status, took)
	}
	w.bank.open()
	if got := w.call("GET", "/v1/scores/"+string(got.job(t).ID), "", "Prefer: wait=2"); got.job(t).Status != "completed" {
		t.Errorf("the job did not go on: %s", got.body)
	}
}

// TestWaitOutlivesTimeouts: the server's own deadlines, which keep slow
// clients off, do not end a call that waits.
func TestWaitOutlivesTimeouts(t *testing.T) {
	t.Parallel()
	w := setup(t, options{deadlines: 300 * time.Millisecond})
	w.bank.shut()
	open := time.AfterFunc(900*time.Millisecond, w.bank.open)
	defer open.Stop()
	if got := w.call("POST", "/v1/scores", inline, "Prefer: wait=20"); got.status != 200 {
		t.Errorf("%d %s", got.status, got.body)
	}
}

// TestScoreFailed: a job that failed says why, in a closed list of words.
func TestScoreFailed(t *testing.T) {
	t.Parallel()
	w := setup(t, options{})
	w.bank.set(func() { w.bank.fetch = &bank.Error{Code: bank.CodeUnauthorized, Op: "accounts", Status: 401} })
	got := w.call("POST", "/v1/scores", inline, "Prefer: wait=20")
	job := got.job(t)
	if got.status != 200 || job.Status != "failed" || job.Error.Code != "bank_unauthorized" || job.Error.Title == "" || job.Error.Retryable || job.Score != nil {
		t.Errorf("%d %s", got.status, got.body)
	}
}

// TestIdempotency: same key and body give the same job, whoever waits how.
func TestIdempotency(t *testing.T) {
	t.Parallel()
	w := setup(t, options{})
	const key = "Idempotency-Key: k-1"
	first := w.call("POST", "/v1/scores", inline, key)
	again := w.call("POST", "/v1/scores", ` `+inline, key, "Prefer: wait=20")
	if first.status != 202 || again.status != 200 || first.job(t).ID != again.job(t).ID {
		t.Errorf("%s\n%s", first.body, again.body)
	}
	if first.header.Get("Idempotent-Replayed") != "" || again.header.Get("Idempotent-Replayed") != "true" {
		t.Error("the repetition is not marked, or the first is")
	}
	other := w.call("POST", "/v1/scores", inline, key, w.asOther())
	if other.status != 202 || other.job(t).ID == first.job(t).ID {
		t.Errorf("another partner's key is another key: %s", other.body)
	}
}

// TestList walks pages by cursor, newest first.
func TestList(t *testing.T) {
	t.Parallel()
	w := setup(t, options{})
	var made []string
	for i := range 5 {
		got := w.call("POST", "/v1/scores", fmt.Sprintf(`{"bank":"sandbox","subject":"s%d","access_token":"t"}`, i%2), "Prefer: wait=20")
		made = append([]string{string(got.job(t).ID)}, made...)
	}
	w.call("POST", "/v1/scores", inline, w.asOther())
	type page struct {
		Data       []struct{ ID string }
		NextCursor *string `json:"next_cursor"`
	}
	var seen []string
	cursor, pages := "", 0
	for {
		var p page
		w.call("GET", "/v1/scores?limit=2&cursor="+url.QueryEscape(cursor), "").into(t, &p)
		for _, j := range p.Data {
			seen = append(seen, j.ID)
		}
		if pages++; p.NextCursor == nil || pages > 9 {
			break
		}
		cursor = *p.NextCursor
	}
	if fmt.Sprint(seen) != fmt.Sprint(made) {
		t.Errorf("seen %v, want %v", seen, made)
	}
	for query, want := range map[string]int{"subject=s1": 2, "subject=nobody": 0, "status=completed": 5, "status=failed": 0, "status=completed&subject=s0": 3} {
		var p page
		got := w.call("GET", "/v1/scores?"+query, "")
		got.into(t, &p)
		if len(p.Data) != want || p.NextCursor != nil || p.Data == nil {
			t.Errorf("%s: %s", query, got.body)
		}
	}
}

// TestEvents: every state in order, once; a stream can be taken up again.
func TestEvents(t *testing.T) {
	t.Parallel()
	w := setup(t, options{})
	w.bank.shut()
	id := string(w.call("POST", "/v1/scores", inline).job(t).ID)
	req, err := http.NewRequestWithContext(t.Context(), "GET", w.server.URL+"/v1/scores/"+id+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+w.token("demo", ""))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%v", resp.Header)
	}
	var got []string
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		if n, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
			got = append(got, n)
			if n == "2" {
				w.bank.open()
			}
		}
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			job := answer{body: data}.job(t)
			got = append(got, string(job.Status))
			if (job.Score != nil) != (job.Status == "completed") {
				t.Errorf("got %s", data)
			}
		}
	}
	if s := strings.Join(got, " "); s != "1 accepted 2 fetching 3 scoring 4 completed" {
		t.Errorf("events %s", s)
	}
	for last, want := range map[string]string{"2": "3,4", "3": "4", "": "1,2,3,4", "x": "1,2,3,4", "9": "1,2,3,4"} {
		resumed := w.call("GET", "/v1/scores/"+id+"/events", "", "Last-Event-ID: "+last)
		var ids []string
		for line := range strings.Lines(resumed.body) {
			if n, ok := strings.CutPrefix(line, "id: "); ok {
				ids = append(ids, strings.TrimSpace(n))
			}
		}
		if strings.Join(ids, ",") != want {
			t.Errorf("after %q: %v", last, ids)
		}
	}
	if got := w.call("GET", "/v1/scores/"+id+"/events", "", "Last-Event-ID: 4"); got.status != 204 {
		t.Errorf("after the last: %d", got.status)
	}
	if got := w.call("HEAD", "/v1/scores/"+id+"/events", ""); got.status != 200 {
		t.Errorf("HEAD: %d", got.status)
	}
	if got := w.call("GET", "/v1/scores/"+id+"/events", "", w.asOther()); got.status != 404 {
		t.Errorf("another partner: %d", got.status)
	}
}

// TestEventsOfFailedJob tell of its past only what is certain.
func TestEventsOfFailedJob(t *testing.T) {
	t.Parallel()
	w := setup(t, options{})
	w.bank.set(func() { w.bank.fetch = &bank.Error{Code: bank.CodeUnauthorized, Op: "accounts"} })
	id := string(w.call("POST", "/v1/scores", inline, "Prefer: wait=20").job(t).ID)
	got := w.call("GET", "/v1/scores/"+id+"/events", "")
	if strings.Count(got.body, "data: ") != 2 || !strings.Contains(got.body, `"status":"accepted"`) || !strings.Contains(got.body, `"status":"failed"`) {
		t.Errorf("got %s", got.body)
	}
}
