package imports

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cityhub/access"
	"cityhub/devices"
)

// Run works off what waits, one import after another, until ctx ends; what is
// under way then goes on with the next run.
func (m *Imports) Run(ctx context.Context) error {
	hourly := time.NewTicker(time.Hour)
	defer hourly.Stop()
	for {
		if j := m.next(); j != nil && ctx.Err() == nil {
			m.work(ctx, j)
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-hourly.C:
			m.tidySecrets()
		case <-m.wake:
		}
	}
}

func (m *Imports) next() *job {
	for _, j := range m.all() {
		if !j.ended() {
			return j
		}
	}
	return nil
}

// work runs one import to its end, or until ctx ends.
func (m *Imports) work(ctx context.Context, j *job) {
	defer m.Frugal()()
	if err := m.enter(j, Running, nil); err != nil {
		m.o.Log.Error("an import's state cannot be kept", "import", j.state.ID, "error", err)
	}
	began, before := m.o.Now(), j.snapshot().Done
	err := m.run(ctx, j)
	if ctx.Err() != nil {
		return
	}
	state := Done
	if err != nil {
		state = Broken
	}
	if err := m.enter(j, state, err); err != nil {
		m.o.Log.Error("an import's state cannot be kept", "import", j.state.ID, "error", err)
	}
	if err := j.settle(m.o.Zone); err != nil {
		m.o.Log.Error("the secrets in an import's file stay", "import", j.state.ID, "error", err)
	}
	done := j.snapshot()
	m.o.Log.Info("an import is done", "import", done.ID, "kind", done.Kind, "dry", done.DryRun, "rows", done.Total, "went on at", before,
		"created", done.Created, "updated", done.Updated, "unchanged", done.Unchanged, "failed", done.Failed,
		"took", m.o.Now().Sub(began).Round(time.Millisecond), "error", err)
	m.tidy()
}

// enter brings an import into a state and keeps it.
func (m *Imports) enter(j *job, s State, cause error) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.state.State = s
	if cause != nil {
		j.state.Error = cause.Error()
	}
	if s == Done || s == Broken {
		j.state.Ended = m.o.Now().UTC()
	}
	return j.save(j.state)
}

func (m *Imports) run(ctx context.Context, j *job) error {
	switch j.state.Kind { // set once
	case Models:
		return m.runModels(ctx, j)
	case Zones:
		return m.runZones(ctx, j)
	}
	return m.runDevices(ctx, j)
}

// rights gives a part of an import the rights of who sent it: those of now
// where they can be told.
func (m *Imports) rights(ctx context.Context, state *Import) (context.Context, error) {
	by := &state.By
	if m.o.Today != nil {
		now, err := m.o.Today(by)
		if err != nil {
			return nil, fmt.Errorf("who sent the file is no longer known: %w", err)
		}
		by = now
	}
	action := access.ThingWrite
	switch state.Kind {
	case Models:
		action = access.CatalogueWrite
	case Zones:
		action = access.ZoneEdit
	}
	scope, allowed := by.Scope(action)
	if !allowed {
		return nil, fmt.Errorf("who sent the file may no longer do this: %w", devices.ErrForbidden)
	}
	return access.WithScope(access.WithPrincipal(access.WithRequest(ctx, state.Request), by), &scope), nil
}

// resultOf says what became of a row. Failures that are not the row's own are
// told as such, without their insides.
func resultOf(row Result, result devices.Result, err error) Result {
	row.Result = result
	if err == nil {
		return row
	}
	var field *devices.FieldError
	row.Result = devices.Failed
	switch {
	case errors.As(err, &field):
		row.Column, row.Code, row.Args, row.Detail = field.Field, field.Code, field.Args, field.Detail
		if row.Code == "" {
			row.Code = kindOf(err)
		}
	case kindOf(err) != internal:
		row.Code, row.Detail = kindOf(err), err.Error()
	default:
		row.Code, row.Detail = internal, "the hub failed to do this; its log tells why; send the row again"
	}
	return row
}

// The codes of refusals that have none of their own.
const (
	invalid   = "invalid"
	conflict  = "conflict"
	notFound  = "not-found"
	forbidden = "forbidden"
	internal  = "internal"
)

func kindOf(err error) string {
	for code, kind := range map[string]error{invalid: devices.ErrInvalid, conflict: devices.ErrConflict,
		notFound: devices.ErrNotFound, forbidden: devices.ErrForbidden} {
		if errors.Is(err, kind) {
			return code
		}
	}
	return internal
}
