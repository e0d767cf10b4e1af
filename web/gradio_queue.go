package web

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"time"

	"inkling"
)

const (
	// maxQueued is how many calls may be waiting or running. Beyond that, a call
	// of the client that has most is given up for another client's, and nothing of
	// that client is taken.
	maxQueued = 2048
	// maxWorking is how many of them may be running.
	maxWorking = 64
	// maxSessions is how many sessions are remembered. Beyond that, the oldest
	// goes of the client that has most.
	maxSessions = 2048
	// maxUndelivered is how many messages may be waiting for one session's
	// stream: a client that does not read cannot have the server keep more. A
	// call has callMessages, of which some may wait already.
	maxUndelivered = 8192
	callMessages   = 3
	// maxKept is the memory for the inputs of calls and the messages of all
	// sessions, of which the next call is taken to need callMemory.
	maxKept    = 16 << 20
	callMemory = 2 << 10
	// sessionTime is how long a session without a stream, or an answer that
	// nobody fetches, is kept.
	sessionTime = time.Minute
	// closeSettles is how long after the end of a stream a call is let in at
	// the earliest: a client that hears of its call before it hears of the end
	// would wait on the stream that has ended.
	closeSettles = 100 * time.Millisecond
	// joinSettles is how long after the answer to /queue/join its call is
	// completed at the earliest: Python's client fails when it hears of the end
	// of a call before it has taken note of its beginning. Gradio itself is
	// never faster.
	joinSettles = 50 * time.Millisecond
)

// A gradioSession is the messages for one client. All fields belong to the
// mutex of gradio.
type gradioSession struct {
	messages [][]byte
	pending  int           // calls that are not completed
	changed  chan struct{} // has an element when there is news for the stream
	stream   chan struct{} // of the open stream, closed when another takes over
	touched  time.Time
	closed   time.Time // when its last stream was told to close
	lost     bool      // it is forgotten, and nothing is kept for it any more
	place    *holding  // of sessions
	memory   *holding  // of its messages
}

// A gradioEvent is one call.
type gradioEvent struct {
	id      string
	session *gradioSession // nil for /call, whose answer is fetched by the event
	cancel  context.CancelCauseFunc
	joined  chan struct{} // closed when the client was told of the call
	done    chan struct{} // closed when output is there
	output  *gradioOutput
	touched time.Time
	place   *holding // of calls
	memory  *holding // of its input
}

// A gradioMessage is an element of an event stream of sse_v3.
type gradioMessage struct {
	Message   string        `json:"msg"`
	EventID   string        `json:"event_id,omitempty"`
	Success   *bool         `json:"success,omitempty"`
	Rank      *int          `json:"rank,omitempty"`
	QueueSize *int          `json:"queue_size,omitempty"`
	RankETA   *float64      `json:"rank_eta,omitempty"`
	ETA       *float64      `json:"eta,omitempty"`
	Output    *gradioOutput `json:"output,omitempty"`
	Text      string        `json:"message,omitempty"`
	NotFound  bool          `json:"session_not_found,omitempty"`
}

// A gradioOutput is what a call gave: data, or an error.
type gradioOutput struct {
	Data       []any    `json:"data,omitempty"`
	Generating *bool    `json:"is_generating,omitempty"`
	Duration   *float64 `json:"duration,omitempty"` // of a call in seconds; of an error's display
	Error      string   `json:"error,omitempty"`
	Title      string   `json:"title,omitempty"`
	Visible    *bool    `json:"visible,omitempty"`
}

func failedOutput(err error) *gradioOutput {
	return &gradioOutput{Error: asProblem(err).Detail, Title: "Error", Visible: new(true), Duration: new(10.0)}
}

// errCancelled is the answer to a call that its client gave up.
var errCancelled error = problemf(http.StatusGone, "cancelled")

// errCrowded is the answer to a call for which others have no room left.
var errCrowded error = problemf(http.StatusServiceUnavailable, "the server has more to do than it can, and has given up this call, because its client has made most of them; try again in a second")

