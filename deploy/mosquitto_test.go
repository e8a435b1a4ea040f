package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cityhub/testbed"
)

// shipped starts a real Mosquitto with the shipped settings. Only paths and the
// listener's address are changed. Its clients are those of scripts/secrets, the
// device aq-1, the gateway chirpstack and the platform citysim.
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
	add := func(script string, args ...string) {
		control := append(append(args, "mosquitto_ctrl"), login(broker, "admin", secrets["admin"])...)
		said, err := exec.Command("mosquitto/"+script, control...).Output()
		if err != nil {
			t.Fatalf("%s: %v\n%s", script, err, said)
		}
		secrets[args[len(args)-1]] = strings.TrimSpace(string(said))
	}
	add("add-device", "aq-1")
	add("add-gateway", "chirpstack")
	add("add-gateway", "--platform", "citysim")
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

func TestShippedBrokerLetsGatewaysOnlySend(t *testing.T) {
	broker, password := shipped(t)
	foreign := []string{"application/1/device/a84041/event/up", "v3/lab@ttn/devices/eui-1/up", "/ul/key/aq-9/attrs", "zigbee2mqtt/lamp"}
	native := []string{"cityhub/v1/aq-9/telemetry", "cityhub/v1/aq-9/senml", "cityhub/v1/aq-9/senml-cbor", "cityhub/v1/aq-9/ngsi", "cityhub/v1/aq-9/raw/2"}
	nobody := []string{"cityhub/v1/aq-9/status", "cityhub/v1/aq-9/commands", "application/1/device/a84041/command/down",
		"v3/lab@ttn/devices/eui-1/down/push", "zigbee2mqtt/lamp/set", "somewhere", "$CONTROL/dynamic-security/v1"}
	say := func(program, user string, args ...string) string {
		said, _ := exec.Command(program, append(append(login(broker, user, password(user)), "-V", "5", "-q", "1"), args...)...).CombinedOutput()
		return strings.TrimSpace(string(said))
	}
	all := []string{"-i", "hub", "-c", "-x", "600", "-t", "application/+/device/+/event/+", "-t", "v3/+/devices/+/up", "-t", "/ul/+/+/attrs", "-t", "zigbee2mqtt/+"}
	say("mosquitto_sub", "hub", append(all, "-E")...)
	for user, may := range map[string][]string{"chirpstack": foreign, "citysim": append(native, foreign...)} {
		for _, topic := range slices.Concat(foreign, native, nobody) {
			// MQTT 5 tells the sender whether it was let through.
			denied := strings.Contains(say("mosquitto_pub", user, "-t", topic, "-m", "x"), "Not authorized")
			if denied == slices.Contains(may, topic) {
				t.Errorf("%s may publish on %s: %v", user, topic, !denied)
			}
		}
		for _, topic := range []string{"#", "application/#", "cityhub/v1/aq-9/commands", "$SYS/#"} {
			if said := say("mosquitto_sub", user, "-W", "20", "-E", "-t", topic); !strings.Contains(said, "Not authorized") && !strings.Contains(said, "denied") {
				t.Errorf("%s may subscribe to %s: %q", user, topic, said)
			}
		}
	}
	got := strings.Fields(say("mosquitto_sub", "hub", append(all, "-F", "%t", "-C", "8", "-W", "20")...))
	want := slices.Concat(foreign, foreign) // of two users
	if slices.Sort(got); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
		t.Errorf("the hub received what stood on %v, want %v", got, want)
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
