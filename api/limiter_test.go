package api_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"cityhub/api"
)

func TestRates(t *testing.T) {
	now := time.Now()
	h := newHub(t, func(o *api.Options) {
		o.Rates = api.Rates{Anonymous: api.Rate{Second: 1, Burst: 3}, Key: api.Rate{Second: 2, Burst: 5}}
		o.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
		o.Now = func() time.Time { return now }
	})
	refusedAt := func(headers ...string) int {
		for i := range 20 {
			r := h.get("things?limit=1", headers...)
			if r.status == http.StatusTooManyRequests {
				if r.header.Get("Retry-After") != "1" || !strings.Contains(r.header.Get("RateLimit"), ";r=0;") || r.header.Get("RateLimit-Policy") == "" {
					t.Errorf("%v", r.header)
				}
				return i
			}
		}
		return -1
	}
	for _, c := range []struct {
		who     string
		at      int
		headers []string
	}{
		{"nobody", 3, []string{"Authorization: "}},
		{"nobody at another address", 3, []string{"Authorization: ", "X-Forwarded-For: 198.51.100.7"}},
		{"who says to be at a third", 0, []string{"Authorization: ", "X-Forwarded-For: 203.0.113.1, 198.51.100.7"}},
		{"a wrong key is nobody", 0, []string{"Authorization: Bearer x"}},
		{"a key", 5, nil},
		{"another key", 5, []string{"Authorization: Bearer " + h.gateway}},
	} {
		if at := refusedAt(c.headers...); at != c.at {
			t.Errorf("%s: refused at request %d, want %d", c.who, at, c.at)
		}
	}
	now = now.Add(time.Second)
	if at := refusedAt("Authorization: "); at != 1 {
		t.Errorf("a second later: refused at request %d, want 1", at)
	}
}