// session returns a client's session, and makes one if need be.
func (g *gradio) session(c client, hash string) *gradioSession {
	s := g.sessions[hash]
	if s == nil {
		s = &gradioSession{changed: make(chan struct{}, 1)}
		g.sessions[hash] = s
		lose := func() { g.lose(hash, s) }
		s.place = g.ofSessions.take(c, 1, lose)
		s.memory = g.ofMemory.take(c, 0, lose)
	}
	g.ofSessions.renew(s.place)
	s.touched = time.Now()
	return s
}

// lose forgets a session. Its stream ends, and its calls have nobody to answer.
func (g *gradio) lose(hash string, s *gradioSession) {
	g.take(s)
	s.lost = true
	delete(g.sessions, hash)
	g.ofSessions.give(s.place)
	g.ofMemory.give(s.memory)
	if s.stream != nil {
		close(s.stream)
		s.stream = nil
	}
	for _, e := range g.events {
		if e.session == s {
			e.cancel(errCancelled)
		}
	}
}

// sweep forgets, now and then, what nobody came back for.
func (g *gradio) sweep() {
	now := time.Now()
	if now.Sub(g.swept) < sessionTime/8 {
		return
	}
	g.swept = now
	for hash, s := range g.sessions {
		if s.stream == nil && s.pending == 0 && now.Sub(s.touched) > sessionTime {
			g.lose(hash, s)
		}
	}
	for id, e := range g.events {
		if e.output != nil && now.Sub(e.touched) > sessionTime {
			delete(g.events, id)
			g.ofMemory.give(e.memory)
		}
	}
}

// tell queues a message for a session's stream.
func (g *gradio) tell(s *gradioSession, message gradioMessage) {
	if s.lost {
		return
	}
	text, err := json.Marshal(message)
	if err != nil {
		panic("web: " + err.Error()) // it is our own struct
	}
	s.messages = append(s.messages, text)
	g.ofMemory.grow(s.memory, len(text))
	s.wake()
}

// take returns the messages that wait for a session's stream, which then are the
// caller's.
func (g *gradio) take(s *gradioSession) [][]byte {
	messages := s.messages
	s.messages = nil
	for _, text := range messages {
		g.ofMemory.grow(s.memory, -len(text))
	}
	return messages
}

func (s *gradioSession) wake() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// start begins a call, which runs on its own goroutine. The session is nil for a
// call whose answer is fetched by its event.
func (g *gradio) start(hash string, from caller, input json.RawMessage) (*gradioEvent, error) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	if g.context.Err() != nil {
		return nil, errClosed
	}
	g.sweep()
	event := &gradioEvent{id: rand.Text(), joined: make(chan struct{}), done: make(chan struct{}), touched: time.Now()}
	if hash != "" {
		event.session = g.session(from.client, hash)
		if event.session.lost { // it alone has more than all there is
			return nil, errBusy
		}
		if waiting := len(event.session.messages); waiting+callMessages*(event.session.pending+1) > maxUndelivered {
			return nil, problemf(http.StatusServiceUnavailable, "%d messages wait to be read from the session's event stream; read them first", waiting)
		}
	}
	var ctx context.Context
	ctx, event.cancel = context.WithCancelCause(g.context)
	giveUp := func() {
		event.cancel(errCrowded)
		g.completeLocked(event, failedOutput(errCrowded))
		delete(g.events, event.id)
	}
	if event.place = g.ofCalls.take(from.client, 1, giveUp); event.place != nil {
		event.memory = g.ofMemory.take(from.client, len(input)+callMemory, giveUp)
	}
	if event.memory == nil {
		g.ofCalls.give(event.place)
		event.cancel(errBusy)
		return nil, errBusy
	}
	if session := event.session; session != nil {
		session.pending++
		queued := g.ofCalls.used
		g.tell(session, gradioMessage{
			Message: "estimation", EventID: event.id, Success: new(true),
			Rank: new(max(0, queued-1-maxWorking)), QueueSize: new(queued), RankETA: new(0.0),
		})
	}
	g.events[event.id] = event
	g.tasks.Go(func() {
		defer event.cancel(nil)
		output := g.work(ctx, event, from, input)
		if event.session != nil {
			event.settle(ctx)
		}
		g.complete(event, output)
		g.mutex.Lock()
		defer g.mutex.Unlock()
		g.ofCalls.give(event.place)
		if event.session == nil {
			g.ofMemory.grow(event.memory, -len(input)) // the answer is still to be fetched
		} else {
			g.ofMemory.give(event.memory)
		}
	})
	return event, nil
}

