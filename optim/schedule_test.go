package optim

import (
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"
)

type scheduleCase struct {
	BaseLR  float64 `json:"base_lr"`
	Args    map[string]any
	LRs     []float64
	Momenta []float64
	Metrics []float64
}

// TestScheduleGolden compares rates and momenta with PyTorch's.
func TestScheduleGolden(t *testing.T) {
	data, err := os.ReadFile("testdata/schedulers.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases map[string]scheduleCase
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	covered := map[string]bool{}
	for name, c := range cases {
		class := c.Args["class"].(string)
		var schedule Schedule
		switch class {
		case "CyclicLR": // there is none
			continue
		case "LambdaLR":
			schedule = LambdaLR(func(step int) float64 { return math.Pow(0.95, float64(step)) })
		case "SequentialLR":
			schedule = &SequentialLR{[]Schedule{&ConstantLR{0.1, 2}, &ExponentialLR{0.9}}, []int{3}}
		default:
			kind, err := FindSchedule(class)
			if err != nil {
				t.Fatal(err)
			}
			schedule = kind.New()
			if epochs, ok := c.Args["epochs"].(float64); ok {
				c.Args["total_steps"] = epochs * c.Args["steps_per_epoch"].(float64)
				delete(c.Args, "epochs")
				delete(c.Args, "steps_per_epoch")
			}
			delete(c.Args, "class")
			if unknown := set(t, schedule.Settings(), c.Args); unknown != nil {
				t.Fatal(name, unknown)
			}
		}
		covered[class] = true
		t.Run(name, func(t *testing.T) {
			sgd := &SGD{LR: c.BaseLR, Momentum: 0.9}
			s, err := NewScheduler(sgd, schedule)
			if err != nil {
				t.Fatal(err)
			}
			for step, want := range c.LRs {
				if c.Metrics != nil && step > 0 {
					schedule.(*ReduceLROnPlateau).Observe(c.Metrics[step-1])
				}
				s.Set(step)
				if math.Abs(sgd.LR-want) > 1e-12 {
					t.Errorf("step %d: rate %v, PyTorch has %v", step, sgd.LR, want)
				}
				if want := 0.9; c.Momenta == nil {
					if sgd.Momentum != want {
						t.Errorf("step %d: the momentum became %v", step, sgd.Momentum)
					}
				} else if want = c.Momenta[step]; math.Abs(sgd.Momentum-want) > 1e-12 {
					t.Errorf("step %d: momentum %v, PyTorch has %v", step, sgd.Momentum, want)
				}
			}
		})
	}
	for _, k := range Schedules {
		if !covered[k.Name] {
			t.Errorf("no golden rates of %s", k.Name)
		}
	}
}

func TestChainedScheduler(t *testing.T) {
	c := &ChainedScheduler{[]Schedule{&LinearLR{0.5, 1, 2}, &ExponentialLR{0.1}}}
	for step, want := range []float64{1, 0.15, 0.02, 0.002} {
		if got := c.Rate(2, step); math.Abs(got-want) > 1e-15 {
			t.Errorf("step %d: %v, want %v", step, got, want)
		}
	}
	if err := c.Check(); err != nil {
		t.Error(err)
	}
}

// TestScheduleAnyStep asks for steps in no order, and behind the end.
func TestScheduleAnyStep(t *testing.T) {
	o := NewOneCycleLR(0.5, 10)
	if o.Rate(1, 100) != o.Rate(1, 9) || math.Abs(o.Rate(1, 0)-0.02) > 1e-15 {
		t.Errorf("rates %v, %v and %v", o.Rate(1, 100), o.Rate(1, 9), o.Rate(1, 0))
	}
	w := &CosineAnnealingWarmRestarts{T0: 3, TMult: 1}
	if w.Rate(1, 3_000_000_000) != 1 {
		t.Errorf("a restart far on gives %v", w.Rate(1, 3_000_000_000))
	}
}

func TestScheduleChecks(t *testing.T) {
	for says, s := range map[string]Schedule{
		"step_size of 0":  &StepLR{Gamma: 0.1},
		"gamma of -1":     &ExponentialLR{-1},
		"no milestones":   &MultiStepLR{Gamma: 1},
		"T_max of 0":      &CosineAnnealingLR{},
		"total_steps":     NewOneCycleLR(1, 0),
		"pct_start of 2":  &OneCycleLR{MaxLR: 1, TotalSteps: 9, PctStart: 2, AnnealStrategy: "cos", DivFactor: 1, FinalDivFactor: 1},
		"cos or linear":   &OneCycleLR{MaxLR: 1, TotalSteps: 9, DivFactor: 1, FinalDivFactor: 1},
		"factor of 1":     &ReduceLROnPlateau{Mode: "min", ThresholdMode: "rel", Factor: 1},
		"min or max":      &ReduceLROnPlateau{},
		"one milestone":   &SequentialLR{Schedules: []Schedule{&ExponentialLR{0.9}}, Milestones: []int{1}},
		"must ascend":     &SequentialLR{Schedules: []Schedule{&ExponentialLR{1}, &ExponentialLR{1}, &ExponentialLR{1}}, Milestones: []int{2, 1}},
		"is nil":          &SequentialLR{Schedules: []Schedule{nil}},
		"no factors":      &ChainedScheduler{[]Schedule{NewOneCycleLR(1, 9)}},
		"start_factor of": &LinearLR{0, 1, 5},
	} {
		if err := s.Check(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%T%+v: %v, want something with %q", s, s, err, says)
		}
	}
	if _, err := NewScheduler(NewRMSprop(1), NewOneCycleLR(1, 9)); err == nil || !strings.Contains(err.Error(), "above 0") {
		t.Errorf("RMSprop without momentum and OneCycleLR: %v", err)
	}
	if _, err := NewScheduler(&RMSprop{LR: 1, Alpha: 0.9, Momentum: 0.5}, NewOneCycleLR(1, 9)); err != nil {
		t.Errorf("RMSprop with momentum and OneCycleLR: %v", err)
	}
	a := NewAdam(1)
	s, err := NewScheduler(a, NewOneCycleLR(1, 9))
	if err != nil {
		t.Fatal(err)
	}
	if s.Set(0); a.Betas[0] != 0.95 || math.Abs(a.LR-0.04) > 1e-15 || s.Rate() != a.LR {
		t.Errorf("the first step has %+v", a)
	}
	if n := testing.AllocsPerRun(100, func() { s.Set(3) }); n > 0 {
		t.Errorf("a step allocates %v times", n)
	}
}
