package optim

import (
	"fmt"
	"math"
	"slices"
)

// Schedule is a learning rate as a function of the step, as the classes of
// torch.optim.lr_scheduler are. What a step is, an update or an epoch, is the
// caller's choice.
type Schedule interface {
	// Rate returns the rate of a step, the first being 0, for parameters whose
	// optimizer was given the rate base. It has no state: any step may be asked for
	// at any time, so that a resumed training needs nothing but its step.
	// (ReduceLROnPlateau, which follows measurements, is the exception.)
	Rate(base float64, step int) float64
	// Check refuses settings that make no rate.
	Check() error
	// Settings are the schedule's settings under PyTorch's names. They point
	// into the schedule.
	Settings() []Setting
}

// MomentumSchedule is a Schedule that moves the momentum, too.
type MomentumSchedule interface {
	Schedule
	// Momentum returns the momentum of a step (for Adam, the first beta), and
	// whether there is one to be set.
	Momentum(step int) (float64, bool)
}

// ScheduleKind is one line of the table of schedules.
type ScheduleKind struct {
	Name string // PyTorch's class: "StepLR"
	New  func() Schedule
}

// Schedules is every schedule that has settings and no other schedules inside.
var Schedules = []ScheduleKind{
	{"StepLR", func() Schedule { return &StepLR{Gamma: 0.1} }},
	{"MultiStepLR", func() Schedule { return &MultiStepLR{Gamma: 0.1} }},
	{"ExponentialLR", func() Schedule { return &ExponentialLR{} }},
	{"CosineAnnealingLR", func() Schedule { return &CosineAnnealingLR{} }},
	{"CosineAnnealingWarmRestarts", func() Schedule { return &CosineAnnealingWarmRestarts{TMult: 1} }},
	{"OneCycleLR", func() Schedule { return NewOneCycleLR(0, 0) }},
	{"LinearLR", func() Schedule { return &LinearLR{StartFactor: 1. / 3, EndFactor: 1, TotalIters: 5} }},
	{"ConstantLR", func() Schedule { return &ConstantLR{Factor: 1. / 3, TotalIters: 5} }},
	{"PolynomialLR", func() Schedule { return &PolynomialLR{TotalIters: 5, Power: 1} }},
	{"ReduceLROnPlateau", func() Schedule { return NewReduceLROnPlateau() }},
}

// FindSchedule returns the schedule's line of the table, or an error that lists
// the names there are.
func FindSchedule(name string) (ScheduleKind, error) {
	names := ""
	for _, k := range Schedules {
		if k.Name == name {
			return k, nil
		}
		names += " " + k.Name
	}
	return ScheduleKind{}, fmt.Errorf("there is no schedule %q; there are:%s", name, names)
}

// Scheduler sets the learning rate of an optimizer, and where the schedule says
// so its momentum, for each step.
type Scheduler struct {
	schedule Schedule
	base     float64
	rate     *float64
	momentum *float64 // nil where the schedule leaves it
	old      float64  // the momentum of before
}

// NewScheduler returns a Scheduler of the optimizer, whose present learning rate
// is the base of the schedule. It refuses a schedule of the momentum for an
// optimizer that has none, as PyTorch does.
func NewScheduler(optimizer Optimizer, schedule Schedule) (*Scheduler, error) {
	if err := schedule.Check(); err != nil {
		return nil, err
	}
	s := &Scheduler{schedule: schedule}
	var momentum *float64
	for _, setting := range optimizer.Settings() {
		switch v := setting.Value.(type) {
		case *float64:
			switch setting.Name {
			case "lr":
				s.rate, s.base = v, *v
			case "momentum":
				momentum = v
			}
		case *[2]float64:
			if setting.Name == "betas" {
				momentum = &v[0]
			}
		}
	}
	if s.rate == nil {
		return nil, fmt.Errorf("optim: %T has no setting lr that a schedule could set", optimizer)
	}
	if m, ok := schedule.(MomentumSchedule); ok {
		if first, sets := m.Momentum(0); sets {
			if momentum == nil {
				return nil, fmt.Errorf("optim: %T moves the momentum, and %T has none; set cycle_momentum to false", schedule, optimizer)
			}
			slots, old := optimizer.Slots(), *momentum
			*momentum = first
			changes := optimizer.Slots() != slots
			*momentum = old
			if changes {
				return nil, fmt.Errorf("optim: %T moves the momentum, and %T was made without one; give it a momentum above 0, or set cycle_momentum to false", schedule, optimizer)
			}
			s.momentum, s.old = momentum, *momentum
		}
	}
	return s, nil
}

// Set sets the optimizer up for a step, the first being 0.
func (s *Scheduler) Set(step int) {
	*s.rate = s.schedule.Rate(s.base, step)
	if s.momentum != nil {
		*s.momentum, _ = s.schedule.(MomentumSchedule).Momentum(step)
	}
}

// Reset gives the optimizer the rate and the momentum that it had when the
// Scheduler was made.
func (s *Scheduler) Reset() {
	*s.rate = s.base
	if s.momentum != nil {
		*s.momentum = s.old
	}
}

