package dynsec_test

import (
	"net"
	"net/url"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"cityhub/devices/credentials"
)

const reading = `{"values":{"p":1}}`

func TestADeviceIsOnlyItself(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site) {
		mine := s.rotate(t, "aq-1", 0)
		other := s.rotate(t, "aq-2", 0)
		s.enter(t, other)
		s.enter(t, mine).Disconnect(50)
		t.Run("connect", func(t *testing.T) { s.connects(t, mine, other) })
		t.Run("will", func(t *testing.T) { s.wills(t, mine) })
		t.Run("publish", func(t *testing.T) { s.publishes(t, mine) })
		t.Run("subscribe", func(t *testing.T) { s.subscribes(t, mine) })
	})
}

func (s *site) connects(t *testing.T, mine, other credentials.Issued) {
	for _, c := range []struct {
		name, client, username, password string
		want                             bool
	}{
		{"right", "aq-1", "aq-1", mine.Secret, true},
		{"wrong secret", "aq-1", "aq-1", mine.Secret + "x", false},
		{"another's secret", "aq-1", "aq-1", other.Secret, false},
		{"another's client id", "aq-2", "aq-1", mine.Secret, false},
		{"nobody", "aq-1", "", "", false},
	} {
		client, err := s.dial(t, c.client, c.username, c.password, nil)
		if (err == nil) != c.want {
			t.Errorf("%s: came in %v, want %v (%v)", c.name, err == nil, c.want, err)
		}
		client.Disconnect(50)
	}
}

// wills have every connection end without a goodbye. The hub's broker refuses a
// will that is not the device's own with the connection; Mosquitto takes the
// connection, and does not publish the will.
func (s *site) wills(t *testing.T, mine credentials.Issued) {
	for _, topic := range []string{"cityhub/v1/aq-2/status", "cityhub/v1/aq-2/telemetry", "cityhub/v1/aq-1/commands",
		"$SYS/broker/x", "$CONTROL/dynamic-security/v1", "cityhub/v1/aq-1/status"} {
		var conn net.Conn
		_, err := s.dial(t, mine.Device, mine.Username, mine.Secret, func(o *mqtt.ClientOptions) {
			o.SetWill(topic, "offline", 1, false)
			o.SetCustomOpenConnectionFn(func(to *url.URL, _ mqtt.ClientOptions) (c net.Conn, err error) {
				conn, err = net.Dial("tcp", to.Host)
				return conn, err
			})
		})
		if err == nil {
			conn.Close()
		}
		own := topic == "cityhub/v1/aq-1/status"
		if came := err == nil; s.hub == nil && came != own {
			t.Errorf("with a will on %s: came in %v", topic, came)
		}
		if own && s.hub != nil {
			eventually(t, within, "the own will", func() bool { return s.has(topic) })
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, topic := range s.heard {
		if topic != "cityhub/v1/aq-1/status" {
			t.Errorf("a will on %s reached the hub", topic)
		}
	}
}

func (s *site) publishes(t *testing.T, mine credentials.Issued) {
	for topic, want := range map[string]bool{
		"cityhub/v1/aq-1/telemetry":    true,
		"cityhub/v1/aq-2/telemetry":    false,
		"cityhub/v1/aq-2/status":       false,
		"cityhub/v1/aq-1/commands":     false,
		"cityhub/v1/aq-2/commands":     false,
		"cityhub/v1/aq-10/telemetry":   false,
		"$CONTROL/dynamic-security/v1": false,
		"$SYS/broker/clients":          false,
	} {
		client := s.enter(t, mine) // a refusal may end the connection
		client.Publish(topic, 1, false, reading).WaitTimeout(time.Second)
		client.Disconnect(50)
		if want {
			eventually(t, within, topic+" reaches the hub", func() bool { return s.has(topic) })
		}
	}
	// What comes after on the same way shows that nothing before it did.
	client := s.enter(t, mine)
	client.Publish("cityhub/v1/aq-1/senml", 1, false, `[{"n":"p","v":1}]`).WaitTimeout(within)
	eventually(t, within, "the last one", func() bool { return s.has("cityhub/v1/aq-1/senml") })
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, topic := range s.heard {
		if topic != "cityhub/v1/aq-1/telemetry" && topic != "cityhub/v1/aq-1/senml" && topic != "cityhub/v1/aq-1/status" {
			t.Errorf("%s reached the hub", topic)
		}
	}
	client.Disconnect(50)
}

func (s *site) subscribes(t *testing.T, mine credentials.Issued) {
	client := s.enter(t, mine)
	for filter, want := range map[string]bool{
		"cityhub/v1/aq-1/commands":          true,
		"cityhub/v1/aq-2/commands":          false,
		"cityhub/v1/aq-2/#":                 false,
		"cityhub/v1/+/commands":             false,
		"cityhub/v1/+/telemetry":            false,
		"#":                                 false,
		"+/#":                               false,
		"$SYS/#":                            false,
		"$CONTROL/#":                        false,
		"$share/g/cityhub/v1/aq-2/commands": false,
		"$share/g/cityhub/v1/+/telemetry":   false,
		"$share/g/#":                        false,
		"$share/g/cityhub/v1/aq-1/other":    false,
	} {
		if !client.IsConnectionOpen() {
			client = s.enter(t, mine)
		}
		token := client.Subscribe(filter, 1, nil)
		if !token.WaitTimeout(within) {
			t.Fatalf("%s: no answer", filter)
		}
		granted := token.Error() == nil
		for _, code := range token.(*mqtt.SubscribeToken).Result() {
			granted = granted && code <= 2
		}
		if granted != want {
			t.Errorf("%s: granted %v, want %v", filter, granted, want)
		}
	}
	client.Disconnect(50)
}
