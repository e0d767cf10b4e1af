package nn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// exampleSeeds is how many examples of every operation each check draws, and
// programSeeds how many of them are compiled, which takes longer.
const (
	exampleSeeds = 24
	programSeeds = 6
)

// drawExample returns the example of a definition for a seed, with its module's
// initial values, all of which are made random: a weight of 1 or a bias of 0
// hides mistakes.
func drawExample(d Definition, seed uint64) (Example, *rand.Rand) {
	r := rand.New(rand.NewPCG(seed, 99))
	e := d.Example(r)
	if e.Module != nil {
		Init(e.Module, r)
		for _, entry := range State(e.Module) {
			if entry.Integer() {
				continue
			}
			v := values(entry)
			for i := range v {
				v[i] += 0.2 * float32(r.NormFloat64())
				if entry.IsBuffer() {
					v[i] = float32(math.Abs(float64(v[i])))
				}
			}
			entry.Write(v)
		}
	}
	return e, r
}

func eachExample(t *testing.T, seeds uint64, check func(e Example, r *rand.Rand) error) {
	for _, d := range operations {
		t.Run(d.Op.Name(), func(t *testing.T) {
			for seed := range seeds {
				e, r := drawExample(d, seed)
				if err := check(e, r); err != nil {
					t.Fatalf("example %d, inputs %v: %v", seed, e.Inputs, err)
				}
			}
		})
	}
}

// TestOperationsAreUsed checks that the examples hold their operation, and the
// table every name once.
func TestOperationsAreUsed(t *testing.T) {
	seen := map[string]bool{}
	for _, d := range operations {
		name := d.Op.Name()
		if seen[name] {
			t.Errorf("%s is in the table twice", name)
		}
		seen[name] = true
		for seed := range uint64(exampleSeeds) {
			e, _ := drawExample(d, seed)
			g, err := traceAll(e.Module, e.Inputs, e.Forward, true, nil)
			if err != nil {
				t.Fatalf("%s, example %d: %v", name, seed, err)
			}
			found := false
			for _, n := range g.nodes {
				found = found || n.op.Name() == name
				if !builtIn(n.op) {
					t.Errorf("%s, example %d uses %s, which the table has not", name, seed, n.op.Name())
				}
			}
			if !found {
				t.Errorf("%s, example %d does not use the operation", name, seed)
			}
			for i, out := range g.outputs {
				if out.rows() == 0 {
					t.Errorf("%s, example %d: output %d, %v, has not the batch first", name, seed, i, out.shape)
				}
			}
		}
	}
}

// TestOperationGradients compares gradients with finite differences in float64,
// and looks for operations that see other examples and do not say so.
func TestOperationGradients(t *testing.T) {
	eachExample(t, exampleSeeds, func(e Example, r *rand.Rand) error {
		g, err := traceAll(e.Module, e.Inputs, e.Forward, true, nil)
		if err != nil {
			return err
		}
		return checkGradients(g, paramNames(e.Module), r, e.Draw)
	})
}

// TestOperationsLeaveOut checks that gradients that nobody needs are left out, and
// that those which remain are the same, bit for bit.
func TestOperationsLeaveOut(t *testing.T) {
	eachExample(t, exampleSeeds, func(e Example, r *rand.Rand) error {
		g, err := traceAll(e.Module, e.Inputs, e.Forward, true, nil)
		if err != nil {
			return err
		}
		ref := newReference[float32](g, 1, 1)
		drawInputs(ref, r, e.Draw)
		ref.forward()
		for i, n := range g.nodes {
			if !n.hasGradient() {
				continue
			}
			c := ref.calls[i]
			for _, dy := range c.OutputGrads {
				for k := range dy.Data {
					dy.Data[k] = float32(r.NormFloat64())
				}
			}
			full := callOf(c, 0, c.N)
			forwardOp(n.op, full)
			backwardOp(n.op, full)
			for leave := range len(full.InputGrads) + len(full.ParamGrads) {
				part := callOf(c, 0, c.N)
				forwardOp(n.op, part)
				wanted := append(append([]Tensor[float32](nil), full.InputGrads...), full.ParamGrads...)
				if leave < len(part.InputGrads) {
					part.InputGrads[leave].Data = nil
				} else {
					part.ParamGrads[leave-len(part.InputGrads)].Data = nil
				}
				backwardOp(n.op, part)
				for k, got := range append(append([]Tensor[float32](nil), part.InputGrads...), part.ParamGrads...) {
					for j := range got.Data {
						if got.Data[j] != wanted[k].Data[j] {
							return fmt.Errorf("%s: without gradient %d, gradient %d changes from %v to %v", n.op.Name(), leave, k, wanted[k].Data[j], got.Data[j])
						}
					}
				}
			}
			for leave := range c.OutputGrads {
				if len(c.OutputGrads) > 1 {
					part := callOf(c, 0, c.N)
					forwardOp(n.op, part)
					part.OutputGrads[leave].Data = nil
					part.OutputGrad = part.OutputGrads[0]
					backwardOp(n.op, part)
				}
			}
		}
		return nil
	})
}