// SetLength sets the length of a schedule that has none yet, of its settings
// total_steps and T_max that which is 0, to so many steps: those of the whole
// training, mostly.
func SetLength(s Schedule, steps int) {
	for _, setting := range s.Settings() {
		if n, ok := setting.Value.(*int); ok && *n == 0 && (setting.Name == "total_steps" || setting.Name == "T_max") {
			*n = steps
		}
	}
}

// Rate returns the optimizer's present learning rate.
func (s *Scheduler) Rate() float64 { return *s.rate }

// wantPositive refuses a factor that is not above 0.
func wantPositive(schedule, name string, value float64) error {
	if !(value > 0) || math.IsInf(value, 1) {
		return fmt.Errorf("optim: %s has %s of %v; it must be a number above 0", schedule, article(name), value)
	}
	return nil
}

// wantCount refuses a number of steps below least.
func wantCount(schedule, name string, value, least int) error {
	if value < least {
		return fmt.Errorf("optim: %s has %s of %d; it must be at least %d", schedule, article(name), value, least)
	}
	return nil
}

// SequentialLR is one schedule after another: the second begins, with its step
// 0, at the first milestone, and so on.
type SequentialLR struct {
	Schedules  []Schedule
	Milestones []int // one fewer than Schedules, in ascending order
}

// Rate returns the rate of the schedule whose turn it is.
func (s *SequentialLR) Rate(base float64, step int) float64 {
	n, start := 0, 0
	for n < len(s.Milestones) && step >= s.Milestones[n] {
		start = s.Milestones[n]
		n++
	}
	return s.Schedules[n].Rate(base, step-start)
}

// Check wants one milestone fewer than schedules, in ascending order.
func (s *SequentialLR) Check() error {
	if len(s.Schedules) == 0 || len(s.Milestones) != len(s.Schedules)-1 {
		return fmt.Errorf("optim: SequentialLR has %d schedules and %d milestones; there must be one milestone fewer than schedules", len(s.Schedules), len(s.Milestones))
	}
	if !slices.IsSorted(s.Milestones) {
		return fmt.Errorf("optim: SequentialLR has milestones %v; they must ascend", s.Milestones)
	}
	return checkAll("SequentialLR", s.Schedules)
}

// Settings lists milestones and the settings of each schedule, with its number
// before it: "0.gamma".
func (s *SequentialLR) Settings() []Setting {
	return append([]Setting{{"milestones", "the steps at which the next schedule begins", &s.Milestones}}, numbered(s.Schedules)...)
}

// ChainedScheduler multiplies the rates of its schedules, each as a factor of
// the base: a warm-up over a decay, say. Schedules whose rates are not in
// proportion to the base, OneCycleLR and ReduceLROnPlateau, do not belong in one.
type ChainedScheduler struct{ Schedules []Schedule }

// Rate returns base times the factors of all schedules.
func (c *ChainedScheduler) Rate(base float64, step int) float64 {
	rate := base
	for _, s := range c.Schedules {
		rate *= s.Rate(base, step) / base
	}
	if base == 0 {
		return 0
	}
	return rate
}

// Check wants at least one schedule, and none that moves away from the base.
func (c *ChainedScheduler) Check() error {
	if len(c.Schedules) == 0 {
		return fmt.Errorf("optim: ChainedScheduler has no schedule")
	}
	for _, s := range c.Schedules {
		switch s.(type) {
		case *OneCycleLR, *ReduceLROnPlateau:
			return fmt.Errorf("optim: ChainedScheduler has a %T, whose rates are no factors of the base", s)
		}
	}
	return checkAll("ChainedScheduler", c.Schedules)
}

// Settings lists the settings of each schedule, with its number before it.
func (c *ChainedScheduler) Settings() []Setting { return numbered(c.Schedules) }

func checkAll(name string, schedules []Schedule) error {
	for i, s := range schedules {
		if s == nil {
			return fmt.Errorf("optim: schedule %d of %s is nil", i, name)
		}
		if err := s.Check(); err != nil {
			return err
		}
	}
	return nil
}

func numbered(schedules []Schedule) []Setting {
	var list []Setting
	for i, s := range schedules {
		for _, setting := range s.Settings() {
			setting.Name = fmt.Sprintf("%d.%s", i, setting.Name)
			list = append(list, setting)
		}
	}
	return list
}

// LambdaLR is a schedule given as a function: the base times what it returns for
// the step.
type LambdaLR func(step int) float64

// Rate returns base times the function's value.
func (l LambdaLR) Rate(base float64, step int) float64 { return base * l(step) }

// Check wants a function.
func (l LambdaLR) Check() error {
	if l == nil {
		return fmt.Errorf("optim: LambdaLR is nil")
	}
	return nil
}

// Settings is empty.
func (l LambdaLR) Settings() []Setting { return nil }

// wantUpToOne refuses what is not in [0, 1].
func wantUpToOne(schedule, name string, value float64) error {
	if !(value >= 0 && value <= 1) {
		return fmt.Errorf("optim: %s has %s of %v; it must be from 0 to 1", schedule, article(name), value)
	}
	return nil
}
