package inkling

import (
	"image"
	"image/color"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"inkling/models"
	"inkling/nn"
	"inkling/weights"
)

// stateOf returns tensors of a new network of a model, and the network.
func stateOf(t *testing.T, model string, c models.Config) (models.Network, []weights.Tensor) {
	t.Helper()
	m, err := models.FindModel(model)
	if err != nil {
		t.Fatal(err)
	}
	network, err := m.NewModel(c, 3)
	if err != nil {
		t.Fatal(err)
	}
	var tensors []weights.Tensor
	for _, e := range nn.State(network) {
		tensors = append(tensors, weights.TensorOf(e))
	}
	return network, tensors
}

// sameLogits compares two networks on a picture.
func sameLogits(t *testing.T, what string, a, b models.Network) {
	t.Helper()
	channels, height, width := a.Input()
	var logits [2][]float32
	for i, network := range []models.Network{a, b} {
		program, err := nn.Compile(network, 1, channels, height, width)
		if err != nil {
			t.Fatal(what, err)
		}
		pixels := make([]float32, channels*height*width)
		for i := range pixels {
			pixels[i] = float32(math.Sin(float64(i)))
		}
		logits[i] = slices.Clone(program.Forward(pixels))
	}
	if !slices.Equal(logits[0], logits[1]) {
		t.Errorf("%s: logits %v, want %v", what, logits[1], logits[0])
	}
}

// small is what the tests make of a model, so that it is made quickly.
func small(m models.Model) models.Config {
	return models.Config{Channels: 3, Height: 32, Width: 32, Classes: 4}
}

// A state dict without a word is recognised by its keys and shapes, and of a file that
// names its network, or an option that does, the same comes.
func TestOpenZoo(t *testing.T) {
	if testing.Short() {
		t.Skip("makes large networks")
	}
	thin, err := models.FindModel("mobilenet_v2 width_mult=0.25")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range append(models.Zoo(), thin) {
		if m.Reads != models.Pictures || m.Name == "resnet34" || m.Name == "resnet50" || m.Name == "densenet121" {
			continue // as resnet18, and they take seconds
		}
		recognised := m.Name
		if m.Name == "lenet5" {
			recognised = "LeNet" // which it is, with padding
		}
		c := small(m)
		network, tensors := stateOf(t, m.Name, c)
		file := &weights.File{Tensors: tensors}
		size := Options{Height: 32, Width: 32}
		if m.Name == thin.Name { // which only its name tells
			size.Model, recognised = m.Name, m.Name
		}
		opened, err := size.Use("nameless.pth", file)
		if err != nil {
			t.Errorf("%s without its name: %v", m.Name, err)
			continue
		}
		if opened.Architecture() != recognised {
			t.Errorf("%s was taken for %s", m.Name, opened.Architecture())
		}
		if size.Model == "" && !slices.ContainsFunc(opened.Assumed, func(text string) bool { return strings.Contains(text, "the network is "+recognised) }) {
			t.Errorf("%s: that it is one is assumed and not said: %q", m.Name, opened.Assumed)
		}
		sameLogits(t, m.Name, network, opened.Network)

		size.Model = strings.ToUpper(m.Name)
		asked, err := size.Use("nameless.pth", file)
		if err != nil {
			t.Fatalf("%s asked for: %v", m.Name, err)
		}
		sameLogits(t, m.Name+" asked for", network, asked.Network)
		if slices.ContainsFunc(asked.Assumed, func(text string) bool { return strings.Contains(text, "the network is") }) {
			t.Errorf("%s: its name was asked for, but %q", m.Name, asked.Assumed)
		}

		path := filepath.Join(t.TempDir(), "named.safetensors")
		about := weights.Metadata{Architecture: m.Name, Input: []int{3, 32, 32}, Classes: []string{"a", "b", "c", "d"}, Mean: []float32{0.5}, Std: []float32{0.5}}
		if err := weights.Save(path, nn.State(network), about); err != nil {
			t.Fatal(err)
		}
		named, err := Open(path)
		if err != nil {
			t.Fatalf("%s named by its file: %v", m.Name, err)
		}
		sameLogits(t, m.Name+" named", network, named.Network)
		if len(named.Assumed) > 0 {
			t.Errorf("%s says all of itself, but %q was assumed", m.Name, named.Assumed)
		}
	}
}

// What the weights of a network of photographs do not tell is assumed as torchvision's
// are, and said.
func TestOpenPhotographs(t *testing.T) {
	if testing.Short() {
		t.Skip("makes large networks")
	}
	_, tensors := stateOf(t, "resnet18", models.Config{Channels: 3, Height: 224, Width: 224, Classes: 5})
	// As torchvision's oldest files, without counters, and as DataParallel saves.
	tensors = slices.DeleteFunc(tensors, func(t weights.Tensor) bool { return models.IsCounter(t.Name) })
	for i := range tensors {
		tensors[i].Name = "module." + tensors[i].Name
	}
	m, err := (&Options{}).Use("resnet18.pth", &weights.File{Tensors: tensors})
	if err != nil {
		t.Fatal(err)
	}
	if m.Architecture() != "resnet18" || !slices.Equal(m.Input(), []int{3, 224, 224}) || !slices.Equal(m.About.Mean, models.ImageNetMean()) || !slices.Equal(m.About.Std, models.ImageNetStd()) {
		t.Errorf("opened as %s for %v, mean %v", m.Architecture(), m.Input(), m.About.Mean)
	}
	note := m.Note("resnet18.pth")
	for _, want := range []string{"the network is resnet18", "3 channels and 224x224 pixels", "mean 0.485 0.456 0.406", "module., which was taken off", "classes are called 0 to 4"} {
		if !strings.Contains(note, want) {
			t.Errorf("the note lacks %q:\n%s", want, note)
		}
	}
	if !m.FitTo(3, 96, 128, "those of a test") || !slices.Equal(m.Input(), []int{3, 96, 128}) {
		t.Errorf("it does not read 96x128, but %v", m.Input())
	}
	if m.FitTo(3, 32, 32, "those of a test") {
		t.Error("a filter of 7x7 was taken for that of the network for small pictures")
	}
	// Its weights have the same shapes in the form for small pictures, with other strides.
	_, tensors = stateOf(t, "mobilenet_v3_small", models.Config{Channels: 3, Height: 224, Width: 224, Classes: 5})
	if m, err = (&Options{}).Use("mobile.pth", &weights.File{Tensors: tensors}); err != nil {
		t.Fatal(err)
	}
	if !m.AnySize() || m.FitTo(3, 32, 32, "those of a test") || !m.FitTo(3, 128, 128, "those of a test") {
		t.Errorf("a network of large pictures became one of small ones, or not one of 128x128: %v", m.Input())
	}
}

