package onnx

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"inkling/models"
	"inkling/nn"
	"inkling/transform"
	"inkling/weights"
)

// pictures returns n pictures of MNIST's test set, 28x28 bytes each.
func pictures(t *testing.T, n int) []byte {
	t.Helper()
	file, err := weights.Read(filepath.Join("..", "..", "nn", "testdata", "lenet", "sgd_b4", "images_u8.npy"))
	if err != nil {
		t.Fatal(err)
	}
	var all []byte
	for _, v := range file.Tensors[0].Float32s()[:n*28*28] {
		all = append(all, byte(v))
	}
	return all
}

// trained is the tutorial's network as PyTorch trained it.
func trained(t *testing.T) *models.LeNet {
	t.Helper()
	net := models.NewLeNet(10, 1)
	if err := weights.Load(filepath.Join("..", "testdata", "trained", "model.pth"), nn.State(net)); err != nil {
		t.Fatal(err)
	}
	return net
}

// odd uses what LeNet does not.
type odd struct {
	First  nn.Conv2d
	Second nn.Conv2d `nn:"blocks.0.conv"`
	Pool   nn.MaxPool2d
	FC     nn.Linear
	Out    nn.Linear `nn:"input"` // a name that is taken
}

func newOdd() *odd {
	n := &odd{
		First:  nn.Conv2d{In: 2, Out: 4, Kernel: 3, Stride: 2, Padding: 1, NoBias: true},
		Second: nn.Conv2d{In: 4, Out: 4, Kernel: 3, Padding: 2, Dilation: 2, Groups: 2},
		Pool:   nn.MaxPool2d{Kernel: 3, Stride: 2, Padding: 1},
		FC:     nn.Linear{In: 48, Out: 48, NoBias: true},
		Out:    nn.Linear{In: 48, Out: 5},
	}
	nn.Init(n, rand.New(rand.NewPCG(1, 2)))
	return n
}

func (n *odd) Forward(x *nn.Value) *nn.Value {
	x = nn.ReLU(n.First.Forward(x)) // 2 x 9 x 13 to 4 x 5 x 7
	y := n.Second.Forward(x)
	y = n.Second.Forward(nn.ReLU(y)) // a layer used twice
	x = n.Pool.Forward(nn.Add(x, y)).Flatten()
	x = nn.ReLU(n.FC.Forward(x))
	return n.Out.Forward(n.FC.Forward(x))
}

// runtimeCase is a model, its input and what Inkling makes of that.
type runtimeCase struct {
	name    string
	model   Model
	dims    []int
	floats  []float32 // the input, or
	bytes   []byte
	want    []float32
	classes int
}

func forward(t *testing.T, net nn.Module, input []float32, shape ...int) []float32 {
	t.Helper()
	program, err := nn.Compile(net, shape...)
	if err != nil {
		t.Fatal(err)
	}
	return append([]float32(nil), program.Forward(input)...)
}

// prepared applies the transforms that Inkling itself uses to each picture.
func prepared(t *testing.T, pictures []byte, format transform.Format, steps ...transform.Transform) []float32 {
	t.Helper()
	compose := transform.Compose(steps)
	to, err := compose.Format(format)
	if err != nil {
		t.Fatal(err)
	}
	var all []float32
	for i := 0; i < len(pictures); i += format.Len() {
		from, result := transform.NewPicture(format), transform.NewPicture(to)
		copy(from.Bytes, pictures[i:])
		compose.Apply(result, from)
		all = append(all, result.Floats...)
	}
	return all
}

func softmax(logits []float32, classes int) []float32 {
	out := make([]float32, len(logits))
	for i := 0; i < len(logits); i += classes {
		sum := 0.0
		for _, v := range logits[i : i+classes] {
			sum += math.Exp(float64(v))
		}
		for j, v := range logits[i : i+classes] {
			out[i+j] = float32(math.Exp(float64(v)) / sum)
		}
	}
	return out
}

