package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	bridge "cityhub/broker-bridge"
	"cityhub/telemetry"
	"cityhub/telemetry/quota"
)

// memoryEvery is how often the hub writes down what has to outlast it; more
// seldom where that would take more than a hundredth of the time.
const memoryEvery = 10 * time.Second

// memory is what one run of the hub has to know of the one before.
type memory struct {
	Ended     bool                // nothing came after it
	Broker    brokerMemory        // the last one with which readings came
	Arrears   quota.Arrears       // of all devices
	Sequences []telemetry.Counted // of each device
}

type brokerMemory struct {
	URL, Client string // whose session it is
	bridge.Memory
}

// notebook is the file with the hub's memory.
type notebook struct {
	path    string
	written []byte
}

// read gives what the last run wrote, or nothing. A file that cannot be read is
// set aside, for a hub without its memory is better than none; damage says so.
func (n *notebook) read() (m memory, damage error) {
	raw, err := os.ReadFile(n.path)
	if errors.Is(err, fs.ErrNotExist) {
		return memory{}, nil
	}
	if err == nil {
		if err = json.Unmarshal(raw, &m); err == nil {
			return m, nil
		}
	}
	aside := n.path + ".damaged"
	return memory{}, errors.Join(fmt.Errorf("%s: %w; it is set aside as %s", n.path, err, filepath.Base(aside)), os.Rename(n.path, aside))
}

// write replaces the file, when something has changed.
func (n *notebook) write(m memory) error {
	raw, err := json.Marshal(m)
	if err != nil || bytes.Equal(raw, n.written) {
		return err
	}
	next := n.path + ".next"
	if err := writeThrough(next, raw); err != nil {
		return err
	}
	if err := os.Rename(next, n.path); err != nil {
		return err
	}
	n.written = raw
	return nil
}

// writeThrough writes a file that is on the disk when it answers nil.
func writeThrough(path string, raw []byte) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(raw)
	return errors.Join(err, file.Sync(), file.Close())
}

// openMemory takes over what the last run knew.
func (h *hub) openMemory(context.Context) error {
	h.notebook = &notebook{path: filepath.Join(h.Data, "memory.json")}
	last, damage := h.notebook.read()
	if damage != nil {
		h.log.Error("the hub does not know its last run: a lost session at the broker and missing messages of that time go unseen", "error", damage)
	}
	h.sequences.Restore(last.Sequences, last.Ended)
	h.meter.Resume(last.Arrears)
	h.past = last.Broker
	last.Ended = false // from now on something may come
	if err := h.notebook.write(last); err != nil {
		h.log.Error("the hub's memory stays as it was", "error", err)
	}
	h.closing(func() error { return h.notebook.write(h.remember(true)) })
	return nil
}

func (h *hub) remember(ended bool) memory {
	m := memory{Ended: ended, Broker: h.past, Arrears: h.meter.Arrears(), Sequences: h.sequences.Snapshot()}
	if remote, ok := h.broker.(*bridge.Bridge); ok {
		m.Broker = brokerMemory{h.brokerName(), h.MQTTClientID, remote.Memory()}
	}
	return m
}

// brokerName is the broker's URL without its password.
func (h *hub) brokerName() string {
	u, err := url.Parse(h.MQTTURL)
	if err != nil {
		return "" // then there is no bridge either
	}
	return u.Redacted()
}

// before is what the last run knew of the broker that is used now.
func (h *hub) before() bridge.Memory {
	if h.past.URL != h.brokerName() || h.past.Client != h.MQTTClientID {
		return bridge.Memory{}
	}
	return h.past.Memory
}

// keepMemory writes the memory down every now and then.
func (h *hub) keepMemory(ctx context.Context) error {
	failing := false
	for pause := memoryEvery; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
		begin := time.Now()
		err := h.notebook.write(h.remember(false))
		if err != nil && !failing {
			h.log.Error("the hub's memory stays old: after a restart more counts as missed than was", "error", err)
		}
		failing, pause = err != nil, max(memoryEvery, 100*time.Since(begin))
	}
}
