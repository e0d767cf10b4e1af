package pth

import (
	"bytes"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"inkling/weights/internal/archive"
	"inkling/weights/internal/hostile"
)

// program is the TorchScript program in testdata with other code for its class Net.
func program(t testing.TB, code string) []byte {
	t.Helper()
	found, _, err := records(readTestdata(t, "script.pt"))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	z := archive.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(found)) {
		if !strings.HasPrefix(name, codeFolder) {
			if err := z.Record("script/"+name, found[name]); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := z.Record("script/"+codeFolder+"__torch__.py", []byte(code)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// forward is code whose forward has some lines.
func forward(lines ...string) string {
	return "class Net(Module):\n  def forward(self: __torch__.Net,\n    x: Tensor) -> Tensor:\n    " + strings.Join(lines, "\n    ") + "\n" +
		"  def again(self: __torch__.Net,\n    x: Tensor) -> Tensor:\n    return (self).again(x, )\n" +
		"  def twice(self: __torch__.Net,\n    x: Tensor) -> Tensor:\n    return torch.relu(torch.tanh(x))\n" +
		"def helper(x: Tensor, how: bool=False, *, n: int=3) -> Tensor:\n  return x\n" +
		"def choose(x: Tensor,\n    how: bool=False,\n    slope: float=0.25) -> Tensor:\n  if how:\n    y = torch.tanh(x)\n  else:\n    y = torch.leaky_relu(x, slope)\n  return y\n"
}

func describeProgram(t testing.TB, code string) (layers, obstacle string) {
	t.Helper()
	data := program(t, code)
	file, err := Read(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, l := range file.Structure.Layers {
		list = append(list, l.String())
	}
	return strings.Join(list, " "), file.Structure.Obstacle
}

func TestScript(t *testing.T) {
	for _, test := range []struct{ lines, layers string }{
		{"return x", ""},
		{"return torch.tanh(x)", "Tanh"},
		{"y = (self).twice(x, )\nreturn torch.gelu(y, approximate=\"tanh\")", "Tanh ReLU GELU(approximate=tanh)"},
		{"return __torch__.choose(x, True, )", "Tanh"},
		{"return __torch__.choose(x, )", "LeakyReLU(negative_slope=0.25)"},
		{"return __torch__.choose(x, slope=0.5)", "LeakyReLU(negative_slope=0.5)"},
		{"a = torch.relu_(x)\nb = torch.flatten(a, 1)\nreturn torch.softmax(b, 1)", "ReLU Flatten Softmax(dim=1)"},
		{"if torch.ne(torch.dim(x), 4):\n  ops.prim.RaiseException(\"no\")\nelse:\n  pass\nreturn torch.relu(x)", "ReLU"},
		{"if self.training:\n  y = torch.tanh(x)\nelse:\n  y = x\nreturn y", ""},
		{"a, b, = (torch.relu(x), 3)\nreturn a", "ReLU"},
		{"return torch.view(x, [torch.size(x, 0), -1])", "Flatten"},
		{"return torch.view(x, [-1, 16])", "Flatten(features=16)"},
		{"s = torch.size(x)\nreturn torch.reshape(torch.elu(x, 0.5), [s[0], -1])", "ELU(alpha=0.5) Flatten"},
		{"return torch.max_pool2d(x, [3, 3], annotate(List[int], []), [1, 1], [1, 1], True)", "MaxPool2d(ceil_mode=True, kernel_size=3, padding=1, stride=3)"},
		{"return torch.avg_pool2d(x, [2, 3], [2, 3], [0, 0], False, False)", "AvgPool2d(kernel_size=2x3, stride=2x3)"},
		{"return torch.mean(x, [3, 2], True)", "AdaptiveAvgPool2d(output_size=1)"},
		{"return torch.mean(x, [-1, -2])", "AdaptiveAvgPool2d(output_size=1) Flatten"},
		{"return torch.pad(x, [1, 1, 2, 2], \"reflect\")", "ReflectionPad2d(padding=2x1)"},
		{"return torch.hardtanh(x, -0.5, 1.5e1)", "Hardtanh(max_val=15.0, min_val=-0.5)"},
		{"return torch.hardtanh(x, 0., 6.)", "ReLU6"},
		{"return torch.dropout(torch.hardswish(x), 0.5, False)", "Hardswish Dropout"},
		{"return torch.frobnicate(x, 3)", "torch.frobnicate"},
	} {
		layers, obstacle := describeProgram(t, forward(strings.Split(test.lines, "\n")...))
		if layers != test.layers || obstacle != "" {
			t.Errorf("%q computes %q, %q, want %q", test.lines, layers, obstacle, test.layers)
		}
	}
}

func TestScriptObstacles(t *testing.T) {
	for _, test := range []struct{ lines, says string }{
		{"return (torch.relu(x), x)", "does not return one tensor"},
		{"y = torch.relu(x)\nreturn x", "the program returns what an earlier operation computed"},
		{"y = torch.relu(x)\nreturn torch.tanh(x)", "operation 2, torch.tanh, reads what an earlier operation computed"},
		{"return torch.add(x, torch.relu(x))", "operation 2, torch.add, reads what an earlier"},
		{"return torch.mul(torch.relu(x), 2)", "operation 2, torch.mul computes with 2 between layers"},
		{"if torch.gt(torch.size(x, 2), 3):\n  y = x\nelse:\n  y = torch.relu(x)\nreturn y", "decides by the size of what an operation computed"},
		{"if x:\n  pass\nreturn x", "decides by what an operation computed"},
		{"for i in range(3):\n  x = torch.relu(x)\nreturn x", "its program has a loop"},
		{"while True:\n  pass\nreturn x", "its program has a loop"},
		{"ops.prim.RaiseException(\"not today\")\nreturn x", "stops with an error for such pictures: not today"},
		{"return torch.dropout(x, 0.5, True)", "drops out though the network is not trained"},
		{"return torch.batch_norm(x, None, None, None, None, True, 0.1, 1e-5, True)", "normalises by the pictures that are looked at together"},
		{"return torch.conv2d(x, self.nothing, None, [1, 1], [0, 0], [1, 1])", "has the method nothing for its weight"},
		{"return torch.linear(x, None)", "has no weight"},
		{"return torch.view(x, [3, 4, 5])", "makes another shape"},
		{"return torch.view(x, [1, -1])", "or one that cannot be known"},
		{"return torch.relu(x, x, x)", "has 3 arguments, at most 1 are known"},
		{"return torch.relu(x, inplace=True)", "has the argument inplace, which is not known"},
		{"return torch.cat([x, x], 1)", "torch.cat is not known"},
		{"return (self).again(x, )", "nested more than 60 deep"},
		{"return (self).missing(x, )", "no code for missing"},
		{"return __torch__.missing(x, )", "no code for __torch__.missing"},
		{"return __torch__.a.b.missing(x, )", "no code for"},
		{"return torch.relu(" + strings.Repeat("(", 200), "too many brackets"},
		{"return torch.relu(x", "where something else is wanted"},
		{"return x +", "where something else is wanted"},
		{"x += 1", "where something else is wanted"},
		{"self.x = x", "where something else is wanted"},
		{"pass", "does not return one tensor"},
		{"return [x][1]", "takes element 1 out of 1"},
		{"return CONSTANTS.c99", "has no constant c99"},
		{"return torch.add(1, None)", "computes torch.add of 1"},
		{"a, b, = [1]\nreturn x", "takes 2 values out of a list"},
	} {
		layers, obstacle := describeProgram(t, forward(strings.Split(test.lines, "\n")...))
		if !strings.Contains(obstacle, test.says) || strings.ContainsAny(obstacle, "\n\x00") {
			t.Errorf("%q: %q, want %q (%s)", test.lines, obstacle, test.says, layers)
		}
	}
	for _, code := range []string{"", "class Net(Module):\n", "class Other(Module):\n  pass\n"} {
		if _, obstacle := describeProgram(t, code); !strings.Contains(obstacle, "has no code for") {
			t.Errorf("%q: %q", code, obstacle)
		}
	}
}

// A program that doubles its work with every line ends within what its file allows.
func TestScriptWork(t *testing.T) {
	var b strings.Builder
	b.WriteString("class Net(Module):\n  def forward(self, x):\n    return (self).step_a(x)\n")
	names := "abcdefghijklmnopqrstuvwxyz"
	for i := range names {
		if i+1 < len(names) {
			b.WriteString("  def step_" + string(names[i]) + "(self, x):\n    return (self).step_" + string(names[i+1]) + "((self).step_" + string(names[i+1]) + "(x))\n")
		}
	}
	b.WriteString("  def step_z(self, x):\n    return x\n")
	data := program(t, b.String())
	err := hostile.Bounded(t, func(r io.ReaderAt, size int64) error {
		file, err := Read(r, size)
		if err == nil && !strings.Contains(file.Structure.Obstacle, "too long") {
			t.Errorf("obstacle %q", file.Structure.Obstacle)
		}
		return err
	}, data)
	if err != nil {
		t.Error(err)
	}
}

func FuzzScript(f *testing.F) {
	f.Add(forward("return torch.relu(x)"))
	f.Add(forward("y = (self).twice(x, )", "if torch.__is__(None, None):", "  z = __torch__.choose(y, how=True)", "else:", "  z = y", "return torch.flatten(z, 1)"))
	f.Add(forward("a, b, = (torch.relu(x), [1, -2.5e3, \"t\\\"\"])", "return torch.view(a, [(torch.size(a))[0], -1])"))
	f.Add(forward("return torch.conv2d(x, CONSTANTS.c0, None, [1, 1])"))
	f.Fuzz(func(t *testing.T, code string) {
		hostile.Bounded(t, func(r io.ReaderAt, size int64) error {
			_, err := Read(r, size)
			return err
		}, program(t, code))
	})
}
