package database

import (
	"database/sql"

	"github.com/uptrace/bun"

	"cityhub/access"
	"cityhub/devices"
	"cityhub/geo"
)

type deviceEventRow struct {
	bun.BaseModel `bun:"table:device_events"`

	ID             int64 `bun:"id,pk"`
	DeviceID       reference
	Kind           string
	FromState      string
	ToState        string
	ActorKind      string
	ActorID        reference
	ActorName      string
	Time           instant
	Noted          instant
	Reason         string
	Lon            sql.NullFloat64 // NULL, as Lat, Alt and Accuracy, when there is no position
	Lat            sql.NullFloat64
	Alt            sql.NullFloat64
	Accuracy       sql.NullFloat64
	ThingID        reference
	OtherID        reference
	OrganisationID reference
}

func deviceEvents() noun[devices.DeviceEvent, deviceEventRow] {
	return noun[devices.DeviceEvent, deviceEventRow]{
		name:   "device event",
		match:  []string{"device_id"},
		id:     func(e *devices.DeviceEvent) *int64 { return &e.ID },
		toRow:  deviceEventToRow,
		toNoun: deviceEventToNoun,
	}
}

func deviceEventToRow(e *devices.DeviceEvent) deviceEventRow {
	row := deviceEventRow{ID: e.ID, DeviceID: reference(e.DeviceID), Kind: string(e.Move),
		FromState: string(e.From), ToState: string(e.To),
		ActorKind: string(e.Actor.Kind), ActorID: reference(e.Actor.ID), ActorName: cleaned(e.Actor.Name),
		Time: instant{e.Time}, Noted: instant{e.Noted}, Reason: e.Reason, ThingID: reference(e.ThingID),
		OtherID: reference(e.OtherID), OrganisationID: reference(e.OrganisationID)}
	if f := e.Fix; f != nil {
		row.Lon, row.Lat, row.Alt, row.Accuracy = given(f.Lon), given(f.Lat), given(f.Alt), given(f.Accuracy)
	}
	return row
}

func deviceEventToNoun(r *deviceEventRow) devices.DeviceEvent {
	e := devices.DeviceEvent{ID: r.ID, DeviceID: int64(r.DeviceID), Move: devices.Move(r.Kind),
		From: devices.State(r.FromState), To: devices.State(r.ToState),
		Actor: devices.Actor{Kind: access.Kind(r.ActorKind), ID: int64(r.ActorID), Name: r.ActorName},
		Time:  r.Time.Time, Noted: r.Noted.Time, Reason: r.Reason, ThingID: int64(r.ThingID),
		OtherID: int64(r.OtherID), OrganisationID: int64(r.OrganisationID)}
	if r.Lon.Valid {
		e.Fix = &devices.Fix{Position: geo.Position{Lon: r.Lon.Float64, Lat: r.Lat.Float64, Alt: r.Alt.Float64},
			Accuracy: r.Accuracy.Float64}
	}
	return e
}
