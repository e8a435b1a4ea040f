package api_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"cityhub/access"
	"cityhub/database"
	"cityhub/devices"
	"cityhub/geo"
	"cityhub/telemetry"
	"cityhub/telemetry/geofence"
)

// A target is one of everything that belongs to an organisation, made afresh,
// so that no call finds what another has left.
type target struct {
	mark         string // in every code of it
	organisation int64
	code         string // of the organisation
	thing        devices.Thing
	device       devices.Device
	spare        devices.Device // in no deployment
	deployment   int64
	stream       devices.Datastream
	observation  int64
	quarantined  int64
	at           geo.Position
	accountID    int64
	role         int64
	apiKey       int64
	grant        int64
	visitID      int64
	photo        int64
	stock        devices.Device // nobody's, to be claimed
	imported     string
	secret       string // of device
}

// The kinds of target that a caller of organisation own meets.
const (
	own    = "own"    // their organisation's, private
	other  = "other"  // another's, private
	public = "public" // another's, with published readings

	internal     = "internal"      // another's, with readings for the people of every organisation
	granted      = "granted"       // another's, who granted all that is theirs
	grantedThing = "granted-thing" // another's, who granted the target's thing
)

// second is an organisation of which nothing is tried: callers have a further
// role in it.
const second = "second"

// kinds are those that each call is made on.
var kinds = []string{own, other, public, internal, granted, grantedThing}

// world makes targets in a hub.
type world struct {
	*hub
	organisations map[string]devices.Organisation // by kind of target
	model         devices.Sensor
	made          int
	shown         map[caller][]string // the headers that a caller comes with
}

func newWorld(t *testing.T, options database.Options) *world {
	w := &world{hub: newHubOn(t, options), organisations: map[string]devices.Organisation{}, shown: map[caller][]string{}}
	ctx := t.Context()
	for _, kind := range append([]string{"far", second}, kinds...) {
		o := devices.Organisation{Code: "org-" + kind, Name: kind}
		check(t, w.registry.Organisations.Create(ctx, &o))
		w.organisations[kind] = o
	}
	must(w.accounts.AddGrant(ctx, access.Grant{Owner: w.organisations[granted].ID, Reader: w.organisations[own].ID}))(t)
	w.replay = func(_ context.Context, items []telemetry.Quarantined) (int, int, error) { return 0, len(items), nil }
	w.model = devices.Sensor{Code: "air", Channels: []devices.Channel{{Key: "pm25", Property: "pm25", Unit: "µg/m³", Hi: 500}}}
	check(t, w.registry.Sensors.Create(ctx, &w.model))
	return w
}

// target makes a target of a kind.
func (w *world) target(t *testing.T, kind string) *target {
	t.Helper()
	w.made++
	ctx, o := t.Context(), w.organisations[kind]
	x := &target{mark: fmt.Sprintf("mark-%d-", w.made), organisation: o.ID, code: o.Code, at: geo.Position{Lon: 105 + float64(w.made)/1_000, Lat: 21}}
	x.thing = devices.Thing{Code: x.mark + "thing", OrganisationID: o.ID}
	x.device = devices.Device{Code: x.mark + "device", Serial: x.mark + "serial", OrganisationID: o.ID, SensorID: w.model.ID}
	x.spare = devices.Device{Code: x.mark + "spare", OrganisationID: o.ID, SensorID: w.model.ID}
	check(t, w.registry.Things.Create(ctx, &x.thing))
	x.thing = must(w.registry.PlaceThing(ctx, x.thing.ID, x.at))(t)
	check(t, w.registry.Devices.Create(ctx, &x.device))
	check(t, w.registry.Devices.Create(ctx, &x.spare))
	d := devices.Deployment{DeviceID: x.device.ID, ThingID: x.thing.ID, From: time.Now().Add(-time.Hour)}
	check(t, w.registry.Deployments.Create(ctx, &d))
	x.deployment = d.ID
	streams := must(w.registry.Datastreams.List(ctx, devices.Page{Limit: 1, Match: map[string]any{"thing_id": x.thing.ID}}))(t)
	x.stream = streams[0]
	if how := map[string]access.Publication{public: access.Open, internal: access.Internal}[kind]; how != "" {
		x.stream = must(w.registry.Datastreams.Update(ctx, x.stream.ID, func(d *devices.Datastream) error {
			d.Publication = how
			return nil
		}))(t)
	}
	if kind == grantedThing {
		must(w.accounts.AddGrant(ctx, access.Grant{Owner: o.ID, Reader: w.organisations[own].ID, Thing: x.thing.ID}))(t)
	}
	x.observation = w.observe(ctx, t, x)
	items := []telemetry.Quarantined{{Received: time.Now(), Route: "native", Device: x.device.Code, Payload: []byte("{}"),
		Reason: "undecodable", Detail: x.mark}}
	must(w.quarantine.Add(ctx, items))(t)
	x.quarantined = items[0].ID
	return x
}