func runtimeCases(t *testing.T) []runtimeCase {
	const n = 400
	gray := transform.Format{Channels: 1, Height: 28, Width: 28}
	raw, net := pictures(t, n), trained(t)
	tutorial := weights.Metadata{Architecture: "LeNet", Mean: []float32{0.5}, Std: []float32{0.5}}
	turned := weights.Metadata{Mean: []float32{0.1307}, Std: []float32{0.3081}, Orientation: weights.Transposed}
	normalised := prepared(t, raw, gray, transform.ToTensor{}, transform.Normalize{Mean: tutorial.Mean, Std: tutorial.Std})
	transposed := prepared(t, raw, gray, transform.Transpose{}, transform.ToTensor{}, transform.Normalize{Mean: turned.Mean, Std: turned.Std})
	logits := forward(t, net, normalised, n, 1, 28, 28)

	colour, err := models.NewLeNetFor(3, 32, 32, 10, 1)
	if err != nil {
		t.Fatal(err)
	}
	rgb := transform.Format{Channels: 3, Height: 32, Width: 32}
	seen := weights.Metadata{Mean: []float32{0.49, 0.48, 0.45}, Std: []float32{0.25, 0.24, 0.26}}
	colourInput := prepared(t, noise(5*rgb.Len()), rgb, transform.ToTensor{}, transform.Normalize{Mean: seen.Mean, Std: seen.Std})
	colourOutput := forward(t, colour, colourInput, 5, 3, 32, 32)
	colourShape := []int{3, 32, 32}

	strange := newOdd()
	wide := transform.Format{Channels: 2, Height: 13, Width: 9} // upright
	colours := weights.Metadata{Mean: []float32{0.2, 0.7}, Std: []float32{0.5, 3}, Orientation: weights.Transposed}
	odd := noise(3 * wide.Len())
	strangeInput := prepared(t, odd, wide, transform.Transpose{}, transform.ToTensor{}, transform.Normalize{Mean: colours.Mean, Std: colours.Std})
	strangeOutput := forward(t, strange, strangeInput, 3, 2, 9, 13)

	shape := []int{1, 28, 28}
	return append(append(operationCases(t), zooCases(t)...), []runtimeCase{
		{"logits", Model{Network: net, Shape: shape}, []int{n, 1, 28, 28}, normalised, nil, logits, 10},
		{"one picture", Model{Network: net, Shape: shape}, []int{1, 1, 28, 28}, normalised[:784], nil, logits[:10], 10},
		{"softmax", Model{Network: net, Shape: shape, Softmax: true}, []int{n, 1, 28, 28}, normalised, nil, softmax(logits, 10), 10},
		{"pixels", Model{Network: net, Shape: shape, Pixels: true, Metadata: &tutorial}, []int{n, 1, 28, 28}, nil, raw, logits, 10},
		{"transposed pixels", Model{Network: net, Shape: shape, Pixels: true, Metadata: &turned}, []int{n, 1, 28, 28}, nil, raw,
			forward(t, net, transposed, n, 1, 28, 28), 10},
		{"odd", Model{Network: strange, Shape: []int{2, 9, 13}}, []int{3, 2, 9, 13}, strangeInput, nil, strangeOutput, 5},
		{"odd pixels, softmax", Model{Network: strange, Shape: []int{2, 9, 13}, Pixels: true, Softmax: true, Metadata: &colours}, []int{3, 2, 13, 9}, nil, odd,
			softmax(strangeOutput, 5), 5},
		{"odd pixels, channels last", Model{Network: strange, Shape: []int{2, 9, 13}, Pixels: true, ChannelsLast: true, Metadata: &colours}, []int{3, 13, 9, 2}, nil,
			interleaved(odd, wide), strangeOutput, 5},
		{"colour", Model{Network: colour, Shape: colourShape}, []int{5, 3, 32, 32}, colourInput, nil, colourOutput, 10},
		{"colour pixels", Model{Network: colour, Shape: colourShape, Pixels: true, Metadata: &seen}, []int{5, 3, 32, 32}, nil, noise(5 * rgb.Len()), colourOutput, 10},
		{"colour pixels, channels last", Model{Network: colour, Shape: colourShape, Pixels: true, ChannelsLast: true, Metadata: &seen}, []int{5, 32, 32, 3}, nil,
			interleaved(noise(5*rgb.Len()), rgb), colourOutput, 10},
		{"a layer of its own", Model{Network: identity{}, Shape: []int{3}}, []int{2, 3}, []float32{1, 2, 3, 4, 5, 6}, nil, []float32{1, 2, 3, 4, 5, 6}, 3},
	}...)
}

