package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"cityhub/access"
	"cityhub/devices/credentials"
)

// credentialStore implements credentials.Store and credentials.ClaimStore.
type credentialStore struct{ database *Database }

// Credentials keeps what lets devices in.
func (d *Database) Credentials() interface {
	credentials.Store
	credentials.ClaimStore
} {
	return credentialStore{d}
}

type credentialRow struct {
	bun.BaseModel `bun:"table:device_credentials"`

	DeviceID   int64 `bun:"device_id,pk"`
	SecretHash string
	Slot       int64
	Since      instant
	OldHash    string
	OldUntil   instant
	Revoked    instant
}

type commandRow struct {
	bun.BaseModel `bun:"table:broker_commands"`

	ID       int64 `bun:"id,pk,autoincrement"`
	Username string
	Code     string
	Sealed   string
	Due      instant
	Tries    int64
}

// Load implements credentials.Store.
func (c credentialStore) Load(ctx context.Context) ([]credentials.Credential, error) {
	var rows []credentialRow
	if err := c.database.read.NewSelect().Model(&rows).Scan(ctx); err != nil {
		return nil, err
	}
	all := make([]credentials.Credential, len(rows))
	for i, r := range rows {
		all[i] = credentials.Credential{DeviceID: r.DeviceID, Hash: r.SecretHash, Slot: int(r.Slot), Since: r.Since.Time,
			OldHash: r.OldHash, OldUntil: r.OldUntil.Time, Revoked: r.Revoked.Time}
	}
	return all, nil
}

// Put implements credentials.Store.
func (c credentialStore) Put(ctx context.Context, one credentials.Credential, commands []credentials.Command, entry *access.AuditEntry) error {
	row := credentialRow{DeviceID: one.DeviceID, SecretHash: one.Hash, Slot: int64(one.Slot), Since: instant{one.Since},
		OldHash: one.OldHash, OldUntil: instant{one.OldUntil}, Revoked: instant{one.Revoked}}
	return c.database.atomically(ctx, func(s *session) error {
		_, err := s.query.NewInsert().Model(&row).On("CONFLICT (device_id) DO UPDATE").
			Set("secret_hash = EXCLUDED.secret_hash").Set("slot = EXCLUDED.slot").Set("since = EXCLUDED.since").
			Set("old_hash = EXCLUDED.old_hash").Set("old_until = EXCLUDED.old_until").Set("revoked = EXCLUDED.revoked").Exec(ctx)
		if err != nil {
			return refusedDevice(s, one.DeviceID, err)
		}
		if err := putCommands(ctx, s, commands); err != nil {
			return err
		}
		return recorder{s}.Record(ctx, entry)
	})
}

// refusedDevice tells a device that is not there from a failure.
func refusedDevice(s *session, device int64, err error) error {
	_ = s.fail(err) // the error itself is told below
	if v := s.engine.violation(err); v != nil && v.rule == ruleForeign {
		return invalid("device", fmt.Sprintf("%d does not exist", device))
	}
	return err
}

