package labels_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"image/png"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cityhub/access"
	"cityhub/devices"
	"cityhub/devices/labels"
)

const claim = "AC3F-K9MN-WX4T-Y7PR"

func TestRead(t *testing.T) {
	lora := labels.Reading{JoinEUI: "70B3D57ED0001234", DevEUI: "A84041FFFF1C2D3E", VendorID: "01A2", Profile: "0B0C"}
	with := func(change func(*labels.Reading)) labels.Reading { r := lora; change(&r); return r }
	const base = "LW:D0:70B3D57ED0001234:A84041FFFF1C2D3E:01A20B0C"
	for text, want := range map[string]labels.Reading{
		base:                    lora,
		strings.ToLower(base):   lora,
		" " + base + "\n":       lora,
		base + ":SHN2025-00017": with(func(r *labels.Reading) { r.Serial = "HN2025-00017" }),
		base + ":OF0E1D2:SX1:PV2-BLUE:C9A3F": with(func(r *labels.Reading) {
			r.Owner, r.Serial, r.Vendor = "F0E1D2", "X1", "V2-BLUE"
		}),
		base + ":P:C0000":                                     lora,
		"https://hub.example/d/air-00001":                     {Code: "air-00001"},
		"https://hub.example/city/d/air-00001#claim=" + claim: {Code: "air-00001", ClaimCode: claim},
	} {
		got, err := labels.Read(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s:\n%s", text, diff)
		}
	}
}

func TestWhatIsNoLabel(t *testing.T) {
	for _, text := range []string{"", "hello", "LW:", "LW:D1:70B3D57ED0001234:A84041FFFF1C2D3E:01A20B0C",
		"LW:D0:70B3D57ED000123:A84041FFFF1C2D3E:01A20B0C", "LW:D0:70B3D57ED0001234:A84041FFFF1C2D3G:01A20B0C",
		"LW:D0:70B3D57ED0001234:A84041FFFF1C2D3E:01A2", "LW:D0:70B3D57ED0001234:A84041FFFF1C2D3E:01A20B0C:",
		"LW:D0:70B3D57ED0001234:A84041FFFF1C2D3E:01A20B0C:SA:SB", "LW:D0:70B3D57ED0001234:A84041FFFF1C2D3E:01A20B0C:XA",
		"LW:D0:70B3D57ED0001234:A84041FFFF1C2D3E:01A20B0C:CXYZ1", "https://hub.example/", "https://hub.example/d/",
		"https://hub.example/d/a b", "https://hub.example/d/a/b", "https://hub.example/d/a#claim=x", strings.Repeat("LW:", 9999)} {
		if r, err := labels.Read(text); !errors.Is(err, devices.ErrInvalid) {
			t.Errorf("%.60q is read as %+v, %v", text, r, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("LW:D0:70B3D57ED0001234:A84041FFFF1C2D3E:01A20B0C:SA")
	f.Add("https://hub.example/d/a#claim=" + claim)
	f.Fuzz(func(t *testing.T, text string) {
		r, err := labels.Read(text)
		if err == nil && (r.Code == "") == (r.DevEUI == "") {
			t.Errorf("%q says %+v", text, r)
		}
	})
}

// What is drawn says where the device is found, and is read again.
func TestDrawing(t *testing.T) {
	l := labels.Label{Hub: "https://hub.example", Code: "air-00001", Serial: "<SN>", Model: "Trạm không khí", ClaimCode: claim}
	if r, err := labels.Read(l.Address()); err != nil || r.Code != l.Code || r.ClaimCode != claim {
		t.Errorf("%+v %v", r, err)
	}
	raw, err := l.PNG()
	if err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(raw))
	if err != nil || picture.Bounds().Dx() < 200 {
		t.Fatalf("%v %v", picture, err)
	}
	svg, err := l.SVG()
	if err != nil {
		t.Fatal(err)
	}
	for decoder := xml.NewDecoder(bytes.NewReader(svg)); ; {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if !strings.Contains(string(svg), "Trạm không khí") || !strings.Contains(string(svg), "&lt;SN&gt;") {
		t.Error("the words are missing")
	}
}

func TestSheets(t *testing.T) {
	var many []labels.Label
	for i := range 60 {
		many = append(many, labels.Label{Hub: "https://hub.example", Code: fmt.Sprint("air-", i), ClaimCode: access.NewClaimCode()})
	}
	for perRow, pages := range map[int]int{1: 30, 3: 7, 5: 3} {
		pdf, err := labels.Sheet(many, perRow)
		if err != nil || !bytes.HasPrefix(pdf, []byte("%PDF-")) {
			t.Fatalf("%d a row: %v", perRow, err)
		}
		if got := bytes.Count(pdf, []byte("/Type /Page\n")); got != pages {
			t.Errorf("%d a row: %d pages", perRow, got)
		}
	}
}
