package train

import (
	"fmt"

	"inkling/nn"
	"inkling/optim"
)

// observer is a schedule that follows measurements.
type observer interface{ Observe(metric float64) }

// schedulersOf returns what sets the optimizers' rates, in the order of the groups.
func schedulersOf(program *nn.TrainProgram, schedule optim.Schedule) (list []*optim.Scheduler, err error) {
	seen := map[optim.Optimizer]bool{}
	for _, group := range program.ParameterGroups() {
		for _, p := range group {
			optimizer, ok := p.Optimizer.(optim.Optimizer)
			if !ok {
				return nil, fmt.Errorf("train: Config.Schedule needs an optimizer that says where its learning rate is, as those of package optim do; %T does not", p.Optimizer)
			}
			if seen[optimizer] {
				continue
			}
			seen[optimizer] = true
			s, err := optim.NewScheduler(optimizer, schedule)
			if err != nil {
				return nil, fmt.Errorf("train: Config.Schedule: %w", err)
			}
			list = append(list, s)
		}
	}
	return list, nil
}

// schedule sets the rates of the batch to come.
func (t *training) schedule(epoch int) {
	for _, s := range t.schedulers {
		s.Set(t.step(epoch))
	}
}

// reset gives the optimizers the rates they had.
func (t *training) reset() {
	for _, s := range t.schedulers {
		s.Reset()
	}
}

// step is the number of the schedule's next step, from 0.
func (t *training) step(epoch int) int {
	if t.ScheduleBatches {
		return t.result.Steps
	}
	return epoch - 1
}

// observe lets a schedule that follows measurements have that of an epoch.
func (t *training) observe(epoch int) error {
	o, ok := t.Schedule.(observer)
	if !ok {
		return nil
	}
	metric := t.result.Loss
	if t.Measure != nil {
		var err error
		if metric, err = t.Measure(epoch); err != nil {
			return err
		}
	}
	o.Observe(metric)
	t.at.Measured = append(t.at.Measured, metric)
	return nil
}
