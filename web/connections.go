package web

import (
	"container/list"
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxWaiting is how many connections may be waiting for something of the
	// client: a first byte, a whole header, a whole body, a next request. It
	// bounds the memory that clients can take who send nothing.
	maxWaiting = 4096
	// lastLook is how long a connection or a listener that is about to be closed
	// is listened to once more, and lastAccept how long nothing is accepted before
	// that, where the system cannot be kept from beginning connections. Where it
	// can, lastCome is how long none has come: longer than a packet is on its way.
	// What has come by then is answered.
	lastLook   = time.Millisecond
	lastAccept = 100 * time.Millisecond
	lastCome   = 200 * time.Millisecond
)

// connections watches those connections on which the client is to move. Beyond
// the limit the one is closed that has waited longest, of the client that has
// most of them, so that whoever keeps thousands of them open loses those, and
// others still get in.
type connections struct {
	draining <-chan struct{}
	mutex    sync.Mutex
	waiting  *shares
	known    map[net.Conn]*connection
	answers  atomic.Uint64
	held     list.List    // of chan struct{}, see hold
	holding  atomic.Int64 // how many those are
	released time.Time    // when the last of them is heard at the latest
}

// A connection is one that was accepted. But for the mutex of connections, its
// fields belong to its goroutine.
type connection struct {
	net.Conn
	client client
	place  *holding // nil when the server is to move
	owner  *connections
	// idle is set while the last request was answered and nothing has come since.
	idle atomic.Bool
	// inLine is set while a request waits for its turn to come.
	inLine atomic.Bool
	// refused is set when a request was refused because there is too much to do,
	// and told when its client was told so. answered is when the last request was
	// answered, in nanoseconds since 1970, until the next one comes.
	refused  bool
	told     atomic.Bool
	answered atomic.Int64
	// proxied is set where a proxy has the connection, for many clients.
	proxied atomic.Bool
	// ending is set when the connection is to be closed as soon as there is
	// nothing to read.
	ending atomic.Bool
}

type connectionKey struct{}

func newConnections(limit int, draining <-chan struct{}) *connections {
	return &connections{draining: draining, waiting: newShares(limit, false), known: map[net.Conn]*connection{}}
}

// watch makes a server tell of its connections, which its listener must have
// accepted.
func (c *connections) watch(server *http.Server) {
	server.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		return context.WithValue(ctx, connectionKey{}, conn.(*connection))
	}
	server.ConnState = func(conn net.Conn, state http.ConnState) {
		own := conn.(*connection)
		own.idle.Store(state == http.StateIdle)
		switch state {
		case http.StateNew:
			own.client, _ = asClient(conn.RemoteAddr().String())
			c.wait(own)
		case http.StateIdle:
			own.told.Store(own.refused)
			own.refused = false
			own.answered.Store(time.Now().UnixNano())
			c.wait(own)
			c.takeTurns()
		case http.StateClosed, http.StateHijacked:
			c.forget(own)
		}
	}
}

// wait notes that the client is to move.
func (c *connections) wait(own *connection) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.known[own] = own
	if own.place == nil {
		own.place = c.waiting.take(own.client, 1, func() {
			own.place = nil
			own.Close() // its goroutine ends with an error of reading
		})
	}
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

// atOnce is how soon after its answer somebody asks again who does not look at it.
const atOnce = 50 * time.Millisecond

// turnTime is how long at most the turn of such a one is in coming.
const turnTime = 5 * time.Second

// heardEvery is how often one of the connections is heard that are held.
const heardEvery = 5 * time.Millisecond

// hold makes a request wait that was told to come later and has come at once. It
// is not even looked at until there is room, or its time has come and that of
// those before it: to refuse them all again and again would take the time in
// which others can be answered. As long as some are held, so is who was answered
// and asks again at once: else those who are answered would be so again and
// again, and those who are held would wait. These have their turn, one for each
// answer, and are refused only where that is long in coming.
func (c *connections) hold(told bool) {
	room := make(chan struct{})
	c.mutex.Lock()
	at := time.Now().Add(turnTime)
	if told {
		at = time.Now().Add(retryAfter)
		if next := c.released.Add(heardEvery); next.After(at) {
			at = next
		}
		c.released = at
	}
	place := c.held.PushBack(room)
	c.holding.Add(1)
	c.mutex.Unlock()
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-room:
		return
	case <-timer.C:
	case <-c.draining:
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	select {
	case <-room:
	default:
		c.held.Remove(place)
		c.holding.Add(-1)
	}
}

