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
	"strings"
	"sync"
	"testing"
	"time"
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
	listener, err := net.Listen("tcp", "127.0.0.1:0")
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
	if err := s.pictures.memory.Acquire(t.Context(), maxPictures); err != nil {
		t.Fatal(err)
	}
	body := withImage(toPNG(digitPicture()))
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
	s.pictures.memory.Release(maxPictures)
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
	s.connections.limit = 4
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
		return s.connections.waiting.Len() == 4 && len(s.connections.known) == 4
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
	if !s.bodies.memory.TryAcquire(maxBodies) {
		t.Error("memory is still held")
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
	if !s.bodies.memory.TryAcquire(maxBodies) {
		t.Fatal("memory is still held")
	}
	for len(s.running) > 0 {
		<-s.running
	}
	if w := askJSON(s, "/api/predict", "{"+seven+"}"); w.Code != http.StatusServiceUnavailable {
		t.Errorf("with no memory for bodies: status %d", w.Code)
	}
	s.bodies.memory.Release(maxBodies)
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
	s.pictures = nil
	w := askJSON(s, "/api/predict", withImage(toPNG(digitPicture())))
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
