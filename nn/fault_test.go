package nn

import (
	"math"
	"strings"
	"testing"
)

// lookupNet looks up rows by numbers that it computes: the first of each example's
// numbers, rounded down.
type lookupNet struct {
	FC    Linear
	Rows  Embedding
	After Linear
	last  string // what looks up
}

func newLookupNet(last string) *lookupNet {
	n := &lookupNet{FC: Linear{In: 2, Out: 3}, Rows: Embedding{Count: 5, Dim: 3}, After: Linear{In: 3, Out: 4}, last: last}
	InitUniform(n, nil)
	for _, e := range State(n) {
		values := make([]float32, Shape(e.Shape()).Elements())
		for i := range values {
			values[i] = float32(i%5) / 8
		}
		e.Write(values)
	}
	return n
}

func (n *lookupNet) Forward(x *Value) *Value {
	numbers := Cast(Slice(x, 1, 0, 1, 1), Int32)
	y := n.FC.Forward(x)
	switch n.last {
	case "gather":
		y = Concat(1, Gather(y, 1, Cast(x, Int32)), Slice(y, 1, 0, 1, 1))
	default:
		y = Add(y, Mean(n.Rows.Forward(numbers), false, 1))
	}
	return n.After.Forward(y)
}

// TestComputedNumbers has a network look up numbers that it computed itself and that
// there are not: the caller's goroutine gets a sentence with the layer and both values,
// whatever the number of workers, and the program goes on as if nothing had been.
func TestComputedNumbers(t *testing.T) {
	const batch = 32
	good, bad := make([]float32, 2*batch), make([]float32, 2*batch)
	labels := make([]int, batch)
	for i := range good {
		good[i] = float32(i % 3)
	}
	copy(bad, good)
	bad[2*batch-2] = 7
	for last, wants := range map[string]string{"embedding": "embedding rows: 7 is not in 0..4", "gather": "gather after linear fc: 7 is not in 0..2"} {
		t.Run(last, func(t *testing.T) {
			var weights []float32
			for _, workers := range []int{1, 2, 4} {
				for _, faulty := range []bool{false, true} {
					net := newLookupNet(last)
					train, err := CompileTrain(net, CrossEntropy{}, newSGD(), batch, 2)
					if err != nil {
						t.Fatal(err)
					}
					infer, err := Compile(net, batch, 2)
					if err != nil {
						t.Fatal(err)
					}
					train.SetWorkers(workers)
					infer.SetWorkers(workers)
					for range 3 {
						train.Step(good, labels)
						if !faulty {
							continue
						}
						for name, run := range map[string]func(){"Step": func() { train.Step(bad, labels) }, "Forward": func() { train.Forward(bad) }, "Program": func() { infer.Forward(bad) }} {
							if got := panicOf(run); !strings.Contains(got, wants) || strings.Contains(got, "goroutine") {
								t.Errorf("%s with %d workers panics with %q, want %q", name, workers, got, wants)
							}
						}
						if got := panicOf(func() { train.Loss(labels) }); !strings.Contains(got, "call Forward first") {
							t.Errorf("Loss after a Forward that panicked: %q", got)
						}
					}
					if train.Steps() != 3 {
						t.Errorf("counts %d steps, want 3", train.Steps())
					}
					got := make([]float32, 12)
					net.After.Weight.Read(got)
					for i, v := range append(got, infer.Forward(good)...) {
						if len(weights) <= i {
							weights = append(weights, v)
						} else if math.Float32bits(v) != math.Float32bits(weights[i]) {
							t.Fatalf("with %d workers, faulty %v, number %d is %v, want %v", workers, faulty, i, v, weights[i])
						}
					}
				}
			}
		})
	}
}

// brokenOp is an operation of a user's that has a mistake in it.
type brokenOp struct{ relu }

func (brokenOp) Name() string               { return "broken" }
func (brokenOp) Forward(c *Call[float32])   { c.Output.Data[len(c.Output.Data)] = 1 }
func (brokenOp) Forward64(c *Call[float64]) {}

// TestBrokenOperation names the operation, and shows where its mistake is.
func TestBrokenOperation(t *testing.T) {
	net := NewNetwork(Func(func(x *Value) *Value { return Apply(brokenOp{}, nil, x) }), 16, 3)
	p, err := net.Compile()
	if err != nil {
		t.Fatal(err)
	}
	got := panicOf(func() { p.Forward(make([]float32, 48)) })
	for _, want := range []string{"nn: broken at the input: runtime error: index out of range", "brokenOp.Forward", "fault_test.go"} {
		if !strings.Contains(got, want) {
			t.Errorf("panics with %q, which lacks %q", got, want)
		}
	}
}
