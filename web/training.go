package web

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	"inkling"
	"inkling/data"
	"inkling/models"
	"inkling/nn"
	"inkling/optim"
	"inkling/train"
	"inkling/transform"
	"inkling/web/reading"
	"inkling/weights"
)

// How the page's network is trained: as the tutorial's, but for no longer than
// trainingTime, on one goroutine.
const (
	trainingEpochs   = 2
	trainingBatch    = 4
	trainingMomentum = 0.9
	trainingTime     = 10 * time.Second
	trainingReport   = 2000  // pictures between two losses
	trainingFilters  = 10000 // and between two looks at filters and accuracy
	trainingTests    = 1000  // pictures of such a look
	trainingMisread  = 16    // pictures that are shown
	trainingWrite    = 5 * time.Second
)

// A trainingRequest is what POST /api/train is asked.
type trainingRequest struct {
	Seed uint32  `json:"seed" doc:"of the initial weights and the order of the pictures: the same seed gives the same network"`
	LR   float64 `json:"lr" doc:"the learning rate, above 0 and at most 1; the tutorial's is 0.001" example:"0.001"`
}

// A trainingLine is one line of the answer.
type trainingLine struct {
	Event    string         `json:"event" enum:"begin,loss,look,end,diverged" doc:"loss: more pictures were learned; look: the network was tested meanwhile; end: it is trained, and /api/trained/predict reads with it; diverged: its numbers are no more, as the learning rate is too high"`
	Pictures int            `json:"pictures" doc:"that were learned so far; at begin, that are to be learned"`
	Loss     float64        `json:"loss,omitempty" doc:"the mean of the pictures since the last line"`
	Accuracy float64        `json:"accuracy,omitempty" doc:"the share of test pictures that are read correctly, 0 to 1: of the first thousand, and at the end of all"`
	Filters  []byte         `json:"filters,omitempty" doc:"the weights of the first convolution, 6x5x5, as little-endian float32 in base64"`
	Seconds  float64        `json:"seconds,omitempty" doc:"that the training has taken"`
	Whole    bool           `json:"whole,omitempty" doc:"at the end: whether it learned all pictures before its time was up"`
	Misread  []misreadDigit `json:"misread,omitempty" nullable:"false" doc:"at the end: some test pictures that it reads wrong, the surest first"`
}

type misreadDigit struct {
	Image string `json:"image" doc:"a data URL"`
	Label string `json:"label"`
	Read  string `json:"read" doc:"what the network reads in it"`
}

// train serves POST /api/train: one network at a time, told line by line while it learns.
func (s *Server) train(w http.ResponseWriter, r *http.Request) error {
	if s.training == nil {
		return problemf(http.StatusNotFound, "this server trains no networks; that is for those of this machine, unless it is started with --training")
	}
	body, leave, err := s.enter(w, r, s.bodies.readDrawings)
	if err != nil {
		return err
	}
	var request trainingRequest
	err = parseJSON(r, body, &request)
	leave()
	if err != nil {
		return err
	}
	if !(request.LR > 0 && request.LR <= 1) {
		return problemf(http.StatusUnprocessableEntity, "lr is %v, want a learning rate above 0 and at most 1, such as 0.001", request.LR)
	}
	if !s.trainingNow.TryLock() {
		p := problemf(http.StatusServiceUnavailable, "a network is being trained already, one at a time; try again in some seconds")
		p.Wait = time.Second
		return p
	}
	defer s.trainingNow.Unlock()
	ctx, stop := context.WithTimeout(r.Context(), trainingTime)
	defer stop()
	if e := exchangeOf(r); e != nil {
		e.stream = true
	}
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Time{}) // the server's is for requests that end
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no") // nginx would keep lines back
	lines := json.NewEncoder(w)
	tell := func(line trainingLine) error {
		_ = control.SetWriteDeadline(time.Now().Add(trainingWrite)) // recorders of tests have none
		if err := lines.Encode(line); err != nil {
			return err
		}
		select {
		case <-s.draining:
			return errClosed
		default:
			return control.Flush()
		}
	}
	if err := s.learn(ctx, &request, tell); err != nil && r.Context().Err() == nil && !errors.Is(err, errClosed) {
		s.log.Warn("a training for the page ended early", "error", err)
	}
	return nil
}

