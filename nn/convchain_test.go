package nn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// mobileBlock is a block of MobileNetV2; without its first convolution where the channels
// stay.
type mobileBlock struct {
	Before, Expand, Depthwise, Project     Conv2d
	ExpandNorm, DepthwiseNorm, ProjectNorm BatchNorm2d
	options                                blockOptions
}

type blockOptions struct {
	// planar: the block reads and makes planar pictures.
	planar bool
	// adds what the block reads, or addsOther something else; then it rectifies.
	adds, addsOther, rectifies bool
	// shows or reuses what the depthwise convolution makes.
	shows, reuses bool
}

func newMobileBlock(in, expanded, out int, depthwise Conv2d, options blockOptions) *mobileBlock {
	depthwise.In, depthwise.Out, depthwise.Groups = expanded, expanded, expanded
	b := &mobileBlock{Conv2d{In: in, Out: in, Kernel: 3, Padding: 1}, Conv2d{In: in, Out: expanded, Kernel: 1, NoBias: true}, depthwise, Conv2d{In: expanded, Out: out, Kernel: 1},
		BatchNorm2d{Features: expanded}, BatchNorm2d{Features: expanded}, BatchNorm2d{Features: out}, options}
	r := rand.New(rand.NewPCG(1, 2))
	if err := Init(b, r); err != nil {
		panic(err)
	}
	randomise(b, r)
	return b
}

func (b *mobileBlock) outputs(x *Value) []*Value {
	if !b.options.planar {
		x = b.Before.Forward(x)
	}
	y, other := x, x
	if b.options.addsOther {
		other = Sigmoid(x)
	}
	if b.Expand.In != b.Expand.Out {
		y = ReLU6(b.ExpandNorm.Forward(b.Expand.Forward(y)))
	}
	between := ReLU6(b.DepthwiseNorm.Forward(b.Depthwise.Forward(y)))
	y = b.ProjectNorm.Forward(b.Project.Forward(between))
	if b.options.adds || b.options.addsOther {
		y = Add(other, y)
	}
	if b.options.rectifies {
		y = ReLU(y)
	}
	if !b.options.planar {
		y = (&MaxPool2d{Kernel: 1}).Forward(y) // which makes planar pictures of others
	}
	switch {
	case b.options.shows:
		return []*Value{y, between}
	case b.options.reuses:
		return []*Value{y, Sigmoid(between)}
	}
	return []*Value{y}
}

func (b *mobileBlock) Forward(x *Value) *Value { return b.outputs(x)[0] }

