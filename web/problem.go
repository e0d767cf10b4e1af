package web

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"strconv"
	"time"

	"inkling/web/reading"
)

// A problem is an answer that says why there is no other one.
type problem = reading.Problem

func problemf(status int, format string, values ...any) *problem {
	return titled(reading.Problemf(status, format, values...))
}

// titled says what a problem's status means.
func titled(p *problem) *problem {
	if p.Title != "" {
		return p
	}
	whole := *p
	whole.Title = http.StatusText(p.Status)
	return &whole
}

// errClosed is the answer to what comes too late.
var errClosed error = problemf(http.StatusServiceUnavailable, "the server is being stopped")

// errBusy is the answer when there is too much to do. It must cost little.
var errBusy error = problemf(http.StatusServiceUnavailable, "the server has more to do than it can; try again in a second")

// asProblem makes a problem of any error. What is nobody's fault but ours is
// not told to the outside.
func asProblem(err error) *problem {
	var p *problem
	if errors.As(err, &p) {
		return titled(p)
	}
	p = problemf(http.StatusInternalServerError, "the server failed; its log says why, under this answer's X-Request-Id")
	p.Cause = err
	return p
}

// statusClientGone is what the log and the metrics have for a client that did not
// wait for its answer. It is nginx's number; HTTP has none.
const statusClientGone = 499

// problemOf makes a problem of an error that a request met.
func problemOf(r *http.Request, err error) *problem {
	if r.Context().Err() != nil && errors.Is(err, context.Canceled) {
		return &problem{Title: "Client Closed Request", Status: statusClientGone, Detail: "the client has gone", Cause: err}
	}
	return asProblem(err)
}

// fail answers with a problem.
func fail(w http.ResponseWriter, r *http.Request, err error) {
	if err == errBusy {
		failBusy(w, r)
		return
	}
	p := problemOf(r, err)
	noteFailure(r, p)
	header := w.Header()
	header.Set("Content-Type", "application/problem+json")
	header.Set("Cache-Control", "no-store")
	setRetryAfter(p, header)
	w.WriteHeader(p.Status)
	json.NewEncoder(w).Encode(p)
}

// What failBusy answers with, ready to be sent.
var (
	busyText   = append(mustMarshal(errBusy), '\n')
	busyHeader = http.Header{
		"Content-Type": {"application/problem+json"}, "Cache-Control": {"no-store"},
		"Retry-After": {strconv.Itoa(int(retryAfter.Seconds()))}, "Content-Length": {strconv.Itoa(len(busyText))},
	}
)

func mustMarshal(value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		panic("web: " + err.Error()) // it is our own struct
	}
	return text
}

func failBusy(w http.ResponseWriter, r *http.Request) {
	noteFailure(r, errBusy.(*problem))
	maps.Copy(w.Header(), busyHeader)
	w.WriteHeader(http.StatusServiceUnavailable)
	w.Write(busyText)
}

// setRetryAfter says when to try again, if that makes sense: in whole seconds, and
// rather too late than too soon.
func setRetryAfter(p *problem, header http.Header) {
	if p.Status == http.StatusServiceUnavailable || p.Status == http.StatusTooManyRequests {
		wait := max(p.Wait, retryAfter) + time.Second - 1
		header.Set("Retry-After", strconv.Itoa(int(wait.Truncate(time.Second).Seconds())))
	}
}

// answer answers with a value as JSON.
func answer(w http.ResponseWriter, r *http.Request, value any) {
	text, err := json.Marshal(value)
	if err != nil {
		fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Write(append(text, '\n'))
}

// handle makes a handler of a function that may fail.
func handle(serve func(w http.ResponseWriter, r *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := serve(w, r); err != nil {
			fail(w, r, err)
		}
	}
}
