package photos

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cityhub/devices"
)

// secret stands in every place where a position may hide; it must not come out.
const secret = "GPS-21.0285N-105.8542E"

// positioned is an Exif block as phones write it, with a GPS directory, the
// time and how the picture stands. It is little-endian, as most are.
func positioned() []byte {
	little := binary.LittleEndian
	out := []byte("II\x2a\x00\x08\x00\x00\x00")
	put := func(tag, kind uint16, count, value uint32) {
		out = little.AppendUint16(little.AppendUint16(out, tag), kind)
		out = little.AppendUint32(little.AppendUint32(out, count), value)
	}
	out = little.AppendUint16(out, 4)
	put(tagOrientation, typeShort, 1, 6)
	put(tagDateTime, typeText, 20, 100)
	put(tagExif, typeLong, 1, 130)
	put(0x8825, typeLong, 1, 180) // the GPS directory
	out = append(out, make([]byte, 100-len(out))...)
	out = append(out, "2026:03:01 12:00:00\x00"...)
	out = append(out, make([]byte, 130-len(out))...)
	out = little.AppendUint16(out, 2)
	put(tagTaken, typeText, 20, 100)
	put(0x927c, 7, uint32(len(secret)), 230) // the maker's own
	out = append(out, make([]byte, 180-len(out))...)
	out = little.AppendUint16(out, 1)
	put(2, typeText, uint32(len(secret)), 230)
	out = append(out, make([]byte, 230-len(out))...)
	return append(out, secret...)
}

func drawn() image.Image {
	img := image.NewRGBA(image.Rect(0, 0, 33, 17))
	for x := range 33 {
		for y := range 17 {
			img.Set(x, y, color.RGBA{uint8(x * 7), uint8(y * 13), uint8(x * y), 255})
		}
	}
	return img
}

func segment(marker byte, data string) []byte {
	return append(binary.BigEndian.AppendUint16([]byte{0xff, marker}, uint16(len(data)+2)), data...)
}

func aJPEG(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, drawn(), nil); err != nil {
		t.Fatal(err)
	}
	plain := b.Bytes()
	return slices.Concat(plain[:2], segment(0xe0, "JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"),
		segment(0xe1, exifHead+string(positioned())), segment(0xe1, "http://ns.adobe.com/xap/1.0/\x00"+secret),
		segment(0xe2, "ICC_PROFILE\x00profile"), segment(0xe2, "MPF\x00"+secret), segment(0xed, "Photoshop 3.0\x00"+secret),
		segment(0xfe, secret), plain[2:], []byte(secret), plain)
}

func aPNG(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, drawn()); err != nil {
		t.Fatal(err)
	}
	plain := b.Bytes()
	chunk := func(name, data string) []byte {
		out := append(binary.BigEndian.AppendUint32(nil, uint32(len(data))), name+data...)
		return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[4:]))
	}
	after := len(pngHead) + 25 // behind IHDR
	return slices.Concat(plain[:after], chunk("pHYs", "\x00\x00\x0b\x13\x00\x00\x0b\x13\x01"), chunk("eXIf", string(positioned())),
		chunk("tEXt", "Raw profile type exif\x00"+secret), chunk("iTXt", "XML:com.adobe.xmp\x00"+secret), plain[after:], []byte(secret))
}

func aWebP(testing.TB) []byte {
	body := []byte("WEBP")
	body = appendRIFF(body, "VP8X", []byte{webpExif | webpXMP, 0, 0, 0, 32, 0, 0, 16, 0, 0})
	body = appendRIFF(body, "VP8L", []byte("\x2f\x20\x00\x04\x00 and odd"))
	body = appendRIFF(body, "EXIF", positioned())
	body = appendRIFF(body, "XMP ", []byte(secret))
	return slices.Concat(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(body))), body, []byte(secret))
}

