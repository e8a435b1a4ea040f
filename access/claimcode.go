package access

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"math/big"
	"strings"
)

// claimAlphabet has no two letters that look alike in print or by lamplight:
// no 0 O Q D, 1 I L J, 2 Z, 5 S, 8 B, U V.
const claimAlphabet = "34679ACEFGHKMNPRTWXY"

const (
	claimGroups = 4
	claimGroup  = 4
)

// NewClaimCode makes a code of four groups of four letters, as AC3F-K9MN-WX4T-Y7PR:
// 69 random bits, which its few tries make far more than enough.
func NewClaimCode() string {
	var code strings.Builder
	most := big.NewInt(int64(len(claimAlphabet)))
	for i := range claimGroups * claimGroup {
		if i > 0 && i%claimGroup == 0 {
			code.WriteByte('-')
		}
		n, _ := rand.Int(rand.Reader, most) // never fails, as rand.Read
		code.WriteByte(claimAlphabet[n.Int64()])
	}
	return code.String()
}

// CleanClaimCode brings what somebody typed to the form of NewClaimCode:
// letter case, blanks and dashes do not matter. It answers "" for what can be
// no code.
func CleanClaimCode(typed string) string {
	letters := make([]byte, 0, claimGroups*claimGroup)
	for _, r := range strings.ToUpper(typed) {
		switch {
		case r == ' ', r == '-', r == '–', r == '_', r == '.':
		case r < 128 && strings.IndexByte(claimAlphabet, byte(r)) >= 0 && len(letters) < claimGroups*claimGroup:
			letters = append(letters, byte(r))
		default:
			return ""
		}
	}
	if len(letters) != claimGroups*claimGroup {
		return ""
	}
	var code strings.Builder
	for i, letter := range letters {
		if i > 0 && i%claimGroup == 0 {
			code.WriteByte('-')
		}
		code.WriteByte(letter)
	}
	return code.String()
}

// HashClaimCode is what is kept of a clean code. It holds for one device only.
func HashClaimCode(code, serial string) string {
	sum := sha256.Sum256([]byte("cityhub claim code\x00" + serial + "\x00" + code))
	return hex.EncodeToString(sum[:])
}