// TestOperationsBackwardReads checks that the gradients do not depend on what an
// operation says that its Backward does not read.
func TestOperationsBackwardReads(t *testing.T) {
	spoil := func(tensors []Tensor[float32]) {
		for _, x := range tensors {
			for i := range x.Data {
				x.Data[i] = float32(math.NaN())
			}
			for i := range x.Ints {
				x.Ints[i] = -1 << 30
			}
		}
	}
	eachExample(t, exampleSeeds, func(e Example, r *rand.Rand) error {
		g, err := traceAll(e.Module, e.Inputs, e.Forward, true, nil)
		if err != nil {
			return err
		}
		ref := newReference[float32](g, 1, 1)
		drawInputs(ref, r, e.Draw)
		ref.forward()
		for i, n := range g.nodes {
			inputs, outputs := backwardReads(n.op)
			if !n.hasGradient() || inputs && outputs {
				continue
			}
			c := ref.calls[i]
			for _, dy := range c.OutputGrads {
				for k := range dy.Data {
					dy.Data[k] = float32(r.NormFloat64())
				}
			}
			full, part := callOf(c, 0, c.N), callOf(c, 0, c.N)
			forwardOp(n.op, full)
			backwardOp(n.op, full)
			forwardOp(n.op, part)
			if !outputs {
				spoil(part.Outputs)
			}
			if !inputs {
				part.Inputs = nil
				for _, x := range c.Inputs {
					part.Inputs = append(part.Inputs, Tensor[float32]{x.Shape, slices.Clone(x.Data), slices.Clone(x.Ints)})
				}
				spoil(part.Inputs)
			}
			backwardOp(n.op, part)
			wanted := append(slices.Clone(full.InputGrads), full.ParamGrads...)
			for k, got := range append(slices.Clone(part.InputGrads), part.ParamGrads...) {
				for j := range got.Data {
					if got.Data[j] != wanted[k].Data[j] {
						return fmt.Errorf("%s: gradient %d changes from %v to %v with what Backward is said not to read", n.op.Name(), k, wanted[k].Data[j], got.Data[j])
					}
				}
			}
		}
		return nil
	})
}

// TestOperationPrecision compares the definitions in float32 with those in
// float64.
func TestOperationPrecision(t *testing.T) {
	eachExample(t, exampleSeeds, func(e Example, r *rand.Rand) error {
		g, err := traceAll(e.Module, e.Inputs, e.Forward, true, nil)
		if err != nil {
			return err
		}
		single, double := newReference[float32](g, 1, 1), newReference[float64](g, 1, 1)
		drawInputs(single, r, e.Draw)
		for i, in := range g.inputs {
			convert(double.values[g.inputs[i].index].Data, single.values[in.index].Data)
			copy(double.values[g.inputs[i].index].Ints, single.values[in.index].Ints)
		}
		single.forward()
		double.forward()
		for i, out := range g.outputs {
			if err := closeTo(fmt.Sprintf("output %d in float32", i), single.values[out.index].Data, double.values[out.index].Data, 1e-4); err != nil {
				return err
			}
			for k, v := range double.values[out.index].Ints {
				if single.values[out.index].Ints[k] != v {
					return fmt.Errorf("output %d, element %d is %d in float32, %d in float64", i, k, single.values[out.index].Ints[k], v)
				}
			}
		}
		return nil
	})
}

