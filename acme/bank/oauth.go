package bank

import (
	"context"
	"crypto/subtle"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

// OAuth obtains a person's consent by the authorization code grant of OAuth
// 2.0 (RFC 6749 section 4.1) with PKCE S256 (RFC 7636), and implements
// Consenter. It keeps no state: what ties the bank's answer to the request
// is in the Authorization, for the caller to keep.
//
// Requests to the bank are made once: an authorization code and a rotating
// refresh token are good for one use only. It is safe for concurrent use.
type OAuth struct {
	config     oauth2.Config
	secret     Token
	revocation string
	issuer     string
	requireIss bool
	timeout    time.Duration
	client     *http.Client
	now        func() time.Time
}

var _ Consenter = (*OAuth)(nil)

// OAuthConfig is one bank's authorization server and this client's place at it.
type OAuthConfig struct {
	ClientID string
	// ClientSecret is empty for a public client.
	ClientSecret Token
	// SecretInBody sends the secret as a form field (client_secret_post)
	// where a bank refuses HTTP Basic, which is the default.
	SecretInBody bool
	// AuthorizationURL is where the person's browser goes, TokenURL where
	// codes become tokens, RevocationURL (optional) where they are revoked.
	AuthorizationURL, TokenURL, RevocationURL string
	// Issuer is the authorization server's own name. With it, an answer that
	// names another issuer is refused; RequireIssuer also refuses an answer
	// that names none, for servers known to send it (RFC 9207 section 2.4).
	Issuer        string
	RequireIssuer bool
	// Scopes are asked for, such as "accounts".
	Scopes []string
	// Timeout bounds one request. Default 60 s.
	Timeout time.Duration
	// Transport carries the requests; nil takes one of its own.
	Transport http.RoundTripper
	// Now is the clock that expires_in counts from. Default time.Now.
	Now func() time.Time
}

// NewOAuth checks the configuration and reports every fault at once.
func NewOAuth(c OAuthConfig) (*OAuth, error) {
	var faults []error
	for _, e := range []struct {
		field, url string
		required   bool
	}{
		{"AuthorizationURL", c.AuthorizationURL, true},
		{"TokenURL", c.TokenURL, true},
		{"RevocationURL", c.RevocationURL, false},
	} {
		if _, err := parseEndpoint(e.field, e.url, e.required); err != nil {
			faults = append(faults, err)
		}
	}
	if c.ClientID == "" {
		faults = append(faults, fault("ClientID", "empty", "the id the bank gave this client"))
	}
	if c.RequireIssuer && c.Issuer == "" {
		faults = append(faults, fault("RequireIssuer", "true without Issuer", "an Issuer to compare with"))
	}
	if c.Timeout < 0 {
		faults = append(faults, fault("Timeout", c.Timeout, "a positive duration or 0 for 60s"))
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	style := oauth2.AuthStyleInHeader
	if c.SecretInBody || c.ClientSecret.IsZero() {
		style = oauth2.AuthStyleInParams
	}
	o := &OAuth{
		config: oauth2.Config{
			ClientID: c.ClientID,
			Endpoint: oauth2.Endpoint{AuthURL: c.AuthorizationURL, TokenURL: c.TokenURL, AuthStyle: style},
			Scopes:   append([]string(nil), c.Scopes...),
		},
		secret: c.ClientSecret, revocation: c.RevocationURL,
		issuer: c.Issuer, requireIss: c.RequireIssuer,
		timeout: c.Timeout, now: c.Now,
	}
	if o.timeout == 0 {
		o.timeout = DefaultTimeout
	}
	if o.now == nil {
		o.now = time.Now
	}
	// A redirect would carry the code and the secret somewhere else.
	o.client = newClient(c.Transport, func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse })
	return o, nil
}

// Close closes the connections that are idle. Requests under way go on.
func (o *OAuth) Close() { closeIdle(o.client) }

// Authorize starts a consent: 256 random bits of state and of code verifier,
// and the address that carries the one and the other's S256 challenge. It
// makes no request.
func (o *OAuth) Authorize(_ context.Context, redirect string) (Authorization, error) {
	state, verifier := oauth2.GenerateVerifier(), oauth2.GenerateVerifier()
	c := o.config
	c.RedirectURL = redirect
	return Authorization{
		URL:      c.AuthCodeURL(state, oauth2.S256ChallengeOption(verifier)),
		State:    NewToken(state),
		Verifier: NewToken(verifier),
	}, nil
}

// Exchange turns the bank's answer into tokens. State and issuer are checked
// first, since an answer that fails them says nothing, not even an error.
// Errors: *Error, with ErrStateMismatch, ErrIssuerMismatch or ErrDenied as
// its cause where the answer itself was at fault.
func (o *OAuth) Exchange(ctx context.Context, redirect string, a Authorization, cb Callback) (Grant, error) {
	const op = "authorization"
	state, want := cb.State.Reveal(), a.State.Reveal()
	if want == "" || subtle.ConstantTimeCompare([]byte(state), []byte(want)) != 1 {
		return Grant{}, &Error{Code: CodeUnauthorized, Op: op, Detail: ErrStateMismatch.Error(), Err: ErrStateMismatch}
	}
	if o.issuer != "" && cb.Issuer != o.issuer && (cb.Issuer != "" || o.requireIss) {
		return Grant{}, &Error{Code: CodeUnauthorized, Op: op, Detail: ErrIssuerMismatch.Error(), Err: ErrIssuerMismatch}
	}
	if cb.Error != "" {
		return Grant{}, answeredError(op, 0, cb.Error)
	}
	if cb.Code.IsZero() {
		return Grant{}, &Error{Code: CodeUnauthorized, Op: op, Detail: "the answer holds neither a code nor an error"}
	}
	g, err := o.token(ctx, "token", func(ctx context.Context, c *oauth2.Config) (*oauth2.Token, error) {
		c.RedirectURL = redirect
		return c.Exchange(ctx, cb.Code.Reveal(), oauth2.VerifierOption(a.Verifier.Reveal()))
	})
	if g.ConsentID.IsZero() {
		g.ConsentID = a.ConsentID
	}
	return g, err
}

// Refresh trades the refresh token for a new grant. Where the bank returns
// no refresh token the old one stays good (RFC 6749 section 6). A grant
// without a refresh token, or with one the bank no longer takes, is
// CodeUnauthorized.
func (o *OAuth) Refresh(ctx context.Context, g Grant) (Grant, error) {
	if g.RefreshToken.IsZero() {
		return Grant{}, &Error{Code: CodeUnauthorized, Op: "refresh", Detail: "there is no refresh token"}
	}
	fresh, err := o.token(ctx, "refresh", func(ctx context.Context, c *oauth2.Config) (*oauth2.Token, error) {
		return c.TokenSource(ctx, &oauth2.Token{RefreshToken: g.RefreshToken.Reveal()}).Token()
	})
	if err != nil {
		return Grant{}, err
	}
	if fresh.RefreshToken.IsZero() {
		fresh.RefreshToken = g.RefreshToken
	}
	if fresh.ConsentID.IsZero() {
		fresh.ConsentID = g.ConsentID
	}
	return fresh, nil
}

// token makes one request to the token endpoint.
func (o *OAuth) token(ctx context.Context, op string, ask func(context.Context, *oauth2.Config) (*oauth2.Token, error)) (Grant, error) {
	own, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	c := o.config // a copy, so that the secret is readable during the call only
	c.ClientSecret = o.secret.Reveal()
	asked := o.now()
	t, err := ask(context.WithValue(own, oauth2.HTTPClient, o.client), &c)
	if err != nil {
		return Grant{}, o.tokenFailed(ctx, own, op, err)
	}
	if kind := t.Type(); !strings.EqualFold(kind, "Bearer") {
		return Grant{}, &Error{Code: CodeBadData, Op: op, Detail: "the token is not a bearer token"}
	}
	g := Grant{AccessToken: NewToken(t.AccessToken), RefreshToken: NewToken(t.RefreshToken)}
	switch {
	case t.ExpiresIn > 0:
		g.ExpiresAt = asked.Add(time.Duration(min(t.ExpiresIn, maxExpiresIn)) * time.Second)
	case !t.Expiry.IsZero(): // an answer in form encoding
		g.ExpiresAt = t.Expiry
	}
	for _, field := range []string{"consentId", "consent_id"} {
		if id, ok := t.Extra(field).(string); ok && id != "" {
			g.ConsentID = NewText(id)
			break
		}
	}
	return g, nil
}

// maxExpiresIn is ten years in seconds, so that no answer overflows a time.
const maxExpiresIn = 10 * 365 * 24 * 3600

// tokenFailed drops what x/oauth2 keeps of the answer: its errors hold the body.
func (o *OAuth) tokenFailed(ctx, own context.Context, op string, err error) *Error {
	var answered *oauth2.RetrieveError
	var lost *url.Error
	switch {
	case errors.As(err, &answered):
		status := 0
		wait := time.Duration(0)
		if answered.Response != nil {
			status = answered.Response.StatusCode
			wait, _ = parseRetryAfter(answered.Response.Header.Get("Retry-After"), o.now())
		}
		e := answeredError(op, status, answered.ErrorCode)
		if e.Code == CodeRateLimited || e.Code == CodeUnavailable {
			e.RetryAfter = wait
		}
		return e
	case errors.As(err, &lost), own.Err() != nil:
		return requestFailed(ctx, own, op, o.timeout, err)
	default:
		return &Error{Code: CodeBadData, Op: op, Detail: "the token answer could not be read"}
	}
}

// answeredErrors is what RFC 6749 (sections 4.1.2.1 and 5.2), RFC 6750
// (section 3.1) and RFC 7009 (section 2.2.1) let a server answer. Only these
// words may enter an Error.
var answeredErrors = map[string]Code{
	"access_denied":             CodeUnauthorized,
	"invalid_grant":             CodeUnauthorized,
	"invalid_client":            CodeUnauthorized,
	"unauthorized_client":       CodeUnauthorized,
	"invalid_scope":             CodeUnauthorized,
	"invalid_token":             CodeUnauthorized,
	"insufficient_scope":        CodeUnauthorized,
	"invalid_request":           CodeBadData,
	"unsupported_response_type": CodeBadData,
	"unsupported_grant_type":    CodeBadData,
	"unsupported_token_type":    CodeBadData,
	"server_error":              CodeUnavailable,
	"temporarily_unavailable":   CodeUnavailable,
}

// errTokenType: the server cannot revoke tokens of this type.
var errTokenType = errors.New("unsupported token type")

// answeredError maps an OAuth error code and the status it came with (0: in
// a redirect).
func answeredError(op string, status int, code string) *Error {
	e := &Error{Op: op, Status: status}
	known, ok := answeredErrors[code]
	if ok {
		e.Detail = code
	}
	switch {
	case status == http.StatusTooManyRequests:
		e.Code = CodeRateLimited
	case status == http.StatusRequestTimeout || status >= 500:
		e.Code = CodeUnavailable
	case code == "access_denied":
		e.Code, e.Err = known, ErrDenied
	case ok:
		e.Code = known
		if code == "unsupported_token_type" {
			e.Err = errTokenType
		}
	case status == 0:
		e.Code, e.Detail = CodeUnauthorized, "the bank answered with an error outside the standard"
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		e.Code = CodeUnauthorized
	default:
		e.Code, e.Detail = CodeBadData, "unexpected answer"
	}
	return e
}

// Revoke ends the grant at the bank (RFC 7009): the refresh token first,
// since a server then ends what came from it, and the access token, which
// some servers keep alive. A bank without revocation, and a token it does
// not know any more, answer nil.
func (o *OAuth) Revoke(ctx context.Context, g Grant) error {
	if o.revocation == "" {
		return nil
	}
	if !g.RefreshToken.IsZero() {
		if err := o.revoke(ctx, g.RefreshToken, "refresh_token"); err != nil {
			return err
		}
	}
	if g.AccessToken.IsZero() {
		return nil
	}
	err := o.revoke(ctx, g.AccessToken, "access_token")
	if errors.Is(err, errTokenType) && !g.RefreshToken.IsZero() {
		return nil // the server ends access tokens with their refresh token
	}
	return err
}

func (o *OAuth) revoke(ctx context.Context, t Token, hint string) error {
	const op = "revocation"
	own, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	form := url.Values{"token": {t.Reveal()}, "token_type_hint": {hint}}
	inBody := o.config.Endpoint.AuthStyle == oauth2.AuthStyleInParams
	if inBody {
		form.Set("client_id", o.config.ClientID)
		if !o.secret.IsZero() {
			form.Set("client_secret", o.secret.Reveal())
		}
	}
	req, err := http.NewRequestWithContext(own, http.MethodPost, o.revocation, strings.NewReader(form.Encode()))
	if err != nil {
		return &Error{Code: CodeBadData, Op: op, Detail: "request could not be made"}
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	if !inBody { // RFC 6749 section 2.3.1: both parts form-encoded first
		req.SetBasicAuth(url.QueryEscape(o.config.ClientID), url.QueryEscape(o.secret.Reveal()))
	}
	resp, err := o.client.Do(req)
	if err != nil {
		return requestFailed(ctx, own, op, o.timeout, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxErrorBody)) // so that the connection is kept
		return nil
	}
	var answer struct {
		Error string `json:"error"`
	}
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
	_ = DecodeJSON(op, body, &answer) // an answer without the field is judged by its status
	e := answeredError(op, resp.StatusCode, answer.Error)
	if e.Code == CodeRateLimited || e.Code == CodeUnavailable {
		e.RetryAfter, _ = parseRetryAfter(resp.Header.Get("Retry-After"), o.now())
	}
	return e
}
