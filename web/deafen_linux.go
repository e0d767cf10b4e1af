package web

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// noNewcomers is a program for the system's filter of packets (socket(7),
// SO_ATTACH_FILTER) that drops what begins a connection and lets all else pass: a
// segment of TCP whose flags, byte 13, are SYN without ACK.
var noNewcomers = []unix.SockFilter{
	{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, K: 13},
	{Code: unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, K: flagSYN | flagACK},
	{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: flagSYN, Jf: 1},
	{Code: unix.BPF_RET | unix.BPF_K, K: 0},
	{Code: unix.BPF_RET | unix.BPF_K, K: 1<<32 - 1},
}

const flagSYN, flagACK = 0x02, 0x10

// deafen makes the system begin no more connections for a listener, and reports
// whether it does. Those that have begun come to their end and can be accepted. A
// client that is not heard asks again a second later, and then finds the next
// server or is told that there is none.
func deafen(listener net.Listener) bool {
	socket, ok := listener.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return false
	}
	deaf := false
	err = raw.Control(func(descriptor uintptr) {
		deaf = unix.SetsockoptSockFprog(int(descriptor), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(noNewcomers)), Filter: &noNewcomers[0]}) == nil
	})
	return err == nil && deaf
}
