package api

import (
	"io"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"
)

// parts is a long answer, sent without putting it together first. The parts
// are never changed.
type parts struct {
	list [][]byte
	size int
}

func (p *parts) add(part []byte) {
	p.list = append(p.list, part)
	p.size += len(part)
}

func (p *parts) append(b []byte) []byte {
	for _, part := range p.list {
		b = append(b, part...)
	}
	return b
}

// sendBuffer is how much is handed to the connection at once.
const sendBuffer = 256 << 10

// SupportsBodyWriteTo says that WriteTo is the way.
func (p *parts) SupportsBodyWriteTo() bool { return true }

// WriteTo sends all parts.
func (p *parts) WriteTo(w io.Writer) (sent int64, err error) {
	b := make([]byte, 0, min(p.size, sendBuffer))
	flush := func() {
		var n int
		n, err = w.Write(b)
		sent, b = sent+int64(n), b[:0]
	}
	for _, part := range p.list {
		for len(part) > 0 && err == nil {
			n := min(len(part), cap(b)-len(b))
			b, part = append(b, part[:n]...), part[n:]
			if len(b) == cap(b) {
				flush()
			}
		}
	}
	if err == nil {
		flush()
	}
	return sent, err
}

// Read is there for who cannot have it written.
func (p *parts) Read(b []byte) (int, error) {
	for len(p.list) > 0 && len(p.list[0]) == 0 {
		p.list = p.list[1:]
	}
	if len(p.list) == 0 {
		return 0, io.EOF
	}
	n := copy(b, p.list[0])
	p.list[0] = p.list[0][n:]
	return n, nil
}

// answer sends them, packed where the caller takes that.
func (p *parts) answer(ctx huma.Context, contentType string) {
	fc := humafiber.Unwrap(ctx)
	fc.Set("Content-Type", contentType)
	fc.Vary("Accept-Encoding")
	if fc.Request().Header.HasAcceptEncoding("gzip") {
		fc.Response().SetBodyRaw(p.append(make([]byte, 0, p.size))) // the edge packs it
		return
	}
	fc.Response().SetBodyStream(p, p.size)
}
