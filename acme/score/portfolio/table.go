package portfolio

import (
	"encoding/csv"
	"errors"
	"io"
	"strings"
)

// table walks the rows of one CSV file whose columns are found by name. The
// first fault is kept in err and ends the walk.
type table struct {
	file    string
	csv     *csv.Reader
	columns map[string]int
	row     []string
	line    int
	err     error
}

// newTable reads the header. Every column of required must be there;
// optional ones read as empty where they are not.
func newTable(r io.Reader, file string, required []string, optional ...string) (*table, error) {
	t := &table{file: file, csv: csv.NewReader(r), columns: map[string]int{}}
	t.csv.ReuseRecord = true
	header, err := t.csv.Read()
	if err != nil {
		return nil, &RowError{File: file, Line: 1, Want: "a header row naming the columns " + strings.Join(required, ", ")}
	}
	for i, name := range header {
		t.columns[strings.TrimPrefix(name, "\ufeff")] = i
	}
	for _, name := range required {
		if _, ok := t.columns[name]; !ok {
			return nil, &RowError{File: file, Line: 1, Column: name, Want: "the column to be there"}
		}
	}
	for _, name := range optional {
		if _, ok := t.columns[name]; !ok {
			t.columns[name] = -1
		}
	}
	return t, nil
}

// next goes to the next row and tells whether there is one and no fault was
// found before.
func (t *table) next() bool {
	if t.err != nil {
		return false
	}
	row, err := t.csv.Read()
	if err == io.EOF {
		return false
	}
	if err != nil {
		t.err = err
		var parse *csv.ParseError
		if errors.As(err, &parse) {
			t.err = &RowError{File: t.file, Line: parse.Line, Want: "as many comma-separated values as the header has, quoted by RFC 4180"}
		}
		return false
	}
	t.row = row
	t.line, _ = t.csv.FieldPos(0)
	return true
}

// text is the row's value in a column, cut loose from the reader's buffer.
func (t *table) text(column string) string {
	if i := t.columns[column]; i >= 0 {
		return strings.Clone(t.row[i])
	}
	return ""
}

// fail keeps the first fault.
func (t *table) fail(column, want string) {
	if t.err == nil {
		t.err = &RowError{File: t.file, Line: t.line, Column: column, Want: want}
	}
}
