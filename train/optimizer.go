package train

import (
	"fmt"
	"reflect"
	"slices"

	"inkling/internal/wording"
	"inkling/nn"
	"inkling/optim"
	"inkling/weights"
)

// stepName is what PyTorch calls the number of updates that a parameter has had.
const stepName = "step"

// OptimizerState returns the state of a program's optimizers, as PyTorch's
// optimizer.state_dict() has it, for weights.SaveCheckpoint: a param_group for each
// group of the training, in their order and last the parameters that are in none, each
// with the parameters in the order of the state dict; and the average of the weights, if
// the training keeps one. It panics unless the optimizers
// are an optim.Optimizer.
func OptimizerState(program *nn.TrainProgram) *weights.Optimizer {
	out := &weights.Optimizer{State: map[int]map[string]weights.Tensor{}}
	number := 0
	for _, parameters := range program.ParameterGroups() {
		group := weights.ParameterGroup{Settings: map[string]any{"maximize": false, "foreach": nil, "differentiable": false}}
		for i, p := range parameters {
			o, kind, err := described(p.Optimizer)
			if err != nil {
				panic("train: " + err.Error())
			}
			if i == 0 {
				for _, s := range o.Settings() {
					group.Settings[s.Name] = settingValue(s)
				}
				if kind.KeepsStep {
					group.Settings["capturable"] = false
				}
			}
			if kept := slotsOf(o, kind, p); len(kept) > 0 {
				out.State[number] = kept
			}
			group.Parameters = append(group.Parameters, number)
			number++
		}
		out.Groups = append(out.Groups, group)
	}
	for _, e := range program.Averaged() {
		out.Average = append(out.Average, weights.TensorOf(e))
	}
	return out
}

// described returns an optimizer that describes itself and its line of the table.
func described(o nn.Optimizer) (optim.Optimizer, optim.Kind, error) {
	d, ok := o.(optim.Optimizer)
	if ok {
		for _, kind := range optim.Table {
			if reflect.TypeOf(kind.New()) == reflect.TypeOf(o) {
				return d, kind, nil
			}
		}
	}
	return nil, optim.Kind{}, fmt.Errorf("the optimizer %T is none of package optim, so its state cannot be saved or restored", o)
}

func settingValue(s optim.Setting) any {
	switch v := s.Value.(type) {
	case *float64:
		return *v
	case *[2]float64:
		return slices.Clone(v[:])
	case *int:
		return int64(*v)
	case *bool:
		return *v
	}
	return s.String()
}

// slotsOf returns what an optimizer keeps for a parameter, nothing before the first
// update.
func slotsOf(o optim.Optimizer, kind optim.Kind, p nn.ParameterState) map[string]weights.Tensor {
	if p.Steps == 0 || sgdWithoutMomentum(o) {
		return nil
	}
	kept := map[string]weights.Tensor{}
	for i, name := range o.SlotNames() {
		kept[name] = weights.TensorOf(p.Slots[i])
	}
	if kind.KeepsStep {
		kept[stepName] = weights.NewTensor(stepName, nil, []float32{float32(p.Steps)})
	}
	return kept
}

// sgdWithoutMomentum reports whether PyTorch keeps nothing for the optimizer.
func sgdWithoutMomentum(o optim.Optimizer) bool {
	s, ok := o.(*optim.SGD)
	return ok && s.Momentum == 0
}

// restored is what a checkpoint has for a group.
type restored struct {
	optimizer, copy optim.Optimizer
	tensors         map[string][]weights.Tensor // by the slot's name, under the parameters' names
	entries         map[string][]nn.Entry
	steps           []int
	parameters      []nn.ParameterState
}

// RestoreOptimizer makes the optimizers of a program go on where a checkpoint's were,
// Inkling's or PyTorch's: it sets their settings, what they keep of every parameter and
// the numbers of its updates. The groups must be those of the training, as
// OptimizerState numbers them. A parameter of which the checkpoint has nothing had no
// update yet. Path stands for the file in errors, which list every tensor that does not
// fit. Whatever the error, nothing has changed.
func RestoreOptimizer(path string, optimizer *weights.Optimizer, program *nn.TrainProgram) error {
	groups := program.ParameterGroups()
	if optimizer == nil || len(optimizer.Groups) == 0 {
		return fmt.Errorf("%s has no state of an optimizer; give a checkpoint of Inkling, or of PyTorch with optimizer.state_dict() under optimizer_state_dict", path)
	}
	if len(optimizer.Groups) != len(groups) {
		return fmt.Errorf("%s: the optimizer has %s, the training %d", path, wording.Number(len(optimizer.Groups), "param_group"), len(groups))
	}
	var list []*restored
	number := 0
	for i, parameters := range groups {
		in := optimizer.Groups[i]
		if len(in.Parameters) != len(parameters) {
			return fmt.Errorf("%s: group %d of the optimizer is of %s, that of the training of %d", path, i, wording.Number(len(in.Parameters), "parameter"), len(parameters))
		}
		for k, n := range in.Parameters {
			if n != number+k {
				return fmt.Errorf("%s: group %d of the optimizer numbers its parameters %v; wanted %d and so on", path, i, in.Parameters, number)
			}
		}
		if len(parameters) == 0 {
			continue
		}
		r, err := restoreGroup(path, optimizer, in.Settings, number, parameters)
		if err != nil {
			return err
		}
		list = append(list, r)
		number += len(parameters)
	}
	if err := shareSettings(path, list); err != nil {
		return err
	}
	if err := restoreAverage(path, optimizer, program); err != nil {
		return err
	}
	for _, dry := range []bool{true, false} {
		for _, r := range list {
			if err := r.write(path, dry); err != nil {
				return err
			}
		}
	}
	steps := 0
	for _, r := range list {
		for _, n := range r.steps {
			steps = max(steps, n)
		}
	}
	program.SetSteps(steps)
	for _, r := range list {
		for i, p := range r.parameters {
			p.SetSteps(r.steps[i])
		}
		reflect.ValueOf(r.optimizer).Elem().Set(reflect.ValueOf(r.copy).Elem())
	}
	return nil
}