// zooCases are the models of the zoo, for pictures of 64x64.
func zooCases(t *testing.T) (cases []runtimeCase) {
	for _, m := range models.Zoo() {
		c := m.Usual
		c.Classes = 10
		if c.Height > 64 {
			c.Height, c.Width = 64, 64
		}
		net, err := m.NewModel(c, 1)
		if err != nil {
			t.Fatal(err)
		}
		r := rand.New(rand.NewPCG(5, 6))
		drawBuffers(net, r)
		input := make([]float32, c.Channels*c.Height*c.Width)
		for i := range input {
			input[i] = r.Float32()
			if c.Tokens > 0 {
				input[i] = float32(r.IntN(c.Tokens))
			}
		}
		shape := []int{c.Channels, c.Height, c.Width}
		cases = append(cases, runtimeCase{m.Name, Model{Network: net, Shape: shape}, append([]int{1}, shape...), input, nil,
			forward(t, net, input, append([]int{1}, shape...)...), 10})
	}
	return cases
}

// drawBuffers gives a network running statistics as of a training.
func drawBuffers(module any, r *rand.Rand) {
	for _, e := range nn.State(module) {
		if e.IsBuffer() && !e.Integer() {
			values := make([]float32, nn.Shape(e.Shape()).Elements())
			for i := range values {
				values[i] = 0.5 + r.Float32()
			}
			e.Write(values)
		}
	}
}

// anExample is an example of the table of operations as a network of one input, which
// holds the elements of all of the example's inputs.
type anExample struct {
	Layer   any
	example nn.Example
}

func (e *anExample) Forward(x *nn.Value) *nn.Value {
	var inputs []*nn.Value
	at := 0
	for _, in := range e.example.Inputs {
		part := nn.Shape(in.Shape[1:]).Elements()
		v := nn.Reshape(nn.Slice(x, 1, at, at+part, 1), in.Shape[1:]...)
		if at += part; in.Type != nn.Float32 {
			v = nn.Cast(v, in.Type)
		}
		inputs = append(inputs, v)
	}
	y := nn.Cast(e.example.Forward(inputs)[0], nn.Float32)
	if len(y.Shape()) == 1 {
		return nn.Reshape(y, 1)
	}
	return y.Flatten()
}

// unwritten are the operations that ONNX export refuses: losses, those of training,
// and one with two outputs.
var unwritten = map[string]bool{
	"cross_entropy": true, "bce_with_logits": true, "huber": true, "mse": true, "loss_share": true, "topk": true,
}

// operationCases are uses of every operation of the table, with all settings that the
// table's examples draw. Where export refuses a setting it says why.
func operationCases(t *testing.T) (cases []runtimeCase) {
	const examples = 6
	for _, d := range nn.Operations() {
		written := 0
		for seed := range uint64(examples) {
			r := rand.New(rand.NewPCG(seed, 7))
			e := d.Example(r)
			if e.Module != nil {
				nn.Init(e.Module, r)
				drawBuffers(e.Module, r)
			}
			var input []float32
			batch := e.Inputs[0].Shape[0]
			for range batch {
				for k, in := range e.Inputs {
					for range nn.Shape(in.Shape[1:]).Elements() {
						switch {
						case e.Draw != nil:
							input = append(input, float32(e.Draw(r, k)))
						case in.Type != nn.Float32:
							input = append(input, float32(r.IntN(2)))
						default:
							input = append(input, float32(r.NormFloat64()))
						}
					}
				}
			}
			each := len(input) / batch
			net := &anExample{e.Module, e}
			model := Model{Network: net, Shape: []int{each}}
			name := fmt.Sprintf("%s, example %d", d.Op.Name(), seed)
			var b bytes.Buffer
			if err := model.Write(&b); err != nil {
				if !unwritten[d.Op.Name()] && !strings.Contains(err.Error(), d.Op.Name()+" has no equivalent in ONNX: ") {
					t.Errorf("%s: %v", name, err)
				}
				continue
			}
			written++
			want := forward(t, net, input, batch, each)
			cases = append(cases, runtimeCase{name, model, []int{batch, each}, input, nil, want, len(want) / batch})
		}
		if (written == 0) != unwritten[d.Op.Name()] {
			t.Errorf("%s was written %d times", d.Op.Name(), written)
		}
	}
	return cases
}

// noise is n bytes, the same for every call.
func noise(n int) []byte {
	r := rand.New(rand.NewPCG(3, 4))
	pixels := make([]byte, n)
	for i := range pixels {
		pixels[i] = byte(r.UintN(256))
	}
	return pixels
}

// interleaved puts the channels of a pixel side by side.
func interleaved(pictures []byte, format transform.Format) []byte {
	var all []byte
	plane := format.Height * format.Width
	for first := 0; first < len(pictures); first += format.Len() {
		for pixel := range plane {
			for channel := range format.Channels {
				all = append(all, pictures[first+channel*plane+pixel])
			}
		}
	}
	return all
}