// closeTo compares arrays relative to the largest magnitude of want, or to 1
// where that is larger: sums of numbers about 1 may cancel.
func closeTo[T, U Float](what string, got []T, want []U, tolerance float64) error {
	if len(got) != len(want) {
		return fmt.Errorf("%s: %d values, want %d", what, len(got), len(want))
	}
	var largest float64
	for _, v := range want {
		if !math.IsNaN(float64(v)) && !math.IsInf(float64(v), 0) {
			largest = max(largest, math.Abs(float64(v)))
		}
	}
	for i, v := range want {
		a, b := float64(got[i]), float64(v)
		if a == b || math.IsNaN(a) && math.IsNaN(b) {
			continue
		}
		if !(math.Abs(a-b) <= tolerance*max(largest, 1)) {
			return fmt.Errorf("%s: element %d is %v, want %v", what, i, a, b)
		}
	}
	return nil
}

// TestOperationPrograms compares compiled programs with the definitions, for
// full, odd and short batches, 1 to 8 workers and 1 to 4 processors. With -short it takes
// a third of the examples.
func TestOperationPrograms(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	seeds := uint64(programSeeds)
	if testing.Short() {
		seeds /= 3
	}
	eachExample(t, seeds, func(e Example, r *rand.Rand) error { return checkPrograms(e, r) })
}

// tableNet is an example as a network that programs can train: one input that
// holds all inputs of the example, each Float32 one multiplied by parameters, so
// that gradients that flow out of the example's inputs can be seen; and one
// output that holds all outputs.
type tableNet struct {
	Gains   []Param
	Example any
	example Example
}

func newTableNet(e Example, r *rand.Rand) *tableNet {
	n := &tableNet{example: e, Example: e.Module}
	for _, in := range e.Inputs {
		gain := NewParam(in.Shape[1:].Elements())
		gain.fill(1)
		if in.Type == Float32 && e.Draw == nil {
			v := make([]float32, gain.Shape().Elements())
			for i := range v {
				v[i] = 0.5 + r.Float32()
			}
			gain.Write(v)
		}
		n.Gains = append(n.Gains, gain)
	}
	return n
}

func (n *tableNet) width() int {
	width := 0
	for _, in := range n.example.Inputs {
		width += in.Shape[1:].Elements()
	}
	return width
}

func (n *tableNet) Forward(x *Value) *Value {
	var inputs []*Value
	at := 0
	for i, in := range n.example.Inputs {
		size := in.Shape[1:].Elements()
		op := pickOp{at: at, dims: len(in.Shape), kind: in.Type}
		copy(op.shape[:], in.Shape[1:])
		v := Apply(op, nil, x)
		if in.Type == Float32 {
			v = Apply(gainOp{}, []*Param{&n.Gains[i]}, v)
		}
		inputs = append(inputs, v)
		at += size
	}
	return Apply(joinOp{}, nil, n.example.Forward(inputs)...)
}

// pickOp takes an input of the example out of the one that holds all.
type pickOp struct {
	at, dims int
	shape    [7]int
	kind     Type
}

func (pickOp) Name() string                            { return "pick" }
func (p pickOp) OutputShape(in []Shape) (Shape, error) { return nil, nil }
func (p pickOp) Outputs(in []Spec) ([]Spec, error) {
	return []Spec{{append(Shape{in[0].Shape[0]}, p.shape[:p.dims-1]...), p.kind}}, nil
}
func (p pickOp) Forward(c *Call[float32])    { pickForward(p, c) }
func (p pickOp) Backward(c *Call[float32])   { pickBackward(p, c) }
func (p pickOp) Forward64(c *Call[float64])  { pickForward(p, c) }
func (p pickOp) Backward64(c *Call[float64]) { pickBackward(p, c) }

func pickForward[T Float](p pickOp, c *Call[T]) {
	size, width := c.Output.Shape.Elements()/c.N, c.Inputs[0].Shape[1]
	for n := range c.N {
		for i, v := range c.Inputs[0].Data[n*width+p.at:][:size] {
			if p.kind == Float32 {
				c.Output.Data[n*size+i] = v
			} else {
				c.Output.Ints[n*size+i] = int32(v)
			}
		}
	}
}

