// Package web serves a network over HTTP: a page on which a digit is read while
// it is being drawn, a JSON API, and the protocol of Gradio's clients.
//
// A server is as safe as it can be without passwords: it answers only to names
// of its own machine and to pages that come from there, bounds what a request
// may send, how long that may take and how much memory all of them take
// together, and says so when there is too much to do. It is not made to stand on
// the open internet without a proxy in front of it.
package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"inkling"
	"inkling/data"
	"inkling/feedback"
	"inkling/models"
	"inkling/nn"
	"inkling/picture"
	"inkling/sound"
	"inkling/text"
	"inkling/transform"
	"inkling/vector"
	"inkling/web/reading"
	"inkling/weights"
)

// Config says what to serve, and how.
type Config struct {
	// Name is what the model is called.
	Name string
	// Network is the network. It must not be changed while it is served.
	Network models.Network
	// Convolutions says how the network's convolutions are computed.
	Convolutions nn.Convolutions
	// Transform makes the network's input of an upright picture of bytes; if it is one
	// of a drawing, which gray networks of 28x28 read, the ink is bright.
	Transform transform.Transform
	// About must have the classes.
	About weights.Metadata
	// Preparation is how pictures and drawings are prepared when a request does not
	// say it.
	Preparation inkling.Preparation
	// Text, Sound or Vector is set if the network reads texts, recordings or vectors;
	// Transform then makes its input of their bytes. Target is set if it tells a number in
	// place of classes. Explainer makes what tells which tokens made an answer.
	Text      *text.Input
	Sound     *sound.Input
	Vector    *vector.Input
	Target    *inkling.Target
	Explainer func() (*inkling.Explainer, error)
	// Judge tells digits, written or printed, from what is none, as that of a
	// [sketch.Reader]; several goroutines call it. It is for networks whose classes are
	// the ten digits. Nil means that nothing is taken for none.
	Judge func(pictures [][]byte) ([][]float32, error)

	// Training loads what networks are trained and tested with that the page asks for, one
	// at a time, for some seconds on one goroutine: gray pictures of 28x28. Nil means that
	// none are.
	Training func() (learned, tests data.Dataset, err error)

	// Feedback keeps labelled drawings; nil means that none are.
	Feedback *feedback.Store
	// FeedbackRate is how much feedback is taken of one client.
	FeedbackRate Rate
	// Workers is the number of goroutines that run the network, 0 for
	// GOMAXPROCS.
	Workers int
	// Hosts are host names to answer to, beside those that always mean this
	// machine; see ParseHost.
	Hosts []string
	// TrustProxy heeds what a proxy in front of the server says of requests:
	// X-Forwarded-Host, -Port, -Proto, -For and -Prefix. Nobody else may be able
	// to reach the server then. Without Hosts, the proxy chooses the names that
	// are answered to.
	TrustProxy bool
	// AnyAddress lets the server answer to every IP address in place of a name.
	// It is for servers that listen on more than loopback.
	AnyAddress bool
	// Log is where to log; nil means slog.Default().
	Log *slog.Logger
	// Version is that of the program.
	Version string
}

// ConfigFor returns what serves a classifier under a name; more may be set. How pictures
// lie and are prepared is what the classifier's file says, or else what is usual.
func ConfigFor(name string, m *inkling.Classifier) (Config, error) {
	if m.Kind() != inkling.Pictures {
		return Config{Name: name, Network: m.Network, Convolutions: m.Convolutions, Transform: m.Transform(), About: m.About, Text: m.Text, Sound: m.Sound, Vector: m.Vector, Target: m.Target,
			Explainer: func() (*inkling.Explainer, error) { return inkling.NewExplainer(m) }}, nil
	}
	p, err := m.Preparation("")
	if err != nil {
		return Config{}, err
	}
	t := m.Transform()
	if m.Drawable(name) == nil {
		t = m.TransformDrawing()
	}
	return Config{Name: name, Network: m.Network, Convolutions: m.Convolutions, Transform: t, About: m.About, Preparation: p, Target: m.Target}, nil
}

