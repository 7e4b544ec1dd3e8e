package sandbox

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// tppMessage is an error as NextGenPSD2 1.3 section 4.13 writes it.
type tppMessage struct {
	Category string `json:"category"`
	Code     string `json:"code"`
	Text     string `json:"text"`
}

// writeTPP answers with one tppMessage. A 401 carries the challenge that
// RFC 6750 section 3 asks for.
func writeTPP(w http.ResponseWriter, status int, code, text string) {
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="sandbox", error="invalid_token"`)
	}
	writeJSON(w, status, map[string]any{"tppMessages": []tppMessage{{"ERROR", code, text}}})
}

// writeJSON answers with v. Every v here is a value of our own that encodes.
func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "encoding the answer", http.StatusInternalServerError)
		return
	}
	writeBody(w, status, append(body, '\n'))
}

func writeBody(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may have left; nobody else would care
}
