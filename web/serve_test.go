package web

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"inkling/web/reading"
)

// served is a server that listens.
type served struct {
	*Server
	address string
	stop    context.CancelFunc
	stopped chan error
}

// newServed starts a server as the command does.
func newServed(t *testing.T, change func(*Config)) *served {
	t.Helper()
	listener, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	s := &served{newTestServer(t, change), listener.Addr().String(), cancel, make(chan error, 1)}
	go func() { s.stopped <- s.Serve(ctx, listener) }()
	t.Cleanup(func() {
		cancel()
		if err := <-s.stopped; err != nil {
			t.Errorf("the server ended with %v", err)
		}
		s.stopped <- nil
	})
	return s
}

// dial opens a connection and sends the beginning of something.
func (s *served) dial(t *testing.T, text string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	return conn
}

// post is a request to /api/predict of a stated length.
func post(length int, body string) string {
	return fmt.Sprintf("POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", length, body)
}

func statusOf(t *testing.T, conn net.Conn) int {
	t.Helper()
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}

// What was admitted before the end is answered; what comes later is not let in.
func TestAnswersWhatWasAdmitted(t *testing.T) {
	s := newServed(t, nil)
	idle := s.dial(t, "") // must not hold the server up
	// A picture that has to wait for memory is a request that takes time.
	release, err := s.pictures.Hold(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	body := withImage(reading.ToPNG(digitPicture()))
	conn := s.dial(t, post(len(body), body))
	eventually(t, "the request is being worked on", func() bool { return len(s.running) == 1 })
	s.stop()
	eventually(t, "the server accepts nothing more", func() bool {
		conn, err := net.Dial("tcp", s.address)
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	select {
	case err := <-s.stopped:
		t.Fatalf("the server ended before it answered: %v", err)
	default:
	}
	release()
	if status := statusOf(t, conn); status != http.StatusOK {
		t.Errorf("status %d", status)
	}
	if err := <-s.stopped; err != nil {
		t.Errorf("the server ended with %v", err)
	}
	s.stopped <- nil
	if _, err := idle.Read(make([]byte, 1)); err == nil {
		t.Error("a connection is still open")
	}
}

// An event stream that nobody is owed anything on ends with the server.
func TestEndsStreams(t *testing.T) {
	s := newServed(t, nil)
	conn := s.dial(t, "GET /gradio_api/heartbeat/abc HTTP/1.1\r\nHost: localhost\r\n\r\n")
	reader := bufio.NewReader(conn)
	for line := ""; !strings.Contains(line, "ALIVE"); {
		var err error
		if line, err = reader.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	s.stop()
	if err := <-s.stopped; err != nil {
		t.Error(err)
	}
	s.stopped <- nil
}

func TestServeFails(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	if err := newTestServer(t, nil).Serve(t.Context(), listener); err == nil || !strings.Contains(err.Error(), "cannot go on") {
		t.Errorf("a closed listener: %v", err)
	}
}

// Beyond the limit, the connections that have waited longest are closed, and
// whoever has something to say is heard.
func TestClosesWaitingConnections(t *testing.T) {
	s := newServed(t, nil)
	s.connections.mutex.Lock()
	s.connections.waiting.limit = 4
	s.connections.mutex.Unlock()
	beginnings := []string{"", "GET / HTTP/1.1\r\nHost: local", post(100, `{"strokes`), ""}
	var first []net.Conn
	for _, text := range beginnings {
		first = append(first, s.dial(t, text))
	}
	for range 4 {
		s.dial(t, "")
	}
	for i, conn := range first {
		conn.SetReadDeadline(time.Now().Add(20 * time.Second))
		if _, err := conn.Read(make([]byte, 1)); err == nil || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("connection %d, %q, is still open: %v", i, beginnings[i], err)
		}
	}
	body := "{" + seven + "}"
	conn := s.dial(t, post(len(body), body))
	if status := statusOf(t, conn); status != http.StatusOK {
		t.Errorf("status %d", status)
	}
	// A connection that was answered waits again.
	eventually(t, "four connections wait", func() bool {
		s.connections.mutex.Lock()
		defer s.connections.mutex.Unlock()
		return s.connections.waiting.used == 4 && len(s.connections.known) == 4
	})
}

func TestCutsSlowBodies(t *testing.T) {
	s := newTestServer(t, nil)
	s.bodies.patience = 20 * time.Millisecond
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	slow := &served{s, listener.Addr().String(), cancel, make(chan error, 1)}
	go func() { slow.stopped <- s.Serve(ctx, listener) }()
	for _, text := range []string{
		post(100, `{"strokes`),
		"POST /gradio_api/upload HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: 100\r\n\r\n--x",
		"POST /gradio_api/queue/join HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
	} {
		if status := statusOf(t, slow.dial(t, text)); status != http.StatusRequestTimeout {
			t.Errorf("%q: status %d, want 408", text, status)
		}
	}
	cancel()
	if err := <-slow.stopped; err != nil {
		t.Error(err)
	}
	if s.bodies.used != 0 {
		t.Errorf("%d bytes are still held", s.bodies.used)
	}
}

func TestLimitsBodies(t *testing.T) {
	s := newServed(t, nil)
	large := strings.Repeat(" ", maxBody+1)
	for name, text := range map[string]string{
		"announced": post(len(large), ""),
		"chunked":   fmt.Sprintf("POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(large), large),
		"header":    "GET / HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", 40_000) + "\r\n\r\n",
	} {
		conn, err := net.Dial("tcp", s.address)
		if err != nil {
			t.Fatal(err)
		}
		go io.WriteString(conn, text) // the server need not read it all
		if status := statusOf(t, conn); status != http.StatusRequestEntityTooLarge && status != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("%s: status %d", name, status)
		}
		conn.Close()
	}
	// An ordinary body in many pieces, and one that waits to be asked for.
	body := "{" + seven + strings.Repeat(" ", 300_000) + "}"
	conn := s.dial(t, fmt.Sprintf("POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", len(body)))
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || !strings.Contains(line, "100") {
		t.Fatalf("%q, %v", line, err)
	}
	for piece := range strings.SplitSeq(body, "0") {
		io.WriteString(conn, piece)
		if len(piece) < len(body)/2 {
			io.WriteString(conn, "0")
		}
	}
	if status := statusOf(t, conn); status != http.StatusOK {
		t.Errorf("status %d", status)
	}
}

// Too much at once is told to come again, and the server goes on.
func TestOverload(t *testing.T) {
	s := newTestServer(t, nil)
	for range cap(s.running) {
		s.running <- struct{}{}
	}
	for _, path := range []string{"/api/predict", "/gradio_api/run/predict"} {
		w := askJSON(s, path, `{"data": [null], `+seven+"}")
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
			t.Errorf("%s: status %d, %v", path, w.Code, w.Header())
		}
	}
	if s.bodies.used != 0 {
		t.Fatalf("%d bytes are still held", s.bodies.used)
	}
	s.bodies.used = maxBodies
	for len(s.running) > 0 {
		<-s.running
	}
	if w := askJSON(s, "/api/predict", "{"+seven+"}"); w.Code != http.StatusServiceUnavailable {
		t.Errorf("with no memory for bodies: status %d", w.Code)
	}
	s.bodies.used = 0
	if w := askJSON(s, "/api/predict", "{"+seven+"}"); w.Code != http.StatusOK {
		t.Errorf("afterwards: status %d", w.Code)
	}
}

// A handler's bug is one failed request.
func TestSurvivesPanics(t *testing.T) {
	var text strings.Builder
	var mutex sync.Mutex
	s := newTestServer(t, func(c *Config) {
		c.Log = slog.New(slog.NewTextHandler(writerFunc(func(b []byte) (int, error) {
			mutex.Lock()
			defer mutex.Unlock()
			return text.Write(b)
		}), nil))
	})
	s.reads.Decode = nil
	w := askJSON(s, "/api/predict", withImage(reading.ToPNG(digitPicture())))
	if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "nil") {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
	if log := text.String(); !strings.Contains(log, "panic") || !strings.Contains(log, w.Header().Get("X-Request-Id")) {
		t.Errorf("the log has %q", log)
	}
	if w := askJSON(s, "/api/predict", "{"+seven+"}"); w.Code != http.StatusOK {
		t.Errorf("afterwards: status %d", w.Code)
	}
	if len(s.running) != 0 {
		t.Error("the place of the request was not given back")
	}
}

type writerFunc func(b []byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// Memory is for what has come: hundreds of connections that announce much and
// send a byte keep nobody out, and do not take anybody's turn.
func TestManySlowBodies(t *testing.T) {
	s := newServed(t, nil)
	const slow = 520
	for range slow {
		s.dial(t, post(maxBody, "{"))
	}
	coming := func() int { s.bodies.mutex.Lock(); defer s.bodies.mutex.Unlock(); return len(s.bodies.coming) }
	eventually(t, "all bodies are on their way", func() bool { return coming() == slow })
	s.bodies.mutex.Lock()
	if s.bodies.used > slow*bodyStep {
		t.Errorf("%d bytes are reserved for %d that have come", s.bodies.used, slow)
	}
	s.bodies.mutex.Unlock()
	body := "{" + seven + "}"
	if status := statusOf(t, s.dial(t, post(len(body), body))); status != http.StatusOK {
		t.Errorf("between them: status %d", status)
	}
	eventually(t, "nobody has a turn", func() bool { return len(s.running) == 0 })
}

// Where memory is short, the bodies that come slowest are given up for the others.
func TestGivesUpSlowestBodies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBodies(newConnections(1, nil))
		body := func(bytes int, since time.Duration) *incoming {
			own := &incoming{control: http.NewResponseController(httptest.NewRecorder()), started: time.Now().Add(-since)}
			b.coming[own] = struct{}{}
			if err := b.reserve(own, maxBodies/4); err != nil {
				t.Fatal(err)
			}
			b.came(own, bytes)
			return own
		}
		fast, slow, slower, fresh := body(1<<20, 2*time.Second), body(1000, 2*time.Second), body(900, 2*time.Second), body(1, settling/2)
		newcomer := &incoming{control: fast.control, started: time.Now()}
		if err := b.reserve(newcomer, maxBodies/4+1); err != nil {
			t.Fatal(err)
		}
		for _, test := range []struct {
			name string
			own  *incoming
			want error
		}{{"the fast one", fast, nil}, {"the slow one", slow, errTooSlow}, {"the slower one", slower, errTooSlow}, {"the fresh one", fresh, nil}} {
			if err := b.stop(test.own); err != test.want {
				t.Errorf("%s: %v, want %v", test.name, err, test.want)
			}
			b.release(test.own)
		}
		if b.used != maxBodies/4+1 {
			t.Errorf("%d bytes are used in the end", b.used)
		}
		b.release(newcomer)
		if err := b.reserve(newcomer, maxBodies+1); err != errBusy {
			t.Errorf("more than there is: %v", err)
		}
	})
}

