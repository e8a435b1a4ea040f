package codec

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
)

// request asks a worker to run a source. Its first frame leaves the source
// out, since the worker mostly has it: then Source is nil.
type request struct {
	Hash      []byte            `json:"hash"`
	Source    *string           `json:"source,omitempty"`
	CheckOnly bool              `json:"check,omitempty"`
	Bytes     []byte            `json:"bytes,omitempty"`
	FPort     int               `json:"fPort,omitempty"`
	Recv      int64             `json:"recv,omitempty"` // ms since 1970
	Variables map[string]string `json:"variables,omitempty"`
}

// outcome is how a request ended.
type outcome string

const (
	done       outcome = "done"
	wantSource outcome = "source" // ask again with the source
	failed     outcome = "failed" // the source threw or reported errors
	overLimit  outcome = "limit"
	notNumber  outcome = "nan"
)

// response answers a request.
type response struct {
	Outcome  outcome  `json:"outcome"`
	Detail   string   `json:"detail,omitempty"`
	Values   []value  `json:"values,omitempty"`
	Warnings []string `json:"warnings,omitempty"`
	Time     *float64 `json:"time,omitempty"` // ms since 1970
	Unknown  int      `json:"unknown,omitempty"`
}

// value is a keyed value on the wire: exactly one of the three is set.
type value struct {
	Key     string   `json:"k"`
	Number  *float64 `json:"n,omitempty"`
	Boolean *bool    `json:"b,omitempty"`
	Text    *string  `json:"t,omitempty"`
}

// maxFrame bounds a frame either way; answers are far smaller.
const maxFrame = 8 << 20

// send writes v as JSON behind its length.
func send(w io.Writer, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if len(body) > maxFrame {
		return fmt.Errorf("frame of %d bytes is above %d", len(body), maxFrame)
	}
	frame := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(body)), uint32(len(body)))
	_, err = w.Write(append(frame, body...))
	return err
}

// receive reads what send wrote.
func receive(r io.Reader, v any) error {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return err
	}
	size := binary.BigEndian.Uint32(head[:])
	if size > maxFrame {
		return fmt.Errorf("frame of %d bytes is above %d", size, maxFrame)
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(r, body); err != nil {
		return err
	}
	return json.Unmarshal(body, v)
}
