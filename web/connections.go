package web

import (
	"container/list"
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// maxWaiting is how many connections may be waiting for something of the
// client: a first byte, a whole header, a whole body, a next request. It bounds
// the memory that clients can take who send nothing.
const maxWaiting = 4096

// connections watches those connections on which the client is to move. Beyond
// the limit the one that has waited longest is closed, so that whoever keeps
// thousands of them open loses those, and others still get in.
type connections struct {
	mutex   sync.Mutex
	waiting *list.List // of *connection, the one that waits longest in front
	known   map[net.Conn]*connection
	limit   int
	answers atomic.Uint64
}

type connection struct {
	net.Conn
	place *list.Element // nil when the server is to move
}

type connectionKey struct{}

func newConnections(limit int) *connections {
	return &connections{waiting: list.New(), known: map[net.Conn]*connection{}, limit: limit}
}

// watch makes a server tell of its connections.
func (c *connections) watch(server *http.Server) {
	server.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		return context.WithValue(ctx, connectionKey{}, c.wait(conn))
	}
	server.ConnState = func(conn net.Conn, state http.ConnState) {
		switch state {
		case http.StateIdle:
			c.wait(conn)
			c.takeTurns()
		case http.StateClosed, http.StateHijacked:
			c.forget(conn)
		}
	}
}

// wait notes that the client is to move.
func (c *connections) wait(conn net.Conn) *connection {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	own := c.known[conn]
	if own == nil {
		own = &connection{Conn: conn}
		c.known[conn] = own
	}
	if own.place == nil {
		own.place = c.waiting.PushBack(own)
	}
	for c.waiting.Len() > c.limit {
		oldest := c.waiting.Remove(c.waiting.Front()).(*connection)
		oldest.place = nil
		oldest.Close() // its goroutine ends with an error of reading
	}
	return own
}

// answersPerTurn is after how many answers the others are looked after.
const answersPerTurn = 8

// takeTurns makes the goroutine of a connection that was just answered sleep for
// a moment, once every few answers. Go's scheduler asks the network for news
// only when no goroutine can run or 10 ms have passed (runtime.findRunnable and
// sysmon), so a client whose next request is there as soon as it has its answer
// could keep the others waiting that long, and again and again: with ten
// clients on one processor one answer in a hundred took 6 to 58 ms, and takes 2
// to 7 ms so (scripts/bench-server).
func (c *connections) takeTurns() {
	if c.answers.Add(1)%answersPerTurn != 0 {
		return
	}
	c.mutex.Lock()
	alone := len(c.known) < 2
	c.mutex.Unlock()
	if !alone {
		time.Sleep(20 * time.Microsecond)
	}
}

// serving notes that a whole request has come and the server is to move.
func (c *connections) serving(ctx context.Context) {
	own, _ := ctx.Value(connectionKey{}).(*connection)
	if own == nil {
		return // not of a server that is watched, as in tests
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.remove(own)
}

func (c *connections) forget(conn net.Conn) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if own := c.known[conn]; own != nil {
		c.remove(own)
		delete(c.known, conn)
	}
}

func (c *connections) remove(own *connection) {
	if own.place != nil {
		c.waiting.Remove(own.place)
		own.place = nil
	}
}

// closeWaiting closes every connection on which no whole request has come.
func (c *connections) closeWaiting() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for own := c.waiting.Front(); own != nil; own = c.waiting.Front() {
		closing := c.waiting.Remove(own).(*connection)
		closing.place = nil
		closing.Close()
	}
}