func (b *mobileBlock) compile(t testing.TB, chaining chaining, shape ...int) *Program {
	p, err := Network{Module: b, Inputs: []Spec{{Shape: shape}}, Forward: func(x []*Value) []*Value { return b.outputs(x[0]) }, chaining: chaining}.Compile()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// chained is the number of chains of some groups.
func chained(groups []*group) (n int) {
	for _, gr := range groups {
		if gr.links != nil {
			n++
		}
	}
	return n
}

func randomFloats(n int) []float32 {
	r, x := rand.New(rand.NewPCG(4, 4)), make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

// TestChains compares what is computed of chains with what is computed of their links one
// after another, to the bit.
func TestChains(t *testing.T) {
	for _, c := range []struct {
		in, expanded, out, height, width int
		depthwise                        Conv2d
		options                          blockOptions
	}{
		{16, 96, 24, 13, 15, Conv2d{Kernel: 3, Stride: 2, Padding: 1}, blockOptions{}},
		{24, 144, 24, 9, 17, Conv2d{Kernel: 3, Padding: 1}, blockOptions{adds: true}},
		{24, 40, 24, 30, 11, Conv2d{Kernel: 5, Padding: 2, NoBias: true}, blockOptions{addsOther: true, rectifies: true}},
		{3, 16, 16, 29, 7, Conv2d{Kernel: 5, Stride: 2, Padding: 2}, blockOptions{rectifies: true}},
		{20, 48, 32, 12, 11, Conv2d{Kernel: 3}, blockOptions{}},
		{16, 32, 16, 21, 5, Conv2d{KernelHW: [2]int{1, 3}, StrideHW: [2]int{3, 1}, DilationHW: [2]int{1, 2}, PaddingHW: [2]int{2, 1}}, blockOptions{}},
		{17, 33, 49, 40, 1, Conv2d{Kernel: 3, Padding: 3, Dilation: 2}, blockOptions{}},
		{32, 32, 16, 14, 14, Conv2d{Kernel: 3, Padding: 1}, blockOptions{}},
		{24, 24, 24, 33, 10, Conv2d{Kernel: 3, Padding: 1}, blockOptions{adds: true}},
		{8, 8, 16, 31, 9, Conv2d{Kernel: 3, Stride: 2, Padding: 1}, blockOptions{rectifies: true}},
	} {
		for _, c.options.planar = range []bool{false, true} {
			const batch, few = inferenceChunk + 1, 2
			b := newMobileBlock(c.in, c.expanded, c.out, c.depthwise, c.options)
			name := fmt.Sprintf("%d-%d-%d, %s, %+v", c.in, c.expanded, c.out, b.Depthwise.op().describe(), c.options)
			apart, joined := b.compile(t, noChains, batch, c.in, c.height, c.width), b.compile(t, allChains, batch, c.in, c.height, c.width)
			if n, all := chained(apart.plan.groups), chained(joined.plan.groups); n != 0 || all != 1 {
				t.Fatalf("%s: %d and %d chains, want 0 and 1", name, n, all)
			}
			apart.SetWorkers(1)
			images := randomFloats(batch * c.in * c.height * c.width)
			start := images[:few*len(images)/batch]
			wants := [][]float32{slices.Clone(apart.Forward(images)), slices.Clone(apart.Forward(start))}
			for workers := 1; workers <= 5; workers++ {
				if joined.together = nil; workers%2 == 0 {
					joined.together, joined.work = joined.togetherPhases(), together
				}
				joined.SetWorkers(workers)
				same := func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) }
				for i, pictures := range [][]float32{images, start} {
					if got := joined.Forward(pictures); !slices.EqualFunc(got, wants[i], same) {
						t.Errorf("%s, %d workers, pictures %d: other numbers than of its convolutions one after another", name, workers, len(pictures))
					}
				}
			}
			if n := testing.AllocsPerRun(4, func() { joined.Forward(start) }); n >= 1 {
				t.Errorf("%s: a prediction allocates %v times", name, n)
			}
			joined.together = nil
			joined.SetWorkers(2)
			if n := testing.AllocsPerRun(4, func() { joined.Forward(start) }); n >= 1 {
				t.Errorf("%s, by two workers: a prediction allocates %v times", name, n)
			}
		}
	}
}

// TestWhatIsNoChain: what somebody else wants, training among them, is stored.
func TestWhatIsNoChain(t *testing.T) {
	for name, options := range map[string]blockOptions{"an output": {shows: true}, "read twice": {reuses: true}} {
		b := newMobileBlock(16, 96, 24, Conv2d{Kernel: 3, Padding: 1}, options)
		if n := chained(b.compile(t, allChains, 2, 16, 9, 9).plan.groups); n != 0 {
			t.Errorf("%s: %d chains, want none", name, n)
		}
	}
	b := newMobileBlock(16, 96, 24, Conv2d{Kernel: 3, Padding: 1}, blockOptions{})
	g, err := trace(b, Shape{2, 16, 9, 9}, true)
	if err != nil {
		t.Fatal(err)
	}
	if g.chaining = allChains; chained(fuse(g)) != 0 {
		t.Error("a program for training has chains")
	}
}

