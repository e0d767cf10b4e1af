package nn

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// profiledNet has a layer of every kind that programs run in a way of its own.
type profiledNet struct {
	Conv1, Conv2, Depthwise Conv2d
	Norm                    BatchNorm2d
	FC                      Linear
}

func (n *profiledNet) Forward(x *Value) *Value {
	x = (&MaxPool2d{Kernel: 2}).Forward(ReLU(n.Conv1.Forward(x)))
	x = ReLU(n.Norm.Forward(n.Conv2.Forward(x)))
	return n.FC.Forward(Sigmoid(n.Depthwise.Forward(x)).Flatten())
}

func newProfiledNet(seed uint64) *profiledNet {
	n := &profiledNet{Conv1: Conv2d{In: 1, Out: 8, Kernel: 3}, Conv2: Conv2d{In: 8, Out: 20, Kernel: 3, NoBias: true}, Norm: BatchNorm2d{Features: 20},
		Depthwise: Conv2d{In: 20, Out: 20, Kernel: 3, Groups: 20}, FC: Linear{In: 20 * 2 * 2, Out: 10}}
	Init(n, rand.New(rand.NewPCG(seed, 1)))
	return n
}

// A profile trains as a step does, bit for bit, and finds the multiply-adds of all
// layers, each once.
func TestProfile(t *testing.T) {
	const batch = 9
	r := rand.New(rand.NewPCG(3, 1))
	images, labels := randomBatch(r, batch, 14*14, 10)
	weights := func(workers int, profile bool) (all []float32, stages []StageTime) {
		net := newProfiledNet(2)
		p, err := CompileTrain(net, CrossEntropy{}, newSGD(), batch, 1, 14, 14)
		if err != nil {
			t.Fatal(err)
		}
		p.SetWorkers(workers)
		for range 2 {
			if profile {
				stages = p.Profile(images, labels)
			} else {
				p.Step(images, labels)
			}
		}
		for _, e := range State(net) {
			all = append(all, values(e)...)
		}
		return all, stages
	}
	want, _ := weights(1, false)
	const conv1, conv2, depthwise, fc = 12 * 12 * 8 * 9, 4 * 4 * 20 * 8 * 9, 2 * 2 * 20 * 9, 80 * 10
	for _, workers := range []int{1, 3, 64} {
		got, stages := weights(workers, true)
		if !slices.Equal(got, want) {
			t.Errorf("%d workers: a profile leaves other weights than a step", workers)
		}
		sum := map[Pass]int{}
		for _, s := range stages {
			sum[s.Pass] += s.MultiplyAdds
			if len(s.Workers) != workers {
				t.Fatalf("%s %s has the times of %d workers, want %d", s.Layer, s.Pass, len(s.Workers), workers)
			}
			if s.Layer != "" && s.Seconds() <= 0 {
				t.Errorf("%s %s took no time", s.Layer, s.Pass)
			}
		}
		if got, want := sum[PassForward], batch*(conv1+conv2+depthwise+fc); got != want {
			t.Errorf("%d workers: forward has %d multiply-adds, want %d", workers, got, want)
		}
		backward := sum[PassInputs] + sum[PassWeights] + sum[PassBoth]
		if want := batch * (conv1 + 2*(conv2+depthwise+fc)); backward != want {
			t.Errorf("%d workers: backward has %d multiply-adds, want %d: %v", workers, backward, want, sum)
		}
	}
}

// The stages are those that a profile takes the times of.
func TestStages(t *testing.T) {
	p, err := Compile(newProfiledNet(2), 4, 1, 14, 14)
	if err != nil {
		t.Fatal(err)
	}
	stages, times := p.Stages(), p.Profile(make([]float32, 4*14*14))
	if len(stages) != len(times) {
		t.Fatalf("there are %d stages, and times of %d", len(stages), len(times))
	}
	algorithms := map[string]string{}
	for i, s := range stages {
		if one := times[i]; s.Layer != one.Layer || s.Pass != one.Pass || s.MultiplyAdds != one.MultiplyAdds || s.Phase != one.Phase {
			t.Errorf("stage %d is %+v, and the time that of %+v", i, s, one.PlannedStage)
		}
		algorithms[s.Layer] = s.Algorithm
	}
	for layer, want := range map[string]string{"conv1": "direct", "depthwise": "tiles, depthwise", "fc": "rows"} {
		if algorithms[layer] != want {
			t.Errorf("%s is computed by %q, want %q", layer, algorithms[layer], want)
		}
	}
}
