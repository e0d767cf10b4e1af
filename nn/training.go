package nn

import (
	"errors"
	"fmt"
	"path"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
)

// Training says how a network is trained. CompileTrain makes the simplest.
type Training struct {
	Network Network
	Loss    Loss

	// Optimizer changes the parameters that are in none of the Groups. Without it
	// every parameter must be in one, or frozen.
	Optimizer Optimizer
	// Groups are parameters with an optimizer, or with settings, of their own. No
	// parameter may be in two.
	Groups []Group
	// Freeze names the parameters that are not trained: their gradients are not
	// computed. They are patterns as in Group. A frozen BatchNorm still takes its
	// statistics from the batch and follows them, as in PyTorch, unless FrozenAsEval is
	// set; AsEval is how any part of a network runs as at eval.
	Freeze []string
	// FrozenAsEval runs what is frozen as at eval: a BatchNorm whose parameters are all
	// frozen uses its running statistics and leaves them alone, and a dropout whose
	// results only layers with frozen parameters read does nothing.
	FrozenAsEval bool

	// Accumulate, if above 1, has so many Steps make one update: their gradients
	// are added up, each divided by Accumulate, as of a loss that is divided so.
	// The update is that of the batch of all examples, within rounding, if the
	// Steps have equally many and the operations treat examples as independent;
	// a BatchNorm sees the examples of one Step. Random numbers, as of dropout,
	// are those of the large batch.
	Accumulate int
	// ClipValue, if above 0, limits every element of the gradients to
	// -ClipValue..ClipValue, as torch.nn.utils.clip_grad_value_.
	ClipValue float64
	// ClipNorm, if above 0, multiplies all gradients by ClipNorm/(norm+1e-6) if that
	// is below 1, where norm is that of all of them as one vector, as
	// torch.nn.utils.clip_grad_norm_; of the gradients that ClipValue left. A norm
	// that is NaN makes all weights NaN, as there.
	ClipNorm float64
	// Average, if not nil, keeps an average of the weights; see Averaged.
	Average *Average

	forwardOnly bool // nothing is trained; what the network computes is wanted
}

// Group is some of a network's parameters and what changes them.
type Group struct {
	// Params are names of parameters as in the state dict, or patterns as of
	// path.Match: "fc.weight", "*.bias", "layers.0.*".
	Params []string
	// Match, if not nil, chooses more parameters by name and shape.
	Match func(name string, shape []int) bool
	// Optimizer is the group's own; it may be another one's for several groups,
	// with the same settings then.
	Optimizer Optimizer
}

// Average is an exponential moving average of the weights: after each update
// average = Decay*average + (1-Decay)*weight, and after the first one the weights
// themselves, as torch.optim.swa_utils.AveragedModel with that as its avg_fn.
type Average struct {
	Decay float64
	// Buffers has running statistics averaged likewise, as AveragedModel with
	// use_buffers and timm's ModelEmaV2; otherwise they are copied from the network,
	// as by AveragedModel from PyTorch 2.0 on. Whole numbers, such as
	// num_batches_tracked, are always copied (PyTorch averages them and rounds down).
	Buffers bool
}

// trainingState is what programs of one training share: all that outlives a step.
type trainingState struct {
	steps    int // updates done
	pending  int // steps since the last update
	before   int // their examples
	averaged int // updates that the average has seen
	params   map[*Param]*parameterState
	buffers  map[*Buffer][]float32 // averages

	arena []float32     // of the values of all programs, which run in turns
	owner *TrainProgram // that ran last
	hold  bool          // see SetHold

	cancellable bool // see SetCancellable
	cancel      atomic.Bool
}

// parameterState is what a training keeps of a parameter. Its arrays are stored as
// the parameter is, but for the slots of an optimizer that wants it as a whole,
// which are in PyTorch's order.
type parameterState struct {
	steps    int         // updates of this parameter
	gradient []float32   // once it is asked for
	slots    [][]float32 // of the optimizer
	average  []float32   // of the weights, if wanted
}

