package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

const (
	// maxStreams is how many event streams may be open. Beyond that, the oldest
	// ends of the client that has most.
	maxStreams = 1024
	// streamIdle is how long a stream without calls is kept before it is told
	// to close. Clients that make one call after another would otherwise lose
	// calls that cross the message.
	streamIdle = 200 * time.Millisecond
	// streamBeat is how often a silent stream says that it is alive. Python's
	// client gives up after 20 seconds.
	streamBeat = 10 * time.Second
	// streamWrite is how long a reader may take to read what it is sent.
	streamWrite = 10 * time.Second
)

var closeStreamMessage = []byte(`{"msg":"close_stream"}`)

// A stream is an answer of server-sent events.
type stream struct {
	writer  http.ResponseWriter
	control *http.ResponseController
	lost    chan struct{} // closed when others need its place
}

// openStream begins an answer of server-sent events. The caller must call
// close in the end.
func (g *gradio) openStream(w http.ResponseWriter, r *http.Request) (s *stream, closeStream func()) {
	s = &stream{w, http.NewResponseController(w), make(chan struct{})}
	g.mutex.Lock()
	place := g.ofStreams.take(clientOf(r), 1, func() { close(s.lost) })
	g.mutex.Unlock()
	g.server.metrics.streams.Inc()
	if e := exchangeOf(r); e != nil {
		e.stream = true
	}
	// The server's deadlines are for requests that end.
	_ = s.control.SetReadDeadline(time.Time{})
	header := w.Header()
	header.Set("Content-Type", "text/event-stream; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no") // nginx would keep events back
	w.WriteHeader(http.StatusOK)
	_ = s.send("") // so that the client knows that it is open
	return s, func() {
		g.server.metrics.streams.Dec()
		g.mutex.Lock()
		defer g.mutex.Unlock()
		g.ofStreams.give(place)
	}
}

// send sends text, which is whole events. It fails when the reader has stopped
// reading; what was sent then is only what fits the buffers of the connection.
func (s *stream) send(text string) error {
	_ = s.control.SetWriteDeadline(time.Now().Add(streamWrite))
	if _, err := s.writer.Write([]byte(text)); err != nil {
		return err
	}
	return s.control.Flush()
}

func (s *stream) sendData(message []byte) error { return s.send("data: " + string(message) + "\n\n") }

// heartbeat serves GET /heartbeat/SESSION, which must not end: clients would
// open it again at once.
func (g *gradio) heartbeat(w http.ResponseWriter, r *http.Request) {
	s, closeStream := g.openStream(w, r)
	defer closeStream()
	beat := time.NewTicker(streamBeat)
	defer beat.Stop()
	for s.send("data: ALIVE\n\n") == nil {
		select {
		case <-beat.C:
		case <-r.Context().Done():
			return
		case <-s.lost:
			return
		case <-g.server.draining:
			return
		}
	}
}

// queueData serves GET /queue/data: the messages of a session, until there are
// no more calls.
func (g *gradio) queueData(w http.ResponseWriter, r *http.Request) {
	s, closeStream := g.openStream(w, r)
	defer closeStream()
	own := make(chan struct{})
	g.mutex.Lock()
	session := g.sessions[r.URL.Query().Get("session_hash")]
	if session != nil {
		if session.stream != nil {
			close(session.stream) // that one ends
		}
		session.stream = own
		g.ofSessions.renew(session.place)
	}
	g.mutex.Unlock()
	if session == nil {
		sendNoSession(s)
		return
	}
	defer func() {
		g.mutex.Lock()
		defer g.mutex.Unlock()
		session.touched = time.Now()
		if session.stream == own {
			session.stream = nil
		}
	}()
	g.deliver(r, s, session, own)
}

// sendNoSession ends the stream of a session that is not known, or no more.
func sendNoSession(s *stream) {
	text, err := json.Marshal(gradioMessage{Message: "unexpected_error", Text: "there is no such session, or no more; call /queue/join first", NotFound: true, Success: new(false)})
	if err != nil {
		panic("web: " + err.Error()) // it is our own struct
	}
	_ = s.sendData(text)
	_ = s.sendData(closeStreamMessage)
}

// deliver sends a session's messages until it is idle.
func (g *gradio) deliver(r *http.Request, s *stream, session *gradioSession, own chan struct{}) {
	idle := time.NewTimer(streamIdle)
	defer idle.Stop()
	beat := time.NewTicker(streamBeat)
	defer beat.Stop()
	draining := g.server.draining
	for {
		g.mutex.Lock()
		var messages [][]byte
		pending, replaced, lost := session.pending, session.stream != own, session.lost
		if !replaced {
			messages = g.take(session)
		}
		g.mutex.Unlock()
		if lost {
			sendNoSession(s)
			return
		}
		if replaced {
			session.wake() // what woke us may have been meant for the other stream
			return
		}
		for _, message := range messages {
			if s.sendData(message) != nil {
				return
			}
		}
		if draining == nil && pending == 0 {
			_ = s.sendData(closeStreamMessage)
			return
		}
		if len(messages) > 0 || pending > 0 {
			idle.Reset(streamIdle)
		}
		select {
		case <-session.changed:
		case <-beat.C:
			if s.sendData([]byte(`{"msg":"heartbeat"}`)) != nil {
				return
			}
		case <-idle.C:
			if g.endIdle(session) {
				_ = s.sendData(closeStreamMessage)
				return
			}
		case <-own:
		case <-r.Context().Done():
			return
		case <-s.lost:
			return
		case <-draining:
			draining = nil // once is enough: what is left are the calls that run
		}
	}
}

// endIdle tells whether a session has no more calls, and then notes that its
// stream ends.
func (g *gradio) endIdle(session *gradioSession) bool {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	if session.pending > 0 || len(session.messages) > 0 {
		return false
	}
	session.closed = time.Now()
	session.stream = nil
	return true
}

// callData serves GET /call/NAME/EVENT: one call's output.
func (g *gradio) callData(w http.ResponseWriter, r *http.Request) {
	g.mutex.Lock()
	event := g.events[r.PathValue("event")]
	g.mutex.Unlock()
	if event == nil || event.session != nil {
		gradioFail(w, r, problemf(http.StatusNotFound, "there is no such event, or its answer was fetched before"))
		return
	}
	s, closeStream := g.openStream(w, r)
	defer closeStream()
	beat := time.NewTicker(streamBeat)
	defer beat.Stop()
	for {
		select {
		case <-event.done:
			g.mutex.Lock()
			delete(g.events, event.id)
			g.ofMemory.give(event.memory)
			g.mutex.Unlock()
			_ = s.send(event.output.asEvent())
			return
		case <-beat.C:
			if s.send("event: heartbeat\ndata: null\n\n") != nil {
				return
			}
		case <-r.Context().Done():
			return
		case <-s.lost:
			return
		}
	}
}

// asEvent is the output as the one event that /call ends with.
func (o *gradioOutput) asEvent() string {
	name, value := "complete", any(o.Data)
	if o.Error != "" {
		name, value = "error", o.Error
	}
	text, err := json.Marshal(value)
	if err != nil {
		panic("web: " + err.Error()) // it is our own struct
	}
	return fmt.Sprintf("event: %s\ndata: %s\n\n", name, text)
}
