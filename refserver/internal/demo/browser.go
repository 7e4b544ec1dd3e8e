package demo

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// browser is the person's: it follows redirects, and can press the button on
// the bank's page.
type browser struct {
	client *http.Client
	at     *url.URL
	page   string
}

func newBrowser() *browser { return &browser{client: &http.Client{}} }

// open goes to an address and wherever it leads.
func (b *browser) open(ctx context.Context, address string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	return b.load(req)
}

var requestField = regexp.MustCompile(`name="request" value="([^"]*)"`)

// allow answers the bank's consent page as this person.
func (b *browser) allow(ctx context.Context, person string) error {
	field := requestField.FindStringSubmatch(b.page)
	if field == nil {
		return errors.New("the bank showed no consent page")
	}
	form := url.Values{"request": {html.UnescapeString(field[1])}, "person": {person}, "decision": {"allow"}}
	target := b.at.ResolveReference(&url.URL{Path: "/authorize"})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.load(req)
}

func (b *browser) load(req *http.Request) error {
	resp, err := b.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return err
	}
	b.at, b.page = resp.Request.URL, string(page)
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s%s answered %s", b.at.Host, b.at.Path, resp.Status)
	}
	return nil
}
