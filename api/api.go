// Package api holds the contract in its machine-readable form.
package api

import _ "embed"

//go:embed openapi.json
var openAPI []byte

// OpenAPI returns the OpenAPI 3.1 document of the HTTP API. The caller must
// not change it.
func OpenAPI() []byte { return openAPI }
