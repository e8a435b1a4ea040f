package devices

import (
	"errors"
	"fmt"
)

// The kinds of refusal. Each is wrapped with a text that names the field and
// the mend; the edge maps the kind, never the text.
var (
	ErrNotFound = errors.New("not found")
	ErrConflict = errors.New("conflicts with what exists")
	ErrInvalid  = errors.New("invalid")
)

// FieldError is an ErrInvalid or ErrConflict that names the field at fault.
type FieldError struct {
	Field  string // the name as its sender knows it, e.g. "lon"
	Detail string // what is wrong and how to mend it
	Kind   error  // ErrInvalid or ErrConflict

	Code string   // stable, fit for a program; "" where only Kind is
	Args []string // what a text in another language is made with
}

func (e *FieldError) Error() string { return e.Field + ": " + e.Detail }

// Unwrap gives the kind.
func (e *FieldError) Unwrap() error { return e.Kind }

func invalid(field, detail string) error {
	return &FieldError{Field: field, Detail: detail, Kind: ErrInvalid}
}

// coded is invalid with a code, by which the text can be told in other
// languages; detail is made with the args.
func coded(code, field, detail string, args ...string) *FieldError {
	anys := make([]any, len(args))
	for i, a := range args {
		anys[i] = a
	}
	return &FieldError{Field: field, Detail: fmt.Sprintf(detail, anys...), Kind: ErrInvalid, Code: code, Args: args}
}
