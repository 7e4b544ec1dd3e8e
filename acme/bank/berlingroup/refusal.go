package berlingroup

import (
	"encoding/json"

	"acme.example/creditscore/acme/bank"
)

// Refusal is the message code with which a bank refused a request, and the
// cause of the *bank.Error: one of the standard's own, never other text.
type Refusal string

// Error returns the code.
func (r Refusal) Error() string { return string(r) }

// refusals are the message codes that can answer account information
// (NextGenPSD2 XS2A implementation guidelines 1.3, section 14.11) with what
// they mean for us.
var refusals = map[Refusal]bank.Code{
	"CONSENT_UNKNOWN":           bank.CodeUnauthorized,
	"CONSENT_INVALID":           bank.CodeUnauthorized,
	"CONSENT_EXPIRED":           bank.CodeUnauthorized,
	"TOKEN_UNKNOWN":             bank.CodeUnauthorized,
	"TOKEN_INVALID":             bank.CodeUnauthorized,
	"TOKEN_EXPIRED":             bank.CodeUnauthorized,
	"CERTIFICATE_INVALID":       bank.CodeUnauthorized,
	"CERTIFICATE_EXPIRED":       bank.CodeUnauthorized,
	"CERTIFICATE_BLOCKED":       bank.CodeUnauthorized,
	"CERTIFICATE_REVOKED":       bank.CodeUnauthorized,
	"CERTIFICATE_MISSING":       bank.CodeUnauthorized,
	"SIGNATURE_INVALID":         bank.CodeUnauthorized,
	"SIGNATURE_MISSING":         bank.CodeUnauthorized,
	"ROLE_INVALID":              bank.CodeUnauthorized,
	"PSU_CREDENTIALS_INVALID":   bank.CodeUnauthorized,
	"CORPORATE_ID_INVALID":      bank.CodeUnauthorized,
	"SERVICE_BLOCKED":           bank.CodeUnauthorized,
	"RESOURCE_BLOCKED":          bank.CodeUnauthorized,
	"ACCESS_EXCEEDED":           bank.CodeRateLimited,
	"INTERNAL_SERVER_ERROR":     bank.CodeUnavailable,
	"PERIOD_INVALID":            bank.CodeBadData,
	"FORMAT_ERROR":              bank.CodeBadData,
	"PARAMETER_NOT_CONSISTENT":  bank.CodeBadData,
	"PARAMETER_NOT_SUPPORTED":   bank.CodeBadData,
	"SERVICE_INVALID":           bank.CodeBadData,
	"RESOURCE_UNKNOWN":          bank.CodeBadData,
	"RESOURCE_EXPIRED":          bank.CodeBadData,
	"TIMESTAMP_INVALID":         bank.CodeBadData,
	"REQUESTED_FORMATS_INVALID": bank.CodeBadData,
	"SESSIONS_NOT_SUPPORTED":    bank.CodeBadData,
}

// refused reads both forms an error may have: tppMessages, and RFC 7807
// problem details with a code and additionalErrors. A message that ends the
// consent outweighs the others.
func refused(status int, body []byte) (bank.Code, error) {
	var answer struct {
		TPPMessages      []messageCode `json:"tppMessages"`
		Code             flexText      `json:"code"`
		AdditionalErrors []messageCode `json:"additionalErrors"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return "", nil
	}
	var found Refusal
	for _, m := range append(append(answer.TPPMessages, messageCode{answer.Code}), answer.AdditionalErrors...) {
		r := Refusal(m.Code)
		code, known := refusals[r]
		if known && (found == "" || code == bank.CodeUnauthorized && refusals[found] != code) {
			found = r
		}
	}
	code := refusals[found]
	switch {
	case found == "":
		return "", nil
	case code == bank.CodeBadData && (status == 401 || status == 403):
		code = bank.CodeUnauthorized // the status is the stronger word
	}
	return code, found
}

type messageCode struct {
	Code flexText `json:"code"`
}
