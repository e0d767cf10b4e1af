package nn

import (
	"math"
	"slices"
	"sync/atomic"
	"testing"
)

// cancelNet has what keeps something from step to step: statistics, random numbers,
// sums of weights in the loss.
type cancelNet struct {
	Conv1, Conv2 Conv2d
	Norm1, Norm2 BatchNorm2d
	Dropout      Dropout
	Rows         Embedding
	FC           Linear
}

func newCancelNet() *cancelNet {
	n := &cancelNet{Conv1: Conv2d{In: 1, Out: 16, Kernel: 3, Padding: 1}, Conv2: Conv2d{In: 16, Out: 16, Kernel: 3, Padding: 1},
		Norm1: BatchNorm2d{Features: 16}, Norm2: BatchNorm2d{Features: 16}, Dropout: Dropout{P: 0.3}, Rows: Embedding{Count: 3, Dim: 16}, FC: Linear{In: 16, Out: 3}}
	InitUniform(n, nil)
	return n
}

func (n *cancelNet) Forward(x *Value) *Value {
	rows := Mean(n.Rows.Forward(Cast(Slice(x.Flatten(), 1, 0, 1, 1), Int32)), false, 1)
	y := ReLU(n.Norm1.Forward(n.Conv1.Forward(x)))
	y = ReLU(Add(y, n.Norm2.Forward(n.Conv2.Forward(y))))
	return n.FC.Forward(n.Dropout.Forward(Add(Mean(y, false, 2, 3), rows)))
}

// stateOf copies a network's parameters and buffers.
func stateOf(module Module) (values []float32) {
	for _, e := range State(module) {
		v := make([]float32, Shape(e.Shape()).Elements())
		e.Read(v)
		values = append(values, v...)
	}
	return values
}

const cancelSize = 8 // of a picture

// cancelImages makes pictures, which begin with the number of a row.
func cancelImages(batch, period int) []float32 {
	images := make([]float32, batch*cancelSize*cancelSize)
	for i := range images {
		images[i] = float32(i*i%period)/8 - 1
	}
	for i := range batch {
		images[i*cancelSize*cancelSize] = float32(i % 3)
	}
	return images
}

// TestCancel cancels a step at any of its stages: nothing is changed, and made again the
// step changes what it would have changed.
func TestCancel(t *testing.T) {
	const batch = 6
	images, others := cancelImages(batch, 23), cancelImages(batch, 19)
	labels := []int{0, 1, 2, 2, 1, 0}
	same := func(a, b []float32) bool {
		return slices.EqualFunc(a, b, func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) })
	}
	for name, change := range map[string]func(*Training){
		"SGD":     func(t *Training) { t.Optimizer = newSGD() },
		"clipped": func(t *Training) { t.Optimizer, t.ClipNorm = newSGD(), 0.01 },
		"average": func(t *Training) { t.Optimizer, t.Average = newSGD(), &Average{Decay: 0.5, Buffers: true} },
	} {
		compile := func(workers int) (*cancelNet, *TrainProgram) {
			net := newCancelNet()
			training := Training{Network: NewNetwork(net, batch, 1, cancelSize, cancelSize), Loss: &CrossEntropyLoss{ClassWeights: []float32{1, 2, 0.5}}}
			change(&training)
			p, err := training.Compile()
			if err != nil {
				t.Fatal(err)
			}
			p.SetWorkers(workers)
			return net, p
		}
		net, p := compile(1)
		var wants [][]float32 // after each step
		for range 40 {
			p.Step(images, labels)
			wants = append(wants, stateOf(net))
		}
		for workers := 1; workers <= 3; workers++ {
			net, p := compile(workers)
			p.SetCancellable(true)
			var seen atomic.Int64
			p.watch = func(*stage, work, bool) { seen.Add(1) }
			p.Step(images, labels)
			stages, steps := seen.Load(), 1
			for at := int64(1); at <= stages && steps < len(wants); at += 1 + at/16 {
				seen.Store(0)
				p.watch = func(*stage, work, bool) {
					if seen.Add(1) == at {
						p.Cancel()
					}
				}
				loss := p.Step(others, labels)
				p.watch = nil
				if !p.Cancelled() || loss == loss || !same(stateOf(net), wants[steps-1]) || p.Steps() != steps {
					t.Fatalf("%s, %d workers, cancelled at %d of %d: %v, loss %v, or something was changed", name, workers, at, stages, p.Cancelled(), loss)
				}
				p.Step(images, labels)
				if p.Cancelled() || !same(stateOf(net), wants[steps]) {
					t.Fatalf("%s, %d workers: the step behind the one that was cancelled at %d of %d changes something else", name, workers, at, stages)
				}
				steps++
			}
			if steps < 20 {
				t.Errorf("%s, %d workers: cancelled %d times only", name, workers, steps-1)
			}
			p.Cancel()
			p.SetCancellable(false)
			if loss := p.Step(images, labels); loss != loss {
				t.Error("a Cancel of before ends a step that cannot be cancelled")
			}
		}
	}
}
