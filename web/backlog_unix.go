//go:build unix

package web

import (
	"net"
	"syscall"
)

// narrow makes the system take no more connections for a listener than one at a
// time (listen(2) may be called again to change the backlog), so that there is an
// end to those that it has when nobody is to come any more. Clients that it does
// not answer ask again a second later.
func narrow(listener net.Listener) {
	socket, ok := listener.(syscall.Conn)
	if !ok {
		return
	}
	if raw, err := socket.SyscallConn(); err == nil {
		_ = raw.Control(func(descriptor uintptr) { _ = syscall.Listen(int(descriptor), 0) })
	}
}
