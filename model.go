package inkling

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"inkling/data"
	"inkling/internal/wording"
	"inkling/models"
	"inkling/nn"
	"inkling/transform"
	"inkling/weights"
)

// Architecture is what metadata calls the one network there is.
const Architecture = "LeNet"

// What the tutorial's Normalize subtracts and divides by, for lack of metadata.
const (
	DefaultMean = 0.5
	DefaultStd  = 0.5
)

// A Model is a network with what one must know to use it.
type Model struct {
	Network *models.LeNet
	About   weights.Metadata
	// Assumed is what the file did not say and was taken for granted.
	Assumed        []string
	classesAssumed bool
	// Optimizer, if set, returns the state of what trains the network, to be saved
	// with it.
	Optimizer func() *weights.Optimizer
}

// Open reads a weight file, of Inkling or of PyTorch.
func Open(path string) (*Model, error) {
	file, err := weights.Read(path)
	if err != nil {
		return nil, err
	}
	m := &Model{}
	if file.Metadata != nil {
		m.About = *file.Metadata
	}
	if a := m.About.Architecture; a != "" && a != Architecture {
		return nil, fmt.Errorf("%s holds the network %q, but only %s can be run; inkling info shows what is in it", path, a, Architecture)
	}
	for i, class := range m.About.Classes {
		m.About.Classes[i] = wording.Printable(class)
	}
	if err := m.fillIn(file); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	input := m.About.Input
	m.Network, err = models.NewLeNetFor(input[0], input[1], input[2], len(m.About.Classes), 0)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if n := len(m.About.Mean); n != 1 && n != input[0] {
		return nil, fmt.Errorf("%s has %d means and standard deviations, but its pictures have %s", path, n, wording.Count(input[0], "channel"))
	}
	return m, weights.Restore(path, file, nn.State(m.Network))
}

// fillIn sets what the metadata of a file leaves open, by the shapes of the
// weights. The orientation stays open: what it is taken for depends on the
// pictures at hand.
func (m *Model) fillIn(file *weights.File) error {
	shapes := map[string][]int{}
	for _, t := range file.Tensors {
		shapes[t.Name] = t.Shape
	}
	if len(m.About.Classes) == 0 {
		// A classifier's last bias has an element for each class.
		classes := 10
		if shape := shapes["fc3.bias"]; len(shape) == 1 && shape[0] > 0 {
			classes = shape[0]
		}
		for i := range classes {
			m.About.Classes = append(m.About.Classes, strconv.Itoa(i))
		}
		m.classesAssumed = true
		m.Assumed = append(m.Assumed, fmt.Sprintf("the classes are called 0 to %d", classes-1))
	}
	if m.About.Input == nil {
		input, err := inferInput(shapes["conv1.weight"], shapes["fc1.weight"])
		if err != nil {
			return err
		}
		m.About.Input = input
		m.Assumed = append(m.Assumed, fmt.Sprintf("pictures have %s and %dx%d pixels", wording.Count(input[0], "channel"), input[1], input[2]))
	}
	if len(m.About.Mean) == 0 {
		m.About.Mean, m.About.Std = []float32{DefaultMean}, []float32{DefaultStd}
		m.Assumed = append(m.Assumed, fmt.Sprintf("pixels are normalised with mean %v and standard deviation %v", DefaultMean, DefaultStd))
	}
	return nil
}

// inferInput returns the shape of the pictures that weights of these shapes are
// for, if those are square. Of weights that are no LeNet's it knows nothing, and
// returns the tutorial's shape: comparing them tells what differs.
func inferInput(conv1, fc1 []int) ([]int, error) {
	input := []int{models.LeNetChannels, models.LeNetHeight, models.LeNetWidth}
	if len(conv1) != 4 || len(fc1) != 2 {
		return input, nil
	}
	side, square := models.LeNetSide(fc1[1])
	if !square {
		return nil, fmt.Errorf("it does not say what pictures its network reads, and its fc1.weight, %v, is not that of square ones", nn.Shape(fc1))
	}
	return []int{conv1[1], side, side}, nil
}

// Orient settles how the pictures shall lie: as asked for, else as the file
// says, else as given by otherwise.
func (m *Model) Orient(asked, otherwise, why string) {
	switch {
	case asked != "":
		m.About.Orientation = asked
	case m.About.Orientation == "":
		m.About.Orientation = otherwise
		m.Assumed = append(m.Assumed, fmt.Sprintf("pictures lie %s, %s", otherwise, why))
	}
}

// Input is the shape of the pictures that the network reads.
func (m *Model) Input() []int {
	channels, height, width := m.Network.Input()
	return []int{channels, height, width}
}

// Suits reports whether the network reads pictures of the shape that those of a
// data set have, and means the same classes by its labels.
func (m *Model) Suits(d data.Dataset, title string) error {
	channels, height, width := d.Shape()
	if got, want := []int{channels, height, width}, m.Input(); !slices.Equal(got, want) {
		return fmt.Errorf("the pictures of %s are %v (channels, height, width), but the network reads %v", title, nn.Shape(got), nn.Shape(want))
	}
	if m.classesAssumed || len(d.Classes()) != len(m.About.Classes) {
		return nil // that there are as many is checked where the network is run
	}
	for i, class := range d.Classes() {
		if known := m.About.Classes[i]; wording.Printable(class) != known {
			return fmt.Errorf("label %d of %s means %q, but to the network it means %q: it was trained on other classes", i, title, class, known)
		}
	}
	return nil
}

// Drawable reports whether drawings can be made into pictures for the network.
func (m *Model) Drawable(name string) error {
	want := []int{models.LeNetChannels, models.LeNetHeight, models.LeNetWidth}
	if !slices.Equal(m.Input(), want) {
		return fmt.Errorf("%s reads pictures of %v (channels, height, width), and a drawing becomes one of %v; inkling predict lets it read picture files",
			name, nn.Shape(m.Input()), nn.Shape(want))
	}
	return nil
}

// Note says what was assumed, a line each; it is empty if nothing was.
func (m *Model) Note(path string) string {
	if len(m.Assumed) == 0 {
		return ""
	}
	return fmt.Sprintf("%s does not say everything about its pictures; assumed:\n  - %s\n", path, strings.Join(m.Assumed, "\n  - "))
}

// Transform makes the network's input of an upright picture of bytes.
func (m *Model) Transform() transform.Transform {
	steps := transform.Compose{transform.ToTensor{}, transform.Normalize{Mean: m.About.Mean, Std: m.About.Std}}
	if m.About.Orientation == weights.Transposed {
		steps = append(transform.Compose{transform.Transpose{}}, steps...)
	}
	return steps
}

// TransformDrawing is transform for drawings, which are white on black.
func (m *Model) TransformDrawing() transform.Transform {
	if m.unlikeGround(false) {
		return transform.Compose{transform.Invert{}, m.Transform()}
	}
	return m.Transform()
}

// Save writes the weights with all that is known about them.
func (m *Model) Save(path string) error {
	if m.Optimizer != nil {
		return weights.SaveCheckpoint(path, nn.State(m.Network), m.Optimizer(), m.About)
	}
	return weights.Save(path, nn.State(m.Network), m.About)
}

// SetExtra notes something else in the metadata.
func (m *Model) SetExtra(key, value string) { m.About.Extra[key] = value }

// Parameters is the number of weights of a network.
func Parameters(network nn.Module) int {
	total := 0
	for _, e := range nn.State(network) {
		total += nn.Shape(e.Shape()).Elements()
	}
	return total
}
