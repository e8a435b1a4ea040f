package spool

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
)

// readingsPerRecord is the size of a group commit in benchmarks: about 200
// readings and 20 KB.
const readingsPerRecord = 200

// cityBatch makes one group commit as the hub would write it: readings of four
// channels, values near each other as sensors give them, binary already.
func cityBatch(r *rand.Rand, readings int) []byte {
	codes := []string{"pm25", "pm10", "temperature", "humidity", "noise_level", "water_level", "no2", "battery"}
	out := make([]byte, 0, readings*110)
	now := int64(1_790_000_000_000_000_000)
	for i := range readings {
		now += int64(r.IntN(4_000_000))
		out = binary.AppendUvarint(out, uint64(r.IntN(100_000))) // group
		out = binary.AppendVarint(out, now/1e9*1e9)              // device clocks tell whole seconds
		out = binary.AppendVarint(out, now+int64(r.IntN(2_000_000_000)))
		out = binary.AppendUvarint(out, uint64(1<<40+i*4))
		out = append(out, 0, 4)
		for f := range 4 {
			code := codes[(i+f)%len(codes)]
			out = append(append(out, byte(len(code))), code...)
			value := math.Round((20+10*r.NormFloat64())*10) / 10
			out = binary.LittleEndian.AppendUint64(append(out, byte(f), 0), math.Float64bits(value))
		}
	}
	return out
}