// A body must go on coming: what is announced gives no time.
func TestWantsMinimumRate(t *testing.T) {
	s := newServed(t, nil)
	s.bodies.patience = 100 * time.Millisecond // of which a long body would have 22
	response, err := http.ReadResponse(bufio.NewReader(s.dial(t, post(maxBody, "{"))), nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(response.Body)
	if response.StatusCode != http.StatusRequestTimeout || !strings.Contains(string(text), "came too slowly: 1 byte of it came within 100ms") {
		t.Errorf("status %d, %s, %v", response.StatusCode, text, err)
	}
}

// A request that waits in line is refused before its body is read, and whoever
// comes again at once, though told to come later, is not heard before that.
func TestRefusesBeforeBody(t *testing.T) {
	s := newServed(t, nil)
	for range cap(s.running) {
		s.running <- struct{}{}
	}
	body := "{" + seven + "}"
	sent := time.Now()
	conn := s.dial(t, post(len(body), body))
	reader := bufio.NewReader(conn)
	response, err := http.ReadResponse(reader, nil)
	if err != nil || response.StatusCode != http.StatusServiceUnavailable || response.Header.Get("Retry-After") != "1" {
		t.Fatalf("%v, %v", response, err)
	}
	io.Copy(io.Discard, response.Body)
	for len(s.running) > 0 {
		<-s.running
	}
	for range 2 {
		io.WriteString(conn, post(len(body), body))
		response, err = http.ReadResponse(reader, nil)
		if err != nil || response.StatusCode != http.StatusOK {
			t.Fatalf("the next request: %v, %v", response, err)
		}
		io.Copy(io.Discard, response.Body)
	}
	if since := time.Since(sent); since < patience+retryAfter {
		t.Errorf("it was answered after %v, want %v for the first and %v until the next is heard", since, patience, retryAfter)
	}
}

// Clients lose no request when the server is stopped: each is answered, and told to
// close its connection, also where they come again at once until nobody listens.
func TestStopLosesNothing(t *testing.T) {
	const stops, clients = 3, 16
	for range stops {
		s := newServed(t, nil)
		body := "{" + seven + "}"
		request := post(len(body), body)
		var wait sync.WaitGroup
		var answered, closed, lost atomic.Int64
		for range clients {
			wait.Go(func() {
				for {
					conn, err := net.DialTimeout("tcp", s.address, 500*time.Millisecond)
					if err != nil {
						return // nobody listens any more, and knows that nothing was asked
					}
					reader := bufio.NewReader(conn)
					for again := true; again; {
						if _, err := io.WriteString(conn, request); err != nil {
							lost.Add(1)
							break
						}
						response, err := http.ReadResponse(reader, nil)
						if err != nil {
							lost.Add(1)
							t.Errorf("a request was lost: %v", err)
							break
						}
						if _, err := io.Copy(io.Discard, response.Body); err != nil || response.StatusCode != http.StatusOK {
							lost.Add(1)
							t.Errorf("a request was answered with %d, %v", response.StatusCode, err)
						}
						answered.Add(1)
						if again = !response.Close; !again {
							closed.Add(1)
						}
					}
					conn.Close()
					if runtime.GOOS != "linux" && closed.Load() >= clients {
						return // before the listener is closed, which resets what has just come
					}
				}
			})
		}
		eventually(t, "the clients are being answered", func() bool { return answered.Load() > 5*clients })
		s.stop()
		if err := <-s.stopped; err != nil {
			t.Error(err)
		}
		s.stopped <- nil
		wait.Wait()
		if lost.Load() > 0 || closed.Load() < clients {
			t.Errorf("%d answered, %d of them told to close, %d lost", answered.Load(), closed.Load(), lost.Load())
		}
	}
}

// A listener that is deaf lets no connection begin, keeps those that have, and hears
// what they say.
func TestDeafen(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "[::1]:0", "[::]:0"} {
		listener, err := Listen(address)
		if err != nil {
			t.Log(err) // there may be no IPv6
			continue
		}
		defer listener.Close()
		to := listener.Addr().String()
		before, err := net.Dial("tcp", to)
		if err != nil {
			t.Fatal(err)
		}
		defer before.Close()
		if deaf := deafen(listener); deaf != (runtime.GOOS == "linux") {
			t.Errorf("%s: deaf is %v", address, deaf)
		} else if !deaf {
			continue
		}
		if late, err := net.DialTimeout("tcp", to, 100*time.Millisecond); err == nil {
			late.Close()
			t.Errorf("%s: a connection began", address)
		}
		if _, err := io.WriteString(before, "heard"); err != nil {
			t.Error(err)
		}
		accepted, err := listener.Accept()
		if err != nil {
			t.Fatal(err)
		}
		heard := make([]byte, 5)
		if _, err := io.ReadFull(accepted, heard); err != nil || string(heard) != "heard" {
			t.Errorf("%s: heard %q, %v", address, heard, err)
		}
		accepted.Close()
	}
	if deafen(struct{ net.Listener }{}) {
		t.Error("a listener that is no socket is deaf")
	}
}

