package payload

// decodeRaw hands a device's own bytes on to its model's codec; the topic
// names the device and the port.
func decodeRaw(in Input) (Decoded, error) {
	if err := checkSize(in.Payload); err != nil {
		return Decoded{}, err
	}
	if in.Device == "" {
		return Decoded{}, undecodable("the topic names no device: publish to cityhub/v1/{device}/raw/{fPort}")
	}
	return Decoded{Uplinks: []Uplink{{Device: in.Device, Bytes: in.Payload, FPort: in.FPort, Seq: -1}}}, nil
}
