package train

import (
	"fmt"
	"slices"

	"inkling/internal/wording"
	"inkling/nn"
	"inkling/optim"
	"inkling/weights"
)

// momentumBuffer is what torch.optim.SGD calls the tensors that it keeps.
const momentumBuffer = "momentum_buffer"

// SGDState returns the state of SGD in a program, as torch.optim.SGD's
// state_dict() has it, for weights.SaveCheckpoint. State is the network's, whose
// order numbers the parameters.
func SGDState(program *nn.TrainProgram, sgd *optim.SGD, state []nn.Entry) *weights.Optimizer {
	group := weights.ParameterGroup{Settings: map[string]any{
		"lr": sgd.LR, "momentum": sgd.Momentum, "dampening": sgd.Dampening, "weight_decay": sgd.WeightDecay, "nesterov": sgd.Nesterov,
		"maximize": false, "foreach": nil, "differentiable": false,
	}}
	kept := map[int]map[string]weights.Tensor{}
	buffers := map[string]nn.Entry{}
	if program.Steps() > 0 && sgd.Momentum != 0 {
		for _, e := range program.OptimizerState(0) {
			buffers[e.Name()] = e
		}
	}
	for n, parameter := range state {
		group.Parameters = append(group.Parameters, n)
		if e, ok := buffers[parameter.Name()]; ok {
			kept[n] = map[string]weights.Tensor{momentumBuffer: weights.TensorOf(e)}
		}
	}
	return &weights.Optimizer{Groups: []weights.ParameterGroup{group}, State: kept}
}

// RestoreSGD makes SGD in a program go on where a checkpoint's was: it sets the
// settings and the momentum buffers. Path stands for the file in errors, which
// list every buffer that does not fit. Whatever the error, nothing has changed.
func RestoreSGD(path string, optimizer *weights.Optimizer, program *nn.TrainProgram, sgd *optim.SGD, state []nn.Entry) error {
	if optimizer == nil || len(optimizer.Groups) != 1 {
		return fmt.Errorf("%s has no optimizer with one group of parameters; give a checkpoint of torch.optim.SGD's state_dict() or of Inkling", path)
	}
	group := optimizer.Groups[0]
	restored := *sgd
	for name, field := range map[string]*float64{
		"lr": &restored.LR, "momentum": &restored.Momentum, "dampening": &restored.Dampening, "weight_decay": &restored.WeightDecay,
	} {
		switch value := group.Settings[name].(type) {
		case float64:
			*field = value
		case int64:
			*field = float64(value)
		default:
			return fmt.Errorf("%s: the optimizer has no number %s, so it is not torch.optim.SGD", path, name)
		}
	}
	restored.Nesterov, _ = group.Settings["nesterov"].(bool)
	if maximize, _ := group.Settings["maximize"].(bool); maximize {
		return fmt.Errorf("%s: the optimizer maximizes, which SGD does not do here", path)
	}
	var numbers []int
	for n := range state {
		numbers = append(numbers, n)
	}
	if !slices.Equal(group.Parameters, numbers) {
		return fmt.Errorf("%s: the optimizer is of %s, the network has %d", path, wording.Number(len(group.Parameters), "parameter"), len(numbers))
	}
	var buffers []weights.Tensor
	for n, parameter := range state {
		if b, ok := optimizer.State[n][momentumBuffer]; ok {
			b.Name = parameter.Name()
			buffers = append(buffers, b)
		}
	}
	steps := 0
	if len(buffers) > 0 {
		if err := weights.Restore(path+" (momentum buffers)", &weights.File{Tensors: buffers}, program.OptimizerState(0)); err != nil {
			return err
		}
		steps = 1 // the first step fills the buffers, and is over
	}
	program.SetSteps(steps)
	*sgd = restored
	return nil
}
