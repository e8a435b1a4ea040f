package geo

import (
	"hash/maphash"
	"math/bits"
)

// The tables in which a tile's values are looked up have a power of two of
// slots, at most half of them taken, and answer by the first slot from the
// hash on that fits. A slot of an earlier turn counts as free, so that a table
// is emptied in no time.

const firstSlots = 64

// scatter spreads numbers that look alike: times it, their highest bits differ.
const scatter = 0x9E3779B97F4A7C15

// numberTable finds 64 bits.
type numberTable struct {
	slots []numberSlot
	taken int
	turn  uint32
}

type numberSlot struct {
	bits  uint64
	turn  uint32
	place uint32 // among the values
}

func (t *numberTable) reset() { t.turn, t.taken = t.turn+1, 0 }

// find gives the slot of a number; unknown, it is one just taken, and its
// place is the caller's to set before the next call.
func (t *numberTable) find(v uint64) (slot *numberSlot, known bool) {
	if 2*t.taken >= len(t.slots) {
		t.grow()
	}
	mask := uint64(len(t.slots) - 1)
	for at := v * scatter >> bits.LeadingZeros64(mask); ; at = (at + 1) & mask {
		slot := &t.slots[at]
		if slot.turn != t.turn {
			slot.bits, slot.turn = v, t.turn
			t.taken++
			return slot, false
		}
		if slot.bits == v {
			return slot, true
		}
	}
}

func (t *numberTable) grow() {
	old, turn := t.slots, t.turn
	*t = numberTable{slots: make([]numberSlot, max(firstSlots, 2*len(old))), turn: 1}
	for _, s := range old {
		if s.turn == turn {
			slot, _ := t.find(s.bits)
			slot.place = s.place
		}
	}
}

// textTable finds texts.
type textTable struct {
	seed  maphash.Seed
	slots []textSlot
	taken int
	turn  uint32
}

type textSlot struct {
	hash        uint64
	turn, place uint32
	from, size  uint32 // of the text in the values
}

func newTextTable() textTable {
	return textTable{seed: maphash.MakeSeed(), slots: make([]textSlot, firstSlots), turn: 1}
}

func (t *textTable) reset() { t.turn, t.taken = t.turn+1, 0 }

// find gives the slot of a text among the values; unknown, it is a free one
// with the text's hash, the caller's to fill. Then the table must grow.
func (t *textTable) find(v string, values []byte) (slot *textSlot, known bool) {
	hash := maphash.String(t.seed, v)
	mask := uint64(len(t.slots) - 1)
	for at := hash & mask; ; at = (at + 1) & mask {
		slot := &t.slots[at]
		if slot.turn != t.turn {
			slot.hash = hash
			return slot, false
		}
		if slot.hash == hash && string(values[slot.from:slot.from+slot.size]) == v {
			return slot, true
		}
	}
}

// grow counts a slot that was filled.
func (t *textTable) grow() {
	if t.taken++; 2*t.taken < len(t.slots) {
		return
	}
	old := t.slots
	t.slots = make([]textSlot, 2*len(old))
	mask := uint64(len(t.slots) - 1)
	for _, s := range old {
		if s.turn != t.turn {
			continue
		}
		at := s.hash & mask
		for t.slots[at].turn == t.turn {
			at = (at + 1) & mask
		}
		t.slots[at] = s
	}
}