// The server takes requests while it says that it is not ready any more, closes
// what is idle, and lets in what the system has accepted for it.
func TestStopTellsFirst(t *testing.T) {
	s := newServed(t, nil)
	idle := s.dial(t, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
	if status := statusOf(t, idle); status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	s.stop()
	<-s.draining
	conn := s.dial(t, "GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || response.StatusCode != http.StatusServiceUnavailable || !response.Close {
		t.Fatalf("%v, %v", response, err)
	}
	if err := <-s.stopped; err != nil {
		t.Error(err)
	}
	s.stopped <- nil
	if n, err := idle.Read(make([]byte, 1)); err == nil {
		t.Errorf("the idle connection is open: %d", n)
	}
}

// A stopped server ends within bounded time, whatever a request is doing: what it
// waits for ends.
func TestStopBreaksOff(t *testing.T) {
	s := newTestServer(t, nil)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	began, ended := make(chan struct{}), make(chan error, 1)
	s.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(began)
		<-r.Context().Done() // such as a picture that takes minutes
		ended <- context.Cause(r.Context())
	})
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	s.stopTime = 600 * time.Millisecond
	go func() { stopped <- s.Serve(ctx, listener) }()
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
	<-began
	cancel()
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if err := <-ended; !errors.Is(err, errClosed) {
		t.Errorf("the request's work ended with %v", err)
	}
}

