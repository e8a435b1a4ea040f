package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"cityhub/testbed"
)

// shipped starts a real Mosquitto with the shipped settings. Only paths and the
// listener's address are changed. Its clients are those of scripts/secrets, and
// the device aq-1.
func shipped(t *testing.T) (broker *testbed.Broker, password func(client string) string) {
	t.Helper()
	plugins, _ := filepath.Glob("/usr/lib/*/mosquitto_dynamic_security.so")
	config, err := os.ReadFile("mosquitto/mosquitto.conf")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	make := exec.Command("go", "run", "./scripts/secrets", dir)
	make.Dir = ".."
	if said, err := make.CombinedOutput(); err != nil {
		t.Fatalf("scripts/secrets: %v\n%s", err, said)
	}
	text := strings.ReplaceAll(string(config), "/mosquitto/data/dynamic-security.json", filepath.Join(dir, "dynamic-security.json"))
	for _, plugin := range plugins {
		text = strings.ReplaceAll(text, "/usr/lib/mosquitto_dynamic_security.so", plugin)
	}
	broker = testbed.Mosquitto(t, text)
	secrets := map[string]string{}
	for client, file := range map[string]string{"hub": "mqtt_password", "admin": "mqtt_admin_password"} {
		text, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		secrets[client] = string(text)
	}
	control := append([]string{"aq-1", "mosquitto_ctrl"}, login(broker, "admin", secrets["admin"])...)
	said, err := exec.Command("mosquitto/add-device", control...).Output()
	if err != nil {
		t.Fatalf("add-device: %v\n%s", err, said)
	}
	secrets["aq-1"] = strings.TrimSpace(string(said))
	return broker, func(client string) string { return secrets[client] }
}

func login(broker *testbed.Broker, user, password string) []string {
	host, port, _ := strings.Cut(strings.TrimPrefix(broker.URL, "tcp://"), ":")
	return []string{"-h", host, "-p", port, "-u", user, "-P", password}
}

func TestShippedBrokerKeepsForTheHubAndLetsDevicesOnlyBeThemselves(t *testing.T) {
	broker, password := shipped(t)
	say := func(program, user string, args ...string) string {
		said, _ := exec.Command(program, append(append(login(broker, user, password(user)), "-i", user), args...)...).CombinedOutput()
		return strings.TrimSpace(string(said))
	}
	all := []string{"-c", "-q", "1", "-v", "-t", "cityhub/v1/+/telemetry"}
	if said := say("mosquitto_sub", "hub", append(all, "-E")...); said != "" {
		t.Fatalf("the hub cannot subscribe: %s", said)
	}
	say("mosquitto_pub", "aq-1", "-q", "1", "-t", "cityhub/v1/aq-2/telemetry", "-m", "forged")
	if said := say("mosquitto_pub", "aq-1", "-q", "1", "-t", "cityhub/v1/aq-1/telemetry", "-m", "own"); said != "" {
		t.Fatalf("a device cannot publish its reading: %s", said)
	}
	broker.Stop() // what waits for the hub outlives it
	broker.Restart()
	if got := say("mosquitto_sub", "hub", append(all, "-C", "1", "-W", "20")...); got != "cityhub/v1/aq-1/telemetry own" {
		t.Errorf("the hub received %q first, want the device's own reading", got)
	}
	for _, topic := range []string{"#", "$SYS/#", "cityhub/v1/+/telemetry", "$share/g/cityhub/v1/+/telemetry", "cityhub/v1/aq-2/commands"} {
		if said := say("mosquitto_sub", "aq-1", "-W", "20", "-E", "-t", topic); !strings.Contains(said, "denied") {
			t.Errorf("a device may subscribe to %s: %q", topic, said)
		}
	}
	if said := say("mosquitto_sub", "aq-1", "-W", "20", "-E", "-t", "cityhub/v1/aq-1/commands"); said != "" {
		t.Errorf("a device cannot hear its own commands: %s", said)
	}
}

func TestShippedBrokerLetsNobodyInWithoutAName(t *testing.T) {
	broker, _ := shipped(t)
	host, port, _ := strings.Cut(strings.TrimPrefix(broker.URL, "tcp://"), ":")
	said, err := exec.Command("mosquitto_pub", "-h", host, "-p", port, "-t", "x", "-m", "y").CombinedOutput()
	if err == nil || !strings.Contains(string(said), "not authori") {
		t.Errorf("a stranger was let in: %v %s", err, said)
	}
}
