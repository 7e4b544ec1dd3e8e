package sandbox_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"acme.example/creditscore/acme/bank/sandbox"
)

// A bank in a test: the fixed token of a seeded person is all it takes.
func Example() {
	b, err := sandbox.New(sandbox.Config{Now: func() time.Time { return time.Date(2026, 3, 18, 12, 0, 0, 0, time.UTC) }})
	if err != nil {
		fmt.Println(err)
		return
	}
	r := httptest.NewRequest(http.MethodGet, "/v1/accounts", nil)
	r.Header.Set("Authorization", "Bearer "+sandbox.Token("erin"))
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	body, _ := io.ReadAll(w.Body)
	fmt.Println(w.Code, len(body) > 0, b.People()[4].Name)
	// Output: 200 true Erin Engel
}
