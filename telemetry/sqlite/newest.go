package sqlite

import (
	"encoding/binary"
	"slices"

	"cityhub/telemetry"
)

// newest holds the newest value of each field of one group, as lines with
// distinct times, the newest first. Each property is in one of them.
type newest []telemetry.Line

// add takes from a line what is the newest of its property. It keeps no part
// of the line that its owner may change.
func (n *newest) add(l *telemetry.Line) {
	at, found := slices.BinarySearchFunc(*n, l.Time, func(e telemetry.Line, t int64) int {
		switch {
		case e.Time > t:
			return -1
		case e.Time < t:
			return 1
		}
		return 0
	})
	taken := n.untaken(l.Fields, at)
	if found {
		part := *l
		part.Fields = taken
		merge(&(*n)[at], &part)
		at++
	} else if len(taken) > 0 {
		fresh := *l
		fresh.Fields = taken
		*n = slices.Insert(*n, at, fresh)
		at++
	}
	n.dropFrom(at, taken)
}

// untaken gives the fields that none of the first count lines has.
func (n *newest) untaken(fields []telemetry.Field, count int) []telemetry.Field {
	taken := make([]telemetry.Field, 0, len(fields))
	for i := range fields {
		newer := slices.ContainsFunc((*n)[:count], func(e telemetry.Line) bool {
			return indexOf(e.Fields, fields[i].Property) >= 0
		})
		if !newer {
			taken = append(taken, fields[i])
		}
	}
	return taken
}

// dropFrom removes fields from the lines at index at and after, and the lines
// that have none left.
func (n *newest) dropFrom(at int, fields []telemetry.Field) {
	for i := at; i < len(*n); i++ {
		(*n)[i].Fields = slices.DeleteFunc((*n)[i].Fields, func(f telemetry.Field) bool {
			return indexOf(fields, f.Property) >= 0
		})
	}
	*n = slices.DeleteFunc(*n, func(e telemetry.Line) bool { return len(e.Fields) == 0 })
}

// without gives what is left outside [from, to), and the properties lost. The
// name "" among them says that the group itself may be gone.
func (n newest) without(from, to int64) (left newest, lost map[string]bool) {
	lost = map[string]bool{}
	for _, l := range n {
		if l.Time < from || l.Time >= to {
			left = append(left, l)
			continue
		}
		for i := range l.Fields {
			lost[l.Fields[i].Property] = true
		}
	}
	if len(left) == 0 {
		lost[""] = true
	}
	return left, lost
}

func (n newest) append(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(n)))
	for i := range n {
		b = binary.AppendVarint(b, n[i].Time)
		b = appendString(b, string(appendLine(nil, &n[i])))
	}
	return b
}

// newest reads what append wrote.
func (d *decoder) newest(group int64, data []byte) (newest, error) {
	count, used := binary.Uvarint(data)
	if used <= 0 || count > uint64(len(data)) {
		return nil, errBlob
	}
	rest, out := data[used:], make(newest, count)
	for i := range out {
		d.b, d.bad = rest, false
		out[i].Group, out[i].Time = group, d.varint()
		line := d.bytes()
		rest = d.b
		if d.bad {
			return nil, errBlob
		}
		if err := d.decode(line, &out[i]); err != nil {
			return nil, err
		}
	}
	if len(rest) > 0 {
		return nil, errBlob
	}
	return out, nil
}
