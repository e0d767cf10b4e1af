package web

import (
	"context"
	"net/http"
	"runtime"
	"sync"
	"time"
)

const (
	// maxRunning is how many requests are worked on at once. The next ones wait
	// in line.
	maxRunning = 100
	// patience is how long a request waits in line. A later answer is of little
	// use to somebody who draws, so it is told to come again.
	patience = 250 * time.Millisecond
	// retryAfter is when it is told to come again.
	retryAfter = time.Second
	// fewRunning is how few are worked on when more than one of those are heard
	// that are held, for each that is answered, and awaited how many at a time.
	fewRunning = maxRunning / 2
	awaited    = 4
	// readingTurn is how long a request whose turn it is may keep others waiting
	// while its body is still coming: longer than it takes to read what has come.
	readingTurn = 10 * time.Millisecond
)

// An admission is a request's place among those that are worked on. It is given before
// the body is read, so that what is refused costs little.
type admission struct {
	server *Server
	mutex  sync.Mutex
	held   bool
	coming bool // the body is
}

// admit lets a request in as soon as there is room.
func (s *Server) admit(ctx context.Context) (*admission, error) {
	t := &admission{server: s}
	return t, t.take(ctx)
}

// take waits for the turn.
func (t *admission) take(ctx context.Context) error {
	s := t.server
	select {
	case s.running <- struct{}{}:
	default:
		timeout := time.NewTimer(patience)
		defer timeout.Stop()
		select {
		case s.running <- struct{}{}:
		case <-timeout.C:
			s.connections.refused(ctx)
			return errBusy
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	s.metrics.running.Inc()
	t.mutex.Lock()
	t.held = true
	t.mutex.Unlock()
	return nil
}

// leave gives the turn back, if that was not done before.
func (t *admission) leave() {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.give()
}

func (t *admission) give() {
	if t.held {
		t.held = false
		<-t.server.running
		t.server.metrics.running.Dec()
		t.server.connections.hear(max(1, min(fewRunning-len(t.server.running), awaited)))
	}
}

// enter lets a request in and reads its body. The caller must call leave in the
// end, which gives back the turn and the memory.
func (s *Server) enter(w http.ResponseWriter, r *http.Request, read func(http.ResponseWriter, *http.Request) ([]byte, func(), error)) (body []byte, leave func(), err error) {
	s.connections.inLine(r.Context(), true)
	t, err := s.admit(r.Context())
	s.connections.inLine(r.Context(), false)
	if err != nil {
		return nil, nil, err
	}
	// The body must come soon, or others have the turn meanwhile: a client that
	// sends slowly keeps nobody waiting.
	t.coming = true
	late := time.AfterFunc(readingTurn, t.leaveWhileComing)
	body, release, err := read(w, r)
	late.Stop()
	if err != nil {
		t.leave()
		return nil, nil, err
	}
	if err := t.resume(r.Context()); err != nil {
		release()
		return nil, nil, err
	}
	return body, func() { release(); t.leave() }, nil
}

func (t *admission) leaveWhileComing() {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if t.coming {
		t.give()
	}
}

// resume goes on when the body has come.
func (t *admission) resume(ctx context.Context) error {
	t.mutex.Lock()
	t.coming = false
	held := t.held
	t.mutex.Unlock()
	if !held {
		return t.take(ctx)
	}
	// Requests that have come at the same time are all in or in line before one
	// of them is worked on.
	runtime.Gosched()
	return nil
}
