package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

const (
	// stopTime is within how long a server ends that is being stopped.
	stopTime = 9500 * time.Millisecond
	// noticeTime is how long at most it goes on as before, so that whoever
	// distributes requests notices that it is not ready and clients that keep
	// their connections are told to close them; quietTime is how long nothing may
	// have come for that to end sooner.
	noticeTime = 2 * time.Second
	quietTime  = 250 * time.Millisecond
	// acceptTime is how long at most it accepts the connections that the system
	// has then, and arrivalTime how long it waits for requests that have begun to
	// come.
	acceptTime  = 500 * time.Millisecond
	arrivalTime = time.Second
	// lookTime is how often it looks.
	lookTime = 10 * time.Millisecond
)

// Listen listens at an address, as host:port, so that Serve can end without losing a
// request: not with Multipath TCP, whose sockets Linux does not let filter.
func Listen(address string) (net.Listener, error) {
	var config net.ListenConfig
	config.SetMultipathTCP(false)
	return config.Listen(context.Background(), "tcp", address)
}

// Serve answers what comes to the listener until ctx is done. It then tells its
// clients, goes on for a moment, accepts nothing more, answers what has come, and
// returns within ten seconds, whatever it is doing; the error is nil then. On Linux,
// with a listener that Listen made, nothing is lost of what has come until then; elsewhere
// a connection may be that begins as the listener is closed.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	// What requests wait for ends with this.
	working, breakOff := context.WithCancelCause(context.Background())
	defer breakOff(errClosed)
	server := &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second, // bodies and streams set their own
		WriteTimeout:      30 * time.Second, // streams set their own
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		BaseContext:       func(net.Listener) context.Context { return working },
	}
	s.connections.watch(server)
	watched := &watchedListener{Listener: listener, connections: s.connections}
	stopped := make(chan error, 1)
	go func() { stopped <- server.Serve(watched) }()
	select {
	case err := <-stopped:
		return fmt.Errorf("the server cannot go on: %w", err)
	case <-ctx.Done():
	}
	stopping, cancel := context.WithTimeout(context.Background(), s.stopTime)
	defer cancel()
	s.drain()
	s.untilQuiet()
	watched.end()
	select {
	case <-stopped:
	case <-time.After(acceptTime):
	}
	late := time.AfterFunc(arrivalTime, s.connections.closeWaiting)
	defer late.Stop()
	for s.connections.endIdle() > 0 && stopping.Err() == nil {
		time.Sleep(lookTime)
	}
	err := server.Shutdown(stopping)
	if errors.Is(err, context.DeadlineExceeded) {
		s.log.Warn("some requests took too long and were broken off")
		breakOff(errClosed)
		err = server.Close()
	}
	return err
}

// drain makes the server say that it is being stopped, and ends event streams
// that nobody is owed an answer on.
func (s *Server) drain() { s.drainOnce.Do(func() { close(s.draining) }) }

// untilQuiet waits until clients have nothing more to say, but not for long.
func (s *Server) untilQuiet() {
	started := time.Now()
	count, since := s.observer.count.Load(), started
	for time.Since(started) < noticeTime && time.Since(since) < quietTime {
		time.Sleep(lookTime)
		if now := s.observer.count.Load(); now != count {
			count, since = now, time.Now()
		}
	}
}