// Server serves one network.
type Server struct {
	name       string
	version    string
	reads      *reading.Network
	stages     http.Handler // tells the network's stages; nil if it is not shown whole
	texts      *text.Input
	recordings *sound.Input
	vectors    *vector.Input
	target     *inkling.Target         // nil for classes
	explainers chan *inkling.Explainer // of texts

	log         *slog.Logger
	metrics     *metrics
	predictor   *predictor
	bodies      *bodies
	pictures    *pictures
	connections *connections
	running     chan struct{}
	feedback    *feedback.Store
	feedbacks   *rates
	training    func() (learned, tests data.Dataset, err error)
	trainingNow sync.Mutex             // held while a network is being trained
	trained     atomic.Pointer[Server] // answers with the network that was trained last
	gradio      *gradio
	observer    *observer
	handler     http.Handler

	draining  chan struct{} // closed when the server is being stopped
	drainOnce sync.Once
	stopTime  time.Duration // but for tests, the constant
}

// New makes a server and starts the goroutines that run the network. Close ends
// them.
func New(c Config) (*Server, error) {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Workers < 1 {
		c.Workers = runtime.GOMAXPROCS(0)
	}
	hosts, err := parseHosts(c.Hosts)
	if err != nil {
		return nil, err
	}
	if (c.Text != nil || c.Sound != nil || c.Vector != nil) && c.Feedback != nil {
		return nil, errors.New("feedback keeps drawings, and the network reads none")
	}
	if c.Target != nil && c.Feedback != nil {
		return nil, fmt.Errorf("feedback keeps drawings with their classes, and the network tells the number %s", c.Target.Name)
	}
	draining := make(chan struct{})
	s := &Server{
		version: c.Version, training: c.Training, log: c.Log, metrics: newMetrics(), feedback: c.Feedback, feedbacks: newRates(c.FeedbackRate),
		pictures:    &pictures{picture.NewDecoder(pictureLimits)},
		connections: newConnections(maxWaiting, draining),
		running:     make(chan struct{}, maxRunning),
		draining:    draining,
		stopTime:    stopTime,
	}
	s.bodies = newBodies(s.connections)
	if err := s.use(&c); err != nil {
		return nil, err
	}
	s.gradio = newGradio(s)
	routes := s.routes()
	guard := &guard{names: hosts, anyAddress: c.AnyAddress, proxy: c.TrustProxy}
	forwarded := &forwarded{trusted: c.TrustProxy, serves: routes.serves}
	s.observer = &observer{log: s.log, metrics: s.metrics, draining: s.draining}
	s.handler = s.observer.observe(forwarded.heed(guard.protect(routes)))
	return s, nil
}

// use serves a network: it starts the goroutines that run it.
func (s *Server) use(c *Config) (err error) {
	s.name, s.texts, s.recordings, s.vectors, s.target = c.Name, c.Text, c.Sound, c.Vector, c.Target
	channels, height, width := c.Network.Input()
	shape := [3]int{channels, height, width}
	var shows *reading.Network // what is compiled to be looked into
	switch p := c.Preparation; {
	case c.Text != nil:
		shape[0], shape[1], shape[2] = c.Text.Shape()
		s.reads = &reading.Network{About: c.About, Input: []int{channels, height, width}, Parameters: inkling.Parameters(c.Network)}
		if err := s.makeExplainers(c.Explainer, c.Workers); err != nil {
			return err
		}
	case c.Sound != nil:
		shape[0], shape[1], shape[2] = c.Sound.Shape()
		s.reads = &reading.Network{About: c.About, Input: []int{channels, height, width}, Parameters: inkling.Parameters(c.Network)}
	case c.Vector != nil:
		shape[0], shape[1], shape[2] = c.Vector.Shape()
		s.reads = &reading.Network{About: c.About, Input: []int{channels, height, width}, Parameters: inkling.Parameters(c.Network)}
	case shape != [3]int{p.Channels, p.Height, p.Width}:
		return fmt.Errorf("the network reads pictures of %v, but they are prepared as %dx%dx%d", nn.Shape(shape[:]), p.Channels, p.Height, p.Width)
	default:
		if err := inkling.CheckWay(p.Way, p.Channels, p.Height, p.Width); err != nil {
			return err
		}
		if s.reads, err = reading.Describe(c.Network, c.About, p); err != nil {
			return fmt.Errorf("the network cannot be compiled: %w", err)
		}
		s.reads.Judge, s.reads.Decode, s.reads.Read = c.Judge, s.pictures.use, s.readDigits
		if c.Target != nil {
			s.reads.Number = c.Target.Number
		}
		shows = s.reads
	}
	programs, err := reading.Compile(c.Network, c.Convolutions, c.Transform, shape, len(c.About.Classes), reading.MaxBatch, shows)
	if err != nil {
		return err
	}
	programs.Numbers = c.Target != nil
	if s.reads.Stages != nil {
		text, err := json.Marshal(s.reads.Stages)
		if err != nil {
			return err
		}
		s.stages = staticFile("network.json", text)
	}
	if s.predictor, err = newPredictor(programs, c.Workers, func(size int) { s.metrics.batches.Observe(float64(size)) }); err != nil {
		return err
	}
	if err := s.tryNetwork(); err != nil {
		s.predictor.close()
		return err
	}
	return nil
}