// Those who come again too soon are heard as soon as there is room, the first
// ones first, and otherwise one after the other.
func TestHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		draining := make(chan struct{})
		c := newConnections(1, draining)
		heard := make(chan int, 10)
		hold := func(i int) {
			go func() { c.hold(true); heard <- i }()
			synctest.Wait()
		}
		for i := range 4 {
			hold(i)
		}
		c.hear(1)
		synctest.Wait()
		if i := <-heard; i != 0 || len(heard) != 0 {
			t.Errorf("with room for one, number %d was heard, and %d more", i, len(heard))
		}
		started := time.Now()
		for want := 1; want < 4; want++ {
			i := <-heard
			if since, at := time.Since(started), retryAfter+time.Duration(want)*heardEvery; i != want || since != at {
				t.Errorf("number %d was heard after %v, want number %d after %v", i, since, want, at)
			}
		}
		hold(4)
		close(draining)
		if i := <-heard; i != 4 || c.held.Len() != 0 || c.holding.Load() != 0 {
			t.Errorf("in the end number %d was heard, and %d of %d are left", i, c.held.Len(), c.holding.Load())
		}
	})
}

// A scriptedConn reads what it is given.
type scriptedConn struct {
	net.Conn
	text string
}

func (c *scriptedConn) Read(p []byte) (int, error) { return copy(p, c.text), nil }

