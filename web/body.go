package web

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"time"

	"golang.org/x/sync/semaphore"
)

const (
	// maxBody is how much a request may send: a picture of maxFile bytes in
	// base64, and a little around it.
	maxBody = maxFile*4/3 + 64<<10
	// maxFile is how large a picture's file may be.
	maxFile = 8 << 20
	// maxBodies is the memory for all bodies that are being read or worked on.
	maxBodies = 32 << 20
	// bodyStep is by how much memory for a body is asked for, if it is not
	// announced to be shorter.
	bodyStep = 64 << 10
	// maxLists is how many lists a request of drawings may have, most of them
	// points of strokes, and listMemory what each of them takes when it is read.
	maxLists   = 400_000
	listMemory = 40
	// A body has bodyTime, and bodyTime again for every bodyRate bytes of it.
	bodyTime = 5 * time.Second
	bodyRate = 512 << 10
)

// bodies reads the bodies of requests within limits of size, of time and of the
// memory of all of them together.
type bodies struct {
	memory      *semaphore.Weighted
	connections *connections
	patience    time.Duration // bodyTime, but for tests
}

// read reads a whole body. The memory is accounted for as the body comes in, so
// that one which is only announced takes none; release gives it back.
func (b *bodies) read(w http.ResponseWriter, r *http.Request, limit int64) (body []byte, release func(), err error) {
	if r.ContentLength > limit {
		return nil, nil, problemf(http.StatusRequestEntityTooLarge, "the request has %d bytes, and %d are the most that is taken", r.ContentLength, limit)
	}
	expected := r.ContentLength
	if expected < 0 {
		expected = limit // chunked: it may become anything
	}
	allowed := b.patience + b.patience*time.Duration(expected/bodyRate)
	// Where there is no connection, as in tests, there is no deadline.
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(allowed))

	var held int64
	release = func() { b.memory.Release(held) }
	reader := http.MaxBytesReader(w, r.Body, limit)
	step := min(expected+1, bodyStep) // one more byte, to see the end
	for {
		if int64(len(body)) >= held {
			if !b.memory.TryAcquire(step) {
				release()
				return nil, nil, errBusy
			}
			held += step
			if body == nil {
				body = make([]byte, 0, step)
			}
		}
		if len(body) == cap(body) {
			body = append(body, 0)[:len(body)]
		}
		n, err := reader.Read(body[len(body):min(cap(body), int(held))])
		body = body[:len(body)+n]
		if err == io.EOF {
			_ = control.SetReadDeadline(time.Time{}) // or it would end the work on the request
			b.connections.serving(r.Context())
			return body, release, nil
		}
		if err != nil {
			release()
			return nil, nil, bodyProblem(err, allowed)
		}
	}
}

// readDrawings reads the body of a request with drawings. Strokes take several
// times the memory of their text, which is accounted for, too.
func (b *bodies) readDrawings(w http.ResponseWriter, r *http.Request) (body []byte, release func(), err error) {
	body, releaseBody, err := b.read(w, r, maxBody)
	if err != nil {
		return nil, nil, err
	}
	lists := bytes.Count(body, []byte("["))
	if lists > maxLists {
		releaseBody()
		return nil, nil, problemf(http.StatusRequestEntityTooLarge, "the request has %d lists, and %d are the most that is taken; send fewer points, or fewer drawings at once", lists, maxLists)
	}
	held := int64(lists * listMemory)
	if !b.memory.TryAcquire(held) {
		releaseBody()
		return nil, nil, errBusy
	}
	return body, func() { releaseBody(); b.memory.Release(held) }, nil
}

func bodyProblem(err error, allowed time.Duration) error {
	var tooLarge *http.MaxBytesError
	var timeout interface{ Timeout() bool }
	switch {
	case errors.As(err, &tooLarge):
		return problemf(http.StatusRequestEntityTooLarge, "the request has more than the %d bytes that are taken", tooLarge.Limit)
	case errors.As(err, &timeout) && timeout.Timeout():
		return problemf(http.StatusRequestTimeout, "the request's body did not come within %v", allowed)
	}
	p := problemf(http.StatusBadRequest, "the request's body ended too early")
	p.cause = err
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
