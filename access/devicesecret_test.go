package access

import (
	"bytes"
	"strings"
	"testing"
)

func TestDeviceSecrets(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		s := NewDeviceSecret()
		if seen[s] || len(s) != 32 || CheckDeviceSecret(s) != nil {
			t.Fatalf("secret %q", s)
		}
		seen[s] = true
		if SameHash(HashDeviceSecret(s), HashDeviceSecret(s+"x")) || !SameHash(HashDeviceSecret(s), HashDeviceSecret(s)) {
			t.Fatalf("hash of %q", s)
		}
	}
	if SameHash("", "") {
		t.Error("no hash equals no hash")
	}
}

func TestGivenSecrets(t *testing.T) {
	for secret, want := range map[string]bool{
		"":                               false,
		"short":                          false,
		strings.Repeat("a", 40):          false,
		"abcdefghijklmnopqrstuv":         true,
		"abcdefghijklmnopqrstu\n":        false,
		"abc defghijklmnopqrstuv":        false,
		"abcdefghijklmnopqrstuvắ":        false,
		strings.Repeat("abcdefgh", 16):   true,
		strings.Repeat("abcdefgh", 17):   false,
		"correct-horse-battery-staple-9": true,
	} {
		if secret == "" {
			continue // means that the hub makes one
		}
		if got := CheckDeviceSecret(secret) == nil; got != want {
			t.Errorf("%q accepted: %v", secret, got)
		}
	}
}

func TestSealing(t *testing.T) {
	key, other := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	sealed, err := Seal(key, "s3cret", "aq-1")
	if err != nil || strings.Contains(sealed, "s3cret") {
		t.Fatal(sealed, err)
	}
	if got, err := Unseal(key, sealed, "aq-1"); got != "s3cret" || err != nil {
		t.Errorf("%q %v", got, err)
	}
	for name, open := range map[string]func() (string, error){
		"another key":    func() (string, error) { return Unseal(other, sealed, "aq-1") },
		"another device": func() (string, error) { return Unseal(key, sealed, "aq-2") },
		"damaged":        func() (string, error) { return Unseal(key, sealed[:len(sealed)-4]+"AAAA", "aq-1") },
		"empty":          func() (string, error) { return Unseal(key, "", "aq-1") },
		"no key":         func() (string, error) { return Unseal(nil, sealed, "aq-1") },
	} {
		if got, err := open(); err == nil || got != "" {
			t.Errorf("%s: opened as %q", name, got)
		}
	}
}

func TestClaimCodes(t *testing.T) {
	for range 100 {
		code := NewClaimCode()
		if len(code) != 19 || strings.ContainsAny(code, "01258BDIJLOQSUVZ") || CleanClaimCode(code) != code {
			t.Fatalf("code %q", code)
		}
		if HashClaimCode(code, "a") == HashClaimCode(code, "b") {
			t.Fatal("a code holds for one device only")
		}
	}
	for typed, want := range map[string]string{
		"AC3F-K9MN-WX4T-Y7PR":    "AC3F-K9MN-WX4T-Y7PR",
		" ac3f k9mn wx4t y7pr ":  "AC3F-K9MN-WX4T-Y7PR",
		"ac3fk9mn.wx4t–y7pr":     "AC3F-K9MN-WX4T-Y7PR",
		"AC3F-K9MN-WX4T-Y7P":     "",
		"AC3F-K9MN-WX4T-Y7PRR":   "",
		"AC3F-K9MN-WX4T-Y7P0":    "",
		"AC3F-K9MN-WX4T-Y7Pắ":    "",
		"":                       "",
		strings.Repeat("A", 999): "",
	} {
		if got := CleanClaimCode(typed); got != want {
			t.Errorf("%q is read as %q, want %q", typed, got, want)
		}
	}
}
