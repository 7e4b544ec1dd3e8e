// Package sandbox is a whole pretend bank: an OAuth 2 authorization server
// with a consent page, and the accounts, balances and transactions of people
// who do not exist, served as Berlin Group NextGenPSD2 1.3. It ships with the
// demo and is as good a partner in tests: what it answers depends on
// [Config.Seed] and [Config.Now] alone.
//
//	b, err := sandbox.New(sandbox.Config{})
//	...
//	http.ListenAndServe("127.0.0.1:9090", b)
//
// # Endpoints
//
//	GET  /authorize                                consent page (RFC 6749 4.1, PKCE S256 required)
//	POST /authorize                                its answer: code, state and iss (RFC 9207) in a redirect
//	POST /token                                    authorization_code, refresh_token (rotating)
//	POST /revoke                                   RFC 7009
//	GET  /.well-known/oauth-authorization-server   RFC 8414
//	POST /v1/consents                              GET and DELETE /v1/consents/{id}, GET .../status
//	GET  /v1/accounts                              GET /v1/accounts/{id}, .../balances
//	GET  /v1/accounts/{id}/transactions            bookingStatus=booked|pending|both, dateFrom, dateTo
//	GET  /sandbox/faults                           also PUT and DELETE; only with Config.Admin
//
// A client posts the consent page's form as a browser would: the hidden
// field "request" (good once, for ten minutes), "person" (a login) and
// "decision" (allow or deny). The query parameter login_hint of /authorize
// selects a person beforehand.
//
// Where the standard leaves a choice: transactions come oldest first, in
// pages of [Config.PageSize] named by _links.next, the pending ones with the
// first page; X-Request-ID is echoed but not asked for; dateFrom may be left
// out; Consent-ID may be left out too, and must be that of the grant when it
// is given beside a token from /token. Errors are tppMessages.
//
// # People
//
// Each has a fixed token, [Token](login), so that a curl line works without
// the redirects. It never expires: a sandbox only.
//
//	alice   steady salary, puts money aside every month
//	bob     freelancer, income that comes and goes
//	carol   student, account opened five months ago
//	dave    overdrawn, returned debits, penalty fees, gambling
//	erin    pensioner
//	frank   account opened 40 days ago: too short to be scored
//	grace   high income, high rent, savings account
//	heidi   many instalments at once
//
// sandbox-token-person-<n> ([PersonToken]) is the token of a generated person
// for any n of 64 bits: the same n gives the same person.
//
// A history goes back two years and ends today (UTC). Within a calendar year
// what is booked stays booked: tomorrow's answer is today's and one day more.
// Running balances close row by row, and every IBAN has valid check digits
// under a bank code that is not assigned.
//
// # Faults
//
// A [Rule] lets a fault happen with every nth call or with a probability
// drawn from the seed and a counter; sandbox-token-fault-<name>
// ([FaultToken]) shows one fault with every call.
//
//	name         what the client sees
//	timeout      no answer until it hangs up
//	429          429, Retry-After, ACCESS_EXCEEDED
//	500          500, INTERNAL_SERVER_ERROR
//	502          502 with a gateway's HTML page
//	503          503, SERVICE_UNAVAILABLE
//	truncated    200 and the first half of the JSON
//	wrong-json   200 and well-formed JSON of the wrong types
//	html         200 and an HTML page ("maintenance")
//	expired      401, TOKEN_EXPIRED (at /token: 400 invalid_grant)
//	drip         200 and the body in 64 small pieces, one every Faults.DripEvery
//	reset        the connection reset in the middle of the body
//
// # Files
//
// With [Config.AccountsDir] the bank also serves given payloads: one file a
// person, NAME.json, whose login is NAME.
//
//	{"accounts":     [ account objects, each with a resourceId ],
//	 "balances":     {"<resourceId>": [ balance objects ]},
//	 "transactions": {"<resourceId>": {"booked": [ ... ], "pending": [ ... ]}}}
//
// Objects are served byte for byte, in the order given; transactions are
// filtered by bookingDate and cut into pages. A login given in a file hides
// the seeded person of that name.
//
// # Limits
//
// State lives in memory and ends with the process; consents, codes and tokens
// are capped ([Config.MaxGrants]) and the oldest go first. There is no
// signature, no client certificate and no second factor, and public holidays
// are working days here.
package sandbox
