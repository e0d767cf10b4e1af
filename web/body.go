package web

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"sync"
	"time"

	"inkling/internal/wording"
	"inkling/web/reading"
)

const (
	// maxBody is how much a request may send: a picture of maxFile bytes in
	// base64, and a little around it.
	maxBody = maxFile*4/3 + 64<<10
	// maxFile is how large a picture's file may be.
	maxFile = reading.MaxFile
	// maxBodies is the memory for all bodies that are being read or worked on.
	maxBodies = 32 << 20
	// bodyStep is the memory that a body has at first. It doubles as it comes in.
	bodyStep = 4 << 10
	// maxLists is how many lists a request of drawings may have, most of them
	// points of strokes, and listMemory what each of them takes when it is read.
	maxLists   = 400_000
	listMemory = 40
	// A body has bodyTime, and bodyTime again for every bodyRate bytes that are
	// announced; and at any time it has bodyTime, and a second for every minRate
	// bytes that have come.
	bodyTime = 5 * time.Second
	bodyRate = 512 << 10
	minRate  = 32 << 10
	// settling is how long a body may be on its way before its rate is looked at.
	settling = time.Second
)

// bodies reads the bodies of requests within limits of size, of time and of the
// memory of all of them together.
type bodies struct {
	connections *connections
	patience    time.Duration // bodyTime, but for tests

	mutex  sync.Mutex
	used   int64
	coming map[*incoming]struct{}
}

// An incoming is a body that is on its way.
type incoming struct {
	control  *http.ResponseController
	started  time.Time
	received int64
	held     int64 // bytes of memory
	givenUp  bool  // others needed its memory
}

func newBodies(c *connections) *bodies {
	return &bodies{connections: c, patience: bodyTime, coming: map[*incoming]struct{}{}}
}

// reserve takes memory for a body. Where there is not enough, the bodies are given
// up that come slowest, so that who sends slowly keeps nobody out.
func (b *bodies) reserve(own *incoming, bytes int64) error {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if own.givenUp {
		return errTooSlow
	}
	for b.used+bytes > maxBodies {
		slowest := b.slowest(own)
		if slowest == nil {
			return errBusy
		}
		slowest.givenUp = true
		b.used -= slowest.held
		slowest.held = 0
		delete(b.coming, slowest)
		_ = slowest.control.SetReadDeadline(time.Unix(1, 0)) // wakes who reads
	}
	b.used += bytes
	own.held += bytes
	return nil
}

// slowest is the body that comes slowest, of those whose rate can be told.
func (b *bodies) slowest(own *incoming) (slowest *incoming) {
	least := 0.0
	for other := range b.coming {
		since := time.Since(other.started)
		if other == own || since < settling {
			continue
		}
		if rate := float64(other.received) / since.Seconds(); slowest == nil || rate < least {
			slowest, least = other, rate
		}
	}
	return slowest
}

// came notes what has come of a body.
func (b *bodies) came(own *incoming, bytes int) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	own.received += int64(bytes)
}

// stop ends the reading of a body, and tells whether it was given up before.
func (b *bodies) stop(own *incoming) error {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	delete(b.coming, own)
	if own.givenUp {
		return errTooSlow
	}
	return nil
}

// release gives back the memory of a body.
func (b *bodies) release(own *incoming) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.used -= own.held
	own.held = 0
}

// errTooSlow is the answer to a body for which others had to wait.
var errTooSlow error = problemf(http.StatusRequestTimeout, "the request's body came more slowly than others, and the server needed its memory for those; try again")

// read reads a whole body. Memory is reserved for what has come, never for what
// is announced; release gives it back.
func (b *bodies) read(w http.ResponseWriter, r *http.Request, limit int64) (body []byte, release func(), err error) {
	body, own, err := b.readIncoming(w, r, limit)
	if err != nil {
		return nil, nil, err
	}
	return body, func() { b.release(own) }, nil
}

