package payload

import (
	"strings"
	"time"
)

// ngsiEntityTime finds when the entity as a whole was observed.
func ngsiEntityTime(n node) (time.Time, error) {
	for _, name := range [...]string{"dateObserved", "dateObservedFrom", "observedAt", "observationDateTime",
		"TimeInstant", "timestamp", "binLoggedTime", "dateModified", "modifiedAt"} {
		if v := plain(n.get(name)); v.kind == text && v.text != "" {
			t, err := ngsiInstant(v.text)
			if err != nil {
				refusal := refusalOf(err)
				return t, refuse(refusal.Reason, "%s: %s", name, refusal.Detail)
			}
			return t, nil
		}
	}
	return time.Time{}, nil
}

// ngsiOwnTime finds when one attribute was observed, zero if it does not tell.
func ngsiOwnTime(n node) (time.Time, error) {
	for _, v := range [...]node{
		n.get("observedAt"), plain(n.get("metadata", "observedAt")),
		plain(n.get("metadata", "timestamp")), plain(n.get("metadata", "TimeInstant")),
	} {
		if v.kind == text && v.text != "" {
			return ngsiInstant(v.text)
		}
	}
	return time.Time{}, nil
}

// ngsiInstant reads the dates that occur: RFC 3339, without zone or seconds,
// with a zone without colon; of an interval the start.
func ngsiInstant(s string) (time.Time, error) {
	s, _, _ = strings.Cut(s, "/")
	for _, layout := range [...]string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999",
		"2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04Z07:00", "2006-01-02T15:04"} {
		if t, err := time.Parse(layout, s); err == nil {
			return countable(t.UTC())
		}
	}
	return time.Time{}, undecodable("%s is not a time: send RFC 3339 such as 2026-03-01T08:00:00Z", quote(s))
}
