package bank

import (
	"fmt"
	"time"
)

// Date is a civil day, counted from 1970-01-01, without a time zone: a
// bank's booking day is a day of its own calendar, not an instant. The zero
// Date is 1970-01-01 and stands for "not given" where a field says so.
type Date int32

const secondsPerDay = 24 * 60 * 60

// NewDate returns the Date of a year, month and day, normalised as by
// time.Date.
func NewDate(year int, month time.Month, day int) Date {
	return Date(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / secondsPerDay)
}

// DateOf returns the UTC day of an instant.
func DateOf(t time.Time) Date {
	t = t.UTC()
	return NewDate(t.Year(), t.Month(), t.Day())
}

// ParseDate reads an ISO 8601 calendar date, "2006-01-02".
func ParseDate(text string) (Date, error) {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return 0, fmt.Errorf("parsing date: want YYYY-MM-DD")
	}
	return DateOf(t), nil
}

// Time returns midnight UTC of the day.
func (d Date) Time() time.Time { return time.Unix(int64(d)*secondsPerDay, 0).UTC() }

// String returns the day as "2006-01-02".
func (d Date) String() string { return d.Time().Format(time.DateOnly) }

// AddDays returns the day n days later.
func (d Date) AddDays(n int) Date { return d + Date(n) }

// Sub returns the number of days from e to d.
func (d Date) Sub(e Date) int { return int(d) - int(e) }

// IsZero tells whether the Date was not given.
func (d Date) IsZero() bool { return d == 0 }

// MarshalText writes "2006-01-02".
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads "2006-01-02".
func (d *Date) UnmarshalText(text []byte) error {
	v, err := ParseDate(string(text))
	if err == nil {
		*d = v
	}
	return err
}
