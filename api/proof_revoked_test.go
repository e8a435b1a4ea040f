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
)

// TestAProofsStreamEndsWithTheRight holds that what was taken from somebody
// ends the stream that they watch within five seconds.
func TestAProofsStreamEndsWithTheRight(t *testing.T) {
	h := newHub(t)
	h.city()
	key, secret, err := h.accounts.AddKey(t.Context(), "phone", access.Binding{Role: access.Technician, Organisation: 1}, time.Time{})
	check(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	r := must(http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("%s/api/v1/devices/%d/proof/live", h.url, h.idOf("devices", "dev-1")), nil))(t)
	r.Header.Set("Authorization", "Bearer "+secret)
	answer := must(h.client.Do(r))(t)
	defer answer.Body.Close()
	lines := bufio.NewScanner(answer.Body)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "data: ") {
	}
	if lines.Text() == "" {
		t.Fatalf("no proof: %d", answer.StatusCode)
	}
	taken := time.Now()
	check(t, h.accounts.RemoveKey(t.Context(), key.ID))
	for lines.Scan() {
	}
	if after := time.Since(taken); after > 5*time.Second {
		t.Errorf("the stream went on for %s", after)
	}
}