// Who was answered and asks again at once waits behind those who are held, if there
// are any, but not who takes a moment, who comes for the first time, or a proxy.
func TestHoldsWhoAsksAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, test := range []struct {
			name              string
			others, answered  bool
			after             time.Duration
			proxied, wantHeld bool
		}{
			{"at once", true, true, atOnce / 2, false, true},
			{"nobody is held", false, true, 0, false, false},
			{"after a moment", true, true, atOnce, false, false},
			{"for the first time", true, false, 0, false, false},
			{"a proxy", true, true, 0, true, false},
		} {
			c := newConnections(1, nil)
			own := &connection{Conn: &scriptedConn{text: "GET"}, owner: c}
			if test.others {
				go c.hold(true)
				synctest.Wait()
			}
			if test.answered {
				own.answered.Store(time.Now().UnixNano())
			}
			own.proxied.Store(test.proxied)
			time.Sleep(test.after)
			done := make(chan struct{})
			go func() { own.Read(make([]byte, 3)); close(done) }()
			synctest.Wait()
			select {
			case <-done:
				if test.wantHeld {
					t.Errorf("%s: it was not held", test.name)
				}
			default:
				if !test.wantHeld {
					t.Errorf("%s: it was held", test.name)
				}
			}
			c.hear(2)
			<-done
		}
	})
}
