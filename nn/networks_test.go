package nn

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// smallNetworks are what the table of operations does not show: neighbours that
// programs fuse, and values that several operations read, whose gradients add up.
func smallNetworks() map[string]Example {
	conv := func(in, out, kernel, groups int) *Conv2d {
		return &Conv2d{In: in, Out: out, Kernel: kernel, Padding: kernel / 2, Groups: groups}
	}
	network := func(module any, forward func(x *Value) *Value, shape ...int) Example {
		return Example{Module: module, Inputs: []Spec{{Shape: append(Shape{4}, shape...)}}, Forward: func(x []*Value) []*Value { return []*Value{forward(x[0])} }}
	}
	type convs struct{ A, B, C Conv2d }
	type joining struct{ A, B, C, D Conv2d }
	type linears struct{ A, B, C Linear }
	type normed struct {
		A, B         Conv2d
		NormA, NormB BatchNorm2d
	}
	all := map[string]Example{}
	for _, kind := range []struct{ width, kernel, groups int }{{8, 3, 1}, {5, 3, 1}, {16, 1, 1}, {16, 3, 16}, {12, 3, 3}} {
		name := fmt.Sprintf("%d channels, kernel %d, %d groups: ", kind.width, kind.kernel, kind.groups)
		make3 := func() *convs {
			return &convs{*conv(3, kind.width, 3, 1), *conv(kind.width, kind.width, kind.kernel, kind.groups), *conv(kind.width, kind.width, kind.kernel, kind.groups)}
		}
		chain, fork, skip, pooled := make3(), make3(), make3(), make3()
		all[name+"chain"] = network(chain, func(x *Value) *Value {
			return chain.C.Forward(ReLU(chain.B.Forward(ReLU(chain.A.Forward(x)))))
		}, 3, 6, 5)
		all[name+"fork"] = network(fork, func(x *Value) *Value {
			x = ReLU(fork.A.Forward(x))
			return Add(ReLU(fork.B.Forward(x)), fork.C.Forward(x))
		}, 3, 6, 5)
		all[name+"skip"] = network(skip, func(x *Value) *Value {
			x = skip.A.Forward(x)
			return ReLU(Add(x, skip.C.Forward(ReLU(skip.B.Forward(x)))))
		}, 3, 6, 5)
		all[name+"pooled"] = network(pooled, func(x *Value) *Value {
			pool := &MaxPool2d{Kernel: 2}
			return ReLU(pooled.C.Forward(pool.Forward(ReLU(pooled.B.Forward(pool.Forward(pooled.A.Forward(x)))))))
		}, 3, 9, 8)
		joined := &joining{*conv(3, kind.width, 3, 1), *conv(kind.width, kind.width, kind.kernel, kind.groups), *conv(kind.width, 6, 1, 1), *conv(3*kind.width+6, 7, 1, 1)}
		all[name+"joined"] = network(joined, func(x *Value) *Value {
			x = ReLU(joined.A.Forward(x))
			x = Concat(1, ReLU(joined.B.Forward(x)), joined.C.Forward(x), x, x)
			return Concat(1, joined.D.Forward(ReLU((&MaxPool2d{Kernel: 2}).Forward(x))))
		}, 3, 6, 5)
		norm := &normed{*conv(3, kind.width, 3, 1), *conv(kind.width, kind.width, kind.kernel, kind.groups), BatchNorm2d{Features: kind.width}, BatchNorm2d{Features: kind.width}}
		norm.A.NoBias, norm.B.NoBias = true, true // whose gradients a BatchNorm makes zero
		all[name+"normed"] = network(norm, func(x *Value) *Value {
			x = ReLU6(norm.NormA.Forward(norm.A.Forward(x)))
			return ReLU(Add(x, norm.NormB.Forward(norm.B.Forward(x))))
		}, 3, 5, 6)
		all[name+"frozen"] = network(norm, func(x *Value) *Value {
			x = ReLU(AsEval(norm.A.Forward(x), norm.NormA.Forward))
			return norm.NormB.Forward(norm.B.Forward(x))
		}, 3, 5, 6)
	}
	fork := &linears{Linear{In: 10, Out: 96}, Linear{In: 96, Out: 70}, Linear{In: 96, Out: 70}}
	all["linear fork"] = network(fork, func(x *Value) *Value {
		x = ReLU(fork.A.Forward(x))
		return Add(fork.B.Forward(x), ReLU(fork.C.Forward(x)))
	}, 10)
	shared := &Linear{In: 12, Out: 12}
	all["linear used three times"] = network(shared, func(x *Value) *Value {
		return shared.Forward(Add(x, ReLU(shared.Forward(ReLU(shared.Forward(x))))))
	}, 12)
	return all
}

// TestNetworkPrograms compares programs of small networks with the definitions, as
// TestOperationPrograms does.
func TestNetworkPrograms(t *testing.T) {
	for name, e := range smallNetworks() {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(7, 7))
			if err := Init(e.Module, r); err != nil {
				t.Fatal(err)
			}
			randomise(e.Module, r)
			if err := checkPrograms(e, r); err != nil {
				t.Error(err)
			}
		})
	}
}

// randomise changes all parameters and running statistics.
func randomise(module any, r *rand.Rand) {
	for _, e := range State(module) {
		if e.Integer() {
			continue
		}
		v := values(e)
		for i := range v {
			v[i] += 0.2 * r.Float32()
		}
		e.Write(v)
	}
}

// TestWeightsAreFollowed writes weights while there are programs of them: all that
// programs keep of the weights in another order follows.
func TestWeightsAreFollowed(t *testing.T) {
	examples := smallNetworks()
	for _, d := range operations {
		e, _ := drawExample(d, 0)
		if e.Module != nil {
			examples[d.Op.Name()] = e
		}
	}
	for name, e := range examples {
		r := rand.New(rand.NewPCG(8, 8))
		if err := Init(e.Module, r); err != nil {
			t.Fatal(name, err)
		}
		net := newTableNet(e, r)
		shape := []int{4, net.width()}
		infer, err := Compile(net, shape...)
		if err != nil {
			t.Fatal(name, err)
		}
		train, err := CompileTrain(net, givenGradient{}, newSGD(), shape...)
		if err != nil {
			continue // has nothing to train
		}
		input := make([]float32, 4*net.width())
		for i := range input {
			input[i] = float32(r.IntN(2))
		}
		for range 2 {
			infer.Forward(input)
			train.Forward(input)
			randomise(net, r)
		}
		for what, forward := range map[string]func(images []float32) []float32{"inference": infer.Forward, "training": train.Forward} {
			got := append([]float32(nil), forward(input)...)
			training := what == "training"
			g, err := trace(net, shape, training)
			if err != nil {
				t.Fatal(name, err)
			}
			ref := newReference[float32](g, 0, 1) // of a batch's own statistics, or of the running ones, which stay
			copy(ref.values[g.input().index].Data, input)
			if err := closeTo(name+", "+what, got, ref.forward().Data, 1e-4); err != nil {
				t.Error(err)
			}
		}
	}
}
