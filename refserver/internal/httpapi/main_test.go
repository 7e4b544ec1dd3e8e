package httpapi_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails when a handler, a waiting call or an engine leaves a
// goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
