package database

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"github.com/uptrace/bun"

	"cityhub/access"
)

type auditRow struct {
	bun.BaseModel `bun:"table:audit"`

	ID             int64 `bun:"id,pk"`
	Time           instant
	Kind           string
	Actor          int64
	Name           string
	OrganisationID reference
	Action         string
	Noun           string
	Entity         int64
	BeforeJSON     optional
	AfterJSON      optional
	Request        string
}

// recorder notes entries within a session.
type recorder struct{ at *session }

// Record implements devices.Recorder.
func (r recorder) Record(ctx context.Context, e *access.AuditEntry) error {
	known := layout[auditRow](r.at)
	row := blank[auditRow](r.at, known)
	*row = auditRow{Time: instant{e.Time}, Kind: string(e.Kind), Actor: e.Actor, Name: cleaned(e.Name),
		OrganisationID: reference(e.Organisation), Action: e.Action, Noun: e.Noun, Entity: e.Entity,
		BeforeJSON: optional(cleaned(string(e.Before))), AfterJSON: optional(cleaned(string(e.After))), Request: cleaned(e.Request)}
	args, err := r.at.arguments(known, reflect.ValueOf(row).Elem())
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	if w := r.at.waitingIn(known); w != nil {
		w.rows = append(w.rows, newRow{args: r.at.queue.hold(args)}) // the store alone numbers the entries
		return nil
	}
	if e.ID, err = r.at.insert(ctx, known, args); err != nil {
		return fmt.Errorf("audit: %w", r.at.fail(err))
	}
	return nil
}

// auditLog implements access.AuditLog.
type auditLog struct{ database *Database }

// AuditLog keeps who changed what.
func (d *Database) AuditLog() access.AuditLog { return auditLog{d} }

// Record implements access.AuditLog. A session is nobody else's meanwhile.
func (a auditLog) Record(ctx context.Context, e *access.AuditEntry) error {
	return recorder{a.database.outside()}.Record(ctx, e)
}

// Audit implements access.AuditLog.
func (a auditLog) Audit(ctx context.Context, f access.AuditFilter) ([]access.AuditEntry, error) {
	var rows []auditRow
	query := a.database.read.NewSelect().Model(&rows).Where("id > ?", f.After).OrderExpr("id").Limit(int64(max(1, f.Limit)))
	if f.Noun != "" {
		query.Where("noun = ?", cleaned(f.Noun))
	}
	if f.Entity != 0 {
		query.Where("entity = ?", f.Entity)
	}
	if f.Kind != "" {
		query.Where("kind = ?", string(f.Kind))
	}
	if f.Actor != 0 {
		query.Where("actor = ?", f.Actor)
	}
	if !f.From.IsZero() {
		query.Where("time >= ?", f.From.UnixNano())
	}
	if !f.To.IsZero() {
		query.Where("time < ?", f.To.UnixNano())
	}
	if f.Scope != nil && !f.Scope.All {
		query.Where(anyOf(belongs("organisation_id", &access.Scope{Own: f.Scope.Own})))
	}
	if err := query.Scan(ctx); err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	entries := make([]access.AuditEntry, len(rows))
	for i, r := range rows {
		entries[i] = access.AuditEntry{ID: r.ID, Time: r.Time.Time, Kind: access.Kind(r.Kind), Actor: r.Actor, Name: r.Name,
			Organisation: int64(r.OrganisationID), Action: r.Action, Noun: r.Noun, Entity: r.Entity,
			Before: json.RawMessage(r.BeforeJSON), After: json.RawMessage(r.AfterJSON), Request: r.Request}
	}
	return entries, nil
}

// ExpireAudit removes the entries that have had their time, and says how many.
func (d *Database) ExpireAudit(ctx context.Context, now time.Time) (int64, error) {
	// A day more than the store's own guard, so that clocks need not agree.
	before := now.Add(-access.AuditFor - 24*time.Hour).UnixNano()
	result, err := d.write.NewDelete().Model((*auditRow)(nil)).Where("time < ?", before).Exec(ctx)
	if err != nil {
		return 0, fmt.Errorf("audit: %w", err)
	}
	return result.RowsAffected()
}