// observe has the target's device report once, and gives the reading's id.
func (w *world) observe(ctx context.Context, t *testing.T, x *target) int64 {
	t.Helper()
	done, value := make(chan telemetry.Receipt, 1), telemetry.NumberOf(12.5)
	w.pipeline.Submit(telemetry.Arrival{Route: "native", Received: time.Now(), Measurements: []telemetry.Measurement{{
		Device: x.device.Code, Time: time.Now().Add(-time.Minute), Seq: -1, Values: []telemetry.KeyedValue{{Key: "pm25", Value: value}}}}},
		func(r telemetry.Receipt) { done <- r })
	<-done
	w.stored()
	found := must(w.history.Observations(ctx, x.stream, time.Now().Add(-time.Hour), time.Now(), 1))(t)
	if len(found) != 1 {
		t.Fatalf("%d readings of %s", len(found), x.device.Code)
	}
	return found[0].ID
}

// bare makes a thing of the target's organisation at which nothing stands.
func (w *world) bare(x *target) int64 {
	w.t.Helper()
	if x.absent() {
		return absentID
	}
	w.made++
	bare := devices.Thing{Code: fmt.Sprintf("bare-%d", w.made), OrganisationID: x.organisation}
	check(w.t, w.registry.Things.Create(w.t.Context(), &bare))
	return bare.ID
}

// nothing is a target like x of which nothing is there but the organisation,
// which everybody may know of.
func (x *target) nothing() *target {
	n := &target{mark: "mark-0-", organisation: x.organisation, code: x.code, at: x.at}
	n.thing = devices.Thing{ID: absentID, Code: n.mark + "thing", LocationID: absentID}
	n.device = devices.Device{ID: absentID, Code: n.mark + "device", Serial: n.mark + "serial"}
	n.spare = devices.Device{ID: absentID, Code: n.mark + "spare"}
	n.deployment, n.stream.ID, n.observation, n.quarantined = absentID, absentID, absentID, absentID
	n.role, n.photo = absentID, absentID
	return n
}

// The things below are made when a call asks for them. A target that stands
// for nothing has nothing.

func (x *target) absent() bool { return x.thing.ID == absentID }

const absentID = 1 << 40

// user makes somebody of the target's organisation.
func (w *world) user(x *target) int64 {
	w.t.Helper()
	if x.absent() {
		return absentID
	}
	if x.accountID == 0 {
		u := must(w.accounts.AddUser(w.t.Context(), access.Profile{Name: x.mark + "user"}, "",
			[]access.Binding{{Role: access.Viewer, Organisation: x.organisation}}))(w.t)
		x.accountID, x.role = u.ID, u.Roles[0].ID
	}
	return x.accountID
}

func (w *world) keyOf(x *target) int64 {
	w.t.Helper()
	if x.absent() {
		return absentID
	}
	if x.apiKey == 0 {
		k, _, err := w.accounts.AddKey(w.t.Context(), x.mark+"key", access.Binding{Role: access.Viewer, Organisation: x.organisation}, time.Time{})
		check(w.t, err)
		x.apiKey = k.ID
	}
	return x.apiKey
}