func pickBackward[T Float](p pickOp, c *Call[T]) {
	size, width := c.Output.Shape.Elements()/c.N, c.Inputs[0].Shape[1]
	if c.InputGrads[0].Data == nil {
		return
	}
	for n := range c.N {
		for i, d := range c.OutputGrad.Data[n*size:][:size] {
			c.InputGrads[0].Data[n*width+p.at+i] += d
		}
	}
}

// gainOp multiplies each element of an example by a parameter.
type gainOp struct{}

func (gainOp) Name() string                          { return "gain" }
func (gainOp) OutputShape(in []Shape) (Shape, error) { return oneInput(in) }
func (gainOp) Forward(c *Call[float32])              { gainForward(c) }
func (gainOp) Backward(c *Call[float32])             { gainBackward(c) }
func (gainOp) Forward64(c *Call[float64])            { gainForward(c) }
func (gainOp) Backward64(c *Call[float64])           { gainBackward(c) }

func gainForward[T Float](c *Call[T]) {
	gain := c.Params[0].Data
	for i, v := range c.Inputs[0].Data {
		c.Output.Data[i] = v * gain[i%len(gain)]
	}
}

func gainBackward[T Float](c *Call[T]) {
	gain := c.Params[0].Data
	for i, d := range c.OutputGrad.Data {
		if c.ParamGrads[0].Data != nil {
			c.ParamGrads[0].Data[i%len(gain)] += d * c.Inputs[0].Data[i]
		}
		if c.InputGrads[0].Data != nil {
			c.InputGrads[0].Data[i] += d * gain[i%len(gain)]
		}
	}
}

// joinOp puts the outputs of the example, each example's in a row, into one.
type joinOp struct{}

func (joinOp) Name() string                       { return "join" }
func (joinOp) OutputShape([]Shape) (Shape, error) { return nil, nil }
func (joinOp) Outputs(in []Spec) ([]Spec, error) {
	// The batch is what all first dimensions have in common: outputs may have
	// several rows an example, of which at least one output has one.
	batch, size := in[0].Shape[0], 0
	for _, s := range in {
		batch = min(batch, s.Shape[0])
	}
	for _, s := range in {
		size += s.Shape.Elements() / batch
	}
	return []Spec{{Shape: Shape{batch, size}}}, nil
}
func (joinOp) Forward(c *Call[float32])    { joinForward(c) }
func (joinOp) Backward(c *Call[float32])   { joinBackward(c) }
func (joinOp) Forward64(c *Call[float64])  { joinForward(c) }
func (joinOp) Backward64(c *Call[float64]) { joinBackward(c) }

func joinForward[T Float](c *Call[T]) {
	at, width := 0, c.Output.Shape[1]
	for _, in := range c.Inputs {
		size := in.Shape.Elements() / c.Output.Shape[0]
		for n := range c.Output.Shape[0] {
			for i := range size {
				if in.Data != nil {
					c.Output.Data[n*width+at+i] = in.Data[n*size+i]
				} else {
					c.Output.Data[n*width+at+i] = T(in.Ints[n*size+i])
				}
			}
		}
		at += size
	}
}

func joinBackward[T Float](c *Call[T]) {
	at, width := 0, c.Output.Shape[1]
	for k, in := range c.Inputs {
		size := in.Shape.Elements() / c.Output.Shape[0]
		if dx := c.InputGrads[k].Data; dx != nil {
			for n := range c.Output.Shape[0] {
				for i := range size {
					dx[n*size+i] += c.OutputGrad.Data[n*width+at+i]
				}
			}
		}
		at += size
	}
}

// givenGradient is a loss whose gradient by the first output is its targets.
type givenGradient struct{}

func (givenGradient) Targets(outputs []Spec) ([]Spec, error) { return outputs[:1], nil }
func (givenGradient) Judge(outputs, targets []*Value) *Value {
	return Apply(givenGradientOp{}, nil, outputs[0], targets[0])
}

type givenGradientOp struct{}

func (givenGradientOp) Name() string                          { return "given gradient" }
func (givenGradientOp) OutputShape(in []Shape) (Shape, error) { return in[0][:1], nil }
func (givenGradientOp) Forward(c *Call[float32])              { clear(c.Output.Data) }
func (givenGradientOp) Backward(c *Call[float32]) {
	for i, v := range c.Inputs[1].Data {
		c.InputGrads[0].Data[i] += v
	}
}

