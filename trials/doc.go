// Package trials holds the tests that run the hub as a city would: the real
// programs as processes, beside a real broker and real databases, under load
// and under faults. It has no code of its own.
package trials
