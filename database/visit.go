package database

import (
	"github.com/uptrace/bun"

	"cityhub/devices"
)

const takenClientID = "something else has this id of a client; make a new ULID"

type visitRow struct {
	bun.BaseModel `bun:"table:visits"`

	ID       int64 `bun:"id,pk"`
	ClientID optional
	ThingID  reference
	Opened   instant
	OpenedBy string
	Reason   string
	Closed   instant
	ClosedBy string
	Outcome  string
	IsOpen   bool // Closed is none: what lists are matched by
}

func visits() noun[devices.Visit, visitRow] {
	return noun[devices.Visit, visitRow]{
		name:  "visit",
		match: []string{"thing_id", "client_id", "is_open"},
		seen:  seenVisits,
		taken: map[string]string{"client_id": takenClientID},
		id:    func(v *devices.Visit) *int64 { return &v.ID },
		toRow: func(v *devices.Visit) visitRow {
			return visitRow{ID: v.ID, ClientID: optional(v.ClientID), ThingID: reference(v.ThingID),
				Opened: instant{v.Opened}, OpenedBy: v.OpenedBy, Reason: v.Reason,
				Closed: instant{v.Closed}, ClosedBy: v.ClosedBy, Outcome: v.Outcome, IsOpen: v.Closed.IsZero()}
		},
		toNoun: func(r *visitRow) devices.Visit {
			return devices.Visit{ID: r.ID, ClientID: string(r.ClientID), ThingID: int64(r.ThingID),
				Opened: r.Opened.Time, OpenedBy: r.OpenedBy, Reason: r.Reason,
				Closed: r.Closed.Time, ClosedBy: r.ClosedBy, Outcome: r.Outcome}
		},
	}
}

type visitNoteRow struct {
	bun.BaseModel `bun:"table:visit_notes"`

	ID       int64 `bun:"id,pk"`
	ClientID optional
	VisitID  reference
	Time     instant
	Author   string
	Text     string
}

func visitNotes() noun[devices.VisitNote, visitNoteRow] {
	return noun[devices.VisitNote, visitNoteRow]{
		name:  "note",
		match: []string{"visit_id", "client_id"},
		seen:  seenWithVisit,
		taken: map[string]string{"client_id": takenClientID},
		id:    func(n *devices.VisitNote) *int64 { return &n.ID },
		toRow: func(n *devices.VisitNote) visitNoteRow {
			return visitNoteRow{ID: n.ID, ClientID: optional(n.ClientID), VisitID: reference(n.VisitID),
				Time: instant{n.Time}, Author: n.Author, Text: n.Text}
		},
		toNoun: func(r *visitNoteRow) devices.VisitNote {
			return devices.VisitNote{ID: r.ID, ClientID: string(r.ClientID), VisitID: int64(r.VisitID),
				Time: r.Time.Time, Author: r.Author, Text: r.Text}
		},
	}
}

type visitPhotoRow struct {
	bun.BaseModel `bun:"table:visit_photos"`

	ID        int64 `bun:"id,pk"`
	ClientID  optional
	VisitID   reference
	Time      instant
	Author    string
	Caption   string
	File      string
	MediaType string
	Bytes     int64
	Width     int
	Height    int
	Stripped  bool
}

func visitPhotos() noun[devices.VisitPhoto, visitPhotoRow] {
	return noun[devices.VisitPhoto, visitPhotoRow]{
		name:  "photo",
		match: []string{"visit_id", "client_id"},
		seen:  seenWithVisit,
		taken: map[string]string{"client_id": takenClientID},
		id:    func(p *devices.VisitPhoto) *int64 { return &p.ID },
		toRow: func(p *devices.VisitPhoto) visitPhotoRow {
			return visitPhotoRow{ID: p.ID, ClientID: optional(p.ClientID), VisitID: reference(p.VisitID),
				Time: instant{p.Time}, Author: p.Author, Caption: p.Caption, File: p.File,
				MediaType: p.MediaType, Bytes: p.Bytes, Width: p.Width, Height: p.Height, Stripped: p.Stripped}
		},
		toNoun: func(r *visitPhotoRow) devices.VisitPhoto {
			return devices.VisitPhoto{ID: r.ID, ClientID: string(r.ClientID), VisitID: int64(r.VisitID),
				Time: r.Time.Time, Author: r.Author, Caption: r.Caption,
				PhotoFile: devices.PhotoFile{File: r.File, MediaType: r.MediaType, Bytes: r.Bytes,
					Width: r.Width, Height: r.Height, Stripped: r.Stripped}}
		},
	}
}
