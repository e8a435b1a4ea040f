package database

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"cityhub/idempotency"
)

// answers implements idempotency.Store.
type answers struct{ database *Database }

type answerRow struct {
	bun.BaseModel `bun:"table:idempotency_keys"`

	Principal string `bun:"principal,pk"`
	Name      string `bun:"name,pk"`
	Request   string
	Hash      []byte
	Begun     instant
	Status    int // 0: under way
	Header    string
	Body      []byte
}

// Claim implements idempotency.Store.
func (a answers) Claim(ctx context.Context, r idempotency.Record) (*idempotency.Record, error) {
	row := answerRow{Principal: r.Principal, Name: r.Key, Request: cleaned(r.Request), Hash: r.Hash,
		Begun: instant{r.Begun}, Header: "{}", Body: []byte{}}
	var held *idempotency.Record
	err := a.database.atomically(ctx, func(s *session) error {
		result, err := s.query.NewInsert().Model(&row).On("CONFLICT DO NOTHING").Exec(ctx)
		if err != nil {
			return err
		}
		if kept, err := result.RowsAffected(); err != nil || kept > 0 {
			return err
		}
		if err := s.query.NewSelect().Model(&row).WherePK().Scan(ctx); err != nil {
			return err
		}
		held, err = row.record()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("claim: %w", err)
	}
	return held, nil
}

func (r *answerRow) record() (*idempotency.Record, error) {
	record := &idempotency.Record{Begun: r.Begun.Time,
		Call: idempotency.Call{Principal: r.Principal, Key: r.Name, Request: r.Request, Hash: r.Hash}}
	if r.Status == 0 {
		return record, nil
	}
	record.Answer = &idempotency.Answer{Status: r.Status, Body: r.Body}
	if err := json.Unmarshal([]byte(r.Header), &record.Answer.Header); err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	return record, nil
}

// Settle implements idempotency.Store.
func (a answers) Settle(ctx context.Context, c idempotency.Call, answer idempotency.Answer) error {
	header, err := json.Marshal(answer.Header)
	if err != nil {
		return fmt.Errorf("settle: header: %w", err)
	}
	row := answerRow{Principal: c.Principal, Name: c.Key, Status: answer.Status, Header: string(header), Body: answer.Body}
	if row.Body == nil {
		row.Body = []byte{}
	}
	if _, err := a.database.write.NewUpdate().Model(&row).Column("status", "header", "body").WherePK().Exec(ctx); err != nil {
		return fmt.Errorf("settle: %w", err)
	}
	return nil
}

// Release implements idempotency.Store.
func (a answers) Release(ctx context.Context, c idempotency.Call) error {
	row := answerRow{Principal: c.Principal, Name: c.Key}
	if _, err := a.database.write.NewDelete().Model(&row).WherePK().Exec(ctx); err != nil {
		return fmt.Errorf("release: %w", err)
	}
	return nil
}

// Trim implements idempotency.Store.
func (a answers) Trim(ctx context.Context, before time.Time, most int) error {
	_, err := a.database.write.NewDelete().Model((*answerRow)(nil)).Where("begun < ?", before.UnixNano()).Exec(ctx)
	if err == nil {
		_, err = a.database.write.NewRaw(`DELETE FROM idempotency_keys WHERE status <> 0 AND (principal, name) IN (
			SELECT principal, name FROM (SELECT principal, name, row_number() OVER (PARTITION BY principal ORDER BY begun DESC) AS place
			FROM idempotency_keys) AS ranked WHERE place > ?)`, most).Exec(ctx)
	}
	if err != nil {
		return fmt.Errorf("trim: %w", err)
	}
	return nil
}
