package database

import (
	"github.com/uptrace/bun"

	"cityhub/access"
)

type sessionRow struct {
	bun.BaseModel `bun:"table:sessions"`

	ID      int64 `bun:"id,pk"`
	UserID  reference
	Hash    string
	Created instant
	Seen    instant
}

func sessions() noun[access.SignedIn, sessionRow] {
	return noun[access.SignedIn, sessionRow]{
		name: "session",
		id:   func(s *access.SignedIn) *int64 { return &s.ID },
		toRow: func(s *access.SignedIn) sessionRow {
			return sessionRow{ID: s.ID, UserID: reference(s.User), Hash: s.Hash, Created: instant{s.Created}, Seen: instant{s.Seen}}
		},
		toNoun: func(r *sessionRow) access.SignedIn {
			return access.SignedIn{ID: r.ID, User: int64(r.UserID), Hash: r.Hash, Created: r.Created.Time, Seen: r.Seen.Time}
		},
	}
}

type setUpRow struct {
	bun.BaseModel `bun:"table:set_ups"`

	ID      int64 `bun:"id,pk"`
	Hash    string
	Expires instant
}

func setUps() noun[access.SetUp, setUpRow] {
	return noun[access.SetUp, setUpRow]{
		name: "set-up",
		id:   func(s *access.SetUp) *int64 { return &s.ID },
		toRow: func(s *access.SetUp) setUpRow {
			return setUpRow{ID: s.ID, Hash: s.Hash, Expires: instant{s.Expires}}
		},
		toNoun: func(r *setUpRow) access.SetUp {
			return access.SetUp{ID: r.ID, Hash: r.Hash, Expires: r.Expires.Time}
		},
	}
}
