package database

import (
	"context"
	"testing"
	"time"

	"cityhub/access"
)

// Entries leave after their year, and none before.
func TestTheAuditLogKeepsAYear(t *testing.T) {
	withDatabase(t, func(ctx context.Context, t *testing.T, d *Database) {
		now := time.Now()
		for _, age := range []time.Duration{400 * 24 * time.Hour, 360 * 24 * time.Hour, time.Hour} {
			must(t, d.AuditLog().Record(ctx, &access.AuditEntry{Time: now.Add(-age), Kind: access.SystemKind, Action: "edit", Noun: "thing", Entity: 1}))
		}
		gone, err := d.ExpireAudit(ctx, now)
		must(t, err)
		left, err := d.AuditLog().Audit(ctx, access.AuditFilter{Limit: 10})
		must(t, err)
		if gone != 1 || len(left) != 2 {
			t.Errorf("%d went, %d stay", gone, len(left))
		}
	})
}
