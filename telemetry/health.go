package telemetry

import "sync"

// DeviceHealth is what is known of a device from its messages since the start.
type DeviceHealth struct {
	LastReceived int64 // the hub's clock, nanoseconds since 1970; 0: nothing yet
	LastSeq      int64 // negative: the device sends none
	Radio        Radio
	Missing      int64 // sequence numbers that never arrived
}

// Health remembers each device's last message.
type Health struct {
	mu      sync.RWMutex
	devices map[int64]DeviceHealth
}

// NewHealth knows nothing yet.
func NewHealth() *Health { return &Health{devices: map[int64]DeviceHealth{}} }

func (h *Health) note(s sighting) {
	h.mu.Lock()
	defer h.mu.Unlock()
	d := h.devices[s.device]
	if s.received < d.LastReceived {
		return // replayed from quarantine
	}
	d.LastReceived, d.LastSeq = s.received, s.seq
	if s.radio != (Radio{}) {
		d.Radio = s.radio
	}
	h.devices[s.device] = d
}

// Of tells of one device.
func (h *Health) Of(device int64) (DeviceHealth, bool) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	d, ok := h.devices[device]
	return d, ok
}
