package trials

import (
	"os"
	"strings"
	"testing"
)

// shippedConfig is the Mosquitto configuration that a city gets, without its
// accounts: what is tried here is what the broker keeps and loses.
func shippedConfig(t testing.TB) string {
	t.Helper()
	raw, err := os.ReadFile("../deploy/mosquitto/mosquitto.conf")
	if err != nil {
		t.Fatal(err)
	}
	var kept strings.Builder
	for line := range strings.Lines(string(raw)) {
		switch key, _, _ := strings.Cut(strings.TrimSpace(line), " "); key {
		case "plugin", "auth_plugin", "plugin_opt_config_file", "auth_opt_config_file", "allow_anonymous", "per_listener_settings":
		default:
			kept.WriteString(line)
		}
	}
	return kept.String() + "\nallow_anonymous true\n"
}
