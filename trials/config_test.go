package trials

import (
	"os"
	"testing"
)

// shippedConfig is the Mosquitto configuration that a city gets.
func shippedConfig(t testing.TB) string {
	t.Helper()
	raw, err := os.ReadFile("../deploy/mosquitto/mosquitto.conf")
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
