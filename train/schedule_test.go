package train

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"inkling/nn"
	"inkling/optim"
)

// rates runs a training and returns the learning rate of every batch.
func rates(t *testing.T, change func(c *Config)) []float64 {
	t.Helper()
	c := config(t, 20)
	c.Epochs, c.LogEvery = 3, 1
	var got []float64
	c.OnEvent = func(e Event) {
		if e.Kind == LossReport {
			got = append(got, e.Rate)
		}
	}
	change(&c)
	if _, err := Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if sgd := c.Optimizer.(*optim.SGD); sgd.LR != 0.01 || sgd.Momentum != 0.9 {
		t.Errorf("the optimizer is left with rate %v and momentum %v", sgd.LR, sgd.Momentum)
	}
	return got
}

// Every schedule of the table is run by batches, and a few by epochs.
func TestRunSchedules(t *testing.T) {
	for _, kind := range optim.Schedules {
		s, again := kind.New(), kind.New()
		for _, s := range []optim.Schedule{s, again} {
			optim.SetLength(s, 15)
			for name, value := range map[string]string{"gamma": "0.5", "step_size": "4", "milestones": "3,7", "max_lr": "0.02", "T_0": "6", "patience": "0"} {
				if err := optim.SetAll(s.Settings(), name+"="+value); err != nil && !strings.Contains(err.Error(), "no setting") {
					t.Fatal(err)
				}
			}
		}
		got := rates(t, func(c *Config) { c.Schedule, c.ScheduleBatches = s, true })
		if len(got) != 15 {
			t.Fatalf("%s: %d rates", kind.Name, len(got))
		}
		for i, rate := range got {
			if want := again.Rate(0.01, i); rate != want && kind.Name != "ReduceLROnPlateau" {
				t.Errorf("%s: batch %d has rate %v, want %v", kind.Name, i, rate, want)
			}
		}
		if len(slices.Compact(slices.Clone(got))) == 1 && kind.Name != "ReduceLROnPlateau" {
			t.Errorf("%s: the rate stays %v", kind.Name, got[0])
		}
	}
	got := rates(t, func(c *Config) { c.Schedule = &optim.StepLR{StepSize: 2, Gamma: 0.5} })
	if want := append(slices.Repeat([]float64{0.01}, 10), slices.Repeat([]float64{0.005}, 5)...); !slices.Equal(got, want) {
		t.Errorf("by epochs: %v, want %v", got, want)
	}
}

func TestRunObserves(t *testing.T) {
	plateau := optim.NewReduceLROnPlateau()
	plateau.Patience = 0
	measured := 0
	got := rates(t, func(c *Config) {
		c.Schedule = plateau
		c.Measure = func(epoch int) (float64, error) { measured += epoch; return 1, nil }
	})
	for i, want := range []float64{0.01, 0.01, 0.001} { // the second measurement is no better
		if rate := got[5*i]; math.Abs(rate-want) > 1e-12 {
			t.Errorf("epoch %d has rate %v, want %v", i+1, rate, want)
		}
	}
	if measured != 1+2+3 {
		t.Errorf("measured epochs add up to %d, want 6", measured)
	}
	plateau = optim.NewReduceLROnPlateau()
	rates(t, func(c *Config) { c.Schedule = plateau })
	if s := plateau.State; !s.HasBest || s.Best > 2.5 || s.Best <= 0 {
		t.Errorf("of losses the plateau remembers %+v", s)
	}
	broken := errors.New("broken")
	c := config(t, 8)
	c.Schedule, c.Measure = plateau, func(int) (float64, error) { return 0, broken }
	if _, err := Run(t.Context(), c); !errors.Is(err, broken) {
		t.Errorf("error is %v, want the measurement's", err)
	}
}

type undescribed struct{ nn.Optimizer }

func TestRunRefusesSchedules(t *testing.T) {
	for want, change := range map[string]func(c *Config){
		"undescribed does not":        func(c *Config) { c.Optimizer = undescribed{c.Optimizer} },
		"StepLR has a step_size of 0": func(c *Config) { c.Schedule = &optim.StepLR{Gamma: 0.1} },
		"set cycle_momentum to false": func(c *Config) { c.Schedule, c.Optimizer = optim.NewOneCycleLR(1, 9), optim.NewRMSprop(0.1) },
	} {
		c := config(t, 8)
		c.Schedule = &optim.ExponentialLR{Gamma: 0.5}
		change(&c)
		if _, err := Run(t.Context(), c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %q", err, want)
		}
	}
}

// TestRunTraining has groups with rates of their own under one schedule, frozen layers
// and accumulation.
func TestRunTraining(t *testing.T) {
	first, second := &optim.SGD{LR: 0.01, Momentum: 0.9}, &optim.SGD{LR: 0.1}
	more := func(training *nn.Training) {
		training.Groups = []nn.Group{{Params: []string{"fc*"}, Optimizer: second}}
		training.Freeze = []string{"conv1.*"}
		training.Accumulate, training.ClipNorm = 5, 1
	}
	c := config(t, 40)
	c.Optimizer, c.Training, c.Schedule = first, more, &optim.StepLR{StepSize: 1, Gamma: 0.5}
	var program *nn.TrainProgram
	c.OnStart = func(p *nn.TrainProgram) { program = p }
	before := map[string][]float32{}
	for _, e := range nn.State(c.Network) {
		before[e.Name()] = values([]nn.Entry{e})[0]
	}
	var rates [][2]float64
	c.OnEvent = func(e Event) { rates = append(rates, [2]float64{first.LR, second.LR}) }
	if _, err := Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if want := [][2]float64{{0.01, 0.1}, {0.005, 0.05}}; !slices.Equal(rates, want) || first.LR != 0.01 || second.LR != 0.1 {
		t.Errorf("rates %v, want %v; at last %v and %v", rates, want, first.LR, second.LR)
	}
	if program.Steps() != 4 || program.GradientNorm() == 0 {
		t.Errorf("%d updates of 20 batches, want 4; norm %v", program.Steps(), program.GradientNorm())
	}
	for _, e := range nn.State(c.Network) {
		if same := slices.Equal(before[e.Name()], values([]nn.Entry{e})[0]); same != strings.HasPrefix(e.Name(), "conv1.") {
			t.Errorf("%s stayed as it is: %v", e.Name(), same)
		}
	}
	c = config(t, 40)
	c.Training, c.From = more, &Position{Epochs: 1, Batches: 3, Steps: 13}
	if _, err := Run(t.Context(), c); err == nil || !strings.Contains(err.Error(), "in the midst of 5") {
		t.Errorf("taken up in the midst: %v", err)
	}
}
