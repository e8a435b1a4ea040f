package access

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// secretBytes is the size of a device's secret before encoding: 192 bits.
const secretBytes = 24

// NewDeviceSecret makes a secret of 192 random bits in 32 letters that need no
// quoting in a URL, a shell or a configuration file.
func NewDeviceSecret() string {
	raw := make([]byte, secretBytes)
	rand.Read(raw) // never fails: the program ends before it would
	return base64.RawURLEncoding.EncodeToString(raw)
}

// minSecret is the least length of a secret that somebody else chose: 22
// letters of base64 hold 128 bits.
const minSecret = 22

// ErrWeakSecret refuses a given secret that could be guessed.
var ErrWeakSecret = errors.New("a device secret has 22 to 128 visible ASCII letters; leave it out and the hub makes one")

// CheckDeviceSecret refuses a given secret that is too short to be random.
func CheckDeviceSecret(secret string) error {
	if len(secret) < minSecret || len(secret) > 128 || strings.Trim(secret, secret[:1]) == "" {
		return ErrWeakSecret
	}
	for i := range len(secret) {
		if secret[i] <= ' ' || secret[i] > '~' {
			return ErrWeakSecret
		}
	}
	return nil
}

// HashDeviceSecret is what is kept of a secret. One round of SHA-256 is enough
// and quick enough for ten thousand connects at once, because nobody can go
// through 2^128 secrets; a password of a person is hashed slowly instead.
func HashDeviceSecret(secret string) string {
	sum := sha256.Sum256([]byte("cityhub device secret\x00" + secret))
	return hex.EncodeToString(sum[:])
}

// SameHash compares two hashes in a time that does not tell where they differ.
// An empty one equals nothing.
func SameHash(a, b string) bool {
	return a != "" && subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1
}

// Seal locks a secret with a key of 32 bytes, so that it can wait in a store
// for the one who has to learn it. about is bound to it: what was sealed about
// one device opens about no other.
func Seal(key []byte, secret, about string) (string, error) {
	lock, err := locker(key)
	if err != nil {
		return "", err
	}
	nonce := make([]byte, lock.NonceSize())
	rand.Read(nonce)
	sealed := lock.Seal(nonce, nonce, []byte(secret), []byte(about))
	return base64.RawStdEncoding.EncodeToString(sealed), nil
}

// Unseal opens what Seal locked.
func Unseal(key []byte, sealed, about string) (string, error) {
	lock, err := locker(key)
	if err != nil {
		return "", err
	}
	raw, err := base64.RawStdEncoding.DecodeString(sealed)
	if err != nil || len(raw) < lock.NonceSize() {
		return "", errors.New("unseal: the text is damaged")
	}
	secret, err := lock.Open(nil, raw[:lock.NonceSize()], raw[lock.NonceSize():], []byte(about))
	if err != nil {
		return "", errors.New("unseal: sealed with another key, or about something else")
	}
	return string(secret), nil
}

func locker(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("sealing key: %w", err)
	}
	return cipher.NewGCM(block)
}
