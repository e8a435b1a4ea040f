package citymap

import "io"

// Parts is a long answer, sent without putting it together first. The parts
// are never changed.
type Parts struct {
	list [][]byte
	size int
}

// Size is how many bytes it has.
func (p *Parts) Size() int { return p.size }

func (p *Parts) add(part []byte) {
	p.list = append(p.list, part)
	p.size += len(part)
}

// Append puts them together.
func (p *Parts) Append(b []byte) []byte {
	for _, part := range p.list {
		b = append(b, part...)
	}
	return b
}

// sendBuffer is how much is handed to the connection at once.
const sendBuffer = 256 << 10

// SupportsBodyWriteTo says that WriteTo is the way.
func (p *Parts) SupportsBodyWriteTo() bool { return true }

// WriteTo sends all parts, the short ones together.
func (p *Parts) WriteTo(w io.Writer) (sent int64, err error) {
	var gathered []byte
	write := func(b []byte) {
		if len(b) > 0 && err == nil {
			var n int
			n, err = w.Write(b)
			sent += int64(n)
		}
	}
	for _, part := range p.list {
		if len(gathered)+len(part) > sendBuffer {
			write(gathered)
			gathered = gathered[:0]
		}
		if len(part) > sendBuffer/2 {
			write(gathered)
			gathered = gathered[:0]
			write(part)
			continue
		}
		if gathered == nil {
			gathered = make([]byte, 0, min(p.size, sendBuffer))
		}
		gathered = append(gathered, part...)
	}
	write(gathered)
	return sent, err
}

// Read is there for who cannot have it written.
func (p *Parts) Read(b []byte) (int, error) {
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
