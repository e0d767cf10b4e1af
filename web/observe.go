package web

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"inkling/web/reading"
)

// metrics is what /metrics shows.
type metrics struct {
	registry  *prometheus.Registry
	requests  *prometheus.CounterVec
	seconds   *prometheus.HistogramVec
	running   prometheus.Gauge
	streams   prometheus.Gauge
	batches   prometheus.Histogram
	answers   *prometheus.CounterVec
	feedbacks prometheus.Counter
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "inkling_http_requests_total", Help: "Requests answered, by route and status.",
		}, []string{"route", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "inkling_http_request_duration_seconds", Help: "Time from a request's header to the end of its answer, by route. Event streams are left out.",
			Buckets: []float64{0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5},
		}, []string{"route"}),
		running: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "inkling_http_requests_running", Help: "Requests being answered, without event streams.",
		}),
		streams: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "inkling_event_streams", Help: "Event streams that are open.",
		}),
		batches: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "inkling_batch_size", Help: "Pictures that the network was shown at once.",
			Buckets: []float64{1, 2, 4, 8, 16, reading.MaxBatch},
		}),
		answers: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "inkling_predictions_total", Help: "Predictions, by class; numbers have the name of what they tell, and empty drawings \"\".",
		}, []string{"class"}),
		feedbacks: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "inkling_feedback_total", Help: "Labelled drawings that were kept.",
		}),
	}
	m.registry.MustRegister(m.requests, m.seconds, m.running, m.streams, m.batches, m.answers, m.feedbacks,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{DisableCompression: true})
}

// An exchange is what is noted about one request and its answer.
type exchange struct {
	http.ResponseWriter
	id      string
	started time.Time
	status  int
	bytes   int64
	stream  bool
	failure *problem
	front   front
	// draining is closed when the server is being stopped. Clients are told then
	// to make a new connection, perhaps to another server.
	draining <-chan struct{}
}

type exchangeKey struct{}

func (e *exchange) WriteHeader(status int) {
	if e.status == 0 && status >= 200 {
		e.begin(status)
	}
	e.ResponseWriter.WriteHeader(status)
}

// begin notes the status of an answer that begins.
func (e *exchange) begin(status int) {
	e.status = status
	select {
	case <-e.draining:
		e.Header().Set("Connection", "close")
	default:
	}
}

func (e *exchange) Write(b []byte) (int, error) {
	if e.status == 0 {
		e.begin(http.StatusOK)
	}
	n, err := e.ResponseWriter.Write(b)
	e.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController find the server's own writer.
func (e *exchange) Unwrap() http.ResponseWriter { return e.ResponseWriter }

func exchangeOf(r *http.Request) *exchange {
	e, _ := r.Context().Value(exchangeKey{}).(*exchange)
	return e
}

// noteFailure keeps a problem for the log.
func noteFailure(r *http.Request, p *problem) {
	if e := exchangeOf(r); e != nil {
		e.failure = p
	}
}

// An observer gives requests their ids, and logs and counts them.
type observer struct {
	log      *slog.Logger
	metrics  *metrics
	draining <-chan struct{}
	count    atomic.Int64 // of requests
	// refused counts what was refused for overload since the last line about
	// it: a line for each would be one more load.
	refused     atomic.Int64
	refusedTold atomic.Int64 // when, in seconds since 1970
}

func (o *observer) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e := &exchange{ResponseWriter: w, id: requestID(r), started: time.Now(), draining: o.draining}
		o.count.Add(1)
		w.Header().Set("X-Request-Id", e.id)
		r = r.WithContext(context.WithValue(r.Context(), exchangeKey{}, e))
		defer func() {
			if panicked := recover(); panicked != nil {
				o.panicked(e, r, panicked)
			}
			o.finish(e, r)
		}()
		next.ServeHTTP(e, r)
	})
}

// panicked answers a request whose handler has a bug. The other requests go on.
func (o *observer) panicked(e *exchange, r *http.Request, panicked any) {
	if panicked == http.ErrAbortHandler {
		panic(panicked) // net/http's way to break off an answer
	}
	o.log.Error("handler panicked", "request_id", e.id, "path", r.URL.Path, "panic", fmt.Sprint(panicked), "stack", string(debug.Stack()))
	if e.status == 0 {
		fail(e, r, fmt.Errorf("panic: %v", panicked))
	}
}

// requestID is the client's id if it is one that a log can take, else a new one.
func requestID(r *http.Request) string {
	id := r.Header.Get("X-Request-Id")
	if len(id) < 1 || len(id) > 64 {
		return rand.Text()[:16]
	}
	for _, c := range []byte(id) {
		if c <= ' ' || c > '~' || c == '"' || c == '\\' {
			return rand.Text()[:16]
		}
	}
	return id
}

func (o *observer) finish(e *exchange, r *http.Request) {
	elapsed := time.Since(e.started)
	route := r.Pattern
	if route == "" {
		route = "none"
	}
	if e.status == 0 {
		e.status = http.StatusOK
	}
	o.metrics.requests.WithLabelValues(route, strconv.Itoa(e.status)).Inc()
	if !e.stream {
		o.metrics.seconds.WithLabelValues(route).Observe(elapsed.Seconds())
	}
	if e.failure != nil && e.failure.Status == http.StatusServiceUnavailable {
		o.refuse()
		return
	}
	level := slog.LevelDebug
	switch {
	case e.status >= 500:
		level = slog.LevelError
	case e.status >= 400 && e.status != statusClientGone:
		level = slog.LevelInfo
	}
	if !o.log.Enabled(r.Context(), level) {
		return
	}
	attributes := []slog.Attr{
		slog.String("request_id", e.id), slog.String("method", r.Method), slog.String("path", r.URL.Path),
		slog.Int("status", e.status), slog.Int64("bytes", e.bytes), slog.Duration("elapsed", elapsed), slog.String("from", r.RemoteAddr),
	}
	if e.failure != nil {
		attributes = append(attributes, slog.String("problem", e.failure.Detail))
		if e.failure.Cause != nil {
			attributes = append(attributes, slog.String("cause", e.failure.Cause.Error()))
		}
	}
	o.log.LogAttrs(r.Context(), level, "request", attributes...)
}

// refuse logs once a second how many requests were refused for overload.
func (o *observer) refuse() {
	o.refused.Add(1)
	now, told := time.Now().Unix(), o.refusedTold.Load()
	if now != told && o.refusedTold.CompareAndSwap(told, now) {
		o.log.Warn("overloaded", "refused", o.refused.Swap(0))
	}
}
