package web

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// A request waits in line until there is room, and is told to come again when its
// patience is over.
func TestAdmit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Server{metrics: newMetrics(), running: make(chan struct{}, 1), connections: newConnections(1, nil)}
		first, err := s.admit(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		admitted := make(chan error)
		go func() {
			second, err := s.admit(t.Context())
			if err == nil {
				defer second.leave()
			}
			admitted <- err
		}()
		synctest.Wait()
		select {
		case err := <-admitted:
			t.Fatalf("the second request did not wait: %v", err)
		default:
		}
		time.Sleep(patience - time.Nanosecond)
		first.leave()
		if err := <-admitted; err != nil {
			t.Errorf("it was not let in when there was room: %v", err)
		}

		s.running <- struct{}{}
		started := time.Now()
		if _, err := s.admit(t.Context()); !errors.Is(err, errBusy) || time.Since(started) != patience {
			t.Errorf("without room: %v after %v, want %v after %v", err, time.Since(started), errBusy, patience)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := s.admit(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("a client that has gone: %v, want %v", err, context.Canceled)
		}
	})
}
