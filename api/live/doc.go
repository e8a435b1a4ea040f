// Package live is the room of the live stream. It owns who is told what, and
// when: the frames of what has changed, written once for all who see the same,
// the events, the way back for those that were away, and who is too slow. It
// refuses to know how a stream is asked for over HTTP, who may ask, and the way
// of a reading, which only marks what has changed.
package live
