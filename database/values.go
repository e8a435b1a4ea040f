package database

import (
	"database/sql/driver"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// reference is the id of another row; 0 is kept as NULL.
type reference int64

// Value implements driver.Valuer.
func (r reference) Value() (driver.Value, error) {
	if r == 0 {
		return nil, nil
	}
	return int64(r), nil
}

// Scan implements sql.Scanner.
func (r *reference) Scan(src any) error { return scanInteger((*int64)(r), src) }

// instant is nanoseconds since 1970; the zero time is kept as NULL.
type instant struct{ time.Time }

// Value implements driver.Valuer.
func (i instant) Value() (driver.Value, error) {
	if i.IsZero() {
		return nil, nil
	}
	return i.UnixNano(), nil
}

// Scan implements sql.Scanner.
func (i *instant) Scan(src any) error {
	var n int64
	if err := scanInteger(&n, src); err != nil {
		return err
	}
	i.Time = time.Time{}
	if src != nil {
		i.Time = time.Unix(0, n).UTC()
	}
	return nil
}

func scanInteger(into *int64, src any) error {
	switch v := src.(type) {
	case nil:
		*into = 0
	case int64:
		*into = v
	default:
		return fmt.Errorf("want an integer, have %T", src)
	}
	return nil
}

// optional is a text that is unique when given; "" is kept as NULL.
type optional string

// Value implements driver.Valuer.
func (o optional) Value() (driver.Value, error) {
	if o == "" {
		return nil, nil
	}
	return string(o), nil
}

// Scan implements sql.Scanner.
func (o *optional) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*o = ""
	case string:
		*o = optional(v)
	case []byte:
		*o = optional(v)
	default:
		return fmt.Errorf("want a text, have %T", src)
	}
	return nil
}

// keepable says whether both engines keep the text as it is: PostgreSQL
// refuses the zero byte and what is not UTF-8.
func keepable(text string) bool {
	return utf8.ValidString(text) && strings.IndexByte(text, 0) < 0
}

// cleaned makes any text keepable.
func cleaned(text string) string {
	if keepable(text) {
		return text
	}
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}