// work runs a call's function when its turn has come.
func (g *gradio) work(ctx context.Context, event *gradioEvent, from caller, input json.RawMessage) *gradioOutput {
	select {
	case g.working <- struct{}{}:
		defer func() { <-g.working }()
	case <-ctx.Done():
		return failedOutput(context.Cause(ctx))
	}
	g.began(event)
	started := time.Now()
	data, err := g.predict(ctx, from, input)
	if err != nil {
		return failedOutput(err)
	}
	return &gradioOutput{Data: data, Generating: new(false), Duration: new(time.Since(started).Seconds())}
}

// settle waits until the client has surely taken note of the call.
func (e *gradioEvent) settle(ctx context.Context) {
	select {
	case <-e.joined:
	case <-ctx.Done():
		return
	}
	select {
	case <-time.After(joinSettles):
	case <-ctx.Done():
	}
}

func (g *gradio) began(event *gradioEvent) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	if event.session != nil && event.output == nil {
		g.tell(event.session, gradioMessage{Message: "process_starts", EventID: event.id, ETA: new(0.0), Success: new(true)})
	}
}

// complete tells of a call's output, unless that was done before: a call that
// was cancelled still returns.
func (g *gradio) complete(event *gradioEvent, output *gradioOutput) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	g.completeLocked(event, output)
}

func (g *gradio) completeLocked(event *gradioEvent, output *gradioOutput) {
	if event.output != nil {
		return
	}
	event.output = output
	event.touched = time.Now()
	close(event.done)
	if s := event.session; s != nil {
		s.pending--
		s.touched = event.touched
		g.tell(s, gradioMessage{Message: "process_completed", EventID: event.id, Success: new(output.Error == ""), Output: output})
		delete(g.events, event.id)
	}
}

// queueJoin serves POST /queue/join: a call whose answer comes on the session's
// event stream.
func (g *gradio) queueJoin(w http.ResponseWriter, r *http.Request) error {
	session, input, err := g.readJoin(w, r)
	if err != nil {
		return err
	}
	event, err := g.start(session, callerOf(r), input)
	if err != nil {
		return err
	}
	defer close(event.joined)
	g.mutex.Lock()
	settles := closeSettles - time.Since(event.session.closed)
	g.mutex.Unlock()
	if settles > 0 {
		select {
		case <-time.After(settles):
		case <-r.Context().Done():
		}
	}
	answer(w, r, map[string]string{"event_id": event.id})
	return nil
}

// readJoin reads what /queue/join is asked.
func (g *gradio) readJoin(w http.ResponseWriter, r *http.Request) (session string, input json.RawMessage, err error) {
	body, leave, err := g.server.enter(w, r, g.server.bodies.readAny)
	if err != nil {
		return "", nil, err
	}
	defer leave()
	var request struct {
		Data     []json.RawMessage `json:"data"`
		Function *int              `json:"fn_index"`
		Session  string            `json:"session_hash"`
	}
	if err := parseJSON(r, body, &request); err != nil {
		return "", nil, err
	}
	switch {
	case request.Session == "" || len(request.Session) > 128:
		return "", nil, problemf(http.StatusUnprocessableEntity, "session_hash has %d characters, want 1 to 128", len(request.Session))
	case request.Function == nil || *request.Function < 0 || *request.Function >= len(gradioNames):
		return "", nil, problemf(http.StatusUnprocessableEntity, "fn_index names no function, want 0 to %d", len(gradioNames)-1)
	}
	input, err = onlyInput(request.Data)
	return request.Session, input, err
}

