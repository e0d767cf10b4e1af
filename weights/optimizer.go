package weights

import (
	"strings"

	"inkling/weights/pth"
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
	// Average is an average of the network's weights that is kept beside them, under
	// the names of the state dict; a file of PyTorch has it as ema_state_dict.
	Average []Tensor
}

// ParameterGroup is some parameters with the optimizer's settings for them.
type ParameterGroup = pth.ParameterGroup

// SaveCheckpoint saves, as Save does, the state of a network and that of an
// optimizer, from which PyTorch goes on training:
//
//	checkpoint = torch.load(path)
//	net.load_state_dict(checkpoint["model_state_dict"])
//	optimizer.load_state_dict(checkpoint["optimizer_state_dict"])
//
// Load takes the network's state from such a file. Only .pth and .pt have room
// for an optimizer.
func SaveCheckpoint[E Entry](path string, state []E, optimizer *Optimizer, metadata ...Metadata) error {
	tensors, err := tensorsOf(path, state)
	if err != nil {
		return err
	}
	return writeFile(path, tensors, optimizer, metadata)
}

func (o *Optimizer) toPyTorch() (*pth.Optimizer, error) {
	out := &pth.Optimizer{Groups: o.Groups, State: map[int]map[string]pth.Tensor{}, Numbers: o.Numbers}
	for n, tensors := range o.State {
		kept := map[string]pth.Tensor{}
		for name, t := range tensors {
			t.Name = name
			tensor, err := t.toPyTorch()
			if err != nil {
				return nil, err
			}
			kept[name] = tensor
		}
		out.State[n] = kept
	}
	for _, t := range o.Average {
		tensor, err := t.toPyTorch()
		if err != nil {
			return nil, err
		}
		out.Average = append(out.Average, tensor)
	}
	return out, nil
}

// averageKey is where an average of the weights lies in a checkpoint.
const averageKey = "ema_state_dict."

// optimizerOf returns an optimizer whose tensors are among the others of its
// file, nil if one is not.
func optimizerOf(in *pth.Optimizer, others []Tensor) *Optimizer {
	if in == nil {
		return nil
	}
	found := make(map[string]*Tensor, len(others))
	o := &Optimizer{Groups: in.Groups, State: make(map[int]map[string]Tensor, len(in.State)), Numbers: in.Numbers}
	for i, t := range others {
		found[t.Name] = &others[i]
		if name, ok := strings.CutPrefix(t.Name, averageKey); ok {
			t.Name = name
			o.Average = append(o.Average, t)
		}
	}
	for n, tensors := range in.State {
		kept := make(map[string]Tensor, len(tensors))
		for name, t := range tensors {
			other := found[t.Name]
			if other == nil {
				return nil
			}
			kept[name] = *other
		}
		o.State[n] = kept
	}
	return o
}
