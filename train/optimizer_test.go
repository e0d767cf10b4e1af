package train_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"inkling/nn"
	"inkling/optim"
	"inkling/train"
	"inkling/weights"
)

// handed is the network of testdata/optimizers.py.
type handed struct {
	FC1  nn.Linear
	Norm nn.BatchNorm1d
	FC2  nn.Linear
}

func (n *handed) Forward(x *nn.Value) *nn.Value {
	return n.FC2.Forward(nn.ReLU(n.Norm.Forward(n.FC1.Forward(x))))
}

type handedGolden struct {
	Start  map[string][]float64
	X      [][]float32
	Labels [][]int
	Cases  map[string]map[string][]float64
}

func readHanded(t *testing.T) (g handedGolden) {
	t.Helper()
	data, err := os.ReadFile("testdata/optimizers.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

// handedOptimizers are the cases of testdata/optimizers.py: one optimizer, or those of
// the matrices and of the rest. Others are what the settings are to be overwritten in.
var handedOptimizers = map[string]struct{ used, others func() []optim.Optimizer }{
	"sgd": {
		func() []optim.Optimizer {
			return []optim.Optimizer{&optim.SGD{LR: 0.1, Momentum: 0.9, WeightDecay: 0.01, Dampening: 0.2}}
		},
		func() []optim.Optimizer { return []optim.Optimizer{&optim.SGD{LR: 1}} },
	},
	"sgd_groups": {
		func() []optim.Optimizer {
			return []optim.Optimizer{&optim.SGD{LR: 0.1, Momentum: 0.9, WeightDecay: 0.1, Nesterov: true}, &optim.SGD{LR: 0.02, Momentum: 0.9, Nesterov: true}}
		},
		func() []optim.Optimizer { return []optim.Optimizer{&optim.SGD{LR: 1}, &optim.SGD{LR: 1}} },
	},
	"adam": {
		func() []optim.Optimizer {
			a := optim.NewAdam(0.02)
			a.Betas = [2]float64{0.8, 0.95}
			return []optim.Optimizer{a}
		},
		func() []optim.Optimizer { return []optim.Optimizer{optim.NewAdam(1)} },
	},
	"adam_amsgrad": {
		func() []optim.Optimizer {
			a := optim.NewAdam(0.02)
			a.WeightDecay, a.AMSGrad = 0.1, true
			return []optim.Optimizer{a}
		},
		func() []optim.Optimizer {
			a := optim.NewAdam(1)
			a.AMSGrad = true
			return []optim.Optimizer{a}
		},
	},
	"adamw": {
		func() []optim.Optimizer {
			a, b := optim.NewAdamW(0.02), optim.NewAdamW(0.02)
			a.Eps, b.Eps, a.WeightDecay = 1e-6, 1e-6, 0.1
			return []optim.Optimizer{a, b}
		},
		func() []optim.Optimizer { return []optim.Optimizer{optim.NewAdamW(1), optim.NewAdamW(2)} },
	},
	"rmsprop": {
		func() []optim.Optimizer {
			r := optim.NewRMSprop(0.01)
			r.Alpha = 0.9
			return []optim.Optimizer{r}
		},
		func() []optim.Optimizer { return []optim.Optimizer{optim.NewRMSprop(1)} },
	},
	"rmsprop_all": {
		func() []optim.Optimizer {
			r := optim.NewRMSprop(0.01)
			r.Momentum, r.Centered = 0.5, true
			return []optim.Optimizer{r}
		},
		func() []optim.Optimizer {
			r := optim.NewRMSprop(1)
			r.Momentum, r.Centered = 0.1, true
			return []optim.Optimizer{r}
		},
	},
}

func (g *handedGolden) program(t *testing.T, name string, optimizers []optim.Optimizer) (*handed, *nn.TrainProgram) {
	t.Helper()
	n := &handed{FC1: nn.Linear{In: 6, Out: 8, NoBias: true}, Norm: nn.BatchNorm1d{Features: 8}, FC2: nn.Linear{In: 8, Out: 3}}
	nn.Init(n, rand.New(rand.NewPCG(1, 1)))
	for _, e := range nn.State(n) {
		var list []float32
		for _, v := range g.Start[e.Name()] {
			list = append(list, float32(v))
		}
		e.Write(list)
	}
	training := nn.Training{Network: nn.NewNetwork(n, 8, 6), Loss: nn.CrossEntropy{}, Optimizer: optimizers[0]}
	if len(optimizers) > 1 {
		rank := func(want bool) func(string, []int) bool {
			return func(_ string, shape []int) bool { return (len(shape) > 1) == want }
		}
		training.Optimizer = nil
		training.Groups = []nn.Group{{Match: rank(true), Optimizer: optimizers[0]}, {Match: rank(false), Optimizer: optimizers[1]}}
		if name == "adamw" { // two ways to say it
			training.Groups, training.Optimizer = training.Groups[:1], optimizers[1]
		}
	}
	p, err := training.Compile()
	if err != nil {
		t.Fatal(err)
	}
	return n, p
}

func (g *handedGolden) train(p *nn.TrainProgram, from, to int) {
	for i := from; i < to; i++ {
		p.Step(g.X[i], g.Labels[i])
	}
}

func near(t *testing.T, what string, network any, want map[string][]float64) {
	t.Helper()
	for _, e := range nn.State(network) {
		got := make([]float32, nn.Shape(e.Shape()).Elements())
		e.Read(got)
		for i, v := range got {
			if w := want[e.Name()][i]; !(math.Abs(float64(v)-w) <= 2e-5*max(1, math.Abs(w))) {
				t.Errorf("%s: %s[%d] is %v, PyTorch has %v", what, e.Name(), i, v, w)
				break
			}
		}
	}
}

// TestFromPyTorch goes on with trainings that PyTorch began.
func TestFromPyTorch(t *testing.T) {
	g := readHanded(t)
	for name, c := range handedOptimizers {
		optimizers := c.others()
		n, p := g.program(t, name, optimizers)
		g.train(p, 0, 2) // of which nothing may stay
		path := filepath.Join("testdata", name+".pth")
		file, err := weights.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := weights.Restore(path, file, nn.State(n)); err != nil {
			t.Fatal(err)
		}
		if err := train.RestoreOptimizer(path, file.Optimizer, p); err != nil {
			t.Fatal(err)
		}
		g.train(p, 5, 10)
		near(t, name, n, g.Cases[name])
	}
	if len(g.Cases) != len(handedOptimizers) {
		t.Errorf("PyTorch has %d cases, there are %d here", len(g.Cases), len(handedOptimizers))
	}
}

// TestToPyTorch has PyTorch go on with trainings that began here, and goes on with
// them itself, to the bit.
func TestToPyTorch(t *testing.T) {
	g := readHanded(t)
	folder := t.TempDir()
	for name, c := range handedOptimizers {
		n, p := g.program(t, name, c.used())
		g.train(p, 0, 5)
		path := filepath.Join(folder, name+".pth")
		if err := weights.SaveCheckpoint(path, nn.State(n), train.OptimizerState(p)); err != nil {
			t.Fatal(err)
		}
		other, q := g.program(t, name, c.others())
		g.train(q, 3, 6) // of which nothing may stay
		file, err := weights.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := weights.Restore(path, file, nn.State(other)); err != nil {
			t.Fatal(err)
		}
		if err := train.RestoreOptimizer(path, file.Optimizer, q); err != nil {
			t.Fatal(err)
		}
		g.train(p, 5, 10)
		g.train(q, 5, 10)
		for i, e := range nn.State(n) {
			a, b := weights.TensorOf(e), weights.TensorOf(nn.State(other)[i])
			if !slices.Equal(a.Data, b.Data) {
				t.Errorf("%s: %s is not that of an unbroken training", name, e.Name())
			}
		}
		near(t, name, n, g.Cases[name])
	}
	python := pythonWithTorch(t)
	check := exec.Command(python, "-B", filepath.Join("testdata", "optimizers.py"), folder)
	if output, err := check.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	for name := range handedOptimizers {
		data, err := os.ReadFile(filepath.Join(folder, name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		var got map[string][]float64
		if err := json.Unmarshal(data, &got); err != nil {
			t.Fatal(err)
		}
		for key, want := range g.Cases[name] {
			for i, v := range got[key] {
				if !(math.Abs(v-want[i]) <= 2e-5*max(1, math.Abs(want[i]))) {
					t.Errorf("%s: PyTorch goes on to %s[%d] = %v, alone it has %v", name, key, i, v, want[i])
					break
				}
			}
			if len(got[key]) != len(want) {
				t.Errorf("%s: PyTorch has %d numbers of %s", name, len(got[key]), key)
			}
		}
	}
}

func pythonWithTorch(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("SKIPPED: our checkpoints were not checked with Python's torch, which takes seconds to start")
	}
	for _, name := range []string{os.Getenv("PYTHON"), "python3", "/usr/bin/python3"} {
		if name != "" && exec.Command(name, "-c", "import torch").Run() == nil {
			return name
		}
	}
	t.Skip("SKIPPED: our checkpoints were not checked with Python's torch, which was not found; install it, or set PYTHON to a Python that has it")
	return ""
}

// TestRestoreOptimizerRefuses has checkpoints that do not fit, after which nothing
// has changed.
func TestRestoreOptimizerRefuses(t *testing.T) {
	g := readHanded(t)
	for want, change := range map[string]func(o *weights.Optimizer) *weights.Optimizer{
		"no state of an optimizer":                         func(*weights.Optimizer) *weights.Optimizer { return nil },
		"the optimizer has 2 param_groups, the training 1": func(o *weights.Optimizer) *weights.Optimizer { o.Groups = append(o.Groups, o.Groups[0]); return o },
		"group 0 of the optimizer is of 4 parameters, that of the training of 5": func(o *weights.Optimizer) *weights.Optimizer {
			o.Groups[0].Parameters = o.Groups[0].Parameters[:4]
			return o
		},
		"no pair of numbers betas, so it is not torch.optim.Adam": func(o *weights.Optimizer) *weights.Optimizer { delete(o.Groups[0].Settings, "betas"); return o },
		"Adam has a first beta of 2": func(o *weights.Optimizer) *weights.Optimizer {
			o.Groups[0].Settings["betas"] = []float64{2, 0}
			return o
		},
		"maximizes": func(o *weights.Optimizer) *weights.Optimizer { o.Groups[0].Settings["maximize"] = true; return o },
		"give it the settings": func(o *weights.Optimizer) *weights.Optimizer {
			o.Groups[0].Settings["amsgrad"] = true
			return o
		},
		"no number of steps of norm.weight":      func(o *weights.Optimizer) *weights.Optimizer { delete(o.State[1], "step"); return o },
		"(the optimizer's exp_avg) does not fit": func(o *weights.Optimizer) *weights.Optimizer { delete(o.State[4], "exp_avg"); return o },
		"wrong shape: fc1.weight": func(o *weights.Optimizer) *weights.Optimizer {
			o.State[0]["exp_avg_sq"] = weights.NewTensor("", []int{1}, []float32{1})
			return o
		},
	} {
		_, p := g.program(t, "adam", []optim.Optimizer{optim.NewAdam(0.02)})
		g.train(p, 0, 2)
		o := change(train.OptimizerState(p))
		before := train.OptimizerState(p)
		if err := train.RestoreOptimizer("a.pth", o, p); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "a.pth") {
			t.Errorf("error %v, want %q", err, want)
		}
		after := train.OptimizerState(p)
		for n, slots := range before.State {
			for name, tensor := range slots {
				if !slices.Equal(tensor.Data, after.State[n][name].Data) {
					t.Errorf("%s: %s of parameter %d has changed", want, name, n)
				}
			}
		}
	}
}
