package telemetry_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cityhub/devices"
	"cityhub/geo"
	"cityhub/telemetry"
)

// mobile lets the thing of a device take its position from its readings.
func (w *way) mobile(device string) (thing, group int64) {
	w.t.Helper()
	target, err := w.registry.Resolve(device, w.now)
	if err == nil {
		_, err = w.registry.Things.Update(w.t.Context(), target.Station.ID, func(t *devices.Thing) error { t.Mobile = true; return nil })
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return target.Station.ID, target.Series.ID
}

// drive sends a reading with a position at minutes before now.
func (w *way) drive(device string, minutes int, lon, lat float64) {
	w.t.Helper()
	m := reading(device, w.now.Add(-time.Duration(minutes)*time.Minute), -1, "pm25", telemetry.NumberOf(float64(minutes)))
	m.Position = &geo.Position{Lon: lon, Lat: lat}
	if r := w.send(m); r.Err != nil || r.Refusals != nil {
		w.t.Fatalf("receipt %+v", r)
	}
}

// is wants the thing at a longitude.
func (w *way) is(thing int64, lon float64) {
	w.t.Helper()
	if p, ok := w.latest.Place(thing); !ok || p.Lon != lon {
		w.t.Errorf("the thing is at %+v, %v; want longitude %v", p, ok, lon)
	}
}

func (w *way) track(group int64, limit int) telemetry.Track {
	w.t.Helper()
	track, err := w.history.Track(w.t.Context(), []int64{group}, w.now.Add(-24*time.Hour), w.now.Add(time.Hour), limit)
	if err != nil {
		w.t.Fatal(err)
	}
	return track
}

// lons lists a track's longitudes.
func lons(t telemetry.Track) string {
	var all []string
	for _, p := range t.Places {
		all = append(all, fmt.Sprint(p.Lon))
	}
	return strings.Join(all, " ")
}

func TestAMobileThingIsWhereItsNewestReadingSays(t *testing.T) {
	dir := t.TempDir()
	w := openWay(t, dir, nil)
	w.register("bus", "post")
	thing, group := w.mobile("bus")
	w.drive("bus", 10, 105.80, 21)
	w.drive("bus", 5, 105.81, 21)
	w.is(thing, 105.81)
	w.drive("bus", 30, 105.79, 21) // late: the track alone
	w.is(thing, 105.81)
	w.drive("post", 5, 106, 21) // not mobile
	w.drained()
	track := w.track(group, 10)
	if got := lons(track); got != "105.79 105.8 105.81" || track.More {
		t.Errorf("track %s, %+v", got, track)
	}
	if pieces := track.Pieces(10 * time.Minute); len(pieces) != 2 || len(pieces[0]) != 1 {
		t.Errorf("pieces %v", pieces)
	}
	if first := w.track(group, 2); lons(first) != "105.79 105.8" || !first.More || first.End != w.now.Add(-5*time.Minute).UnixNano() {
		t.Errorf("the first two: %+v", first)
	}
	w.stop()

	again := openWay(t, dir, nil)
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		if _, ok := again.latest.Place(thing); ok {
			break
		}
	}
	again.is(thing, 105.81)
}

// A track over the antimeridian is cut there, and both pieces reach it.
func TestATrackIsCutAtTheAntimeridian(t *testing.T) {
	minute := int64(time.Minute)
	at := func(n int64, lon, lat float64) telemetry.Place {
		return telemetry.Place{Time: n * minute, Position: geo.Position{Lon: lon, Lat: lat}}
	}
	track := telemetry.Track{Places: []telemetry.Place{at(0, 179.5, 10), at(4, -179.5, 12), at(5, -179.25, 12), at(9, 179.75, 12)}}
	pieces := track.Pieces(5 * time.Minute)
	want := [][]telemetry.Place{{at(0, 179.5, 10), at(2, 180, 11)}, {at(2, -180, 11), at(4, -179.5, 12), at(5, -179.25, 12), at(8, -180, 12)}, {at(8, 180, 12), at(9, 179.75, 12)}}
	if !cmp.Equal(pieces, want) {
		t.Error(cmp.Diff(want, pieces))
	}
	if pieces := track.Pieces(3 * time.Minute); len(pieces) != 3 || len(pieces[0]) != 1 || len(pieces[1]) != 2 {
		t.Errorf("with gaps at the antimeridian: %v", pieces)
	}
}

func TestPositionsThatCannotBeAreFlaggedAndKept(t *testing.T) {
	w := openWay(t, t.TempDir(), nil)
	w.register("bus")
	thing, group := w.mobile("bus")
	w.drive("bus", 20, 105.80, 21)
	w.drive("bus", 19, 0, 0)       // no fix
	w.drive("bus", 18, 107.80, 21) // 200 km in two minutes
	w.is(thing, 105.80)
	w.drive("bus", 17, 105.81, 21)
	w.is(thing, 105.81)
	w.drained()
	if track := w.track(group, 10); lons(track) != "105.8 105.81" || track.Doubtful != 2 {
		t.Errorf("track %s, %d doubtful", lons(track), track.Doubtful)
	}
	const late = telemetry.Late
	list := w.observations("bus", "pm25")
	if len(list) != 4 || list[1].Quality != late|telemetry.Misplaced || list[2].Quality != late|telemetry.Misplaced || list[3].Quality != late {
		t.Errorf("the values stay, flagged: %+v", list)
	}
	off := reading("bus", w.now, -1, "pm25", telemetry.NumberOf(1))
	off.Position = &geo.Position{Lon: 21, Lat: 105.8}
	if r := w.send(off); len(r.Refusals) != 1 || r.Refusals[0].Reason != telemetry.WrongPosition {
		t.Errorf("a position off the Earth: %+v", r)
	}
}

func TestAWrongFirstPositionIsOutweighed(t *testing.T) {
	w := openWay(t, t.TempDir(), nil)
	w.register("bus")
	thing, _ := w.mobile("bus")
	w.drive("bus", 30, 120, 40)
	w.drive("bus", 29, 105.80, 21)
	w.drive("bus", 28, 100, 10) // agrees with nobody
	w.drive("bus", 27, 105.80, 21)
	w.drive("bus", 26, 105.81, 21)
	w.is(thing, 120)
	w.drive("bus", 25, 105.82, 21)
	w.is(thing, 105.82)
}

func TestAPositionAloneIsAReadingOfAMobileThing(t *testing.T) {
	w := openWay(t, t.TempDir(), nil)
	w.register("bus", "post")
	thing, group := w.mobile("bus")
	alone := func(device string) telemetry.Receipt {
		return w.send(telemetry.Measurement{Device: device, Time: w.now, Seq: -1, Position: &geo.Position{Lon: 105.8, Lat: 21}})
	}
	if r := alone("bus"); r.Err != nil || r.Refusals != nil {
		t.Errorf("of a bus: %+v", r)
	}
	if r := alone("post"); len(r.Refusals) != 1 || r.Refusals[0].Reason != telemetry.NoChannel {
		t.Errorf("of a post: %+v", r)
	}
	w.is(thing, 105.8)
	w.send(reading("bus", w.now, -1, "pm25", telemetry.NumberOf(3))) // the same instant: both are kept
	w.drained()
	alone("bus")
	if totals := w.drained(); totals.Duplicates != 1 {
		t.Errorf("%d duplicates; want the second position", totals.Duplicates)
	}
	if track, list := w.track(group, 10), w.observations("bus", "pm25"); lons(track) != "105.8" || len(list) != 1 {
		t.Errorf("track %s, observations %+v", lons(track), list)
	}
}
