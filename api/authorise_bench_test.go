package api_test

import (
	"net/http"
	"testing"
	"time"

	"cityhub/access"
	"cityhub/devices"
)

// BenchmarkAuthorisation measures what finding out who asks and what they may
// touch adds to a request, and beside it how long a whole small request takes.
// The goal is 5 µs at most.
func BenchmarkAuthorisation(b *testing.B) {
	h := newHub(b)
	o := devices.Organisation{Code: "HN"}
	check(b, h.registry.Organisations.Create(b.Context(), &o))
	key, secret, err := h.accounts.AddKey(b.Context(), "bench", access.Binding{Role: access.Operator, Organisation: o.ID}, time.Time{})
	if err != nil || key.ID == 0 {
		b.Fatal(err)
	}
	authorisation := "Bearer " + secret
	b.ReportAllocs()
	for b.Loop() {
		principal, err := h.accounts.ByKey(b.Context(), secret)
		if err != nil {
			b.Fatal(err)
		}
		scope, allowed := principal.Scope(access.ReadingRead)
		if !allowed {
			b.Fatal("refused")
		}
		ctx := access.WithScope(access.WithPrincipal(b.Context(), principal), &scope)
		if !access.ScopeOf(ctx).Reads(o.ID, 1, "pm25", access.Private) {
			b.Fatal("hidden")
		}
	}
	b.StopTimer()
	b.ReportMetric(requestTime(b, h, authorisation), "ns/request")
}

// requestTime is how long a small request takes over a connection that is kept open.
func requestTime(_ *testing.B, h *hub, authorisation string) float64 {
	const rounds = 1_000
	start := time.Now()
	for range rounds {
		h.call(http.MethodGet, "session", "", "Authorization: "+authorisation).want(http.StatusOK)
	}
	return float64(time.Since(start).Nanoseconds()) / rounds
}