// checkPrograms compares programs of an example with the definitions.
func checkPrograms(e Example, r *rand.Rand) error {
	net := newTableNet(e, r)
	start := snapshot(net)
	shape := []int{9, net.width()}
	whole, err := trace(net, shape, true)
	if err != nil {
		return err
	}
	if whole.outputs[0].shape[0] != 9 {
		return fmt.Errorf("the example gives %v rows for a batch of 9", whole.outputs[0].shape[0])
	}
	classes := whole.outputs[0].shape[1]
	gradient := make([]float32, 9*classes)
	for i := range gradient {
		gradient[i] = float32(r.NormFloat64())
	}
	input := make([]float32, 9*net.width())
	for n := range 9 {
		at := n * net.width()
		for i, in := range e.Inputs {
			for range in.Shape[1:].Elements() {
				switch {
				case e.Draw != nil:
					input[at] = float32(e.Draw(r, i))
				case in.Type == Float32:
					input[at] = float32(r.NormFloat64())
				default:
					input[at] = float32(r.IntN(2))
				}
				at++
			}
		}
	}
	// Without a Float32 input there is no gradient, and nothing to train.
	trains := slices.ContainsFunc(e.Inputs, func(in Spec) bool { return in.Type == Float32 }) && len(learning(whole)) > 0
	for _, n := range []int{9, 7, 2, 1} {
		small, err := trace(net, []int{n, net.width()}, true)
		if err != nil {
			continue // one value a channel
		}
		ref := newReference[float32](small, 5, 1)
		ref.updateBuffers = true
		copy(ref.values[small.input().index].Data, input)
		want := append([]float32(nil), ref.forward().Data...)
		ref.backward(gradient[:n*classes])

		var bits []uint32
		for _, workers := range []int{1, 2, 3, 4, 8} {
			if !trains {
				break
			}
			runtime.GOMAXPROCS(1 + workers%4)
			restore(net, start)
			p, err := CompileTrain(net, givenGradient{}, newSGD(), shape...)
			if err != nil {
				return err
			}
			p.SetWorkers(workers)
			p.SetSeed(5)
			what := fmt.Sprintf("%d of 9 examples, %d workers: ", n, workers)
			got := append([]float32(nil), p.Forward(input[:n*net.width()])...)
			if err := closeTo(what+"outputs", got, want, 1e-5); err != nil {
				return err
			}
			p.setNumbers(gradient[:n*classes])
			p.backward()
			for _, entry := range p.Gradients() {
				got = append(got, values(entry)...)
			}
			for param, name := range paramNames(net) {
				wanted, used := ref.paramGrads[param]
				for _, entry := range p.Gradients() {
					if used && entry.Name() == name {
						if err := closeTo(what+"gradient of "+name, values(entry), wanted.Data, 2e-5); err != nil {
							return err
						}
						used = false
					}
				}
				if used {
					return fmt.Errorf("%sno gradient of %s", what, name)
				}
			}
			walkState(net, func(name string, _ *Param, b *Buffer) {
				if b != nil && err == nil {
					got = append(got, b.data...)
					if wanted, used := ref.buffers[b]; used {
						err = closeTo(what+"buffer "+name, b.data, wanted.Data, 1e-5)
					}
				}
			})
			if err != nil {
				return err
			}
			these := make([]uint32, len(got))
			for i, v := range got {
				these[i] = math.Float32bits(v)
			}
			if bits == nil {
				bits = these
			}
			for i := range bits {
				if bits[i] != these[i] {
					return fmt.Errorf("%snumber %d is %v, with one worker %v", what, i, math.Float32frombits(these[i]), math.Float32frombits(bits[i]))
				}
			}
			p.team.close()
		}
		restore(net, start)

		small, err = trace(net, []int{n, net.width()}, false)
		if err != nil {
			return err
		}
		ref = newReference[float32](small, 5, 1)
		copy(ref.values[small.input().index].Data, input)
		want = ref.forward().Data
		p, err := Compile(net, shape...)
		if err != nil {
			return err
		}
		for _, workers := range []int{1, 2, 3, 4, 8} {
			p.SetWorkers(workers)
			if err := closeTo(fmt.Sprintf("inference for %d of 9 examples, %d workers", n, workers), p.Forward(input[:n*net.width()]), want, 1e-5); err != nil {
				return err
			}
		}
		p.team.close()
	}
	return checkAllocations(net, input, shape, trains)
}

