package spool

import (
	"bytes"
	"errors"
	"io"
	"slices"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// searchWindow is how much is read at once while looking for the next frame
// behind damage.
const searchWindow = 1 << 20

// source reads frames of one segment file.
type source struct {
	file vfs.File
	hard bool    // give zeros for what the disk cannot read, instead of its error
	only *[]byte // where it is not nil, frames are checked there and their records not given
}

// found is a frame together with its place and record.
type found struct {
	frame
	at     int64
	record []byte
}

func (f *found) end() int64 { return f.at + f.size() }

// find gives the first visible frame at off or behind it, when as many as
// from have been seen. It is not ok when there is none.
func (r source) find(g *segment, off int64, from tally) (f found, ok bool, err error) {
	if from.records >= g.limit.records {
		return found{}, false, nil
	}
	if f, ok, err = r.frameAt(g, off); ok || err != nil {
		return f, ok, err
	}
	return r.search(g, off+1)
}

// frameAt reads the frame that begins at off, if one does. A frame away from
// its place counts where bytes before it were lost or added, and not where it
// is a copy that a disk has misdirected: then it is at its own place too.
func (r source) frameAt(g *segment, off int64) (found, bool, error) {
	f, ok, err := r.wholeAt(g, off)
	if !ok || f.place == off {
		return f, ok, err
	}
	own, ok, err := r.wholeAt(g, f.place)
	return f, !ok || own.place != f.place, err
}

func (r source) wholeAt(g *segment, off int64) (found, bool, error) {
	var header [frameHeaderSize]byte
	n, err := r.readAt(header[:], off)
	if err != nil {
		return found{}, false, err
	}
	f, ok := parseFrame(header[:n], g.seed())
	if !ok || f.before.records >= g.limit.records || off+f.size() > g.size {
		return found{}, false, nil
	}
	payload := r.room(f.stored)
	if n, err = r.readAt(payload, off+frameHeaderSize); err != nil {
		return found{}, false, err
	}
	if r.only != nil {
		return found{f, off, nil}, f.whole(payload[:n], g.seed()), nil
	}
	record, ok := f.open(payload[:n], g.seed())
	return found{f, off, record}, ok, nil
}

// room gives the bytes for a payload: the caller's own where it is handed out.
func (r source) room(n int) []byte {
	if r.only == nil {
		return make([]byte, n)
	}
	*r.only = slices.Grow((*r.only)[:0], n)[:n]
	return *r.only
}

// search looks for the next frame behind damage.
func (r source) search(g *segment, off int64) (found, bool, error) {
	window := make([]byte, min(searchWindow, max(g.size-off, 0)))
	for off < g.size {
		n, err := r.readAt(window[:min(int64(len(window)), g.size-off)], off)
		if err != nil {
			return found{}, false, err
		}
		for i := 0; ; i++ {
			next := bytes.Index(window[i:n], []byte(frameMagic))
			if next < 0 {
				break
			}
			i += next
			if f, ok, err := r.frameAt(g, off+int64(i)); ok || err != nil {
				return f, ok, err
			}
		}
		if n < len(frameMagic) {
			break
		}
		off += int64(n - len(frameMagic) + 1)
	}
	return found{}, false, nil
}

// readAt reads as much of b as the file has.
func (r source) readAt(b []byte, off int64) (int, error) {
	n, err := r.file.ReadAt(b, off)
	if err == nil || errors.Is(err, io.EOF) {
		return n, nil
	}
	if !r.hard {
		return 0, err
	}
	return r.readHard(b, off), nil
}

// readHard reads block by block and leaves zeros where the disk fails.
func (r source) readHard(b []byte, off int64) (n int) {
	for n < len(b) {
		block := b[n:min(len(b), n+4096-int(off+int64(n))%4096)]
		got, err := r.file.ReadAt(block, off+int64(n))
		if errors.Is(err, io.EOF) {
			return n + got
		}
		if err != nil {
			clear(block)
		}
		n += len(block)
	}
	return n
}

// walk gives the count behind the last visible frame that ends at or before
// stop, and that frame's end. Damage on the way is passed over.
func (r source) walk(g *segment, off, stop int64, from tally) (tally, int64, error) {
	r.only = new([]byte)
	for {
		f, ok, err := r.find(g, off, from)
		if err != nil || !ok || f.end() > stop {
			return from, off, err
		}
		off, from = f.end(), later(from, f.after())
	}
}
