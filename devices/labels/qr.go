package labels

import (
	"bytes"
	"fmt"
	"html"
	"image"
	"image/color"
	"image/png"
	"strings"

	"github.com/boombuler/barcode"
	"github.com/boombuler/barcode/qr"
)

const (
	devicePath = "/d/"
	claimMark  = "claim="
	quiet      = 4 // modules around a code, as readers want it
	pngModule  = 8 // pixels
)

// Label is what stands on one device.
type Label struct {
	Hub       string // address of the hub, without a slash at its end
	Code      string // of the device
	Serial    string // "" for none
	Model     string // "" for none
	ClaimCode string // "" for none
}

// Address is what the QR code holds. A claim code stands behind the #, so that
// no server's log gets it.
func (l *Label) Address() string {
	address := l.Hub + devicePath + l.Code
	if l.ClaimCode != "" {
		address += "#" + claimMark + l.ClaimCode
	}
	return address
}

// lines are the words beside the code, in Vietnamese and English.
func (l *Label) lines() []string {
	lines := []string{"Thiết bị / Device: " + l.Code}
	if l.Serial != "" {
		lines = append(lines, "Số sê-ri / Serial: "+l.Serial)
	}
	if l.Model != "" {
		lines = append(lines, "Kiểu / Model: "+l.Model)
	}
	if l.ClaimCode != "" {
		lines = append(lines, "Mã nhận / Claim code: "+l.ClaimCode)
	}
	return lines
}

func (l *Label) matrix() (barcode.Barcode, error) {
	code, err := qr.Encode(l.Address(), qr.M, qr.Auto)
	if err != nil {
		return nil, fmt.Errorf("QR code of %q: %w", l.Code, err)
	}
	return code, nil
}

func dark(code barcode.Barcode, x, y int) bool {
	r, _, _, _ := code.At(x, y).RGBA()
	return r == 0
}

// PNG draws the QR code alone, with its quiet zone.
func (l *Label) PNG() ([]byte, error) {
	code, err := l.matrix()
	if err != nil {
		return nil, err
	}
	n := code.Bounds().Dx()
	side := (n + 2*quiet) * pngModule
	picture := image.NewPaletted(image.Rect(0, 0, side, side), color.Palette{color.White, color.Black})
	for y := range n * pngModule {
		for x := range n * pngModule {
			if dark(code, x/pngModule, y/pngModule) {
				picture.SetColorIndex(x+quiet*pngModule, y+quiet*pngModule, 1)
			}
		}
	}
	var out bytes.Buffer
	err = png.Encode(&out, picture)
	return out.Bytes(), err
}

// SVG draws the QR code with the words below it.
func (l *Label) SVG() ([]byte, error) {
	code, err := l.matrix()
	if err != nil {
		return nil, err
	}
	n, lines := code.Bounds().Dx(), l.lines()
	const line = 3
	side := n + 2*quiet
	var out strings.Builder
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d"><path fill="#fff" d="M0 0h%dv%dH0z"/><path d="`, side, side+line*len(lines), side, side+line*len(lines))
	for y := range n {
		for x := range n {
			if dark(code, x, y) {
				fmt.Fprintf(&out, "M%d %dh1v1h-1z", x+quiet, y+quiet)
			}
		}
	}
	out.WriteString(`"/>`)
	for i, text := range lines {
		fmt.Fprintf(&out, `<text x="%d" y="%d" font-size="2" font-family="sans-serif">%s</text>`, quiet, side+line*i, html.EscapeString(text))
	}
	out.WriteString("</svg>")
	return []byte(out.String()), nil
}
