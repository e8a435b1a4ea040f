package api_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"cityhub/api"
)

func TestOperations(t *testing.T) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "cityhub_accepted_total"}, func() float64 { return 7 }))
	var reasons []string
	handler := api.Operations(api.OperationsOptions{Ready: func() []string { return reasons }, Gatherer: registry})
	ask := func(path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		return w
	}
	for path, want := range map[string]string{"/livez": "alive", "/readyz": "ready", "/metrics": "cityhub_accepted_total 7", "/debug/pprof/": "goroutine"} {
		if w := ask(path); w.Code != 200 || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	reasons = []string{"the spool does not keep: disk full", "the broker is not connected"}
	w := ask("/readyz")
	if w.Code != 503 || w.Header().Get("Retry-After") == "" || w.Header().Get("Content-Type") != "application/problem+json" || !strings.Contains(w.Body.String(), "disk full") {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	if w := ask("/livez"); w.Code != 200 {
		t.Error("a hub that is not ready is not alive")
	}
	if w := ask("/nowhere"); w.Code != 404 || w.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
