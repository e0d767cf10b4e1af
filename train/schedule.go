package train

import (
	"fmt"

	"inkling/optim"
)

// observer is a schedule that follows measurements.
type observer interface{ Observe(metric float64) }

// scheduler returns what sets the optimizer's rate.
func scheduler(c *Config) (*optim.Scheduler, error) {
	optimizer, ok := c.Optimizer.(optim.Optimizer)
	if !ok {
		return nil, fmt.Errorf("train: Config.Schedule needs an optimizer that says where its learning rate is, as those of package optim do; %T does not", c.Optimizer)
	}
	s, err := optim.NewScheduler(optimizer, c.Schedule)
	if err != nil {
		return nil, fmt.Errorf("train: Config.Schedule: %w", err)
	}
	return s, nil
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
