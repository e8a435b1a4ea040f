package api_test

import (
	"bytes"
	"fmt"
	"net/http"
	"testing"

	"cityhub/access"
)

// A kept tile is shared by those who may see the same, and by nobody else.
func TestTilesAreSharedByScope(t *testing.T) {
	h := mapCity(t)
	of := func(code string) int64 { return h.idOf("organisations", code) }
	viewer := func(code string) string { return "Authorization: Bearer " + h.newKey(access.Viewer, of(code)) }
	const address = "tiles/stations/8/203/112.mvt?property=pm25"
	tag := func(header string) string { return h.get(address, header).want(200).header.Get("ETag") }
	one, again, other, all := tag(viewer("HN")), tag(viewer("HN")), tag(viewer("XX")), h.get(address).want(200).header.Get("ETag")
	if one != again {
		t.Errorf("two with the same scope have %s and %s", one, again)
	}
	if one == other || one == all || other == all {
		t.Errorf("callers of different scopes share a tile: %s %s %s", one, other, all)
	}
}

// From zoom 14 on stations stand by themselves.
func TestTilesShowStationsWhenTheyAreNear(t *testing.T) {
	h := mapCity(t)
	far, near := h.get("tiles/stations/13/6504/3606.mvt?property=pm25"), h.get("tiles/stations/14/13009/7212.mvt?property=pm25")
	if !bytes.Contains(far.want(200).body, []byte("clusters")) || bytes.Contains(far.body, []byte("stations")) {
		t.Errorf("%q", far.body)
	}
	if !bytes.Contains(near.want(200).body, []byte("stations")) || bytes.Contains(near.body, []byte("clusters")) {
		t.Errorf("%q", near.body)
	}
}

// A zone's new name shows in its tile.
func TestZoneTilesFollowTheirZones(t *testing.T) {
	h := mapCity(t)
	const address = "tiles/zones/8/203/112.mvt?kind=ward"
	before := h.get(address).want(200).header.Get("ETag")
	h.get(address, "If-None-Match: "+before).want(304)
	h.call(http.MethodPatch, fmt.Sprintf("zones/%d", h.idOf("zones", "W")), `{"name":"Phường Tây"}`, "Content-Type: application/merge-patch+json").want(200)
	after := h.get(address, "If-None-Match: "+before).want(200)
	if !bytes.Contains(after.body, []byte("Phường Tây")) {
		t.Errorf("%q", after.body)
	}
}
