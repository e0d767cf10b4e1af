package web

import (
	"context"
	"net/http"
	"time"

	"inkling/prepare"
	"inkling/web/reading"
)

// SureAbove is the probability from which on the network's best guess counts as sure.
const SureAbove = reading.SureAbove

// What package reading makes of requests.
type (
	drawing         = reading.Drawing
	prediction      = reading.Prediction
	batchPrediction = reading.BatchPrediction
)

// predict serves POST /api/predict.
func (s *Server) predict(w http.ResponseWriter, r *http.Request) error {
	body, leave, err := s.enter(w, r, s.bodies.readDrawings)
	if err != nil {
		return err
	}
	defer leave()
	started := time.Now()
	request, err := parsePredict(r, body)
	if err != nil {
		return err
	}
	preparation, err := s.reads.PreparationFor(request.Preprocess)
	if err != nil {
		return err
	}
	if request.Instances == nil {
		drawing, err := s.begin(r.Context(), &request.Drawing, preparation, request.Details)
		if err != nil {
			return err
		}
		p, err := s.finish(r.Context(), drawing)
		if err != nil {
			return err
		}
		p.Milliseconds = milliseconds(started)
		answer(w, r, p)
		return nil
	}
	drawings := make([]*begun, len(request.Instances))
	for i := range request.Instances {
		if drawings[i], err = s.begin(r.Context(), &request.Instances[i], preparation, request.Details); err != nil {
			return reading.Within(i, err)
		}
	}
	batch := batchPrediction{Predictions: make([]*prediction, len(drawings))}
	for i, drawing := range drawings {
		if batch.Predictions[i], err = s.finish(r.Context(), drawing); err != nil {
			return reading.Within(i, err)
		}
		batch.Predictions[i].Milliseconds = milliseconds(started)
	}
	answer(w, r, batch)
	return nil
}

func milliseconds(since time.Time) float64 {
	return float64(time.Since(since).Microseconds()) / 1000
}

// A begun is a drawing that the network is being shown, in one way or two.
type begun struct {
	prepared []*reading.Shown
	jobs     []*job // nil where there is no ink
	details  bool
}

// begin prepares a drawing and gives it to the network.
func (s *Server) begin(ctx context.Context, d *drawing, preparation prepare.Preparation, details bool) (*begun, error) {
	prepared, err := s.reads.Prepare(ctx, d, details, s.reads.Preparations(d, preparation, details)...)
	if err != nil {
		return nil, err
	}
	started := &begun{prepared: prepared, jobs: make([]*job, len(prepared)), details: details}
	for i, shown := range prepared {
		if shown.Empty {
			continue
		}
		if started.jobs[i], err = s.submit(ctx, shown.Pixels, details && i == 0); err != nil {
			return nil, err
		}
	}
	return started, nil
}

// submit gives a picture to the network.
func (s *Server) submit(ctx context.Context, pixels []byte, details bool) (*job, error) {
	j := newJob()
	j.Pixels, j.Details = pixels, details
	return j, s.predictor.submit(ctx, j)
}

// readDigits has the network read pictures of drawings.
func (s *Server) readDigits(ctx context.Context, pictures [][]byte) ([][]float32, error) {
	jobs := make([]*job, len(pictures))
	for i, pixels := range pictures {
		var err error
		if jobs[i], err = s.submit(ctx, pixels, false); err != nil {
			return nil, err
		}
	}
	all := make([][]float32, len(jobs))
	for i, j := range jobs {
		if err := s.predictor.wait(ctx, j); err != nil {
			return nil, err
		}
		all[i] = j.Probabilities
	}
	return all, nil
}

// finish waits for the network and makes the answer.
func (s *Server) finish(ctx context.Context, started *begun) (*prediction, error) {
	outcomes := make([]*reading.Outcome, len(started.jobs))
	for i, j := range started.jobs {
		if j == nil {
			continue
		}
		if err := s.predictor.wait(ctx, j); err != nil {
			return nil, err
		}
		outcomes[i] = &j.Outcome
	}
	p := s.reads.Answer(started.prepared, outcomes, started.details)
	counted := p.Label
	switch {
	case len(p.Digits) > 0:
		counted = "several"
	case p.Number != nil:
		counted = s.target.Name
	}
	s.metrics.answers.WithLabelValues(counted).Inc()
	return p, nil
}
