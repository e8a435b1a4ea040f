// Package labels draws the labels that stand on devices and reads what a
// camera finds on one. A label holds a device's code and where the hub is,
// never a secret.
package labels

import (
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"

	"cityhub/access"
	"cityhub/devices"
)

// maxText bounds what is looked at: a QR code holds no more.
const maxText = 4296

// Reading is what a label says.
type Reading struct {
	Code      string // of the hub's own labels
	ClaimCode string // "" when the label has none
	JoinEUI   string // 16 upper-case hex digits, of LoRa Alliance labels
	DevEUI    string
	VendorID  string // 4 hex digits
	Profile   string // the vendor's profile, 4 hex digits
	Serial    string
	Owner     string // owner token
	Vendor    string // the vendor's own text
}

// Read reads the text of a QR code: a label of a hub, or a LoRa Alliance
// device identification (TR005). Anything else is devices.ErrInvalid.
func Read(text string) (Reading, error) {
	text = strings.TrimSpace(text)
	switch {
	case len(text) > maxText:
		return Reading{}, unread("is longer than a QR code can be")
	case strings.HasPrefix(strings.ToUpper(text), "LW:"):
		return readLoRa(text)
	case strings.HasPrefix(strings.ToLower(text), "http"):
		return readOwn(text)
	}
	return Reading{}, unread("is neither a label of this hub nor a LoRaWAN device's (LW:D0:…)")
}

func unread(detail string) error {
	return &devices.FieldError{Field: "text", Kind: devices.ErrInvalid, Detail: detail}
}

// readOwn reads an address as Address writes it, of whatever hub: the device
// is looked up here anyway.
func readOwn(text string) (Reading, error) {
	u, err := url.Parse(text)
	if err != nil {
		return Reading{}, unread("is no address")
	}
	at := strings.LastIndex(u.Path, devicePath)
	if at < 0 {
		return Reading{}, unread("is an address, but not of a device's label")
	}
	r := Reading{Code: u.Path[at+len(devicePath):]}
	if r.Code == "" || len(r.Code) > 64 || strings.Trim(r.Code, codeLetters) != "" {
		return Reading{}, unread("names no device code")
	}
	if typed, ok := strings.CutPrefix(u.Fragment, claimMark); ok {
		if r.ClaimCode = access.CleanClaimCode(typed); r.ClaimCode == "" {
			return Reading{}, unread("has a claim code that cannot be one")
		}
	}
	return r, nil
}

const codeLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

// readLoRa reads LW:D0:JoinEUI:DevEUI:ProfileID and the optional fields behind,
// each known by its first letter.
func readLoRa(text string) (Reading, error) {
	parts := strings.Split(text, ":")
	if len(parts) < 5 || !strings.EqualFold(parts[1], "D0") {
		return Reading{}, unread("is no LW:D0:JoinEUI:DevEUI:ProfileID")
	}
	r := Reading{JoinEUI: strings.ToUpper(parts[2]), DevEUI: strings.ToUpper(parts[3])}
	profile := strings.ToUpper(parts[4])
	for _, f := range []struct {
		name, value string
		digits      int
	}{{"JoinEUI", r.JoinEUI, 16}, {"DevEUI", r.DevEUI, 16}, {"ProfileID", profile, 8}} {
		if _, err := hex.DecodeString(f.value); err != nil || len(f.value) != f.digits {
			return Reading{}, unread(fmt.Sprintf("%s %.40q is not %d hex digits", f.name, f.value, f.digits))
		}
	}
	r.VendorID, r.Profile = profile[:4], profile[4:]
	return r, r.optional(parts[5:])
}

// optional reads the fields that may be left out: owner token, serial number,
// the vendor's own, and a checksum, in any order but each once.
func (r *Reading) optional(parts []string) error {
	seen := map[byte]bool{}
	for _, part := range parts {
		if part == "" {
			return unread("has an empty field")
		}
		letter, value := part[0]&^0x20, part[1:]
		if seen[letter] {
			return unread(fmt.Sprintf("has two fields %c", letter))
		}
		seen[letter] = true
		switch letter {
		case 'O':
			r.Owner = value
		case 'S':
			r.Serial = value
		case 'P':
			r.Vendor = value
		case 'C':
			if _, err := hex.DecodeString(value); err != nil || len(value) != 4 {
				return unread(fmt.Sprintf("checksum %.40q is not 4 hex digits", value))
			}
		default:
			return unread(fmt.Sprintf("has a field %.40q that is none of O, S, P and C", part))
		}
	}
	return nil
}
