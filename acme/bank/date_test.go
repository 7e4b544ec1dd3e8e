package bank_test

import (
	"encoding/json"
	"testing"
	"time"

	"acme.example/creditscore/acme/bank"
)

func TestDate(t *testing.T) {
	t.Parallel()
	d, err := bank.ParseDate("2024-02-29")
	if err != nil || d != bank.NewDate(2024, time.February, 29) || d.String() != "2024-02-29" {
		t.Fatalf("date %s, error %v", d, err)
	}
	if d.AddDays(1).String() != "2024-03-01" || d.AddDays(366).Sub(d) != 366 || d.IsZero() || !bank.Date(0).IsZero() {
		t.Error("arithmetic of days")
	}
	if got := bank.DateOf(time.Date(2024, 3, 1, 0, 30, 0, 0, time.FixedZone("", 3600))); got != d {
		t.Errorf("an instant's day is the UTC one, got %s", got)
	}
	if got := bank.DateOf(time.Date(1969, 12, 31, 23, 0, 0, 0, time.UTC)); got != -1 || got.String() != "1969-12-31" {
		t.Errorf("the day before the first is %d", got)
	}
	for _, bad := range []string{"", "2023-02-29", "2024-2-9", "24-02-29", "2024-02-29T00:00:00Z", "29.02.2024", "2024-13-01", " 2024-02-29"} {
		if got, err := bank.ParseDate(bad); err == nil {
			t.Errorf("%q is read as %s", bad, got)
		}
	}
	b, err := json.Marshal(d)
	var again bank.Date
	if err != nil || string(b) != `"2024-02-29"` || json.Unmarshal(b, &again) != nil || again != d {
		t.Errorf("written as %s, read as %s, error %v", b, again, err)
	}
	for d := bank.NewDate(1899, 1, 1); d < bank.NewDate(2101, 1, 1); d += 7 {
		if again, err := bank.ParseDate(d.String()); err != nil || again != d {
			t.Fatalf("%s reads back as %s, error %v", d, again, err)
		}
	}
}
