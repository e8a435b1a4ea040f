package access

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"strings"
)

// The beginnings of what the hub hands out, so that a secret that has got
// somewhere it should not be can be recognised.
const (
	keyPrefix     = "chk_" // an API key
	sessionPrefix = "chs_" // a session
	setUpPrefix   = "chu_" // the right to set the hub up
)

// Lengths of a secret without its prefix: 256 random bits, and a checksum.
const (
	randomLetters   = 52
	checksumLetters = 7
)

var letters = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// newSecret makes a secret of 256 bits.
func newSecret(prefix string) string {
	body := prefix + letters.EncodeToString(random(32))
	return body + checksum(body)
}

func checksum(body string) string {
	var sum [4]byte
	binary.BigEndian.PutUint32(sum[:], crc32.ChecksumIEEE([]byte(body)))
	return letters.EncodeToString(sum[:])
}

// fingerprint is what is kept of a secret.
type fingerprint [sha256.Size]byte

// fingerprintOf answers false for what cannot be a secret, by its form and its
// checksum alone: a typing error costs no look-up.
func fingerprintOf(prefix, secret string) (fingerprint, bool) {
	at := len(prefix) + randomLetters
	if len(secret) != at+checksumLetters || !strings.HasPrefix(secret, prefix) || checksum(secret[:at]) != secret[at:] {
		return fingerprint{}, false
	}
	return sha256.Sum256([]byte(secret)), true
}

func (f fingerprint) String() string { return hex.EncodeToString(f[:]) }

// parseFingerprint reads what String wrote; what it cannot read fits no secret.
func parseFingerprint(text string) (f fingerprint) {
	raw, err := hex.DecodeString(text)
	if err == nil {
		copy(f[:], raw)
	}
	return f
}

// hint is the part of a secret that may be shown, to tell keys apart.
func hint(secret string) string { return secret[:len(keyPrefix)+6] }
