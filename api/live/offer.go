package live

import (
	"net"
	"syscall"
)

// raw gives the way to a connection's socket; nil where it has none.
func raw(conn net.Conn) syscall.RawConn {
	socket, ok := conn.(syscall.Conn)
	if !ok {
		return nil
	}
	way, err := socket.SyscallConn()
	if err != nil {
		return nil
	}
	return way
}

// offer sends a frame to a client that waits for it, so far as its socket takes
// it at once: to wake a writer for it would cost as much again as the sending.
// It answers false when the writer has to be roused, to go on or to find out
// what is wrong. Only for clients that wait, whose writers touch nothing.
func (c *Client) offer(f frame) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.why != "" || c.raw == nil || f.text == nil || !c.at.covers(f.from) {
		return false
	}
	sent := 0
	err := c.raw.Control(func(socket uintptr) {
		for sent == 0 { // unless a signal came between
			n, fault := syscall.Write(int(socket), f.text)
			sent = max(n, 0)
			if fault != syscall.EINTR {
				return
			}
		}
	})
	if err != nil || sent == 0 {
		return false
	}
	c.at = f.to
	c.owed = f.text[sent:]
	return len(c.owed) == 0
}

// settle sends what is left of a frame that was offered.
func (c *Client) settle() error {
	owed := c.owed
	c.owed = nil
	return c.write(owed)
}
