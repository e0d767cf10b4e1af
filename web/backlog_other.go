//go:build !unix

package web

import "net"

// narrow does nothing where the backlog of a listener cannot be changed.
func narrow(net.Listener) {}
