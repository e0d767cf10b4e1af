package inkling

import (
	"slices"
	"strings"
	"testing"

	"inkling/nn"
	"inkling/weights"
	"inkling/weights/structure"
)

// TestWholeNetworksOfClasses has networks of the zoo as PyTorch pickles them whole: their
// layers are listed, and the code that computes them is missing. Torchvision's are opened, with
// that assumed, others if an option names the network, and neither where a layer is not as in
// the zoo's.
func TestWholeNetworksOfClasses(t *testing.T) {
	const name, own, torchvision = "squeezenet1_1", "__main__.Squeeze", "torchvision.models.squeezenet.SqueezeNet"
	c, err := NewClassifier(name, Options{Classes: []string{"a", "b"}, Height: 32, Width: 32, Channels: 3})
	if err != nil {
		t.Fatal(err)
	}
	operations, err := nn.Trace(c.Network, 1, 3, 32, 32)
	if err != nil {
		t.Fatal(err)
	}
	var all []structure.Layer
	for _, op := range operations {
		sizes := func(what string) string { return structure.Sizes(op.Settings[what].([]int)) }
		var l structure.Layer
		switch op.Name {
		case "conv2d":
			l = structure.New("Conv2d", map[string]string{"kernel_size": sizes("kernel"), "stride": sizes("stride"), "dilation": sizes("dilation")})
			l.Tensors = map[string]string{"weight": "net." + op.Params[0], "bias": "net." + op.Params[1]}
		case "relu":
			l = structure.New("ReLU", nil)
		case "maxpool2d":
			l = structure.New("MaxPool2d", map[string]string{"kernel_size": sizes("kernel"), "stride": sizes("stride"), "ceil_mode": "True"})
		default:
			continue
		}
		l.Place = "module " + op.Name
		all = append(all, l)
	}
	all = append(all, structure.New("AdaptiveAvgPool2d", map[string]string{"output_size": "1"}))
	var tensors []weights.Tensor
	for _, e := range nn.State(c.Network) {
		tensors = append(tensors, weights.NewTensor("net."+e.Name(), e.Shape(), make([]float32, nn.Shape(e.Shape()).Elements())))
	}
	with := func(kind string, other structure.Layer) []structure.Layer {
		list := slices.Clone(all)
		at := slices.IndexFunc(list, func(l structure.Layer) bool { return l.Kind == kind })
		other.Place, other.Tensors = list[at].Place, list[at].Tensors
		list[at] = other
		return list
	}
	without := func(kind string) []structure.Layer {
		return slices.DeleteFunc(slices.Clone(all), func(l structure.Layer) bool { return l.Kind == kind })
	}
	for _, test := range []struct {
		what, class, model string
		layers             []structure.Layer
		says               string // in what is assumed, or in the error that is wanted
		refused            bool
	}{
		{"torchvision's", torchvision, "", all, "whose code is not in the file, computes what squeezenet1_1 does", false},
		{"an own class", own, "", all, "its weights are those of squeezenet1_1: --model squeezenet1_1 says that it computes what that does", true},
		{"an own class, named", own, name, all, "", false},
		{"another activation", torchvision, "", with("ReLU", structure.New("LeakyReLU", nil)), "it holds LeakyReLU (module relu), and of activations squeezenet1_1 has ReLU alone", true},
		{"another activation, named", own, name, with("ReLU", structure.New("Tanh", nil)), "it holds Tanh (module relu)", true},
		{"another stride", torchvision, "", with("Conv2d", structure.New("Conv2d", map[string]string{"kernel_size": "3", "stride": "1"})), "its Conv2d (module conv2d) has a stride of 1, and that of squeezenet1_1 one of 2", true},
		{"another dilation", own, name, with("Conv2d", structure.New("Conv2d", map[string]string{"kernel_size": "3", "stride": "2", "dilation": "2"})), "a dilation of 2", true},
		{"another pooling", torchvision, "", with("AdaptiveAvgPool2d", structure.New("AdaptiveMaxPool2d", map[string]string{"output_size": "1"})), "it holds AdaptiveMaxPool2d(output_size=1)", true},
		{"another window", own, name, with("MaxPool2d", structure.New("MaxPool2d", map[string]string{"kernel_size": "2"})), "it holds MaxPool2d(kernel_size=2, stride=2) (module maxpool2d), and of poolings", true},
		{"no pooling", torchvision, "", without("MaxPool2d"), "it holds no max-pooling, and squeezenet1_1 has MaxPool2d of 3 in steps of 2", true},
		{"pooling by a function, perhaps", own, name, without("MaxPool2d"), "", false},
	} {
		file := &weights.File{Tensors: tensors, Structure: &structure.Network{Class: test.class, Layers: test.layers}}
		m, err := (&Options{Model: test.model, Height: 32, Width: 32}).Use("a.pth", file)
		switch {
		case test.refused:
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%s: error is %v, want %q", test.what, err, test.says)
			}
		case err != nil:
			t.Errorf("%s: %v", test.what, err)
		case m.Architecture() != name || !strings.Contains(strings.Join(m.Assumed, "\n"), test.says):
			t.Errorf("%s: opened as %s, assumed is %q", test.what, m.Architecture(), m.Assumed)
		}
	}
	// A program is followed up to where branches join.
	for _, test := range []struct {
		what, class, model, activation, says string
		refused                              bool
	}{
		{"torchvision's program", "__torch__." + torchvision, "", "ReLU", "whose program was followed up to where branches join, computes what squeezenet1_1 does", false},
		{"a program with another activation", "__torch__." + torchvision, "", "LeakyReLU", "its program computes LeakyReLU (operation 2) where squeezenet1_1 has ReLU", true},
		{"the same, named", "__torch__.__main__.Own", name, "Tanh", "its program computes Tanh", true},
		{"another program", "__torch__.__main__.Own", "", "ReLU", "it is no chain of layers: operation 9 joins", true},
	} {
		second := structure.New(test.activation, nil)
		second.Place = "operation 2"
		s := &structure.Network{Layers: []structure.Layer{all[0], second}, Obstacle: "operation 9 joins"}
		m, err := (&Options{Model: test.model, Height: 32, Width: 32}).Use("a.pt", &weights.File{Tensors: tensors, Structure: s, Script: true, Class: test.class})
		switch {
		case test.refused:
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%s: error is %v, want %q", test.what, err, test.says)
			}
		case err != nil:
			t.Errorf("%s: %v", test.what, err)
		case m.Architecture() != name || !strings.Contains(strings.Join(m.Assumed, "\n"), test.says):
			t.Errorf("%s: opened as %s, assumed is %q", test.what, m.Architecture(), m.Assumed)
		}
	}
}
