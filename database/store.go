package database

import (
	"context"

	"cityhub/devices"
)

// store implements devices.Store.
type store struct{ database *Database }

// Tables implements devices.Store.
func (s store) Tables() devices.Tables { return tables(s.database.outside()) }

// Atomically implements devices.Store. On SQLite a change through Tables()
// made within do waits for do and so for ever: use the tables that do is given.
// These are not safe for concurrent use. After a refused Put or Delete nothing
// of the transaction is kept, even if do goes on.
func (s store) Atomically(ctx context.Context, do func(devices.Tables) error) error {
	return s.database.atomically(ctx, func(at *session) error { return do(tables(at)) })
}

func tables(at *session) devices.Tables {
	return devices.Tables{
		Organisations:       table[devices.Organisation, organisationRow]{organisations(), at},
		Things:              table[devices.Thing, thingRow]{things(), at},
		Locations:           table[devices.Location, locationRow]{locations(), at},
		HistoricalLocations: table[devices.HistoricalLocation, historicalLocationRow]{historicalLocations(), at},
		Moves:               table[devices.HistoricalLocation, moveRow]{moves(), at},
		ObservedProperties:  table[devices.ObservedProperty, propertyRow]{properties(), at},
		Sensors:             table[devices.Sensor, sensorRow]{sensors(), at},
		Groups:              table[devices.Group, groupRow]{groups(), at},
		Datastreams:         table[devices.Datastream, datastreamRow]{datastreams(), at},
		Devices:             table[devices.Device, deviceRow]{deviceNoun(), at},
		Log:                 recorder{at},
		Deployments:         table[devices.Deployment, deploymentRow]{deployments(), at},
		DeviceEvents:        table[devices.DeviceEvent, deviceEventRow]{deviceEvents(), at},
		Visits:              table[devices.Visit, visitRow]{visits(), at},
		VisitNotes:          table[devices.VisitNote, visitNoteRow]{visitNotes(), at},
		VisitPhotos:         table[devices.VisitPhoto, visitPhotoRow]{visitPhotos(), at},
		Zones:               table[devices.Zone, zoneRow]{zones(), at},
		ZoneVersions:        table[devices.ZoneVersion, zoneVersionRow]{zoneVersions(), at},
		Fences:              table[devices.Fence, fenceRow]{fences(), at},
	}
}
