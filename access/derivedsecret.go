package access

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"strings"
)

// NewSeed makes 256 random bits from which secrets can be derived.
func NewSeed() []byte {
	seed := make([]byte, 32)
	rand.Read(seed) // never fails: the program ends before it would
	return seed
}

// DerivedSecret makes a device's secret of 160 bits from a seed, in 32 lower
// case letters and digits, which no spreadsheet program takes for a formula:
// the same one for the same device, so that many secrets can be handed out
// later without any being kept; gone with the seed.
func DerivedSecret(seed []byte, device string) string {
	mac := hmac.New(sha256.New, seed)
	mac.Write([]byte("cityhub device secret of an import\x00" + device))
	return strings.ToLower(base32.StdEncoding.EncodeToString(mac.Sum(nil)[:20]))
}