type identity struct{}

func (identity) Forward(x *nn.Value) *nn.Value { return x }

// modules returns a folder with ONNX Runtime for node.
func modules(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("ONNX Runtime is not run in short tests")
	}
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("there is no %s: files were not checked with ONNX Runtime", program)
		}
	}
	folder := filepath.Join("testdata", "node_modules")
	if _, err := os.Stat(filepath.Join(folder, "onnxruntime-node")); err == nil {
		absolute, err := filepath.Abs(folder)
		if err != nil {
			t.Fatal(err)
		}
		return absolute
	}
	temporary := t.TempDir()
	for _, name := range []string{"package.json", "package-lock.json"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(temporary, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	npm := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	npm.Dir, npm.WaitDelay = temporary, time.Second
	if output, err := npm.CombinedOutput(); err != nil {
		t.Skipf("onnxruntime-node cannot be installed (%v): files were not checked with ONNX Runtime\n%s", err, output)
	}
	return filepath.Join(temporary, "node_modules")
}

// TestRuntime has ONNX Runtime compute what Inkling computes.
func TestRuntime(t *testing.T) {
	modules, folder := modules(t), t.TempDir()
	cases := runtimeCases(t)
	var list []map[string]any
	for i, c := range cases {
		path := func(ending string) string { return filepath.Join(folder, fmt.Sprint(i)+ending) }
		var file bytes.Buffer
		if err := c.model.Write(&file); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path(".onnx"), file.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		input, kind := c.bytes, "uint8"
		if c.floats != nil {
			input, kind = nil, "float32"
			for _, v := range c.floats {
				input = binary.LittleEndian.AppendUint32(input, math.Float32bits(v))
			}
		}
		if err := os.WriteFile(path(".in"), input, 0o644); err != nil {
			t.Fatal(err)
		}
		list = append(list, map[string]any{"model": path(".onnx"), "type": kind, "dims": c.dims, "input": path(".in"), "output": path(".out")})
	}
	text, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "cases.json"), text, 0o644); err != nil {
		t.Fatal(err)
	}
	node := exec.Command("node", filepath.Join("testdata", "run.js"), filepath.Join(folder, "cases.json"))
	node.Env = append(os.Environ(), "NODE_PATH="+modules)
	var complaints bytes.Buffer
	node.Stderr = &complaints
	output, err := node.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, complaints.Bytes())
	}
	if complaints.Len() > 0 {
		t.Errorf("ONNX Runtime complains: %s", complaints.Bytes())
	}
	var answers []struct {
		Inputs, Outputs []struct {
			Name, Type string
			Shape      []any
		}
		Dims  []int
		Error string
	}
	if err := json.Unmarshal(output, &answers); err != nil || len(answers) != len(cases) {
		t.Fatalf("%v: %s", err, output)
	}
	for i, c := range cases {
		a := answers[i]
		if a.Error != "" {
			t.Errorf("%s: %s", c.name, a.Error)
			continue
		}
		data, err := os.ReadFile(filepath.Join(folder, fmt.Sprint(i)+".out"))
		if err != nil {
			t.Fatal(err)
		}
		if len(data) != 4*len(c.want) || fmt.Sprint(a.Dims) != fmt.Sprint([]int{c.dims[0], c.classes}) {
			t.Errorf("%s: %d bytes of shape %v, want %d values", c.name, len(data), a.Dims, len(c.want))
			continue
		}
		const most = 1e-4
		worst := 0.0
		for j, want := range c.want {
			got := math.Float32frombits(binary.LittleEndian.Uint32(data[4*j:]))
			if d := math.Abs(float64(got) - float64(want)); !(d <= worst) {
				worst = d
			}
		}
		t.Logf("%s: at most %.2g apart", c.name, worst)
		if !(worst <= most) {
			t.Errorf("%s: ONNX Runtime's numbers are up to %g from Inkling's, want at most %g", c.name, worst, most)
		}
		if len(a.Inputs) != 1 || a.Inputs[0].Name != Input || a.Inputs[0].Shape[0] != batchName || a.Outputs[0].Shape[0] != batchName {
			t.Errorf("%s: inputs %v, outputs %v", c.name, a.Inputs, a.Outputs)
		}
		name := Logits
		if c.model.Softmax {
			name = Probabilities
		}
		if len(a.Outputs) != 1 || a.Outputs[0].Name != name {
			t.Errorf("%s: outputs %v", c.name, a.Outputs)
		}
	}
}
