package bank

import (
	"context"
	"fmt"
	"net/url"
	"strings"
)

// GetPages reads a list page by page, first call.URL, then each link that
// read returns, until it returns an empty one. A link may be absolute,
// relative to the page it stands on, or only a query.
//
// It fails with CodeBadData when a link was already followed, leaves the
// bank's origin or cannot be read, and after MaxPages pages. Errors: *Error
// with any Code, or what read returns.
func (h *HTTP) GetPages(ctx context.Context, call Call, read func(body []byte) (next string, err error)) error {
	seen := map[string]int{}
	for page := 1; ; page++ {
		if page > h.maxPages {
			return &Error{Code: CodeBadData, Op: call.Op, Detail: fmt.Sprintf("more than %d pages", h.maxPages)}
		}
		address := call.URL.String()
		if earlier, again := seen[address]; again {
			return &Error{Code: CodeBadData, Op: call.Op, Detail: fmt.Sprintf("page %d links back to page %d", page-1, earlier)}
		}
		seen[address] = page
		body, err := h.Get(ctx, call)
		if err != nil {
			return err
		}
		next, err := read(body)
		if err != nil || next == "" {
			return err
		}
		if call.URL, err = h.Resolve(call.Op, call.URL, next); err != nil {
			return err
		}
	}
}

// Resolve reads a link that stands on the page at from (RFC 3986 section
// 5.2). A link with another scheme, host or port than the bank's, or with
// user information, is an *Error with CodeBadData.
func (h *HTTP) Resolve(op string, from *url.URL, link string) (*url.URL, error) {
	ref, err := url.Parse(strings.TrimSpace(link))
	if err != nil {
		return nil, &Error{Code: CodeBadData, Op: op, Detail: "link is not a URL"}
	}
	u := from.ResolveReference(ref)
	u.Fragment, u.RawFragment = "", ""
	if !sameOrigin(h.base, u) {
		return nil, &Error{Code: CodeBadData, Op: op, Detail: "link leaves the bank's origin"}
	}
	return u, nil
}

// sameOrigin compares scheme, host and port (RFC 6454), the default port
// being the same as none.
func sameOrigin(a, b *url.URL) bool {
	return b != nil && b.User == nil && b.Opaque == "" &&
		a.Scheme == b.Scheme && strings.EqualFold(a.Hostname(), b.Hostname()) && port(a) == port(b)
}

func port(u *url.URL) string {
	switch p := u.Port(); {
	case p != "":
		return p
	case u.Scheme == "https":
		return "443"
	default:
		return "80"
	}
}
