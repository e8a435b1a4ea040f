package devices

import "errors"

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
}

func (e *FieldError) Error() string { return e.Field + ": " + e.Detail }

// Unwrap gives the kind.
func (e *FieldError) Unwrap() error { return e.Kind }

func invalid(field, detail string) error {
	return &FieldError{Field: field, Detail: detail, Kind: ErrInvalid}
}