// Compile traces the network and returns a program that trains it. Errors name
// the layer, the parameter or the setting that does not fit.
func (t Training) Compile() (*TrainProgram, error) {
	return t.compile(&trainingState{params: map[*Param]*parameterState{}, buffers: map[*Buffer][]float32{}})
}

func (t Training) compile(state *trainingState) (*TrainProgram, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	named := namedParams(t.Network.Module)
	frozen, optimizers, groups, err := t.assign(named)
	if err != nil {
		return nil, err
	}
	forward := func(x []*Value) []*Value {
		x[0].graph.frozenParams, x[0].graph.frozenAsEval = frozen, t.FrozenAsEval
		return t.Network.Forward(x)
	}
	g, err := traceAll(t.Network.Module, t.Network.Inputs, forward, true, t.Loss)
	if err != nil {
		return nil, err
	}
	g.convolutions = t.Network.Convolutions
	g.silenceFrozen()
	p := &TrainProgram{training: t, state: state, named: named, groups: groups, optimizers: optimizers, output: g.output().shape, classes: g.output().shape[1:].Elements()}
	p.chunk = trainingChunk
	p.plan = newPlan(g, paramNames(t.Network.Module), shardsOf(g.batch), true)
	if err := p.build(); err != nil {
		return nil, err
	}
	if err := p.prepareUpdates(); err != nil {
		return nil, err
	}
	p.SetWorkers(runtime.GOMAXPROCS(0))
	return p, nil
}

// check looks at the settings.
func (t *Training) check() error {
	if isNil(t.Loss) {
		return errors.New("nn: CompileTrain got no loss: give one, such as nn.CrossEntropy{}")
	}
	if isNil(t.Optimizer) && len(t.Groups) == 0 {
		return errors.New("nn: CompileTrain got no optimizer: give one, such as &optim.SGD{LR: 0.01, Momentum: 0.9}")
	}
	settings := []any{t.Loss}
	if !isNil(t.Optimizer) {
		settings = append(settings, t.Optimizer)
	}
	for i, g := range t.Groups {
		if isNil(g.Optimizer) {
			return fmt.Errorf("nn: group %d has no optimizer", i)
		}
		settings = append(settings, g.Optimizer)
	}
	for _, s := range settings {
		if c, ok := s.(interface{ Check() error }); ok {
			if err := c.Check(); err != nil {
				return fmt.Errorf("nn: %w", err)
			}
		}
	}
	if t.Accumulate < 0 {
		return fmt.Errorf("nn: Accumulate is %d; it must be 0 or more", t.Accumulate)
	}
	for name, v := range map[string]float64{"ClipValue": t.ClipValue, "ClipNorm": t.ClipNorm} {
		if !(v >= 0) {
			return fmt.Errorf("nn: %s is %v; it must be a number of 0 or more", name, v)
		}
	}
	if a := t.Average; a != nil && !(a.Decay >= 0 && a.Decay <= 1) {
		return fmt.Errorf("nn: the Decay of the average is %v; it must be from 0 to 1", a.Decay)
	}
	return nil
}

// isNil reports whether an interface holds nothing, or a nil pointer.
func isNil(v any) bool {
	if v == nil {
		return true
	}
	r := reflect.ValueOf(v)
	return r.Kind() == reflect.Pointer && r.IsNil()
}

// namedParam is a parameter and its first name.
type namedParam struct {
	name  string
	param *Param
}

// namedParams returns every parameter of a module once, in the order of the fields.
func namedParams(module any) (list []namedParam) {
	seen := map[*Param]bool{}
	walkState(module, func(name string, p *Param, _ *Buffer) {
		if p != nil && p.data != nil && !seen[p] {
			seen[p] = true
			list = append(list, namedParam{name, p})
		}
	})
	return list
}

