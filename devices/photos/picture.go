// Package photos keeps pictures of field work on the disk: it tells by their
// content what they are, takes out what could tell where they were taken, and
// writes them so that a crash leaves all of a picture or nothing. Whose they
// are is the registry's business. It never decodes a pixel.
package photos

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"

	"cityhub/devices"
)

// The bounds of a picture.
const (
	MaxBytes  = 10 << 20
	maxSide   = 20_000      // pixels
	maxPixels = 120_000_000 // what decoding for a page may cost
)

// kind is a format that is taken.
type kind struct {
	mediaType, ending string
	magic             func([]byte) bool
	size              func([]byte) (image.Config, error)
	strip             func([]byte) ([]byte, error)
}

var kinds = [...]kind{
	{"image/jpeg", ".jpg", starts("\xff\xd8\xff"), func(b []byte) (image.Config, error) { return jpeg.DecodeConfig(bytes.NewReader(b)) }, stripJPEG},
	{"image/png", ".png", starts(pngHead), func(b []byte) (image.Config, error) { return png.DecodeConfig(bytes.NewReader(b)) }, stripPNG},
	{"image/webp", ".webp", func(b []byte) bool { return len(b) >= 12 && string(b[:4]) == "RIFF" && string(b[8:12]) == "WEBP" }, sizeWebP, stripWebP},
}

func starts(with string) func([]byte) bool {
	return func(b []byte) bool { return bytes.HasPrefix(b, []byte(with)) }
}

// inspect tells what a picture is, by its content, and refuses what is no
// picture or too large.
func inspect(body []byte) (*kind, image.Config, error) {
	if len(body) > MaxBytes {
		return nil, image.Config{}, refuse("has %d bytes; send at most %d", len(body), MaxBytes)
	}
	for i := range kinds {
		k := &kinds[i]
		if !k.magic(body) {
			continue
		}
		config, err := k.size(body)
		switch {
		case err != nil:
			return nil, config, refuse("is a broken %s: %v", k.mediaType, err)
		case config.Width < 1 || config.Height < 1:
			return nil, config, refuse("has no pixels")
		case config.Width > maxSide || config.Height > maxSide || config.Width*config.Height > maxPixels:
			return nil, config, refuse("has %d × %d pixels; send at most %d on a side and %d in all", config.Width, config.Height, maxSide, maxPixels)
		}
		return k, config, nil
	}
	return nil, image.Config{}, refuse("is none of JPEG, PNG and WebP")
}

func refuse(format string, args ...any) error {
	return &devices.FieldError{Field: "file", Kind: devices.ErrInvalid, Detail: fmt.Sprintf(format, args...)}
}

// sizeWebP reads the size from the first chunk, which each of the three kinds
// of WebP writes in its own way.
func sizeWebP(b []byte) (c image.Config, err error) {
	const head = 20 // RIFF, size, WEBP, and the chunk's name and size
	if len(b) < head+10 || binary.LittleEndian.Uint32(b[4:]) < head+10-8 || binary.LittleEndian.Uint32(b[16:]) < 10 {
		return c, fmt.Errorf("it ends early")
	}
	switch d := b[head:]; string(b[12:16]) {
	case "VP8X":
		c.Width, c.Height = 1+int24(d[4:]), 1+int24(d[7:])
	case "VP8L":
		if d[0] != 0x2f {
			return c, fmt.Errorf("its signature is wrong")
		}
		bits := binary.LittleEndian.Uint32(d[1:])
		c.Width, c.Height = 1+int(bits&0x3fff), 1+int(bits>>14&0x3fff)
	case "VP8 ":
		if d[0]&1 != 0 || string(d[3:6]) != "\x9d\x01\x2a" {
			return c, fmt.Errorf("it does not begin with a key frame")
		}
		c.Width, c.Height = int(binary.LittleEndian.Uint16(d[6:])&0x3fff), int(binary.LittleEndian.Uint16(d[8:])&0x3fff)
	default:
		return c, fmt.Errorf("its first chunk is %q", b[12:16])
	}
	return c, nil
}

func int24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }
