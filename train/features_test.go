package train

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"

	"inkling/data"
	"inkling/nn"
	"inkling/optim"
	"inkling/transform"
	"inkling/weights"
)

// fineTuning is a training of the last layer, then of the whole network.
func fineTuning(t *testing.T, featureBytes int64) (Config, *FeatureReport) {
	network := &forgetful{nn.Conv2d{In: 1, Out: 4, Kernel: 5}, nn.BatchNorm2d{Features: 4}, nn.Dropout{P: 0.3}, nn.Linear{In: 4 * 6 * 6, Out: 10}}
	nn.Init(network, rand.New(rand.NewPCG(1, 1)))
	report := &FeatureReport{}
	return Config{
		Network:       network,
		Optimizer:     optim.NewAdamW(0.003),
		Schedule:      &optim.ExponentialLR{Gamma: 0.9},
		Training:      func(t *nn.Training) { t.Freeze, t.FrozenAsEval = []string{"conv.*", "norm.*"}, true },
		UnfreezeAfter: 2,
		FeatureBytes:  featureBytes,
		OnFeatures:    func(r FeatureReport) { *report = r },
		Loader:        &data.Loader{Dataset: stripes(t, 53), BatchSize: 6, Shuffle: true, Seed: 3, Transform: normalized},
		Epochs:        3,
	}, report
}

// TestRunFeatures trains with and without keeping features, breaks the training off at
// every few steps and goes on with it: the weights must be the same.
func TestRunFeatures(t *testing.T) {
	plain, _ := fineTuning(t, 0)
	if _, err := Run(t.Context(), plain); err != nil {
		t.Fatal(err)
	}
	want := hash(plain.Network)
	var unfrozen int
	c, report := fineTuning(t, 1<<20)
	c.OnUnfreeze = func(*nn.TrainProgram) { unfrozen++ }
	type kept struct {
		at        Position
		state     [][]float32
		optimizer *weights.Optimizer
	}
	var list []kept
	program := new(*nn.TrainProgram)
	c.OnStart = func(p *nn.TrainProgram) { *program = p }
	c.CheckpointSteps = 4
	c.Checkpoint = func(at Position) error {
		list = append(list, kept{at, values(nn.State(c.Network)), OptimizerState(*program)})
		return nil
	}
	if _, err := Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if hash(c.Network) != want {
		t.Error("the weights are others with features that are kept")
	}
	if !report.Kept || report.Bytes != 53*4*144 || unfrozen != 1 || c.Loader.Epoch != 3 {
		t.Errorf("report %+v, unfrozen %d times, the loader's epoch is %d", *report, unfrozen, c.Loader.Epoch)
	}
	for _, k := range list {
		c, _ := fineTuning(t, 1<<20)
		for i, e := range nn.State(c.Network) {
			e.Write(k.state[i])
		}
		c.From = &k.at
		c.OnStart = func(p *nn.TrainProgram) {
			if err := RestoreOptimizer("checkpoint", k.optimizer, p); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := Run(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		if hash(c.Network) != want {
			t.Errorf("the weights are others when the training is taken up after step %d", k.at.Steps)
		}
	}
	if len(list) < 6 {
		t.Errorf("only %d checkpoints", len(list))
	}
}

// TestRunKeepsNoFeatures checks what is said where they cannot be kept.
func TestRunKeepsNoFeatures(t *testing.T) {
	for want, change := range map[string]func(c *Config){
		"changed at random": func(c *Config) {
			c.Loader.Transform = transform.Compose{transform.RandomHorizontalFlip{}, normalized}
		},
		"changed at random ":         func(c *Config) { c.Mix = transform.MixUp{} },
		"the first layer is trained": func(c *Config) { c.Training = nil },
		"more than 0 MB":             func(c *Config) { c.FeatureBytes = 1000 },
	} {
		c, report := fineTuning(t, 1<<20)
		c.Epochs, c.UnfreezeAfter = 1, 0
		change(&c)
		if _, err := Run(context.Background(), c); err != nil || report.Kept || !strings.Contains(report.Why, strings.TrimSpace(want)) {
			t.Errorf("%s: got %+v, error %v", want, *report, err)
		}
	}
}