// assign finds out which parameters are frozen, the optimizer of each other, and the
// group that it is in, if it is in one.
func (t *Training) assign(named []namedParam) (frozen map[*Param]bool, optimizers map[*Param]Optimizer, group map[*Param]int, err error) {
	frozen, optimizers, group = map[*Param]bool{}, map[*Param]Optimizer{}, map[*Param]int{}
	mark := func(patterns []string, what string, found func(n namedParam) error) error {
		for _, pattern := range patterns {
			matches := 0
			for _, n := range named {
				ok, err := path.Match(pattern, n.name)
				if err != nil {
					return fmt.Errorf("nn: the pattern %q of %s is not one: %w", pattern, what, err)
				}
				if ok {
					matches++
					if err := found(n); err != nil {
						return err
					}
				}
			}
			if matches == 0 {
				return fmt.Errorf("nn: no parameter is called %s, as %s wants; there are %s", pattern, what, namesOf(named))
			}
		}
		return nil
	}
	if err := mark(t.Freeze, "Freeze", func(n namedParam) error { frozen[n.param] = true; return nil }); err != nil {
		return nil, nil, nil, err
	}
	for i, g := range t.Groups {
		join := func(n namedParam) error {
			if other, taken := group[n.param]; taken && other != i {
				return fmt.Errorf("nn: the parameter %s is in the groups %d and %d; it can be in one only", n.name, other, i)
			}
			group[n.param], optimizers[n.param] = i, g.Optimizer
			return nil
		}
		if err := mark(g.Params, fmt.Sprintf("group %d", i), join); err != nil {
			return nil, nil, nil, err
		}
		for _, n := range named {
			if g.Match != nil && g.Match(n.name, n.param.shape) {
				if err := join(n); err != nil {
					return nil, nil, nil, err
				}
			}
		}
	}
	var left []namedParam
	for _, n := range named {
		if optimizers[n.param] == nil && !isNil(t.Optimizer) {
			optimizers[n.param] = t.Optimizer
		}
		if optimizers[n.param] == nil && !frozen[n.param] {
			left = append(left, n)
		}
		if whole, ok := optimizers[n.param].(WholeTensorOptimizer); ok && !frozen[n.param] {
			if err := whole.CheckShape(n.param.shape); err != nil {
				return nil, nil, nil, fmt.Errorf("nn: the parameter %s: %w", n.name, err)
			}
		}
	}
	if len(left) > 0 {
		return nil, nil, nil, fmt.Errorf("nn: no group has the parameters %s: put them into one, into Freeze, or give an Optimizer for the rest", namesOf(left))
	}
	return frozen, optimizers, group, nil
}

// namesOf names parameters, a few of many.
func namesOf(list []namedParam) string {
	const most = 12
	var names []string
	for _, n := range list[:min(len(list), most)] {
		names = append(names, n.name)
	}
	text := strings.Join(names, ", ")
	if len(list) > most {
		text += fmt.Sprintf(" and %d more", len(list)-most)
	}
	return text
}

// ForShape returns a program for other inputs of the same network, such as larger
// pictures or a smaller batch: inputs are their shapes and types, as in
// Network.Inputs. Both train the same weights, with the same steps, optimizer
// state, kept gradients and average, in turns, and share the memory for values: a
// Forward is followed by its own Loss and Backward before another program runs.
func (p *TrainProgram) ForShape(inputs ...Spec) (*TrainProgram, error) {
	t := p.training
	t.Network.Inputs = inputs
	return p.again(t)
}

// Freezing returns a program that goes on with the training of this one with other
// parameters frozen, in place of those that were: names or patterns as in
// Training.Freeze, or none. A parameter that was never trained before starts with
// an optimizer state of zero and its first step; one that was frozen in between
// goes on with the state it had, as in PyTorch.
func (p *TrainProgram) Freezing(patterns ...string) (*TrainProgram, error) {
	t := p.training
	t.Freeze = slices.Clone(patterns)
	return p.again(t)
}

func (p *TrainProgram) again(t Training) (*TrainProgram, error) {
	q, err := t.compile(p.state)
	if err != nil {
		return nil, err
	}
	q.plan.seed = p.plan.seed
	q.SetWorkers(p.workers)
	return q, nil
}
