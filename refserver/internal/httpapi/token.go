package httpapi

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"time"
)

// tokens makes and reads access tokens. A token is a sealed note of who may
// call until when: nothing is stored, so tokens outlive the process and are
// good at every replica with the same keys. A single one cannot be taken back
// before its hour is over; a partner removed from the configuration is out at
// once.
type tokens struct {
	keys Sealer
	now  func() time.Time
}

const (
	tokenLifetime = time.Hour
	tokenPurpose  = "access-token"
	tokenVersion  = 1
	maxToken      = 4096
)

// errBadToken: not ours, altered, or past its time.
var errBadToken = errors.New("bad access token")

// issue makes a token for a partner.
func (t *tokens) issue(partner string) (string, error) {
	note := make([]byte, 9, 9+len(partner))
	note[0] = tokenVersion
	binary.BigEndian.PutUint64(note[1:], uint64(t.now().Add(tokenLifetime).Unix()))
	sealed, err := t.keys.Seal(append(note, partner...), tokenPurpose)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(sealed), nil
}

// read returns the partner a token was issued to, or errBadToken.
func (t *tokens) read(text string) (partner string, err error) {
	if len(text) > maxToken {
		return "", errBadToken
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return "", errBadToken
	}
	note, err := t.keys.Unseal(sealed, tokenPurpose)
	if err != nil || len(note) < 9 || note[0] != tokenVersion {
		return "", errBadToken
	}
	if t.now().Unix() >= int64(binary.BigEndian.Uint64(note[1:9])) {
		return "", errBadToken
	}
	return string(note[9:]), nil
}
