package pth

import (
	"maps"
	"slices"
)

// Optimizer is the state of an optimizer, as its state_dict() in PyTorch has it.
// Parameters have numbers there, from 0 in the order of the network's.
type Optimizer struct {
	// Groups are the groups of parameters that have settings of their own;
	// mostly there is one.
	Groups []ParameterGroup
	// State holds the tensors that the optimizer keeps for a parameter, by the
	// parameter's number and their names: State[0]["momentum_buffer"].
	State map[int]map[string]Tensor
	// Numbers holds what it keeps that is no tensor, but a number, such as the "step"
	// of older versions of PyTorch.
	Numbers map[int]map[string]float64
	// Average is an average of the network's weights, which Write keeps beside them
	// under ema_state_dict; Read leaves it empty, and has it among File.Others.
	Average []Tensor
}

// ParameterGroup is some parameters with the optimizer's settings for them.
type ParameterGroup struct {
	// Settings are under PyTorch's names, such as "lr" and "momentum". They are
	// float64, int64, bool, string, []float64 for a tuple of numbers, such as
	// "betas", or nil for None.
	Settings map[string]any
	// Parameters are the numbers of the group's parameters.
	Parameters []int
}

// The keys of a checkpoint and of an optimizer's state_dict(), as the tutorials
// of PyTorch have them and torch.optim.Optimizer.
const (
	modelKey      = "model_state_dict"
	optimizerKey  = "optimizer_state_dict"
	stateKey      = "state"
	groupsKey     = "param_groups"
	parametersKey = "params"
	averageKey    = "ema_state_dict"
)

// optimizerKeys are the keys under which checkpoints usually keep an optimizer.
var optimizerKeys = []string{optimizerKey, "optimizer", "optim_state_dict", "optim", "opt"}

// isOptimizer tells whether a dict looks like the state_dict() of an optimizer.
func isOptimizer(d *dict) bool {
	_, isState := d.get(stateKey).(*dict)
	_, isList := d.get(groupsKey).(*list)
	return isState && isList
}

// findOptimizer returns the optimizer of a checkpoint, nil if there is none, or
// one that is not as PyTorch's are.
func (w *walker) findOptimizer(value any) (*Optimizer, error) {
	top, ok := value.(*dict)
	if !ok {
		return nil, nil
	}
	for _, key := range optimizerKeys {
		d, _ := top.get(key).(*dict)
		if d == nil {
			continue
		}
		state, isState := d.get(stateKey).(*dict)
		groups, isList := d.get(groupsKey).(*list)
		if isState && isList {
			return w.optimizer(key+"."+stateKey+".", state, groups)
		}
	}
	return nil, nil
}

// get returns the value of a key, nil if there is none.
func (d *dict) get(key string) any {
	d.budget.Work(len(d.entries))
	for _, e := range d.entries {
		if e.key == key {
			return e.value
		}
	}
	return nil
}

func (w *walker) optimizer(path string, state *dict, groups *list) (*Optimizer, error) {
	o := &Optimizer{State: map[int]map[string]Tensor{}, Numbers: map[int]map[string]float64{}}
	for _, item := range groups.items {
		d, isDict := item.(*dict)
		if !isDict {
			return nil, nil
		}
		numbers, isList := d.get(parametersKey).(*list)
		if !isList {
			return nil, nil
		}
		if err := w.spend(int64(2*visitCost*(1+len(d.entries)) + 8*len(numbers.items))); err != nil {
			return nil, err
		}
		group := ParameterGroup{Settings: map[string]any{}, Parameters: make([]int, 0, len(numbers.items))}
		for _, number := range numbers.items {
			n, isInt := number.(int64)
			if !isInt || int64(int(n)) != n {
				return nil, nil
			}
			group.Parameters = append(group.Parameters, int(n))
		}
		for _, e := range d.entries {
			name, isName := e.key.(string)
			if !isName {
				continue
			}
			switch value := e.value.(type) {
			case nil, bool, int64, float64, string:
				group.Settings[name] = value
			case *tuple:
				if err := w.spend(int64(8 * len(value.items))); err != nil {
					return nil, err
				}
				if numbers, ok := numbersOf(value.items); ok {
					group.Settings[name] = numbers
				}
			}
		}
		o.Groups = append(o.Groups, group)
	}
	for _, e := range state.entries {
		n, isInt := e.key.(int64)
		slots, isDict := e.value.(*dict)
		if !isInt || !isDict || int64(int(n)) != n {
			return nil, nil
		}
		if err := w.spend(int64(3 * visitCost * (1 + len(slots.entries)))); err != nil {
			return nil, err
		}
		kept := map[string]Tensor{}
		for _, s := range slots.entries {
			if s.named() {
				t := *s.value.(*Tensor)
				t.Name = path + keyText(n) + "." + s.key.(string)
				kept[s.key.(string)] = t
				continue
			}
			name, isName := s.key.(string)
			if number, ok := numberOf(s.value); ok && isName {
				if o.Numbers[int(n)] == nil {
					o.Numbers[int(n)] = map[string]float64{}
				}
				o.Numbers[int(n)][name] = number
			}
		}
		o.State[int(n)] = kept
	}
	return o, nil
}

func numberOf(value any) (number float64, ok bool) {
	switch v := value.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

func numbersOf(items []any) (list []float64, ok bool) {
	for _, item := range items {
		number, ok := numberOf(item)
		if !ok {
			return nil, false
		}
		list = append(list, number)
	}
	return list, true
}

// optimizer writes an optimizer's state.
func (p *pickler) optimizer(o *Optimizer) error {
	p.op(opEmptyDict, opMark)
	p.text(stateKey)
	p.op(opEmptyDict, opMark)
	parameters := maps.Clone(o.State)
	for n := range o.Numbers {
		if parameters[n] == nil {
			if parameters == nil {
				parameters = map[int]map[string]Tensor{}
			}
			parameters[n] = nil
		}
	}
	for _, n := range slices.Sorted(maps.Keys(parameters)) {
		p.int(n)
		p.op(opEmptyDict, opMark)
		for _, name := range slices.Sorted(maps.Keys(o.Numbers[n])) {
			if err := p.name(name); err != nil {
				return err
			}
			p.float(o.Numbers[n][name])
		}
		for _, name := range slices.Sorted(maps.Keys(o.State[n])) {
			if err := p.name(name); err != nil {
				return err
			}
			t := o.State[n][name]
			if err := p.tensor(&t); err != nil {
				return err
			}
		}
		p.op(opSetItems)
	}
	p.op(opSetItems)
	p.text(groupsKey)
	p.op(opEmptyList, opMark)
	for _, group := range o.Groups {
		p.op(opEmptyDict, opMark)
		for _, name := range slices.Sorted(maps.Keys(group.Settings)) {
			if err := p.name(name); err != nil {
				return err
			}
			if err := p.setting(name, group.Settings[name]); err != nil {
				return err
			}
		}
		p.text(parametersKey)
		p.op(opEmptyList, opMark)
		for _, n := range group.Parameters {
			p.int(n)
		}
		p.op(opAppends, opSetItems)
	}
	p.op(opAppends, opSetItems)
	return nil
}
