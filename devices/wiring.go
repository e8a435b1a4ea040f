package devices

import "context"

// nouns wires every noun to its table, its checks and its place in the index.
func (r *Registry) nouns() {
	r.Organisations = &Nouns[Organisation]{registry: r, name: "organisation", id: organisationID, check: checkOrganisation,
		table: func(t Tables) Table[Organisation] { return t.Organisations }}
	r.Things = &Nouns[Thing]{registry: r, name: "thing", owners: ownerOf(thingOwner), own: thingOwner, fixed: fixedThing, id: thingID, check: checkThing, after: rememberPlace, before: forgetPlaces,
		table: func(t Tables) Table[Thing] { return t.Things },
		enter: (*index).enterThing, leave: (*index).leaveThing}
	r.Locations = &Nouns[Location]{registry: r, name: "location", owners: ownersOfLocation, id: locationID, check: checkLocation, after: noteLocation,
		table: func(t Tables) Table[Location] { return t.Locations },
		enter: (*index).moveLocation}
	r.Properties = &Nouns[ObservedProperty]{registry: r, name: "observed-property", id: propertyID, check: checkProperty,
		table: func(t Tables) Table[ObservedProperty] { return t.ObservedProperties },
		enter: (*index).enterProperty, leave: (*index).leaveProperty}
	r.Sensors = &Nouns[Sensor]{registry: r, name: "sensor", id: sensorID, check: checkSensor, after: noteModel,
		table: func(t Tables) Table[Sensor] { return t.Sensors },
		enter: (*index).enterSensor, leave: (*index).leaveSensor}
	r.Datastreams = &Nouns[Datastream]{registry: r, name: "datastream", owners: ownersOfDatastream, fixed: fixedDatastream, id: datastreamID, check: checkDatastream,
		table: func(t Tables) Table[Datastream] { return t.Datastreams },
		enter: (*index).enterDatastream, leave: (*index).leaveDatastream}
	r.Devices = &Nouns[Device]{registry: r, name: "device", owners: ownerOf(deviceOwner), own: deviceOwner, fixed: fixedDevice, id: deviceID, check: checkDevice, after: rememberOwner,
		table: func(t Tables) Table[Device] { return t.Devices },
		enter: (*index).enterDevice, leave: (*index).leaveDevice}
	r.Deployments = &Nouns[Deployment]{registry: r, name: "deployment", owners: ownersOfDeployment, fixed: fixedNothing[Deployment], id: deploymentID, check: checkDeployment, after: noteDeployment, before: undeploy,
		table: func(t Tables) Table[Deployment] { return t.Deployments },
		enter: (*index).enterDeployment, leave: (*index).leaveDeployment}
	r.Visits = &Nouns[Visit]{registry: r, name: "visit", owners: ownersOfVisit, fixed: fixedNothing[Visit], id: visitID, check: checkVisit,
		table: func(t Tables) Table[Visit] { return t.Visits },
		enter: (*index).enterVisit}
	r.VisitNotes = &Nouns[VisitNote]{registry: r, name: "visit-note", owners: ownersOfNote, fixed: fixedNothing[VisitNote], id: noteID, check: checkNote,
		table: func(t Tables) Table[VisitNote] { return t.VisitNotes }}
	r.VisitPhotos = &Nouns[VisitPhoto]{registry: r, name: "visit-photo", owners: ownersOfPhoto, fixed: fixedNothing[VisitPhoto], id: photoID, check: checkPhoto,
		table: func(t Tables) Table[VisitPhoto] { return t.VisitPhotos }}
	r.Zones = &Nouns[Zone]{registry: r, name: "zone", id: zoneID, check: checkZone, before: forgetZoneVersions,
		table: func(t Tables) Table[Zone] { return t.Zones },
		enter: (*index).enterZone, leave: (*index).leaveZone}
	r.ZoneVersions = &Nouns[ZoneVersion]{registry: r, name: "zone-version", id: zoneVersionID, check: checkZoneVersion,
		table: func(t Tables) Table[ZoneVersion] { return t.ZoneVersions },
		enter: (*index).enterZoneVersion, leave: (*index).leaveZoneVersion}
	r.Geofences = &Nouns[Fence]{registry: r, name: "geofence", owners: ownerOf(fenceOwner), own: fenceOwner, fixed: fixedNothing[Fence], id: fenceID, check: checkFence,
		table: func(t Tables) Table[Fence] { return t.Fences },
		enter: (*index).enterFence, leave: (*index).leaveFence}
}

// HistoricalLocations tells where a thing was, oldest first.
func (r *Registry) HistoricalLocations(ctx context.Context, page Page) ([]HistoricalLocation, error) {
	return r.store.Tables().HistoricalLocations.List(ctx, page)
}
