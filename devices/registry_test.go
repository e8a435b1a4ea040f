package devices_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"
	"testing"
	"time"

	"cityhub/database"
	"cityhub/devices"
	"cityhub/examples"
	"cityhub/geo"
)

var then = time.Date(2025, 7, 1, 0, 0, 0, 0, time.UTC)

type town struct {
	*devices.Registry
	database *database.Database
	sensor   devices.Sensor
}

func openTown(t testing.TB) *town {
	t.Helper()
	db, err := database.Open(t.Context(), database.Options{SQLitePath: filepath.Join(t.TempDir(), "registry.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	r, err := devices.Open(t.Context(), db.Store(), func() time.Time { return then })
	if err != nil {
		t.Fatal(err)
	}
	w := &town{Registry: r, database: db}
	w.sensor, _, err = r.PutSensor(t.Context(), devices.Sensor{Code: "air", Channels: []devices.Channel{
		{Key: "p", Property: "pm25", Unit: "µg/m³", Lo: 0, Hi: 1000}, {Key: "door", Property: "door", Kind: devices.Boolean, Lo: math.Inf(-1), Hi: math.Inf(1)}}})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *town) row(t testing.TB, row devices.Row, want devices.Result) {
	t.Helper()
	if row.Model == "" {
		row.Model = "air"
	}
	got, err := w.ImportRow(t.Context(), row)
	if err != nil || got != want {
		t.Fatalf("import of %+v: %s, %v; want %s", row, got, err, want)
	}
}

func (w *town) target(t testing.TB, device string, at time.Time) devices.Target {
	t.Helper()
	target, err := w.Resolve(device, at)
	if err != nil {
		t.Fatalf("resolve %s at %s: %v", device, at, err)
	}
	return target
}

func TestAReplacedDeviceContinuesTheSeries(t *testing.T) {
	w := openTown(t)
	w.row(t, devices.Row{Device: "a", Station: "s", From: then.Format(time.RFC3339)}, devices.Created)
	w.row(t, devices.Row{Device: "b", DevEUI: "70b3d57ed0000001"}, devices.Created)
	first := w.target(t, "a", then.Add(time.Hour))

	swap := then.Add(24 * time.Hour)
	deployments, err := w.Deployments.List(t.Context(), devices.Page{Limit: 9})
	if err != nil || len(deployments) != 1 {
		t.Fatalf("%d deployments, %v", len(deployments), err)
	}
	if _, err := w.Deployments.Update(t.Context(), deployments[0].ID, func(d *devices.Deployment) error { d.To = swap; return nil }); err != nil {
		t.Fatal(err)
	}
	b := w.device(t, "b")
	if err := w.Deployments.Create(t.Context(), &devices.Deployment{DeviceID: b.ID, ThingID: first.Station.ID, From: swap}); err != nil {
		t.Fatal(err)
	}
	second := w.target(t, "b", swap)
	if second.Series.ID != first.Series.ID {
		t.Errorf("the new device writes to group %d, the old one to %d", second.Series.ID, first.Series.ID)
	}
	if late := w.target(t, "a", swap.Add(-time.Nanosecond)); late.Series.ID != first.Series.ID {
		t.Error("a late reading of the old device lost its series")
	}
	if _, err := w.Resolve("a", swap); !errors.Is(err, devices.ErrNotDeployed) {
		t.Errorf("the old device after its end: %v", err)
	}
	if byEUI := w.target(t, "70B3D57ED0000001", swap); byEUI.Device != "b" {
		t.Errorf("the DevEUI resolves to %q", byEUI.Device)
	}
}

// device finds a device by code.
func (w *town) device(t testing.TB, code string) devices.Device {
	t.Helper()
	found, err := w.Devices.List(t.Context(), devices.Page{Limit: 1, Match: map[string]any{"code": code}})
	if err != nil || len(found) != 1 {
		t.Fatalf("device %s: %d found, %v", code, len(found), err)
	}
	return found[0]
}

func TestTwoDevicesOfOneModelHaveTwoPlaces(t *testing.T) {
	w := openTown(t)
	w.row(t, devices.Row{Device: "a", Station: "s"}, devices.Created)
	w.row(t, devices.Row{Device: "b", Station: "s"}, devices.Created)
	a, b := w.target(t, "a", then), w.target(t, "b", then)
	if a.Series.ID == b.Series.ID || b.Series.Place != 1 {
		t.Errorf("places %+v and %+v", a.Series, b.Series)
	}
}

func TestImportRows(t *testing.T) {
	w := openTown(t)
	full := devices.Row{Device: "a", Serial: "1", Station: "s", StationName: "Cầu Giấy", Lon: "105.8", Lat: "21.03", Organisation: "dst"}
	w.row(t, full, devices.Created)
	w.row(t, full, devices.Unchanged)
	full.Lat = "21.04"
	w.row(t, full, devices.Updated)
	if p := w.target(t, "a", then).Station.Position; p == nil || p.Lat != 21.04 {
		t.Errorf("the station stands at %v", p)
	}
	for name, c := range map[string]struct {
		row   devices.Row
		field string
	}{
		"no device":     {devices.Row{Model: "air"}, "device"},
		"no model":      {devices.Row{Device: "x"}, "model"},
		"unknown model": {devices.Row{Device: "x", Model: "none"}, "model"},
		"bad code":      {devices.Row{Device: "x y", Model: "air"}, "device"},
		"comma degrees": {devices.Row{Device: "x", Model: "air", Station: "z", Lon: "105;8", Lat: "21"}, "lon"},
		"off the Earth": {devices.Row{Device: "x", Model: "air", Station: "z", Lon: "21", Lat: "105"}, "lat"},
		"bad time":      {devices.Row{Device: "x", Model: "air", From: "yesterday"}, "from"},
		"moved device":  {devices.Row{Device: "a", Model: "air", Station: "other"}, "station"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.ImportRow(t.Context(), c.row)
			var field *devices.FieldError
			if !errors.As(err, &field) || field.Field != c.field {
				t.Errorf("%v; want one about %q", err, c.field)
			}
		})
	}
	stations, units, _ := w.Size()
	if stations != 1 || units != 1 {
		t.Errorf("refused rows left %d stations and %d devices; want 1 and 1", stations, units)
	}
}

func TestOneBadRowDoesNotHoldTheOthers(t *testing.T) {
	w := openTown(t)
	results, errs := w.ImportRows(t.Context(), []devices.Row{
		{Device: "a", Model: "air", Station: "s"}, {Device: "b", Model: "none"}, {Device: "c", Model: "air", Station: "u"}})
	if results[0] != devices.Created || errs[1] == nil || results[2] != devices.Created {
		t.Errorf("%v, %v", results, errs)
	}
}

func TestAReopenedRegistryResolvesTheSame(t *testing.T) {
	w := openTown(t)
	for i := range 50 {
		w.row(t, devices.Row{Device: fmt.Sprintf("d%d", i), Station: fmt.Sprintf("s%d", i%40), Lon: "105.8", Lat: "21"}, devices.Created)
	}
	again, err := devices.Open(t.Context(), w.database.Store(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		name := fmt.Sprintf("d%d", i)
		a := w.target(t, name, then)
		b, err := again.Resolve(name, then)
		if err != nil || a.Series.ID != b.Series.ID || fmt.Sprint(a.Series.Datastreams) != fmt.Sprint(b.Series.Datastreams) || *a.Station.Position != *b.Station.Position {
			t.Errorf("%s: %+v became %+v, %v", name, a.Series, b.Series, err)
		}
	}
}

func TestANewChannelReachesPlacesThatExist(t *testing.T) {
	w := openTown(t)
	w.row(t, devices.Row{Device: "a", Station: "s"}, devices.Created)
	before := w.target(t, "a", then).Series.Datastreams
	_, err := w.Sensors.Update(t.Context(), w.sensor.ID, func(s *devices.Sensor) error {
		s.Channels = append([]devices.Channel{{Key: "t", Property: "temperature", Lo: -50, Hi: 60}}, s.Channels...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	after := w.target(t, "a", then)
	if len(after.Series.Datastreams) != 3 || after.Series.Datastreams[0] != before[0] {
		t.Errorf("datastreams %v became %v", before, after.Series.Datastreams)
	}
	if c, _ := after.Model.Channel("t"); c == nil || c.Slot != 2 {
		t.Errorf("the new channel has slot %+v; want 2, for slots are never given twice", c)
	}
}

func TestAnExampleModelImportedAgainIsUnchanged(t *testing.T) {
	w := openTown(t)
	files, err := fs.Glob(examples.Models, "models/*.yaml")
	if err != nil || len(files) < 9 {
		t.Fatalf("%d example models, %v", len(files), err)
	}
	for _, want := range []devices.Result{devices.Created, devices.Unchanged} {
		for _, file := range files {
			model, err := devices.ReadModel(examples.Models, file)
			if err != nil {
				t.Fatal(err)
			}
			if _, got, err := w.PutSensor(t.Context(), model); err != nil || got != want {
				t.Errorf("%s: %s, %v; want %s", file, got, err, want)
			}
		}
	}
}

func TestAModelInUseKeepsItsChannels(t *testing.T) {
	w := openTown(t)
	drop := func() error {
		_, err := w.Sensors.Update(t.Context(), w.sensor.ID, func(s *devices.Sensor) error { s.Channels = s.Channels[:1]; return nil })
		return err
	}
	w.row(t, devices.Row{Device: "a", Station: "s"}, devices.Created)
	if err := drop(); !errors.Is(err, devices.ErrInvalid) {
		t.Errorf("dropping a channel in use: %v", err)
	}
}

func TestARetiredDatastreamIsUnreachable(t *testing.T) {
	w := openTown(t)
	w.row(t, devices.Row{Device: "a", Station: "s"}, devices.Created)
	id := w.target(t, "a", then).Series.Datastreams[1]
	if _, err := w.Datastreams.Update(t.Context(), id, func(d *devices.Datastream) error { d.Retired = true; return nil }); err != nil {
		t.Fatal(err)
	}
	if got := w.target(t, "a", then).Series.Datastreams[1]; got != 0 {
		t.Errorf("datastream %d is still there", got)
	}
}

func TestMovingAThingKeepsItsHistory(t *testing.T) {
	w := openTown(t)
	w.row(t, devices.Row{Device: "a", Station: "s", Lon: "105.8", Lat: "21"}, devices.Created)
	id := w.target(t, "a", then).Station.ID
	if _, err := w.PlaceThing(t.Context(), id, geo.Position{Lon: 105.9, Lat: 21.1}); err != nil {
		t.Fatal(err)
	}
	history, err := w.HistoricalLocations(t.Context(), devices.Page{Limit: 9, Match: map[string]any{"thing_id": id}})
	if err != nil || len(history) != 2 {
		t.Errorf("%d places in the history, %v; want 2", len(history), err)
	}
}

func BenchmarkResolve(b *testing.B) {
	w := openTown(b)
	const n = 2_000
	rows := make([]devices.Row, n)
	for i := range rows {
		rows[i] = devices.Row{Device: fmt.Sprintf("d%d", i), Model: "air", Station: fmt.Sprintf("s%d", i)}
	}
	if _, errs := w.ImportRows(context.Background(), rows); errs[0] != nil {
		b.Fatal(errs[0])
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if _, err := w.Resolve(rows[i%n].Device, then); err != nil {
			b.Fatal(err)
		}
		i++
	}
}

// Rows whose contradiction only the store sees: each is told its own result.
func TestRowsThatCannotBeKeptTogether(t *testing.T) {
	w := openTown(t)
	rows := make([]devices.Row, 40)
	for i := range rows {
		rows[i] = devices.Row{Device: fmt.Sprintf("d%d", i), Model: "air", Station: fmt.Sprintf("s%d", i/2), DevEUI: fmt.Sprintf("%016X", i)}
	}
	rows[7].DevEUI = rows[3].DevEUI   // the other is not known yet when this one is read
	rows[21].Device = rows[20].Device // stands elsewhere
	rows[21].Station = "elsewhere"
	results, errs := w.ImportRows(t.Context(), rows)
	for i := range rows {
		want := devices.Created
		if i == 7 || i == 21 {
			want = devices.Failed
		}
		if results[i] != want || (want == devices.Failed) != (errs[i] != nil) {
			t.Errorf("row %d: %s, %v; want %s", i, results[i], errs[i], want)
		}
	}
	var field *devices.FieldError
	if !errors.As(errs[7], &field) || field.Kind != devices.ErrConflict {
		t.Errorf("the second holder of a DevEUI: %v", errs[7])
	}
	if stations, units, groups := w.Size(); stations != 20 || units != 38 || groups != 38 {
		t.Errorf("%d stations, %d devices, %d groups", stations, units, groups)
	}
	for i, again := range results {
		if got, err := w.ImportRow(t.Context(), rows[i]); again == devices.Created && (got != devices.Unchanged || err != nil) {
			t.Errorf("row %d again: %s, %v", i, got, err)
		}
	}
}