// putCommands deletes before it inserts, so that a later command has another
// id than the one that somebody may be carrying out.
func putCommands(ctx context.Context, s *session, commands []credentials.Command) error {
	for _, command := range commands {
		if _, err := s.query.NewDelete().Model((*commandRow)(nil)).Where("username = ?", command.Username).Exec(ctx); err != nil {
			return err
		}
		row := commandRow{Username: command.Username, Code: command.Code, Sealed: command.Sealed, Due: instant{command.Due}, Tries: int64(command.Tries)}
		if _, err := s.query.NewInsert().Model(&row).ExcludeColumn("id").Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Tell implements credentials.Store.
func (c credentialStore) Tell(ctx context.Context, commands []credentials.Command) error {
	return c.database.atomically(ctx, func(s *session) error { return putCommands(ctx, s, commands) })
}

// Due implements credentials.Store.
func (c credentialStore) Due(ctx context.Context, now time.Time, limit int) ([]credentials.Command, error) {
	var rows []commandRow
	err := c.database.read.NewSelect().Model(&rows).Where("due <= ?", now.UnixNano()).
		OrderExpr("sealed <> '', CASE WHEN sealed = '' THEN -id ELSE id END").Limit(int64(limit)).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("commands to the broker: %w", err)
	}
	due := make([]credentials.Command, len(rows))
	for i, r := range rows {
		due[i] = credentials.Command{ID: r.ID, Username: r.Username, Code: r.Code, Sealed: r.Sealed, Due: r.Due.Time, Tries: int(r.Tries)}
	}
	return due, nil
}

// Done implements credentials.Store.
func (c credentialStore) Done(ctx context.Context, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	_, err := c.database.write.NewDelete().Model((*commandRow)(nil)).Where("id IN (?)", bun.List(ids)).Exec(ctx)
	if err != nil {
		return fmt.Errorf("commands to the broker: %w", err)
	}
	return nil
}

// Later implements credentials.Store.
func (c credentialStore) Later(ctx context.Context, commands []credentials.Command) error {
	if len(commands) == 0 {
		return nil
	}
	return c.database.atomically(ctx, func(s *session) error {
		for _, command := range commands {
			_, err := s.query.NewUpdate().Model((*commandRow)(nil)).Set("due = ?", command.Due.UnixNano()).
				Set("tries = ?", command.Tries).Where("id = ?", command.ID).Exec(ctx)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

type claimRow struct {
	bun.BaseModel `bun:"table:claim_codes"`

	DeviceID int64 `bun:"device_id,pk"`
	Hash     string
	Maker    string
	Created  instant
	Expires  instant
	Tries    int64
	Used     instant
}

// PutClaimCode implements credentials.ClaimStore.
func (c credentialStore) PutClaimCode(ctx context.Context, one credentials.ClaimCode) error {
	row := claimRow{DeviceID: one.DeviceID, Hash: one.Hash, Maker: cleaned(one.Maker), Created: instant{one.Created},
		Expires: instant{one.Expires}, Tries: int64(one.Tries), Used: instant{one.Used}}
	return c.database.atomically(ctx, func(s *session) error {
		_, err := s.query.NewInsert().Model(&row).On("CONFLICT (device_id) DO UPDATE").
			Set("hash = EXCLUDED.hash").Set("maker = EXCLUDED.maker").Set("created = EXCLUDED.created").
			Set("expires = EXCLUDED.expires").Set("tries = EXCLUDED.tries").Set("used = EXCLUDED.used").Exec(ctx)
		if err != nil {
			return refusedDevice(s, one.DeviceID, err)
		}
		return nil
	})
}

// TryClaimCode implements credentials.ClaimStore. The try is counted before
// anybody compares, so that tries beside each other cannot outrun the count.
func (c credentialStore) TryClaimCode(ctx context.Context, device int64, now time.Time, most int) (credentials.ClaimCode, bool, error) {
	var row claimRow
	err := c.database.write.NewUpdate().Model(&row).Set("tries = tries + 1").
		Where("device_id = ? AND used IS NULL AND expires > ? AND tries < ?", device, now.UnixNano(), most).
		Returning("*").Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return credentials.ClaimCode{}, false, nil
	}
	if err != nil {
		return credentials.ClaimCode{}, false, fmt.Errorf("claim code of device %d: %w", device, err)
	}
	return credentials.ClaimCode{DeviceID: row.DeviceID, Hash: row.Hash, Maker: row.Maker, Created: row.Created.Time,
		Expires: row.Expires.Time, Tries: int(row.Tries), Used: row.Used.Time}, true, nil
}

// UseClaimCode implements credentials.ClaimStore.
func (c credentialStore) UseClaimCode(ctx context.Context, device int64, hash string, used time.Time) (bool, error) {
	was := "used IS NULL"
	if used.IsZero() {
		was = "used IS NOT NULL"
	}
	result, err := c.database.write.NewUpdate().Model((*claimRow)(nil)).Set("used = ?", instant{used}).
		Where("device_id = ? AND hash = ? AND "+was, device, hash).Exec(ctx)
	if err != nil {
		return false, fmt.Errorf("claim code of device %d: %w", device, err)
	}
	changed, err := result.RowsAffected()
	return changed == 1, err
}
