package webhook_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"acme.example/creditscore/acme/webhook"
)

func TestEventBodyIsDeterministic(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 30, 0, 120_000_000, time.UTC)
	event := webhook.Event{Type: "score.completed", Timestamp: at, Data: json.RawMessage(" {\"b\": 1,\n \"a\": \"<&>\"} ")}
	const want = `{"type":"score.completed","timestamp":"2026-03-01T12:30:00.12Z","data":{"b":1,"a":"<&>"}}`
	for _, zone := range []*time.Location{time.UTC, time.FixedZone("east", 2*3600)} {
		event.Timestamp = at.In(zone)
		got, err := event.Body()
		if err != nil || string(got) != want {
			t.Fatalf("in %s: %s, %v\nwant %s", zone, got, err, want)
		}
	}
	back, err := webhook.ParseEvent([]byte(want))
	if err != nil {
		t.Fatal(err)
	}
	if again, err := back.Body(); err != nil || string(again) != want {
		t.Fatalf("read and written again: %s, %v", again, err)
	}
}

func TestEventBodyWithoutData(t *testing.T) {
	t.Parallel()
	got, err := webhook.Event{Type: "ping", Timestamp: time.Unix(1, 0)}.Body()
	if want := `{"type":"ping","timestamp":"1970-01-01T00:00:01Z","data":{}}`; err != nil || string(got) != want {
		t.Fatalf("%s, %v; want %s", got, err, want)
	}
}

func TestEventRefuses(t *testing.T) {
	t.Parallel()
	now := time.Unix(1614265330, 0)
	for rule, event := range map[string]webhook.Event{
		"no type":                {Timestamp: now},
		"type with a space":      {Type: "score completed", Timestamp: now},
		"type with empty part":   {Type: "score..completed", Timestamp: now},
		"type ending in a stop":  {Type: "score.", Timestamp: now},
		"type with a line break": {Type: "score\n", Timestamp: now},
		"type without end":       {Type: string(bytes.Repeat([]byte("a"), 129)), Timestamp: now},
		"no timestamp":           {Type: "a"},
		"year of five digits":    {Type: "a", Timestamp: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)},
		"data that is not JSON":  {Type: "a", Timestamp: now, Data: []byte(`{"a":`)},
		"two values as data":     {Type: "a", Timestamp: now, Data: []byte(`1 2`)},
		"data not in UTF-8":      {Type: "a", Timestamp: now, Data: []byte("\"\xff\"")},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			if body, err := event.Body(); !errors.Is(err, webhook.ErrBadEvent) {
				t.Fatalf("got %s, %v; want ErrBadEvent", body, err)
			}
		})
	}
}

func TestParseEventPassesOverWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	e, err := webhook.ParseEvent([]byte(`{"type":"a.b","timestamp":"2022-11-03T20:26:10.344522Z","data":{"x":1},"later":true}`))
	if err != nil || e.Type != "a.b" || string(e.Data) != `{"x":1}` || e.Timestamp.Year() != 2022 {
		t.Fatalf("%+v, %v", e, err)
	}
	for _, bad := range []string{"", "[]", "{}", `{"type":"a"}`, `{"type":"a","timestamp":"yesterday"}`, vectorBody} {
		if _, err := webhook.ParseEvent([]byte(bad)); !errors.Is(err, webhook.ErrBadEvent) {
			t.Errorf("%s: %v, want ErrBadEvent", bad, err)
		}
	}
}