func TestOpenZooRefuses(t *testing.T) {
	_, tensors := stateOf(t, "resnet18", models.Config{Channels: 3, Height: 32, Width: 32, Classes: 4})
	without := slices.DeleteFunc(slices.Clone(tensors), func(t weights.Tensor) bool { return t.Name == "layer3.0.conv2.weight" })
	for _, test := range []struct {
		options Options
		tensors []weights.Tensor
		want    string
	}{
		{Options{Model: "resnet19"}, tensors, `no model "resnet19"; there are LeNet, `},
		{Options{Model: "resnet34"}, tensors, "missing in the file: layer1.2.conv1.weight"},
		{Options{}, without, "resnet18 is the nearest: x.pth does not fit the network, so nothing was loaded"},
		{Options{}, without, "missing in the file: layer3.0.conv2.weight"},
		{Options{Model: "LeNet"}, tensors, "missing in the file: conv1.bias"},
		{Options{Channels: 1}, tensors, "wanted [64 1 7 7], got [64 3 3 3]"},
		{Options{Model: "resnet18", Padding: []int{2}}, tensors, "takes no padding"},
	} {
		_, err := test.options.Use("x.pth", &weights.File{Tensors: test.tensors})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: error %v, want %q", test.options, err, test.want)
		}
	}
}

// A new classifier predicts, is saved, and opened again predicts the same.
func TestNewClassifier(t *testing.T) {
	photo := image.NewRGBA(image.Rect(5, 7, 65, 47))
	for i := range photo.Pix {
		photo.Pix[i] = byte(i * i)
		if i%4 == 3 {
			photo.Pix[i] = 255
		}
	}
	for name, size := range map[string]int{"resnet9": 0, "lenet": 28, "mobilenet_v3_small": 40} {
		c, err := NewClassifier(name, Options{Channels: 3, Height: size, Width: size, Classes: []string{"frog", "dog", "cat"}, Seed: 5})
		if err != nil {
			t.Fatal(name, err)
		}
		p, err := c.Predict(photo)
		if err != nil {
			t.Fatal(name, err)
		}
		var sum float64
		for _, v := range p.Probabilities {
			sum += float64(v)
		}
		if p.Class != c.About.Classes[p.Index] || float32(p.Probability) != p.Probabilities[p.Index] || math.Abs(sum-1) > 1e-5 {
			t.Errorf("%s: %+v, which adds up to %v", name, p, sum)
		}
		path := filepath.Join(t.TempDir(), "new.pth")
		if err := c.Save(path); err != nil {
			t.Fatal(name, err)
		}
		again, err := Open(path)
		if err != nil {
			t.Fatal(name, err)
		}
		small := image.NewNRGBA(image.Rect(0, 0, 3, 90))
		small.Set(1, 50, color.White)
		all, err := again.PredictBatch([]image.Image{small, photo})
		if err != nil {
			t.Fatal(name, err)
		}
		if !slices.Equal(all[1].Probabilities, p.Probabilities) {
			t.Errorf("%s: opened again it says %v, before %v", name, all[1], p)
		}
		if again.Architecture() != c.Architecture() || len(again.Assumed) > 0 {
			t.Errorf("%s was opened as %s, and assumed: %q", name, again.Architecture(), again.Assumed)
		}
	}
}

func TestNewClassifierRefuses(t *testing.T) {
	three := []string{"a", "b", "c"}
	for want, o := range map[string]Options{
		"Classes are empty":          {},
		"have the same name":         {Classes: []string{"a", "a"}},
		"no tensors to rename":       {Classes: three, LabelOffset: 1},
		"options say resnet34":       {Classes: three, Model: "resnet34"},
		"2 means":                    {Classes: three, Mean: []float32{1, 2}, Std: []float32{1, 2}},
		"takes no padding":           {Classes: three, Padding: []int{1}},
		"want numbers above 0":       {Classes: three, Height: 20},
		"channels: they must have 1": {Classes: three, Channels: 100},
	} {
		if _, err := NewClassifier("resnet18", o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: error %v, want %q", o, err, want)
		}
	}
	c, err := NewClassifier("lenet", Options{Classes: three})
	if err != nil {
		t.Fatal(err)
	}
	for _, img := range []image.Image{nil, image.NewGray(image.Rectangle{}), image.NewGray(image.Rect(0, 0, 50, 50))} {
		if p, err := c.Predict(img); err == nil {
			t.Errorf("a picture of nothing is %+v", p)
		}
	}
	if _, err := c.PredictFile("no.png"); err == nil || !strings.Contains(err.Error(), "no.png") {
		t.Errorf("a file that is not there: %v", err)
	}
}
