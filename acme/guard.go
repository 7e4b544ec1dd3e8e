package acme

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// PanicError is a panic of a plugged-in part, contained. It tells where it
// happened; the panic's own value only when the runtime made it, since
// anything else may quote personal data.
type PanicError struct {
	Cause string
	Stack []byte
}

// Error names the cause without the stack.
func (e *PanicError) Error() string { return "panic: " + e.Cause }

func panicError(r any) *PanicError {
	e := &PanicError{Cause: fmt.Sprintf("value of type %T", r), Stack: debug.Stack()}
	if re, ok := r.(runtime.Error); ok {
		e.Cause = re.Error()
	}
	return e
}

// guard calls f and returns its panic as a *PanicError.
func guard[T any](f func() (T, error)) (v T, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = panicError(r)
		}
	}()
	return f()
}
