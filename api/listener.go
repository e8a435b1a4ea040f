package api

import "net"

// sendQueue is how much of an answer the kernel holds for one connection, in
// bytes. By itself it lets that grow to megabytes: a thousand clients that read
// nothing would hold gigabytes, and a long answer to one on this machine takes
// twice the time, for its bytes have left the processor's cache before they are
// read. A client 50 ms away still gets some 10 MB a second.
const sendQueue = 256 << 10

// bounded is a listener whose connections have that queue.
type bounded struct{ net.Listener }

func (b bounded) Accept() (net.Conn, error) {
	conn, err := b.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(sendQueue) // without it the kernel's own limit holds
	}
	return conn, nil
}