// learning returns the parameters to which a gradient flows from the output.
func learning(g *graph) map[*Param]int { return newPlan(g, nil, 1, true).uses }

// checkAllocations checks that neither a step nor a prediction allocates.
func checkAllocations(net *tableNet, input []float32, shape []int, trains bool) error {
	g, err := trace(net, shape, true)
	if err != nil {
		return err
	}
	if trains {
		p, err := CompileTrain(net, givenGradient{}, newSGD(), shape...)
		if err != nil {
			return err
		}
		targets := make([]float32, g.output().shape.Elements())
		if n := testing.AllocsPerRun(3, func() { p.StepSoft(input, targets) }); n != 0 {
			return fmt.Errorf("a training step allocates %v times", n)
		}
		p.team.close()
	}
	infer, err := Compile(net, shape...)
	if err != nil {
		return err
	}
	if n := testing.AllocsPerRun(3, func() { infer.Forward(input) }); n != 0 {
		return fmt.Errorf("a prediction allocates %v times", n)
	}
	infer.team.close()
	return nil
}

// snapshot and restore keep a module's parameters and buffers.
func snapshot(module any) (state [][]float32) {
	for _, e := range State(module) {
		state = append(state, values(e))
	}
	return state
}

func restore(module any, state [][]float32) {
	for i, e := range State(module) {
		e.Write(state[i])
	}
}

// centredOp subtracts the mean of the batch, and claims to treat examples as
// independent.
type centredOp struct{}

func (centredOp) Name() string                          { return "centred" }
func (centredOp) OutputShape(in []Shape) (Shape, error) { return oneInput(in) }
func (centredOp) Forward(c *Call[float32])              { centredRun(c, c.Inputs[0], c.Output, false) }
func (centredOp) Backward(c *Call[float32])             { centredRun(c, c.OutputGrad, c.InputGrads[0], true) }
func (centredOp) Forward64(c *Call[float64])            { centredRun(c, c.Inputs[0], c.Output, false) }
func (centredOp) Backward64(c *Call[float64])           { centredRun(c, c.OutputGrad, c.InputGrads[0], true) }

func centredRun[T Float](c *Call[T], from, to Tensor[T], add bool) {
	if to.Data == nil {
		return
	}
	size := len(from.Data) / c.N
	for i := range size {
		var sum T
		for n := range c.N {
			sum += from.Data[n*size+i]
		}
		for n := range c.N {
			v := from.Data[n*size+i] - sum/T(c.N)
			if add {
				v += to.Data[n*size+i]
			}
			to.Data[n*size+i] = v
		}
	}
}

// honestOp is centredOp that says what it does.
type honestOp struct{ centredOp }

func (honestOp) Batchwise() bool { return true }

// TestLiarsAreFound puts an operation that looks across the batch before the
// checks of the table.
func TestLiarsAreFound(t *testing.T) {
	example := func(op Op) Example {
		return exampleOfFunc(func(x []*Value) *Value { return Apply(op, nil, x[0]) }, Shape{4, 3})
	}
	r := rand.New(rand.NewPCG(1, 1))
	liar, honest := example(centredOp{}), example(honestOp{})
	if err := checkPrograms(liar, r); err == nil {
		t.Error("programs of an operation that looks at other examples and does not say so pass the check")
	}
	if err := checkPrograms(honest, r); err != nil {
		t.Error(err)
	}
	module := function(func(x *Value) *Value { return Apply(centredOp{}, nil, x) })
	if err := CheckGradients(module, r, 4, 3); err == nil || !strings.Contains(err.Error(), "implementing nn.Batchwise") {
		t.Errorf("CheckGradients of it: %v", err)
	}
	module = func(x *Value) *Value { return Apply(honestOp{}, nil, x) }
	if err := CheckGradients(module, r, 4, 3); err != nil {
		t.Error(err)
	}
}