// onlyInput returns the one input of the functions. It is copied, because it
// outlives the request's body.
func onlyInput(data []json.RawMessage) (json.RawMessage, error) {
	if len(data) != 1 {
		return nil, problemf(http.StatusUnprocessableEntity, "data has %d values, want 1: what is to be read", len(data))
	}
	return bytes.Clone(data[0]), nil
}

// cancel serves POST /cancel.
func (g *gradio) cancel(w http.ResponseWriter, r *http.Request) error {
	body, release, err := g.server.bodies.read(w, r, 64<<10)
	if err != nil {
		return err
	}
	defer release()
	var request struct {
		Event string `json:"event_id"`
	}
	if err := parseJSON(r, body, &request); err != nil {
		return err
	}
	g.mutex.Lock()
	event := g.events[request.Event]
	g.mutex.Unlock()
	if event != nil {
		event.cancel(errCancelled)
		g.complete(event, failedOutput(errCancelled))
	}
	answer(w, r, map[string]bool{"success": true})
	return nil
}

// call serves POST /call/NAME, with the inputs in a list.
func (g *gradio) call(w http.ResponseWriter, r *http.Request) error {
	return g.callWith(w, r, func(body []byte) (json.RawMessage, error) {
		var request struct {
			Data []json.RawMessage `json:"data"`
		}
		if err := parseJSON(r, body, &request); err != nil {
			return nil, err
		}
		return onlyInput(request.Data)
	})
}

// callKeywords serves POST /call/v2/NAME, with the inputs by their names.
func (g *gradio) callKeywords(w http.ResponseWriter, r *http.Request) error {
	return g.callWith(w, r, func(body []byte) (json.RawMessage, error) {
		var request map[string]json.RawMessage
		if err := parseJSON(r, body, &request); err != nil {
			return nil, err
		}
		name := "image"
		if g.server.kind() != inkling.Pictures {
			_, name = g.sampleComponent()
		}
		input, found := request[name]
		if !found {
			return nil, problemf(http.StatusUnprocessableEntity, "the request has no %s", name)
		}
		return bytes.Clone(input), nil
	})
}

func (g *gradio) callWith(w http.ResponseWriter, r *http.Request, parse func(body []byte) (json.RawMessage, error)) error {
	if functionIndex(r.PathValue("name")) < 0 {
		return problemf(http.StatusNotFound, "there is no function %.60q, want %q", r.PathValue("name"), gradioNames[0])
	}
	body, leave, err := g.server.enter(w, r, g.server.bodies.readAny)
	if err != nil {
		return err
	}
	defer leave()
	input, err := parse(body)
	if err != nil {
		return err
	}
	event, err := g.start("", callerOf(r), input)
	if err != nil {
		return err
	}
	answer(w, r, map[string]string{"event_id": event.id})
	return nil
}

// run serves POST /run/NAME, which answers at once.
func (g *gradio) run(w http.ResponseWriter, r *http.Request) error {
	if functionIndex(r.PathValue("name")) < 0 {
		return problemf(http.StatusNotFound, "there is no function %.60q, want %q", r.PathValue("name"), gradioNames[0])
	}
	body, leave, err := g.server.enter(w, r, g.server.bodies.readAny)
	if err != nil {
		return err
	}
	defer leave()
	var request struct {
		Data []json.RawMessage `json:"data"`
	}
	if err := parseJSON(r, body, &request); err != nil {
		return err
	}
	input, err := onlyInput(request.Data)
	if err != nil {
		return err
	}
	started := time.Now()
	data, err := g.predict(r.Context(), callerOf(r), input)
	if err != nil {
		return err
	}
	answer(w, r, gradioOutput{Data: data, Generating: new(false), Duration: new(time.Since(started).Seconds())})
	return nil
}