// learn trains a network, and puts it in use where it is whole.
func (s *Server) learn(ctx context.Context, request *trainingRequest, tell func(trainingLine) error) error {
	pictures, tests, err := s.training()
	if err != nil {
		return err
	}
	started := time.Now()
	network := models.NewLeNet(len(pictures.Classes()), uint64(request.Seed))
	about := weights.Metadata{Architecture: "LeNet", Dataset: "mnist", Classes: pictures.Classes(), Mean: []float32{0.5}, Std: []float32{0.5}, Orientation: weights.Upright}
	normalise := transform.Compose{transform.ToTensor{}, transform.Normalize{Mean: about.Mean, Std: about.Std}}
	loader := &data.Loader{Dataset: pictures, Transform: normalise, BatchSize: trainingBatch, Shuffle: true, Seed: uint64(request.Seed)}
	program, err := nn.CompileTrain(network, nn.CrossEntropy{}, &optim.SGD{LR: request.LR, Momentum: trainingMomentum}, trainingBatch, models.LeNetChannels, models.LeNetHeight, models.LeNetWidth)
	if err != nil {
		return err
	}
	program.SetWorkers(1)
	look := func(count int) (trainingLine, error) {
		right, misread, err := examine(network, tests, normalise, count)
		filters := nn.State(network)[0]
		values := make([]float32, nn.Shape(filters.Shape()).Elements())
		filters.Read(values)
		return trainingLine{Event: "look", Accuracy: float64(right) / float64(count), Filters: reading.FloatBytes(values), Misread: misread}, err
	}
	if err := tell(trainingLine{Event: "begin", Pictures: trainingEpochs * pictures.Len()}); err != nil {
		return err
	}
	learned, running, steps := 0, 0.0, 0
	for range trainingEpochs {
		for _, batch := range loader.Batches() {
			running += program.Step(batch.Images, batch.Labels)
			steps++
			before := learned
			learned += len(batch.Labels)
			if before/trainingReport == learned/trainingReport {
				continue
			}
			loss := running / float64(steps)
			if math.IsNaN(loss) || math.IsInf(loss, 0) {
				return tell(trainingLine{Event: "diverged", Pictures: learned})
			}
			running, steps = 0, 0
			if err := tell(trainingLine{Event: "loss", Pictures: learned, Loss: loss}); err != nil {
				return err
			}
			if before/trainingFilters != learned/trainingFilters {
				line, err := look(min(trainingTests, tests.Len()))
				if err != nil {
					return err
				}
				line.Pictures, line.Misread = learned, nil
				if err := tell(line); err != nil {
					return err
				}
			}
			if ctx.Err() != nil {
				break
			}
		}
		if err := loader.Err(); err != nil {
			return err
		}
		if ctx.Err() != nil {
			break
		}
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err() // who asked is gone
	}
	line, err := look(tests.Len())
	if err != nil {
		return err
	}
	about.Extra = map[string]string{"accuracy": strconv.FormatFloat(line.Accuracy, 'f', 4, 64)}
	if err := s.useTrained(&inkling.Classifier{Network: network, About: about}); err != nil {
		return err
	}
	line.Event, line.Pictures, line.Seconds, line.Whole = "end", learned, time.Since(started).Seconds(), ctx.Err() == nil
	return tell(line)
}

// examine tests a network on the first pictures, so many of them, and returns those that it
// reads wrong most surely.
func examine(network models.Network, tests data.Dataset, normalise transform.Transform, count int) (right int, misread []misreadDigit, err error) {
	const together = 50
	program, err := nn.Compile(network, together, models.LeNetChannels, models.LeNetHeight, models.LeNetWidth)
	if err != nil {
		return 0, nil, err
	}
	program.SetWorkers(1)
	type wrong struct {
		place, read int
		probability float32
	}
	var all []wrong
	loader := &data.Loader{Dataset: tests, Transform: normalise, BatchSize: together}
	classes := tests.Classes()
	place := 0
	for _, batch := range loader.Batches() {
		logits := program.Forward(batch.Images)
		for i, label := range batch.Labels {
			if place < count {
				one := logits[i*len(classes) : (i+1)*len(classes)]
				if read := train.Argmax(one); read == label {
					right++
				} else if probabilities, err := reading.Softmax(one); err == nil {
					all = append(all, wrong{place, read, probabilities[read]})
				}
			}
			place++
		}
		if place >= count {
			break
		}
	}
	if err := loader.Err(); err != nil {
		return 0, nil, err
	}
	slices.SortStableFunc(all, func(a, b wrong) int {
		switch {
		case a.probability > b.probability:
			return -1
		case a.probability < b.probability:
			return 1
		}
		return 0
	})
	for _, w := range all[:min(len(all), trainingMisread)] {
		pixels, label, err := tests.Example(w.place)
		if err != nil {
			return 0, nil, err
		}
		img := (&reading.Shown{Pixels: pixels, Channels: 1, Height: models.LeNetHeight, Width: models.LeNetWidth}).Image()
		misread = append(misread, misreadDigit{reading.DataURL(img), classes[label], classes[w.read]})
	}
	return right, misread, nil
}

// useTrained lets a network answer at /api/trained, in place of the one before it.
func (s *Server) useTrained(m *inkling.Classifier) error {
	config, err := ConfigFor("trained on the page", m)
	if err != nil {
		return err
	}
	config.Workers, config.Judge = 1, s.reads.Judge
	trained := &Server{
		version: s.version, log: s.log, metrics: s.metrics, pictures: s.pictures, connections: s.connections,
		bodies: s.bodies, running: s.running, draining: s.draining,
	}
	if err := trained.use(&config); err != nil {
		return err
	}
	if before := s.trained.Swap(trained); before != nil {
		before.predictor.close()
	}
	return nil
}

// ofTrained serves a request with the network that was trained last.
func (s *Server) ofTrained(serve func(*Server, http.ResponseWriter, *http.Request) error) http.Handler {
	return handle(func(w http.ResponseWriter, r *http.Request) error {
		trained := s.trained.Load()
		if trained == nil {
			return problemf(http.StatusNotFound, "no network has been trained here yet: POST /api/train does that")
		}
		return serve(trained, w, r)
	})
}
