package e2e_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// partner is a caller of the API.
type partner struct {
	base, token string
	client      *http.Client
}

// answer is what came back, read to its end.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// newPartner signs in as demo or other.
func newPartner(t *testing.T, base, id string) *partner {
	t.Helper()
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 64
	t.Cleanup(transport.CloseIdleConnections)
	p := &partner{base: base, client: &http.Client{Transport: transport, Timeout: patience}}
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {id + "-secret"}}
	a, err := p.do(t.Context(), "POST", "/oauth/token", form.Encode(), "Content-Type: application/x-www-form-urlencoded")
	if err != nil || a.status != http.StatusOK {
		t.Fatalf("signing in: %v %+v", err, a)
	}
	var got struct {
		AccessToken string `json:"access_token"`
	}
	a.decode(t, &got)
	p.token = got.AccessToken
	return p
}

// do makes one call. Headers are "Name: value"; one given replaces what is
// usual, and one without a value leaves it out.
func (p *partner) do(ctx context.Context, method, path, body string, headers ...string) (*answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, p.base+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	if p.token != "" {
		req.Header.Set("Authorization", "Bearer "+p.token)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		name = strings.TrimSuffix(name, ":")
		req.Header.Del(name)
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(resp.Body)
	return &answer{resp.StatusCode, resp.Header, raw}, errors.Join(err, resp.Body.Close())
}

// want makes a call that must succeed with this status.
func (p *partner) want(t *testing.T, status int, method, path, body string, headers ...string) *answer {
	t.Helper()
	a, err := p.do(t.Context(), method, path, body, headers...)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	if a.status != status {
		t.Fatalf("%s %s: %d, want %d\n%s", method, path, a.status, status, a.body)
	}
	return a
}

func (a *answer) decode(t *testing.T, into any) {
	t.Helper()
	if err := json.Unmarshal(a.body, into); err != nil {
		t.Fatalf("%v in %s", err, a.body)
	}
}

// job is a job as the API shows it. Score and Error are kept as they came.
type job struct {
	ID          string
	Status      string
	Subject     string
	CompletedAt string `json:"completed_at"`
	Score       json.RawMessage
	Error       json.RawMessage
}

func (a *answer) job(t *testing.T) job {
	t.Helper()
	var j job
	a.decode(t, &j)
	if !strings.HasPrefix(j.ID, "scr_") {
		t.Fatalf("no job: %s", a.body)
	}
	return j
}

// outcome is everything of a finished job that must never change, in one
// text: its end, and its score but for the cash flow, which events leave out.
func (j job) outcome() (string, error) {
	var s map[string]any
	if err := json.Unmarshal(j.Score, &s); err != nil {
		return "", fmt.Errorf("score of %s: %w", j.ID, err)
	}
	delete(s, "cash_flow")
	parts := []string{j.Status, j.CompletedAt, string(j.Error)}
	for _, name := range slices.Sorted(maps.Keys(s)) {
		v, err := json.Marshal(s[name])
		if err != nil {
			return "", err
		}
		parts = append(parts, name+"="+string(v))
	}
	return strings.Join(parts, " "), nil
}

// page is one page of a list of jobs.
type page struct {
	Data       []job
	NextCursor *string `json:"next_cursor"`
}

// jobs reads the whole list, at most limit a page, making each call until it
// is answered. It fails on an id that is shown twice.
func (p *partner) jobs(ctx context.Context, limit int, pause time.Duration) (map[string]job, error) {
	found := map[string]job{}
	cursor := ""
	for {
		a, err := p.until(ctx, "GET", "/v1/scores?limit="+itoa(limit)+"&cursor="+url.QueryEscape(cursor), "", pause)
		if err != nil {
			return found, err
		}
		var got page
		if err := json.Unmarshal(a.body, &got); err != nil || a.status != http.StatusOK {
			return found, fmt.Errorf("list: %d %s", a.status, a.body)
		}
		for _, j := range got.Data {
			if _, twice := found[j.ID]; twice {
				return found, fmt.Errorf("job %s is listed twice", j.ID)
			}
			found[j.ID] = j
		}
		if got.NextCursor == nil {
			return found, nil
		}
		cursor = *got.NextCursor
		select {
		case <-ctx.Done():
			return found, ctx.Err()
		case <-time.After(pause):
		}
	}
}

// until repeats a call as a careful client does: when the connection breaks,
// and when the server is not ready (503).
func (p *partner) until(ctx context.Context, method, path, body string, pause time.Duration, headers ...string) (*answer, error) {
	for {
		a, err := p.do(ctx, method, path, body, headers...)
		if err == nil && a.status != http.StatusServiceUnavailable {
			return a, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(max(pause, 10*time.Millisecond)):
		}
	}
}

// eventually asks again and again until ok, and fails the test when it takes
// longer than anything reasonable.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	end := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(end) {
			t.Fatalf("still not: %s", what)
		}
		select {
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		case <-time.After(25 * time.Millisecond):
		}
	}
}
