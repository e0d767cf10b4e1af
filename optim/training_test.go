package optim_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"inkling/nn"
	"inkling/optim"
)

// twoHeads is the network of testdata/training.py.
type twoHeads struct {
	FC1  nn.Linear
	Norm nn.BatchNorm1d
	FC2  nn.Linear
	Box  nn.Linear
}

func (n *twoHeads) network(batch int) nn.Network {
	return nn.Network{Module: n, Inputs: []nn.Spec{{Shape: nn.Shape{batch, 6}}}, Forward: func(x []*nn.Value) []*nn.Value {
		y := nn.ReLU(n.Norm.Forward(n.FC1.Forward(x[0])))
		return []*nn.Value{n.FC2.Forward(y), n.Box.Forward(y)}
	}}
}

// jointLoss is the loss that testdata/training.py calls joint.
func jointLoss(batch int) nn.Loss {
	return nn.NewLoss([]nn.Spec{{Shape: nn.Shape{batch}, Type: nn.Int32}, {Shape: nn.Shape{batch, 2}}}, func(outputs, targets []*nn.Value) *nn.Value {
		class := &nn.CrossEntropyLoss{ClassWeights: []float32{0.5, 1, 2}, LabelSmoothing: 0.1}
		return nn.Add(class.Forward(outputs[0], targets[0]), nn.Affine((&nn.SmoothL1Loss{}).Forward(outputs[1], targets[1]), 0.5, 0))
	})
}

type goldenTraining struct {
	Start  map[string][]float64
	X      [][]float32
	Labels [][]int32
	Some   [][]int32 `json:"ignored"`
	Boxes  [][]float32
	Cases  map[string]struct {
		Losses, Norms  []float64
		State, Average map[string][]float64
	}
}