func (w *world) grant(x *target) int64 {
	w.t.Helper()
	if x.absent() {
		return absentID
	}
	if x.grant == 0 {
		x.grant = must(w.accounts.AddGrant(w.t.Context(), access.Grant{Owner: x.organisation, Reader: w.organisations["far"].ID, Thing: x.thing.ID}))(w.t).ID
	}
	return x.grant
}

func (w *world) visit(x *target) int64 {
	w.t.Helper()
	if x.absent() {
		x.photo = absentID
		return absentID
	}
	if x.visitID == 0 {
		v := devices.Visit{ThingID: x.thing.ID, Reason: x.mark}
		check(w.t, w.registry.OpenVisit(w.t.Context(), &v))
		p := devices.VisitPhoto{VisitID: v.ID}
		check(w.t, w.registry.AddPhoto(w.t.Context(), &p, []byte(pixel), true))
		x.visitID, x.photo = v.ID, p.ID
	}
	return x.visitID
}

// inStock makes a device that waits to be claimed.
func (w *world) inStock(x *target) int64 {
	w.t.Helper()
	if x.absent() {
		return absentID
	}
	if x.stock.ID == 0 {
		x.stock = devices.Device{Code: x.mark + "stock", Serial: x.mark + "stock", SensorID: w.model.ID}
		check(w.t, w.registry.Devices.Create(w.t.Context(), &x.stock))
	}
	return x.stock.ID
}

func (w *world) claimCode(x *target) string {
	w.t.Helper()
	if x.absent() {
		return "AAAA-AAAA-AAAA-AAAA"
	}
	w.inStock(x)
	code, _, err := w.claims.Make(w.t.Context(), &x.stock, 0)
	check(w.t, err)
	return code
}

// importOf has an administrator of the target's organisation import a file.
func (w *world) importOf(x *target) string {
	w.t.Helper()
	if x.absent() {
		return "ABSENTABSENTABSE"
	}
	if x.imported == "" {
		key := w.newKey(access.OrgAdmin, x.organisation)
		file := fmt.Sprintf("--xx\r\nContent-Disposition: form-data; name=\"kind\"\r\n\r\ndevices\r\n--xx\r\nContent-Disposition: form-data; name=\"file\"; filename=\"%sfile.csv\"\r\n\r\ndevice,model\n%simported,air\n\r\n--xx--\r\n", x.mark, x.mark)
		r := w.call("POST", "imports", file, "Authorization: Bearer "+key, "Content-Type: multipart/form-data; boundary=xx").want(202)
		x.imported = r.json()["id"].(string)
	}
	return x.imported
}

// zone is one that fences can name.
func (w *world) zone() int64 {
	w.t.Helper()
	if z, ok := w.registry.ZoneByCode("fenced"); ok {
		return z.ID
	}
	z := devices.Zone{Code: "fenced", Kind: "depot"}
	check(w.t, w.registry.Zones.Create(w.t.Context(), &z))
	return z.ID
}

// fence makes one of the target's organisation.
func (w *world) fence(x *target) int64 {
	w.t.Helper()
	if x.absent() {
		return absentID
	}
	w.made++
	f := devices.Fence{Code: fmt.Sprintf("%sfence-%d", x.mark, w.made), ZoneID: w.zone(), OrganisationID: x.organisation}
	check(w.t, w.registry.Geofences.Create(w.t.Context(), &f))
	return f.ID
}

// fenced makes a fence, and gives its zone.
func (w *world) fenced(x *target) int64 {
	w.fence(x)
	return w.zone()
}

// crossed has the target's thing cross a fence.
func (w *world) crossed(x *target) int64 {
	w.t.Helper()
	f := w.fence(x)
	if !x.absent() {
		check(w.t, w.fences.Keep(w.t.Context(), geofence.Kept{Events: []*geofence.Event{{Fence: f, Zone: w.zone(), Thing: x.thing.ID, Time: time.Now(), Confirmed: time.Now()}}}))
	}
	return f
}
