package api_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"cityhub/access"
	"cityhub/telemetry"
)

// proofStream opens the proof of dev-1 with a technician's key, and gives what
// comes after the first one.
func (h *hub) proofStream(expires time.Time) (access.Key, *bufio.Scanner) {
	h.t.Helper()
	key, secret, err := h.accounts.AddKey(h.t.Context(), "phone", access.Binding{Role: access.Technician, Organisation: 1}, expires)
	check(h.t, err)
	ctx, cancel := context.WithTimeout(h.t.Context(), 20*time.Second)
	h.t.Cleanup(cancel)
	r := must(http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("%s/api/v1/devices/%d/proof/live", h.url, h.idOf("devices", "dev-1")), nil))(h.t)
	r.Header.Set("Authorization", "Bearer "+secret)
	answer := must(h.client.Do(r))(h.t)
	h.t.Cleanup(func() { check(h.t, answer.Body.Close()) })
	lines := bufio.NewScanner(answer.Body)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "data: ") {
	}
	if lines.Text() == "" {
		h.t.Fatalf("no proof: %d", answer.StatusCode)
	}
	return key, lines
}

// ends waits for the end of a stream whose reader has lost the right to it.
func ends(t *testing.T, lines *bufio.Scanner) {
	t.Helper()
	taken := time.Now()
	for lines.Scan() {
	}
	if after := time.Since(taken); after > 5*time.Second {
		t.Errorf("the stream went on for %s", after)
	}
}

// TestAProofsStreamEndsWithTheRight holds that what was taken from somebody
// ends the stream that they watch within five seconds.
func TestAProofsStreamEndsWithTheRight(t *testing.T) {
	h := newHub(t)
	h.city()
	key, lines := h.proofStream(time.Time{})
	check(t, h.accounts.RemoveKey(t.Context(), key.ID))
	ends(t, lines)
}

// TestATalkativeDeviceKeepsNoStreamOpen holds the same of a device that is
// heard of more often than the right is asked for.
func TestATalkativeDeviceKeepsNoStreamOpen(t *testing.T) {
	h := newHub(t)
	h.city()
	key, lines := h.proofStream(time.Time{})
	h.run(func(ctx context.Context) error {
		beat := time.NewTicker(100 * time.Millisecond)
		defer beat.Stop()
		for seq := int64(1); ; seq++ {
			select {
			case <-ctx.Done():
				return nil
			case now := <-beat.C:
				h.pipeline.Submit(telemetry.Arrival{Route: "native", Received: now, Measurements: []telemetry.Measurement{{
					Device: "dev-1", Time: now, Seq: seq, Values: []telemetry.KeyedValue{{Key: "pm25", Value: telemetry.NumberOf(float64(seq))}}}}},
					func(telemetry.Receipt) {})
			}
		}
	})
	for proofs := 0; proofs < 3 && lines.Scan(); { // it is being talked to
		if strings.HasPrefix(lines.Text(), "data: ") {
			proofs++
		}
	}
	check(t, h.accounts.RemoveKey(t.Context(), key.ID))
	ends(t, lines)
}

// TestAProofsStreamEndsWithItsKey holds that a key which expires ends what was
// opened with it, as it opens nothing new.
func TestAProofsStreamEndsWithItsKey(t *testing.T) {
	h := newHub(t)
	h.city()
	_, lines := h.proofStream(h.now().Add(time.Hour))
	h.set(h.now().Add(time.Hour))
	ends(t, lines)
}
