package telemetry

import (
	"context"
	"fmt"
	"slices"
	"time"

	"cityhub/devices"
)

// Step is the width of an aggregate's windows.
type Step string

// The steps, as ISO 8601 durations.
const (
	PerHour  Step = "PT1H"
	PerDay   Step = "P1D"
	PerMonth Step = "P1M"
)

// Window is one window of an aggregate; windows without readings are left out.
type Window struct {
	From, To time.Time // half-open
	Summary
}

// Observation is one reading of one datastream as the archive has it.
type Observation struct {
	ID       int64
	Time     time.Time
	Received time.Time // zero when it came on time
	Value    Value
	Quality  Quality // of the line and the field
}

// History answers what was, from the archive.
type History struct {
	Archive Archive
	Journal RollUpJournal
	IDs     IDBlocks
	Zone    *time.Location
}

// Observations gives up to limit readings of a datastream in [from, to),
// ascending by time.
func (h *History) Observations(ctx context.Context, d devices.Datastream, from, to time.Time, limit int) ([]Observation, error) {
	var found []Observation
	query := Query{Bucket: Raw, Groups: []int64{d.Group}, Properties: []string{d.Property},
		From: from.UnixNano(), To: to.UnixNano(), Limit: limit}
	err := h.Archive.Read(ctx, query, func(l *Line) error {
		if o, ok := observation(l, d); ok {
			found = append(found, o)
		}
		return nil
	})
	return found, err
}

func observation(l *Line, d devices.Datastream) (Observation, bool) {
	i := slices.IndexFunc(l.Fields, func(f Field) bool { return f.Property == d.Property })
	if i < 0 {
		return Observation{}, false
	}
	o := Observation{ID: l.ID + int64(d.Slot), Time: time.Unix(0, l.Time).UTC(),
		Value: l.Fields[i].Value, Quality: l.Quality | l.Fields[i].Quality}
	if l.Received != 0 && l.Quality&Late != 0 {
		o.Received = time.Unix(0, l.Received).UTC()
	}
	return o, true
}

// Line finds the line that an observation id is of: its block names the hour,
// so only that hour is read.
func (h *History) Line(ctx context.Context, id int64) (Line, error) {
	block, err := h.IDs.Find(ctx, id)
	if err != nil {
		return Line{}, err
	}
	var found *Line
	err = h.Archive.Read(ctx, Query{Bucket: Raw, From: block.From, To: block.To}, func(l *Line) error {
		if l.ID <= id && id < l.ID+64 && (found == nil || l.ID > found.ID) {
			found = copyLine(l)
		}
		return nil
	})
	if err != nil {
		return Line{}, err
	}
	if found == nil {
		return Line{}, fmt.Errorf("observation %d: %w", id, devices.ErrNotFound)
	}
	return *found, nil
}

// floor gives the start of the window that an instant falls into.
func (h *History) floor(step Step, at time.Time) (time.Time, error) {
	switch step {
	case PerHour, PerDay, PerMonth:
		return h.mustFloor(step, at), nil
	}
	return time.Time{}, &devices.FieldError{Field: "window", Kind: devices.ErrInvalid,
		Detail: fmt.Sprintf("%q is none of PT1H, P1D, P1M", step)}
}

func (h *History) mustFloor(step Step, at time.Time) time.Time {
	t := at.In(h.Zone)
	switch step {
	case PerDay:
		return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, h.Zone)
	case PerMonth:
		return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, h.Zone)
	}
	return time.Unix(0, floorTo(at.UnixNano(), int64(time.Hour))).In(h.Zone)
}

func (h *History) next(step Step, start time.Time) time.Time {
	switch step {
	case PerDay:
		return start.AddDate(0, 0, 1)
	case PerMonth:
		return start.AddDate(0, 1, 0)
	}
	return start.Add(time.Hour)
}
