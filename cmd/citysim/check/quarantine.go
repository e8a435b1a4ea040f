package check

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"time"
)

// instantOf names one message of the load.
type instantOf struct {
	device string
	time   int64
}

// quarantined gives which messages of the load stand in quarantine.
func (c *client) quarantined(ctx context.Context, limit string) (map[instantOf]bool, error) {
	found := map[instantOf]bool{}
	err := c.each(ctx, "quarantine", url.Values{"limit": {limit}}, func(raw json.RawMessage) error {
		var item struct {
			Topic   string          `json:"topic"`
			Device  string          `json:"device"`
			Payload json.RawMessage `json:"payload"`
		}
		if err := json.Unmarshal(raw, &item); err != nil {
			return err
		}
		device := item.Device
		if parts := strings.Split(item.Topic, "/"); len(parts) == 4 && parts[0] == "cityhub" {
			device = parts[2]
		}
		if at, ok := measuredAt(item.Payload); ok && strings.HasPrefix(device, "flood-") {
			found[instantOf{device, at}] = true
		}
		return nil
	})
	return found, err
}

// measuredAt reads the time of a kept payload, which the API may tell as
// base64, as a text or as the JSON that it is.
func measuredAt(payload json.RawMessage) (int64, bool) {
	var text string
	if json.Unmarshal(payload, &text) == nil {
		payload = json.RawMessage(text)
		if whole, err := base64.StdEncoding.DecodeString(text); err == nil {
			payload = whole
		}
	}
	var message struct {
		Time string `json:"time"`
	}
	if json.Unmarshal(payload, &message) != nil {
		return 0, false
	}
	at, err := time.Parse(time.RFC3339Nano, message.Time)
	return at.UnixNano(), err == nil
}
