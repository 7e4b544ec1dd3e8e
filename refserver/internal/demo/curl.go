package demo

import (
	"fmt"
	"strings"
)

// try is one thing to paste into a shell.
type try struct{ what, command string }

// tries are ready-made calls, each good as it stands once the first was made.
func tries(p *parts) []try {
	const auth = `-H "Authorization: Bearer $TOKEN"`
	const json = `-H 'Content-Type: application/json'`
	return []try{
		{"an access token, good for an hour",
			fmt.Sprintf("TOKEN=$(curl -s -u %s:%s -d grant_type=client_credentials \\\n  %s/oauth/token | sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/')",
				partnerID, partnerSecret, p.serverURL)},
		{"a score, asynchronously: 202, and a webhook to this window",
			fmt.Sprintf("curl -si %s \\\n  %s \\\n  -d '{\"bank\":\"sandbox\",\"subject\":\"user-1\",\"access_token\":\"sandbox-token-alice\"}' \\\n  %s/v1/scores", auth, json, p.serverURL)},
		{"a score, synchronously: 200 with the finished job",
			fmt.Sprintf("curl -si %s \\\n  %s -H 'Prefer: wait=60' \\\n  -d '{\"bank\":\"sandbox\",\"subject\":\"user-1\",\"access_token\":\"sandbox-token-alice\"}' \\\n  %s/v1/scores", auth, json, p.serverURL)},
		{"a consent: open its authorize_url in a browser",
			fmt.Sprintf("curl -si %s \\\n  %s \\\n  -d '{\"bank\":\"sandbox\",\"subject\":\"user-2\",\n       \"redirect_uri\":\"%s\"}' \\\n  %s/v1/consents", auth, json, p.doneURL, p.serverURL)},
		{"the scores so far, newest first",
			fmt.Sprintf("curl -s %s \\\n  '%s/v1/scores?limit=5'", auth, p.serverURL)},
		{"where webhooks go",
			fmt.Sprintf("curl -s %s \\\n  %s/v1/webhook-endpoints", auth, p.serverURL)},
	}
}

// invitation names the addresses and what to try.
func (s *screen) invitation(p *parts) {
	s.heading("Still serving; press Ctrl-C to stop")
	for _, a := range [][2]string{
		{"API", p.serverURL}, {"contract", p.serverURL + "/openapi.json"}, {"metrics", p.serverURL + "/metrics"},
		{"bank", p.bankURL}, {"webhooks", p.hookURL},
	} {
		s.line(fmt.Sprintf("  %-9s %s", a[0], a[1]))
	}
	s.heading("To paste into a shell")
	for _, t := range tries(p) {
		s.line("\n" + s.style(dim, "# "+t.what))
		s.line(t.command)
	}
	s.line("")
	s.line(s.style(dim, strings.Join(wrapped("Other people's tokens at this bank: sandbox-token-bob, -carol, -dave, -erin, "+
		"-frank (too new to be scored), -grace, -heidi. Webhooks that arrive are shown below.", s.width), "\n")))
}
