package main

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestProbe(t *testing.T) {
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	if err := probe(server.URL); err != nil {
		t.Errorf("healthy: %v", err)
	}
	status = http.StatusServiceUnavailable
	if err := probe(server.URL); err == nil {
		t.Error("503 counts as healthy")
	}
	server.Close()
	if err := probe(server.URL); err == nil {
		t.Error("no server counts as healthy")
	}
}