func TestStrippingLeavesThePixelsAndTakesThePosition(t *testing.T) {
	for _, c := range []struct {
		name   string
		make   func(testing.TB) []byte
		pixels func([]byte) []byte // the coded pixels, bit for bit
		exif   string              // what stands in front of the new block
	}{
		{"JPEG", aJPEG, func(b []byte) []byte { // from the first quantisation table to the end of the first picture
			from := bytes.Index(b, []byte{0xff, 0xdb})
			return b[from : from+bytes.Index(b[from:], []byte{0xff, markEOI})]
		}, exifHead},
		{"PNG", aPNG, func(b []byte) []byte { return b[bytes.Index(b, []byte("IDAT")):bytes.Index(b, []byte("IEND"))] }, "eXIf"},
		{"WebP", aWebP, func(b []byte) []byte { return b[bytes.Index(b, []byte("VP8L")):bytes.Index(b, []byte("EXIF"))] }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := c.make(t)
			k, size, err := inspect(in)
			if err != nil || size.Width != 33 || size.Height != 17 {
				t.Fatalf("%v, %v", size, err)
			}
			out, err := k.strip(in)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(out, []byte("GPS")) || bytes.Contains(out, []byte("105.8")) {
				t.Errorf("the position is still there: %q", out)
			}
			if !bytes.Equal(c.pixels(in), c.pixels(out)) {
				t.Error("the pixels have changed")
			}
			if _, again, err := inspect(out); err != nil || again.Width != size.Width {
				t.Errorf("afterwards: %v, %v", again, err)
			}
			at := bytes.Index(out, []byte("MM\x00\x2a"))
			if at < 0 {
				t.Fatal("how the picture stands is lost")
			}
			kept := readExif(out[at:])
			if kept.orientation != 6 || kept.texts[tagTaken] != "2026:03:01 12:00:00" || kept.texts[tagDateTime] != kept.texts[tagTaken] || len(kept.texts) != 2 {
				t.Errorf("kept %+v", kept)
			}
			if twice, err := k.strip(out); err != nil || !bytes.Equal(twice, out) {
				t.Errorf("stripping again changes something: %v", err)
			}
			if c.name != "WebP" { // for which the library has no decoder
				if _, _, err := image.Decode(bytes.NewReader(out)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	if out, err := stripJPEG(aJPEG(t)); err != nil || !bytes.Contains(out, []byte("ICC_PROFILE")) || !bytes.Contains(out, []byte("JFIF")) {
		t.Errorf("what the colours need is lost: %v", err)
	}
}

func TestOtherThingsThanPicturesAreRefused(t *testing.T) {
	large := aPNG(t)
	binary.BigEndian.PutUint32(large[16:], 19_000) // the width, in IHDR
	binary.BigEndian.PutUint32(large[20:], 19_000)
	binary.BigEndian.PutUint32(large[29:], crc32.ChecksumIEEE(large[12:29]))
	for name, body := range map[string][]byte{
		"nothing":          nil,
		"a page":           []byte("<html><script>alert(1)</script>"),
		"SVG":              []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`),
		"GIF":              []byte("GIF89a\x01\x00\x01\x00\x00\x00\x00;"),
		"only a beginning": []byte("\xff\xd8\xff\xe0"),
		"a bomb of pixels": large,
		"too many bytes":   append(aJPEG(t), make([]byte, MaxBytes)...),
		"half a PNG":       aPNG(t)[:len(pngHead)+60],
		"WebP of sound":    []byte("RIFF\x20\x00\x00\x00WEBPWAVE\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"),
	} {
		s, _ := opened(t)
		if _, err := s.Keep(body, true); !errors.Is(err, devices.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func opened(t *testing.T) (*Store, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "photos")
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, dir
}

func TestTheStoreGivesBackWhatItKept(t *testing.T) {
	s, dir := opened(t)
	body := aJPEG(t)
	whole, err := s.Keep(body, false)
	if err != nil {
		t.Fatal(err)
	}
	stripped, err := s.Keep(body, true)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.Read(whole.File); err != nil || !bytes.Equal(got, body) || whole.Stripped {
		t.Errorf("%+v: %v", whole, err)
	}
	if got, err := s.Read(stripped.File); err != nil || int64(len(got)) != stripped.Bytes || !stripped.Stripped || stripped.MediaType != "image/jpeg" {
		t.Errorf("%+v: %v", stripped, err)
	}
	if err := s.Remove(whole.File); err != nil {
		t.Fatal(err)
	}
	outside := filepath.Join(filepath.Dir(dir), "secret.jpg")
	if err := os.WriteFile(outside, body, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{whole.File, "../secret.jpg", outside, "", ".", strings.ToLower(stripped.File)} {
		if _, err := s.Read(name); !errors.Is(err, devices.ErrNotFound) {
			t.Errorf("%q: %v", name, err)
		}
		if err := s.Remove(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := os.Stat(outside); err != nil {
		t.Error("a file outside is gone")
	}
}

func TestWhatACrashLeftUnfinishedGoes(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "X"+unfinished), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("%v, %v", left, err)
	}
}

func FuzzStrip(f *testing.F) {
	f.Add(aJPEG(f))
	f.Add(aPNG(f))
	f.Add(aWebP(f))
	f.Fuzz(func(t *testing.T, body []byte) {
		k, size, err := inspect(body)
		if err != nil {
			return
		}
		out, err := k.strip(body)
		if err != nil {
			return
		}
		if _, again, err := inspect(out); err != nil || again.Width != size.Width || again.Height != size.Height {
			t.Fatalf("%s of %v became %v: %v", k.mediaType, size, again, err)
		}
	})
}