// TestChainIsSmaller: of an expanded picture some rows are there at a time, and the plan
// tells all that is computed together.
func TestChainIsSmaller(t *testing.T) {
	b := newMobileBlock(16, 96, 24, Conv2d{Kernel: 3, Padding: 1}, blockOptions{})
	apart, joined := b.compile(t, noChains, 1, 16, 56, 56), b.compile(t, chainsThatPay, 1, 16, 56, 56)
	apart.SetWorkers(2)
	joined.SetWorkers(2)
	if saved, expanded := apart.Memory().Values-joined.Memory().Values, 4*96*56*56; saved < expanded {
		t.Errorf("a chain saves %d bytes, want at least a picture of 96 channels, %d", saved, expanded)
	}
	want := 0
	for _, s := range apart.Stages() {
		want += s.MultiplyAdds
	}
	found := false
	for _, s := range joined.Stages() {
		want -= s.MultiplyAdds
		found = found || s.Layer == "expand, depthwise, project" && s.Kind == "1x1 16-96, 3x3 96-96 in 96 groups, 1x1 96-24" && len(s.Operations) == 8
	}
	if want != 0 || !found {
		t.Errorf("the plan lacks %d multiply-adds or names other layers than expand, depthwise and project: %+v", want, joined.Stages())
	}
}

// BenchmarkChains measures MobileNetV2's blocks on one core: as chains and link by link, in
// turns.
func BenchmarkChains(b *testing.B) {
	for _, c := range []struct{ in, expanded, out, size, stride, batch int }{
		{32, 32, 16, 112, 1, 1}, {16, 96, 24, 112, 2, 1}, {24, 144, 24, 56, 1, 1}, {24, 144, 32, 56, 2, 1}, {32, 192, 32, 28, 1, 1}, {32, 192, 64, 28, 2, 1},
		{64, 384, 64, 14, 1, 1}, {96, 576, 96, 14, 1, 1}, {96, 576, 160, 14, 2, 1}, {160, 960, 160, 7, 1, 1},
		{32, 32, 16, 32, 1, 64}, {16, 96, 24, 32, 1, 64}, {24, 144, 24, 32, 1, 64}, {24, 144, 32, 32, 2, 64}, {32, 192, 32, 16, 1, 64}, {32, 192, 64, 16, 2, 64},
		{64, 384, 64, 8, 1, 64}, {96, 576, 96, 8, 1, 64}, {96, 576, 160, 8, 2, 64}, {160, 960, 160, 4, 1, 64},
		{64, 64, 128, 56, 1, 1}, {128, 128, 128, 56, 1, 1}, {64, 64, 128, 16, 1, 64}, {128, 128, 128, 28, 1, 16}, {256, 256, 256, 14, 1, 16}, {512, 512, 512, 14, 1, 16},
		{24, 144, 24, 56, 1, 16}, {32, 192, 32, 28, 1, 16}, {64, 384, 64, 14, 1, 16}, {96, 576, 96, 14, 1, 16}, {96, 576, 160, 14, 2, 16}, {64, 256, 64, 16, 1, 16}, {128, 512, 128, 14, 1, 16}, {32, 128, 32, 32, 1, 16},
	} {
		b.Run(fmt.Sprintf("%d-%d-%d@%dx%d/%d/batch%d", c.in, c.expanded, c.out, c.size, c.size, c.stride, c.batch), func(b *testing.B) {
			block := newMobileBlock(c.in, c.expanded, c.out, Conv2d{Kernel: 3, Padding: 1, Stride: c.stride}, blockOptions{adds: c.in == c.out})
			images := randomFloats(c.batch * c.in * c.size * c.size)
			programs := []*Program{block.compile(b, noChains, c.batch, c.in, c.size, c.size), block.compile(b, allChains, c.batch, c.in, c.size, c.size)}
			best := [2]float64{math.Inf(1), math.Inf(1)} // other processes make the mean mean little
			for _, p := range programs {
				p.SetWorkers(1)
			}
			for b.Loop() {
				for i, p := range programs {
					var seconds float64
					for _, s := range p.Profile(images) {
						if s.Layer != "" && s.Layer != "before" {
							seconds += s.Seconds()
						}
					}
					best[i] = min(best[i], seconds)
				}
			}
			b.ReportMetric(1e6*best[0], "us-apart")
			b.ReportMetric(1e6*best[1], "us-joined")
			b.ReportMetric(best[0]/best[1], "times-as-fast")
		})
	}
}