// restoreAverage sets the average of the weights, if the training keeps one.
func restoreAverage(path string, optimizer *weights.Optimizer, program *nn.TrainProgram) error {
	averages := program.Averaged()
	if averages == nil {
		return nil
	}
	if len(optimizer.Average) == 0 {
		return fmt.Errorf("%s has no average of the weights (ema_state_dict), which the training is to go on with", path)
	}
	return weights.Restore(path+" (the average of the weights)", &weights.File{Tensors: optimizer.Average}, averages)
}

// shareSettings refuses groups that have one optimizer here and several settings there.
func shareSettings(path string, list []*restored) error {
	for i, a := range list {
		for _, b := range list[:i] {
			if a.optimizer == b.optimizer && fmt.Sprint(texts(a.copy)) != fmt.Sprint(texts(b.copy)) {
				return fmt.Errorf("%s: groups that share an optimizer in the training have other settings there; give each its own", path)
			}
		}
	}
	return nil
}

func texts(o optim.Optimizer) (list []string) {
	for _, s := range o.Settings() {
		list = append(list, s.String())
	}
	return list
}

func restoreGroup(path string, in *weights.Optimizer, settings map[string]any, first int, parameters []nn.ParameterState) (*restored, error) {
	o, kind, err := described(parameters[0].Optimizer)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	r := &restored{optimizer: o, copy: kind.New(), tensors: map[string][]weights.Tensor{}, entries: map[string][]nn.Entry{}, parameters: parameters}
	reflect.ValueOf(r.copy).Elem().Set(reflect.ValueOf(o).Elem())
	for _, s := range r.copy.Settings() {
		if err := setSetting(s, settings[s.Name]); err != nil {
			return nil, fmt.Errorf("%s: the optimizer has %w, so it is not torch.optim.%s", path, err, kind.Class)
		}
	}
	if maximize, _ := settings["maximize"].(bool); maximize {
		return nil, fmt.Errorf("%s: the optimizer maximizes, which %s does not do here", path, kind.Class)
	}
	if err := r.copy.Check(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if r.copy.Slots() != o.Slots() {
		return nil, fmt.Errorf("%s: the optimizer keeps %v of a parameter, and the training was compiled for %v: give it the settings %v", path, r.copy.SlotNames(), o.SlotNames(), texts(r.copy))
	}
	for i, p := range parameters {
		kept := in.State[first+i]
		steps := 0
		switch {
		case len(kept) == 0:
		case !kind.KeepsStep:
			steps = 1 // the first step fills the slots, and is over
		default:
			step, ok := in.Numbers[first+i][stepName]
			if t, isTensor := kept[stepName]; isTensor && t.Len() == 1 {
				step, ok = float64(t.Float32s()[0]), true
			}
			if !ok || step < 0 || step != float64(int(step)) {
				return nil, fmt.Errorf("%s: the optimizer has no number of steps of %s, so it is not torch.optim.%s", path, p.Name, kind.Class)
			}
			steps = int(step)
		}
		if len(p.Slots) == 0 && steps > 0 {
			return nil, fmt.Errorf("%s: the optimizer has trained %s, which is frozen here: compile the training without freezing it, restore, and freeze it then", path, p.Name)
		}
		r.steps = append(r.steps, steps)
		if steps == 0 || sgdWithoutMomentum(r.copy) {
			continue
		}
		for slot, name := range r.copy.SlotNames() {
			r.entries[name] = append(r.entries[name], p.Slots[slot])
			if t, ok := kept[name]; ok {
				t.Name = p.Name
				r.tensors[name] = append(r.tensors[name], t)
			}
		}
	}
	return r, nil
}

// setSetting sets a setting from a file. A truth may be missing there, and so may a
// count, which stays.
func setSetting(s optim.Setting, value any) error {
	number, isNumber := value.(float64)
	if whole, ok := value.(int64); ok {
		number, isNumber = float64(whole), true
	}
	switch v := s.Value.(type) {
	case *float64:
		if !isNumber {
			return fmt.Errorf("no number %s", s.Name)
		}
		*v = number
	case *[2]float64:
		list, _ := value.([]float64)
		if len(list) != 2 {
			return fmt.Errorf("no pair of numbers %s", s.Name)
		}
		*v = [2]float64(list)
	case *int:
		if value == nil {
			return nil
		}
		if !isNumber || number != float64(int(number)) {
			return fmt.Errorf("no whole number %s", s.Name)
		}
		*v = int(number)
	case *bool:
		*v, _ = value.(bool)
	}
	return nil
}

// write writes what was restored, or finds out whether it can be written.
func (r *restored) write(path string, dry bool) error {
	for name, entries := range r.entries {
		if dry {
			copies := make([]nn.Entry, len(entries))
			for i, e := range entries {
				copies[i] = e.Clone()
			}
			entries = copies
		}
		if err := weights.Restore(fmt.Sprintf("%s (the optimizer's %s)", path, name), &weights.File{Tensors: r.tensors[name]}, entries); err != nil {
			return err
		}
	}
	for i, p := range r.parameters {
		for _, slot := range p.Slots {
			if r.steps[i] == 0 && !dry {
				slot.Write(make([]float32, nn.Shape(slot.Shape()).Elements()))
			}
		}
	}
	return nil
}