func (b *bodies) readIncoming(w http.ResponseWriter, r *http.Request, limit int64) (body []byte, own *incoming, err error) {
	if r.ContentLength > limit {
		return nil, nil, problemf(http.StatusRequestEntityTooLarge, "the request has %d bytes, and %d are the most that is taken", r.ContentLength, limit)
	}
	expected := r.ContentLength
	if expected < 0 {
		expected = limit // chunked: it may become anything
	}
	// Where there is no connection, as in tests, there is no deadline.
	own = &incoming{control: http.NewResponseController(w), started: time.Now()}
	b.mutex.Lock()
	b.coming[own] = struct{}{}
	b.mutex.Unlock()
	body, err = b.fill(own, http.MaxBytesReader(w, r.Body, limit), expected)
	if givenUp := b.stop(own); givenUp != nil {
		err = givenUp
	}
	if err != nil {
		b.release(own)
		return nil, nil, err
	}
	_ = own.control.SetReadDeadline(time.Time{}) // or it would end the work on the request
	b.connections.serving(r.Context())
	return body, own, nil
}

// fill reads a body to its end.
func (b *bodies) fill(own *incoming, from io.Reader, expected int64) (body []byte, err error) {
	longest := b.patience + b.patience*time.Duration(expected/bodyRate)
	for {
		if len(body) == cap(body) {
			size := min(max(bodyStep, 2*int64(cap(body))), max(expected+1, bodyStep/8)) // one more byte, to see the end
			if err := b.reserve(own, size-int64(cap(body))); err != nil {
				return nil, err
			}
			body = append(make([]byte, 0, size), body...)
		}
		allowed := min(longest, b.patience+time.Duration(len(body))*time.Second/minRate)
		_ = own.control.SetReadDeadline(own.started.Add(allowed))
		n, err := from.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		b.came(own, n)
		if err == io.EOF {
			return body, nil
		}
		if err != nil {
			return nil, bodyProblem(err, len(body), allowed)
		}
	}
}

// readDrawings reads the body of a request with drawings. Strokes take several
// times the memory of their text, which is accounted for, too.
func (b *bodies) readDrawings(w http.ResponseWriter, r *http.Request) (body []byte, release func(), err error) {
	body, own, err := b.readIncoming(w, r, maxBody)
	if err != nil {
		return nil, nil, err
	}
	lists := bytes.Count(body, []byte("["))
	if lists > maxLists {
		b.release(own)
		return nil, nil, problemf(http.StatusRequestEntityTooLarge, "the request has %d lists, and %d are the most that is taken; send fewer points, or fewer drawings at once", lists, maxLists)
	}
	if err := b.reserve(own, int64(lists*listMemory)); err != nil {
		b.release(own)
		return nil, nil, err
	}
	return body, func() { b.release(own) }, nil
}

// readAny reads the body of a request with anything.
func (b *bodies) readAny(w http.ResponseWriter, r *http.Request) (body []byte, release func(), err error) {
	return b.read(w, r, maxBody)
}

func bodyProblem(err error, received int, allowed time.Duration) error {
	var tooLarge *http.MaxBytesError
	var timeout interface{ Timeout() bool }
	switch {
	case errors.As(err, &tooLarge):
		return problemf(http.StatusRequestEntityTooLarge, "the request has more than the %d bytes that are taken", tooLarge.Limit)
	case errors.As(err, &timeout) && timeout.Timeout():
		return problemf(http.StatusRequestTimeout, "the request's body came too slowly: %s of it came within %v", wording.Number(received, "byte"), allowed.Round(time.Millisecond))
	}
	p := problemf(http.StatusBadRequest, "the request's body ended too early")
	p.Cause = err
	return p
}

// mediaType is the type of a request's body without its parameters.
func mediaType(r *http.Request) (string, map[string]string) {
	name, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) {
		return "", nil
	}
	return name, parameters
}
