package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"cityhub/broker-bridge/dynsec"
	"cityhub/broker-bridge/embedded"
	"cityhub/devices/credentials"
	"cityhub/telemetry/quota"
)

// openKeeper loads what lets devices in.
func (h *hub) openKeeper(ctx context.Context) (err error) {
	o := credentials.Options{Store: h.database.Credentials(), Registry: h.registry, Now: time.Now}
	if h.MQTTAdminUsername != "" {
		if o.Key, err = sealingKey(filepath.Join(h.Data, "credentials.key")); err != nil {
			return err
		}
	}
	h.keeper, err = credentials.Open(ctx, o)
	return err
}

// sealingKey reads the key that locks secrets while they wait for the broker or
// for who sent them in a file, and makes it first if there is none. It stands beside the database, not in
// it: a copy of the database alone opens nothing.
func sealingKey(path string) ([]byte, error) {
	const size = 32
	key, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		key = make([]byte, size)
		rand.Read(key) // never fails
		err = os.WriteFile(path, key, 0o600)
	}
	if err == nil && len(key) != size {
		err = fmt.Errorf("%s: has %d bytes, not %d; restore it, or remove it and give new secrets to the devices whose secrets wait", path, len(key), size)
	}
	if err != nil {
		return nil, fmt.Errorf("key for secrets that wait: %w", err)
	}
	return key, nil
}

// openEmbedded opens the hub's own broker, which asks at the door who comes in.
func (h *hub) openEmbedded() error {
	o := embedded.Options{Listen: h.MQTTListen, Decoder: h.decoder, Intake: h.gate, Signs: h.signs, Limit: h.meter, Log: h.log, Metrics: h.metrics}
	if h.MQTTAnonymous {
		h.log.Warn("everybody may publish for every device at the embedded broker: --mqtt-anonymous")
	} else {
		o.Auth = h.door
	}
	broker, err := embedded.New(o)
	if err != nil {
		return err
	}
	h.keeper.Attach(broker)
	h.broker = broker
	return nil
}

// outbox tells another broker who may come in; nil when the hub is not given
// the right to.
func (h *hub) outbox() *credentials.Outbox {
	if h.MQTTAdminUsername == "" {
		return nil
	}
	sink := dynsec.New(dynsec.Options{URL: h.MQTTURL, Username: h.MQTTAdminUsername, Password: h.MQTTAdminPassword})
	h.closing(sink.Close)
	return credentials.NewOutbox(h.keeper, sink, h.log)
}

// quotas are the settings as the meter takes them: there 0 is the default.
func (h *hub) quotas() quota.Limits {
	orNone := func(v float64) float64 {
		if v <= 0 {
			return -1
		}
		return v
	}
	return quota.Limits{Messages: orNone(h.DeviceMessages), Burst: max(1, h.DeviceBurst), Bytes: orNone(h.DeviceBytes),
		Names: int(orNone(float64(h.DeviceNames)))}
}
