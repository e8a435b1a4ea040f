package payload

import (
	"errors"
	"fmt"

	"cityhub/telemetry"
)

// refuse makes the only kind of error that leaves this package.
func refuse(reason telemetry.Reason, format string, args ...any) error {
	return &telemetry.Refusal{Reason: reason, Detail: fmt.Sprintf(format, args...)}
}

// undecodable is the refusal for bytes that do not follow the format.
func undecodable(format string, args ...any) error {
	return refuse(telemetry.Undecodable, format, args...)
}

// checkSize holds the limit that every format shares.
func checkSize(payload []byte) error {
	if len(payload) > MaxBytes {
		return refuse(telemetry.TooLarge, "payload of %d bytes is above %d: send fewer readings in one message",
			len(payload), MaxBytes)
	}
	if len(payload) == 0 {
		return undecodable("payload is empty")
	}
	return nil
}

// quote shortens text that a stranger sent, for use inside a message.
func quote(text string) string {
	const most = 40
	if len(text) > most {
		return fmt.Sprintf("%q…", text[:most])
	}
	return fmt.Sprintf("%q", text)
}

// refusalOf gives the refusal in an error of a helper.
func refusalOf(err error) *telemetry.Refusal {
	var refusal *telemetry.Refusal
	if errors.As(err, &refusal) {
		return refusal
	}
	return &telemetry.Refusal{Reason: telemetry.Undecodable, Detail: err.Error()}
}