// makeExplainers makes one for each worker.
func (s *Server) makeExplainers(explainer func() (*inkling.Explainer, error), workers int) error {
	s.explainers = make(chan *inkling.Explainer, workers)
	for range workers {
		made, err := explainer()
		if err != nil {
			return err
		}
		s.explainers <- made
	}
	return nil
}

// tryNetwork reads a black picture, so that a model that cannot be used is found
// before anybody asks.
func (s *Server) tryNetwork() error {
	ctx := context.Background()
	j, err := s.submit(ctx, make([]byte, s.predictor.bytes), false)
	if err != nil {
		return err
	}
	return s.predictor.wait(ctx, j)
}

func (s *Server) routes() *routes {
	mux := http.NewServeMux()
	if s.kind() == inkling.Pictures {
		mux.Handle("POST /api/predict", handle(s.predict))
		mux.Handle("POST /api/feedback", handle(s.keepFeedback))
	} else {
		mux.Handle("POST /api/predict", handle(s.predictSample))
	}
	mux.HandleFunc("GET /api/model", s.describeModel)
	mux.Handle("GET /api/network", handle(s.describeNetwork))
	mux.Handle("POST /api/train", handle(s.train))
	mux.Handle("POST /api/trained/predict", s.ofTrained((*Server).predict))
	mux.Handle("GET /api/trained/network", s.ofTrained((*Server).describeNetwork))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) { writeText(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-s.draining:
			writeText(w, http.StatusServiceUnavailable, "the server is being stopped")
		default:
			writeText(w, http.StatusOK, "ready")
		}
	})
	mux.Handle("GET /metrics", s.metrics.handler())
	mux.Handle("GET /openapi.json", s.describeAPI())
	all := &routes{mux, s.connections}
	s.gradio.routes(mux, all.nothing)
	addPage(mux, s.page())
	mux.HandleFunc("/", all.nothing)
	return all
}

// page is the page for what the network reads.
func (s *Server) page() string {
	switch s.kind() {
	case inkling.Texts:
		return "texts.html"
	case inkling.Recordings:
		return "recordings.html"
	case inkling.Vectors:
		return "vectors.html"
	}
	if s.draws() {
		return "index.html"
	}
	return "pictures.html"
}

func writeText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	fmt.Fprintln(w, text)
}

// Handler answers requests.
func (s *Server) Handler() http.Handler { return s.handler }

// Close ends the goroutines that run the network. Nothing must be asked of the
// server any more.
func (s *Server) Close() {
	s.drain()
	s.gradio.close()
	s.trainingNow.Lock() // what is being trained ends soon, and no other begins
	if trained := s.trained.Load(); trained != nil {
		trained.predictor.close()
	}
	s.predictor.close()
}

// draws reports whether the network reads drawings.
func (s *Server) draws() bool {
	return s.kind() == inkling.Pictures && s.reads.Draws()
}

// describeNetwork serves GET /api/network.
func (s *Server) describeNetwork(w http.ResponseWriter, r *http.Request) error {
	if s.stages == nil {
		return problemf(http.StatusNotFound, "this network is not shown stage by stage: that is for small ones of drawings, whose operations follow one after the other")
	}
	s.stages.ServeHTTP(w, r)
	return nil
}

func (s *Server) describeModel(w http.ResponseWriter, r *http.Request) {
	about := s.reads.Description(s.name)
	about.Kind, about.Draws = string(s.kind()), s.draws()
	about.Training, about.Feedback, about.Version = s.training != nil, s.feedback != nil, s.version
	if s.texts != nil {
		about.Length, about.Tokenizer = s.texts.Length, string(s.texts.Tokenizer)
	}
	if s.recordings != nil {
		about.Rate, about.Seconds = s.recordings.Rate, s.recordings.Seconds
	}
	if s.vectors != nil {
		for _, c := range s.vectors.Columns {
			about.Columns = append(about.Columns, reading.Column{Name: c.Name, Mean: c.Mean, Std: c.Std})
		}
	}
	if s.target != nil {
		about.Target = s.target.Name
		about.R2, _ = strconv.ParseFloat(s.reads.About.Extra["r2"], 64) // absent is 0
	}
	answer(w, r, about)
}