func readTraining(t *testing.T) (g goldenTraining) {
	t.Helper()
	data, err := os.ReadFile("testdata/training.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

func (g *goldenTraining) net() *twoHeads {
	n := &twoHeads{FC1: nn.Linear{In: 6, Out: 8, NoBias: true}, Norm: nn.BatchNorm1d{Features: 8}, FC2: nn.Linear{In: 8, Out: 3}, Box: nn.Linear{In: 8, Out: 2}}
	nn.Init(n, rand.New(rand.NewPCG(1, 1)))
	for _, e := range nn.State(n) {
		var list []float32
		for _, v := range g.Start[e.Name()] {
			list = append(list, float32(v))
		}
		e.Write(list)
	}
	return n
}

// holds compares a state with PyTorch's.
func holds(t *testing.T, what string, state []nn.Entry, want map[string][]float64) {
	t.Helper()
	if len(state) != len(want) {
		t.Errorf("%s: %d tensors, PyTorch has %d", what, len(state), len(want))
	}
	var worst float64
	for _, e := range state {
		got := make([]float32, nn.Shape(e.Shape()).Elements())
		e.Read(got)
		for i, v := range got {
			diff := math.Abs(float64(v)-want[e.Name()][i]) / max(1, math.Abs(want[e.Name()][i]))
			if worst = max(worst, diff); !(diff <= 1e-5) {
				t.Errorf("%s: %s[%d] is %v, PyTorch has %v", what, e.Name(), i, v, want[e.Name()][i])
				break
			}
		}
	}
	t.Logf("%s: largest difference %.2g", what, worst)
}

// goldenTrainings are the cases of testdata/training.py.
var goldenTrainings = map[string]func(t *nn.Training){
	"plain": func(t *nn.Training) { t.Loss = nn.CrossEntropy{} },
	"joint": func(t *nn.Training) {},
	"groups": func(t *nn.Training) {
		t.Optimizer = nil
		t.Groups = []nn.Group{
			{Params: []string{"fc?.weight"}, Optimizer: &optim.SGD{LR: 0.05, Momentum: 0.9, WeightDecay: 0.1, Nesterov: true}},
			{Params: []string{"fc?.bias"}, Match: func(name string, _ []int) bool { return strings.HasPrefix(name, "norm.") }, Optimizer: &optim.SGD{LR: 0.2, Momentum: 0.9, Nesterov: true}},
			{Params: []string{"box.*"}, Optimizer: optim.NewAdamW(0.02)},
		}
	},
	"clip_norm":       func(t *nn.Training) { t.ClipNorm = 0.3 },
	"clip_value":      func(t *nn.Training) { t.ClipValue = 0.02 },
	"clip_both":       func(t *nn.Training) { t.ClipNorm, t.ClipValue = 0.05, 0.02 },
	"accumulate":      func(t *nn.Training) { t.Accumulate, t.Optimizer = 5, optim.NewAdam(0.02) },
	"accumulate_clip": func(t *nn.Training) { t.Accumulate, t.ClipNorm = 2, 0.2 },
	"average":         func(t *nn.Training) { t.Average = &nn.Average{Decay: 0.8} },
	"average_buffers": func(t *nn.Training) { t.Average = &nn.Average{Decay: 0.8, Buffers: true} },
	"frozen":          func(t *nn.Training) { t.Optimizer, t.Freeze = optim.NewAdam(0.02), []string{"fc1.*", "box.*"} },
	"unfreeze":        func(t *nn.Training) { t.Optimizer, t.Freeze = optim.NewAdam(0.02), []string{"fc1.*", "box.*"} },
}

// TestGoldenTraining retraces ten steps of PyTorch with clipping, accumulation,
// groups, frozen layers, averages and several losses, by Step and call by call.
func TestGoldenTraining(t *testing.T) {
	g := readTraining(t)
	for name, want := range g.Cases {
		change := goldenTrainings[name]
		if change == nil {
			t.Errorf("no training is called %s", name)
			continue
		}
		for workers := range 3 {
			net := g.net()
			training := nn.Training{Network: net.network(8), Loss: jointLoss(8), Optimizer: &optim.SGD{LR: 0.1, Momentum: 0.9}}
			change(&training)
			p, err := training.Compile()
			if err != nil {
				t.Fatal(err)
			}
			p.SetWorkers(max(workers, 1))
			single := workers == 0 // call by call
			norms := 0
			for step, x := range g.X {
				if name == "unfreeze" && step == 6 {
					if p, err = p.Freezing(); err != nil {
						t.Fatal(err)
					}
				}
				inputs := []nn.Tensor[float32]{{Data: x}}
				targets := []nn.Tensor[float32]{{Ints: g.Labels[step]}}
				if name != "plain" {
					targets = []nn.Tensor[float32]{{Ints: g.Some[step]}, {Data: g.Boxes[step]}}
				}
				each := max(training.Accumulate, 1)
				var loss float64
				if single {
					if step%each == 0 {
						p.ZeroGrad()
					}
					p.ForwardAll(inputs...)
					before := p.LossAll(targets...)
					if loss = p.BackwardAll(targets...); loss != before {
						t.Errorf("%s: loss %v from Backward, %v from Loss", name, loss, before)
					}
					if step%each == each-1 {
						p.Update()
					}
				} else {
					loss = p.StepOn(targets, inputs...)
				}
				if math.Abs(loss-want.Losses[step]) > 1e-5 {
					t.Errorf("%s: loss of step %d is %v, PyTorch has %v", name, step+1, loss, want.Losses[step])
				}
				if training.ClipNorm > 0 && step%each == each-1 {
					if got := p.GradientNorm(); math.Abs(got-want.Norms[norms]) > 1e-5 {
						t.Errorf("%s: gradient norm %v, PyTorch has %v", name, got, want.Norms[norms])
					}
					norms++
				}
			}
			holds(t, name, nn.State(net), want.State)
			if training.Average != nil {
				holds(t, name+" average", p.Averaged(), want.Average)
			}
		}
	}
	if len(g.Cases) != len(goldenTrainings) {
		t.Errorf("PyTorch has %d cases, there are %d here", len(g.Cases), len(goldenTrainings))
	}
}

// state returns all numbers of a network.
func state(net any) (list []float32) {
	for _, e := range nn.State(net) {
		at := len(list)
		list = append(list, make([]float32, nn.Shape(e.Shape()).Elements())...)
		e.Read(list[at:])
	}
	return list
}

// TestTrainingSameBits checks that the workers change nothing, and that a step
// allocates nothing, whatever stands between gradient and update.
func TestTrainingSameBits(t *testing.T) {
	g := readTraining(t)
	cases := map[string]func(t *nn.Training){"muon": func(t *nn.Training) {
		t.Optimizer = optim.NewAdamW(0.02)
		t.Groups = []nn.Group{{Match: func(_ string, shape []int) bool { return len(shape) > 1 }, Optimizer: optim.NewMuon(0.02)}}
		t.ClipNorm, t.Average = 0.5, &nn.Average{Decay: 0.9}
	}}
	for name, change := range goldenTrainings {
		cases[name] = change
	}
	for name, change := range cases {
		var want []float32
		for _, workers := range []int{1, 2, 3, 4, 8} {
			net := g.net()
			training := nn.Training{Network: net.network(8), Loss: jointLoss(8), Optimizer: &optim.SGD{LR: 0.1, Momentum: 0.9}}
			change(&training)
			p, err := training.Compile()
			if err != nil {
				t.Fatal(err)
			}
			p.SetWorkers(workers)
			inputs, targets := make([]nn.Tensor[float32], 1), make([]nn.Tensor[float32], len(p.TargetSpecs()))
			step := func(i int) {
				inputs[0].Data, targets[0].Ints = g.X[i], g.Labels[i]
				if len(targets) > 1 {
					targets[1].Data = g.Boxes[i]
				}
				p.StepOn(targets, inputs...)
			}
			for i := range g.X {
				step(i)
			}
			got := state(net)
			for _, e := range p.Averaged() {
				at := len(got)
				got = append(got, make([]float32, nn.Shape(e.Shape()).Elements())...)
				e.Read(got[at:])
			}
			if want == nil {
				want = got
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: %d workers give other weights than one", name, workers)
			}
			if n := testing.AllocsPerRun(10, func() { step(1) }); n != 0 {
				t.Errorf("%s, %d workers: a step allocates %v times", name, workers, n)
			}
		}
	}
}

// pictureNet has parameters that are stored in other orders than PyTorch's.
type pictureNet struct {
	Conv nn.Conv2d
	Norm nn.BatchNorm2d
	FC   nn.Linear
}

func newPictureNet() *pictureNet {
	n := &pictureNet{Conv: nn.Conv2d{In: 2, Out: 5, Kernel: 3}, Norm: nn.BatchNorm2d{Features: 5}, FC: nn.Linear{In: 5 * 4 * 4, Out: 3}}
	nn.Init(n, rand.New(rand.NewPCG(2, 2)))
	return n
}

func (n *pictureNet) Forward(x *nn.Value) *nn.Value {
	return n.FC.Forward(nn.ReLU(n.Norm.Forward(n.Conv.Forward(x))).Flatten())
}

func pictures(r *rand.Rand, n int) ([]float32, []int) {
	images, labels := make([]float32, n*72), make([]int, n)
	for i := range images {
		images[i] = float32(r.NormFloat64())
	}
	for i := range labels {
		labels[i] = r.IntN(3)
	}
	return images, labels
}

// TestMuonInPrograms holds what a program does with an optimizer that wants whole
// parameters to what the optimizer does by itself, and lets Adam have the rest.
func TestMuonInPrograms(t *testing.T) {
	images, labels := pictures(rand.New(rand.NewPCG(3, 3)), 6)
	net := newPictureNet()
	muon := optim.NewMuon(0.05)
	matrices := func(_ string, shape []int) bool { return len(shape) > 1 }
	p, err := nn.Training{Network: nn.NewNetwork(net, 6, 2, 6, 6), Loss: nn.CrossEntropy{}, Optimizer: optim.NewAdam(0.01),
		Groups: []nn.Group{{Match: matrices, Optimizer: muon}}}.Compile()
	if err != nil {
		t.Fatal(err)
	}
	byStep := newPictureNet()
	q, err := nn.Training{Network: nn.NewNetwork(byStep, 6, 2, 6, 6), Loss: nn.CrossEntropy{}, Optimizer: optim.NewAdam(0.01),
		Groups: []nn.Group{{Match: matrices, Optimizer: optim.NewMuon(0.05)}}}.Compile()
	if err != nil {
		t.Fatal(err)
	}
	slots := map[string][]float32{}
	for range 5 {
		p.ZeroGrad()
		p.Forward(images)
		p.Backward(labels)
		want := map[string][]float32{}
		gradients := map[string]nn.Entry{}
		for _, g := range p.Gradients() {
			gradients[g.Name()] = g
		}
		for _, e := range nn.State(net) {
			if e.IsBuffer() || len(e.Shape()) < 2 {
				continue
			}
			values, gradient := make([]float32, nn.Shape(e.Shape()).Elements()), make([]float32, nn.Shape(e.Shape()).Elements())
			e.Read(values)
			gradients[e.Name()].Read(gradient)
			if slots[e.Name()] == nil {
				slots[e.Name()] = make([]float32, len(values))
			}
			muon.UpdateTensor(e.Shape(), values, gradient, [][]float32{slots[e.Name()]}, make([]float32, muon.Scratch(e.Shape())))
			want[e.Name()] = values
		}
		p.Update()
		q.Step(images, labels)
		for _, e := range nn.State(net) {
			if values := want[e.Name()]; values != nil {
				got := make([]float32, len(values))
				if e.Read(got); !slices.Equal(got, values) {
					t.Fatalf("%s differs from what Muon makes of it", e.Name())
				}
			}
		}
		if len(want) != 2 || !slices.Equal(state(net), state(byStep)) {
			t.Fatalf("Step and the single calls give different weights (%d matrices)", len(want))
		}
	}
	for _, s := range p.OptimizerState(0) {
		if m := slots[s.Name()]; m != nil {
			got := make([]float32, len(m))
			if s.Read(got); !slices.Equal(got, m) {
				t.Errorf("the momentum of %s differs", s.Name())
			}
		}
	}
	if _, err := nn.CompileTrain(newPictureNet(), nn.CrossEntropy{}, optim.NewMuon(0.1), 6, 2, 6, 6); err == nil || !strings.Contains(err.Error(), "the parameter conv.bias: optim: Muon wants parameters of two dimensions") {
		t.Errorf("Muon for all parameters: %v", err)
	}
}

// TestProgramsOfOneTraining trains in turns with programs of other batches and
// pictures, and compares with single programs that share their state.
func TestProgramsOfOneTraining(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	pool := func(n *pictureNet) nn.Network {
		return nn.Network{Module: n, Inputs: []nn.Spec{{Shape: nn.Shape{6, 2, 6, 6}}}, Forward: func(x []*nn.Value) []*nn.Value {
			y := nn.ReLU(n.Norm.Forward(n.Conv.Forward(x[0])))
			return []*nn.Value{n.FC.Forward((&nn.AdaptiveAvgPool2d{Size: 4}).Forward(y).Flatten())}
		}}
	}
	net, other := newPictureNet(), newPictureNet()
	small, err := nn.Training{Network: pool(net), Loss: nn.CrossEntropy{}, Optimizer: optim.NewAdam(0.01)}.Compile()
	if err != nil {
		t.Fatal(err)
	}
	large, err := small.ForShape(nn.Spec{Shape: nn.Shape{4, 2, 8, 8}})
	if err != nil {
		t.Fatal(err)
	}
	// The other network is trained by programs that hand their state on.
	alone := map[int]*nn.TrainProgram{}
	for size, batch := range map[int]int{6: 6, 8: 4} {
		n := pool(other)
		n.Inputs = []nn.Spec{{Shape: nn.Shape{batch, 2, size, size}}}
		if alone[size], err = n.CompileTrain(nn.CrossEntropy{}, optim.NewAdam(0.01)); err != nil {
			t.Fatal(err)
		}
	}
	hand := func(from, to *nn.TrainProgram) {
		for slot := range 2 {
			list := to.OptimizerState(slot)
			for i, e := range from.OptimizerState(slot) {
				values := make([]float32, nn.Shape(e.Shape()).Elements())
				e.Read(values)
				list[i].Write(values)
			}
		}
		to.SetSteps(from.Steps())
	}
	for step := range 6 {
		size, batch, p, from := 6, 6, small, 8
		if step%3 == 1 {
			size, batch, p, from = 8, 4, large, 6
		}
		images, labels := make([]float32, batch*2*size*size), make([]int, batch)
		for i := range images {
			images[i] = float32(r.NormFloat64())
		}
		for i := range labels {
			labels[i] = r.IntN(3)
		}
		loss := p.Step(images, labels)
		if step%3 != 0 { // the step before was the other one's
			hand(alone[from], alone[size])
		}
		if want := alone[size].Step(images, labels); loss != want {
			t.Fatalf("step %d: loss %v, want %v", step, loss, want)
		}
		if small.Steps() != step+1 || large.Steps() != step+1 {
			t.Errorf("%d and %d steps after %d", small.Steps(), large.Steps(), step+1)
		}
	}
	if !slices.Equal(state(net), state(other)) {
		t.Error("programs of one training give other weights than programs that hand their state on")
	}
	images, labels := pictures(r, 6)
	if n := testing.AllocsPerRun(5, func() { small.Step(images, labels); large.Forward(images[:256]) }); n != 0 {
		t.Errorf("steps in turns allocate %v times", n)
	}
}

// TestRefusedTrainings has settings that make no training.
func TestRefusedTrainings(t *testing.T) {
	sgd := &optim.SGD{LR: 0.1}
	all := nn.Group{Params: []string{"*"}, Optimizer: sgd}
	for want, change := range map[string]func(t *nn.Training){
		"got no loss":      func(t *nn.Training) { t.Loss = nil },
		"got no optimizer": func(t *nn.Training) { t.Optimizer = nil },
		"group 0 has no optimizer": func(t *nn.Training) {
			t.Groups = []nn.Group{{Params: []string{"*"}}}
		},
		"no group has the parameters conv.bias, norm.weight, norm.bias, fc.weight, fc.bias": func(t *nn.Training) {
			t.Optimizer, t.Groups = nil, []nn.Group{{Params: []string{"conv.weight"}, Optimizer: sgd}}
		},
		"the parameter fc.weight is in the groups 0 and 1": func(t *nn.Training) {
			t.Groups = []nn.Group{{Params: []string{"fc.*"}, Optimizer: sgd}, {Params: []string{"*.weight"}, Optimizer: optim.NewAdam(1)}}
		},
		"no parameter is called dc.*, as group 0 wants; there are conv.weight": func(t *nn.Training) {
			t.Groups = []nn.Group{{Params: []string{"dc.*"}, Optimizer: sgd}}
		},
		"no parameter is called head, as Freeze wants": func(t *nn.Training) { t.Freeze = []string{"head"} },
		`the pattern "[" of Freeze is not one`:         func(t *nn.Training) { t.Freeze = []string{"["} },
		"no parameters to train":                       func(t *nn.Training) { t.Freeze = []string{"*"} },
		"SGD has a learning rate of -1":                func(t *nn.Training) { t.Groups = []nn.Group{{Params: []string{"fc.*"}, Optimizer: &optim.SGD{LR: -1}}} },
		"Accumulate is -1":                             func(t *nn.Training) { t.Accumulate = -1 },
		"ClipNorm is NaN":                              func(t *nn.Training) { t.ClipNorm = math.NaN() },
		"ClipValue is -2":                              func(t *nn.Training) { t.ClipValue = -2 },
		"the Decay of the average is 1.5":              func(t *nn.Training) { t.Average = &nn.Average{Decay: 1.5} },
		"(ReduceNone leaves more)": func(t *nn.Training) {
			t.Loss = &nn.MSELoss{Reduction: nn.ReduceNone}
		},
		"wants a weight for each of the 3 classes, got 2 weights": func(t *nn.Training) {
			t.Loss = &nn.CrossEntropyLoss{ClassWeights: []float32{1, 2}}
		},
		"target 0 has the shape scalar, which has no batch first": func(t *nn.Training) {
			t.Loss = nn.NewLoss([]nn.Spec{{}}, func(o, _ []*nn.Value) *nn.Value { return o[0] })
		},
		"not computed from the network's outputs": func(t *nn.Training) {
			t.Loss = nn.NewLoss(nil, func(o, _ []*nn.Value) *nn.Value { return nil })
		},
	} {
		training := nn.Training{Network: nn.NewNetwork(newPictureNet(), 6, 2, 6, 6), Loss: nn.CrossEntropy{}, Optimizer: sgd}
		change(&training)
		if _, err := training.Compile(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	if _, err := (nn.Training{Network: nn.NewNetwork(newPictureNet(), 6, 2, 6, 6), Loss: nn.CrossEntropy{}, Groups: []nn.Group{all}}).Compile(); err != nil {
		t.Errorf("one group of all: %v", err)
	}
}

// TestProgramsShareMemory wants the memory of the larger program for both, and a
// Backward refused whose Forward another program has written over.
func TestProgramsShareMemory(t *testing.T) {
	net := newPictureNet()
	network := nn.Network{Module: net, Inputs: []nn.Spec{{Shape: nn.Shape{6, 2, 6, 6}}}, Forward: func(x []*nn.Value) []*nn.Value {
		y := nn.ReLU(net.Norm.Forward(net.Conv.Forward(x[0])))
		return []*nn.Value{net.FC.Forward((&nn.AdaptiveAvgPool2d{Size: 4}).Forward(y).Flatten())}
	}}
	small, err := nn.Training{Network: network, Loss: nn.CrossEntropy{}, Optimizer: optim.NewAdam(0.01)}.Compile()
	if err != nil {
		t.Fatal(err)
	}
	before := small.Memory().Values
	large, err := small.ForShape(nn.Spec{Shape: nn.Shape{12, 2, 20, 20}})
	if err != nil {
		t.Fatal(err)
	}
	images, labels := make([]float32, 2*36), []int{1}
	for i := range images {
		images[i] = float32(i%7) / 7
	}
	small.Forward(images)
	if now := small.Memory().Values; now <= before || now > large.Memory().Values {
		t.Errorf("values of the small program take %d bytes, before the large one was made %d, of that %d", now, before, large.Memory().Values)
	}
	loss := small.Loss(labels)
	if again := small.Backward(labels); again != loss {
		t.Errorf("Backward finds the loss %v, Loss %v", again, loss)
	}
	small.Forward(images)
	large.Step(make([]float32, 800), []int{2})
	for name, call := range map[string]func(){"Backward": func() { small.Backward(labels) }, "Loss": func() { small.Loss(labels) }} {
		func() {
			defer func() {
				if text, _ := recover().(string); !strings.Contains(text, name+" without a Forward") {
					t.Errorf("%s after another program's step: %q", name, text)
				}
			}()
			call()
		}()
	}
}