// hear lets those be heard that are held and have come first, for there is room
// for so many.
func (c *connections) hear(room int) {
	if c.holding.Load() == 0 {
		return
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for ; room > 0 && c.held.Len() > 0; room-- {
		close(c.held.Remove(c.held.Front()).(chan struct{}))
		c.holding.Add(-1)
	}
}

// refused notes that a request was refused because there is too much to do. A
// proxy's connection is not one client's.
func (c *connections) refused(ctx context.Context) {
	if e, _ := ctx.Value(exchangeKey{}).(*exchange); e != nil && e.front.proxied {
		return
	}
	if own, _ := ctx.Value(connectionKey{}).(*connection); own != nil {
		own.refused = true
	}
}

// serving notes that a whole request has come and the server is to move.
func (c *connections) serving(ctx context.Context) {
	own, _ := ctx.Value(connectionKey{}).(*connection)
	if own == nil {
		return // not of a server that is watched, as in tests
	}
	if e, _ := ctx.Value(exchangeKey{}).(*exchange); e != nil && e.front.proxied {
		own.proxied.Store(true)
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.waiting.give(own.place)
	own.place = nil
}

// inLine notes whether a request waits for its turn to come. It is not the client
// then that keeps a server from being stopped.
func (c *connections) inLine(ctx context.Context, waits bool) {
	if own, _ := ctx.Value(connectionKey{}).(*connection); own != nil {
		own.inLine.Store(waits)
	}
}

func (c *connections) forget(own *connection) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.waiting.give(own.place)
	own.place = nil
	delete(c.known, own)
}

// endIdle ends the connections on which nothing has come since the last answer,
// and tells how many there still are. Those are to be ended again: net/http may
// just have been about to wait for the next request.
func (c *connections) endIdle() (left int) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for _, own := range c.known {
		if own.idle.Load() {
			left++
			own.ending.Store(true)
			_ = own.Conn.SetReadDeadline(time.Unix(1, 0)) // wakes who reads
		}
	}
	return left
}

// Read reads. Where the connection is to be closed, it looks once more for what
// has come: on a busy server that may have been there for a while.
func (c *connection) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if answered := c.answered.Swap(0); answered != 0 && n > 0 {
		told := c.told.Swap(false)
		switch since := time.Since(time.Unix(0, answered)); {
		case told && since < retryAfter:
			c.owner.hold(true)
		case since < atOnce && c.owner.holding.Load() > 0 && !c.proxied.Load():
			c.owner.hold(false)
		}
	}
	if n == 0 && errors.Is(err, os.ErrDeadlineExceeded) && c.ending.CompareAndSwap(true, false) {
		_ = c.Conn.SetReadDeadline(time.Now().Add(lastLook))
		n, err = c.Conn.Read(p)
	}
	return n, err
}

// CloseWrite tells the client that nothing more will come. It lets net/http end a
// connection whose request it has not read whole.
func (c *connection) CloseWrite() error {
	if tcp, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return tcp.CloseWrite()
	}
	return nil
}

// closeWaiting closes every connection on which no whole request has come.
func (c *connections) closeWaiting() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for _, own := range c.known {
		if own.place != nil && !own.inLine.Load() {
			own.Close()
		}
	}
}

// A watchedListener accepts connections that are watched.
type watchedListener struct {
	net.Listener
	connections *connections
	ending      atomic.Bool
	deaf        bool // no connection begins any more; set before ending
	looks       int  // that found nothing since then
}

// Accept accepts a connection. In the end it still accepts those that the system
// has, which would be reset otherwise, and then closes the listener and fails.
func (l *watchedListener) Accept() (net.Conn, error) {
	limited, _ := l.Listener.(interface{ SetDeadline(time.Time) error })
	for {
		if l.ending.Load() && limited != nil {
			wait := lastCome
			if !l.deaf {
				narrow(l.Listener)
				wait = lastLook
			}
			_ = limited.SetDeadline(time.Now().Add(wait))
		}
		conn, err := l.Listener.Accept()
		switch {
		case err == nil:
			return &connection{Conn: conn, owner: l.connections}, nil
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return nil, err
		case l.looks > 1 || l.looks > 0 && l.deaf:
			_ = l.Listener.Close() // at once, before another comes
			return nil, net.ErrClosed
		case l.looks > 0:
			time.Sleep(lastAccept)
		}
		l.looks++ // the first may have been end's
	}
}

// end makes Accept accept what has come and nothing more.
func (l *watchedListener) end() {
	l.deaf = deafen(l.Listener)
	l.ending.Store(true)
	if limited, ok := l.Listener.(interface{ SetDeadline(time.Time) error }); ok {
		_ = limited.SetDeadline(time.Unix(1, 0)) // wakes Accept
	} else {
		_ = l.Listener.Close()
	}
}
