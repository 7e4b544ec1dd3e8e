package demo

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"acme.example/creditscore/acme"
)

// partner makes the calls that a partner's own server would make.
type partner struct{ base, token string }

// jobAnswer and consentAnswer are answers as they come over the wire.
type jobAnswer struct{ acme.Job }

func (j *jobAnswer) errorText() string {
	if j.Error == nil {
		return "no reason given"
	}
	return string(j.Error.Code) + ": " + j.Error.Detail
}

type consentAnswer struct {
	ID           string `json:"id"`
	AuthorizeURL string `json:"authorize_url"`
}

func (p *partner) signIn(ctx context.Context) error {
	form := url.Values{"grant_type": {"client_credentials"}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.base+"/oauth/token", strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.SetBasicAuth(partnerID, partnerSecret)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	if err := exchange(req, http.StatusOK, &answer); err != nil {
		return err
	}
	p.token = answer.AccessToken
	return nil
}

func (p *partner) registerEndpoint(ctx context.Context, parts *parts) error {
	var answer struct {
		Secret string `json:"secret"`
	}
	if err := p.post(ctx, "/v1/webhook-endpoints", nil, map[string]any{"url": parts.hookURL}, http.StatusCreated, &answer); err != nil {
		return err
	}
	return parts.receive(answer.Secret)
}

func (p *partner) createConsent(ctx context.Context, redirect string) (c consentAnswer, err error) {
	err = p.post(ctx, "/v1/consents", nil,
		map[string]any{"bank": "sandbox", "subject": subject, "redirect_uri": redirect}, http.StatusCreated, &c)
	return c, err
}

func (p *partner) askForScore(ctx context.Context, consent string) (*jobAnswer, error) {
	job := new(jobAnswer)
	err := p.post(ctx, "/v1/scores", nil, map[string]any{"consent_id": consent}, http.StatusAccepted, job)
	return job, err
}

// scoreNow waits for the score on the open connection.
func (p *partner) scoreNow(ctx context.Context, consent string) (*jobAnswer, error) {
	job := new(jobAnswer)
	err := p.post(ctx, "/v1/scores", http.Header{"Prefer": {"wait=60"}}, map[string]any{"consent_id": consent}, http.StatusOK, job)
	if err == nil && job.Score == nil {
		err = fmt.Errorf("the job %s: %s", job.Status, job.errorText())
	}
	return job, err
}

// follow reads the job's events until it is finished, and shows each state.
func (p *partner) follow(ctx context.Context, id string, show func(string)) (*jobAnswer, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.base+"/v1/scores/"+id+"/events", nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+p.token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("GET …/events answered %s", resp.Status)
	}
	lines := bufio.NewReader(resp.Body)
	var states []string
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return nil, errors.New("the events ended before the job did")
		}
		data, ok := strings.CutPrefix(line, "data: ")
		if !ok {
			continue
		}
		job := new(jobAnswer)
		if err := json.Unmarshal([]byte(data), job); err != nil {
			return nil, fmt.Errorf("reading an event: %w", err)
		}
		states = append(states, string(job.Status))
		show(strings.Join(states, " → "))
		if job.Status.Finished() {
			return job, nil
		}
	}
}

func (p *partner) post(ctx context.Context, path string, header http.Header, body any, want int, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.base+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	if header != nil {
		req.Header = header
	}
	req.Header.Set("Authorization", "Bearer "+p.token)
	req.Header.Set("Content-Type", "application/json")
	return exchange(req, want, into)
}

// exchange makes a call; any answer but the wanted one is an error that says
// what the problem was.
func exchange(req *http.Request, want int, into any) error {
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("%s %s: %w", req.Method, req.URL.Path, err)
	}
	if resp.StatusCode != want {
		var problem struct {
			Title  string `json:"title"`
			Detail string `json:"detail"`
		}
		_ = json.Unmarshal(body, &problem) // without a title the status stands alone
		return fmt.Errorf("%s %s answered %s: %s %s", req.Method, req.URL.Path, resp.Status, problem.Title, problem.Detail)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("%s %s: %w", req.Method, req.URL.Path, err)
	}
	return nil
}
