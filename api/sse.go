package api

import (
	"bufio"
	"fmt"
	"net"
	"time"
)

const (
	frameLimit = 10 * time.Second // a client that takes longer to read an event is gone
	recheck    = time.Second      // whether a client may still see this
)

// events writes server-sent events to one client.
type events struct {
	w    *bufio.Writer
	conn net.Conn
	id   int
}

func (e *events) send(event string, data []byte) error {
	e.id++
	if _, err := fmt.Fprintf(e.w, "event: %s\nid: %d\ndata: ", event, e.id); err != nil {
		return err
	}
	if _, err := e.w.Write(data); err != nil {
		return err
	}
	return e.flush("\n\n")
}

// flush ends an event. The deadline is the connection's, as the server writes
// to it behind this pipe.
func (e *events) flush(end string) error {
	if _, err := e.w.WriteString(end); err != nil {
		return err
	}
	if err := e.conn.SetWriteDeadline(time.Now().Add(frameLimit)); err != nil {
		return err
	}
	return e.w.Flush()
}
