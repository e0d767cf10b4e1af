package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"inkling/data"
	"inkling/internal/atomicfile"
	"inkling/models"
	"inkling/nn"
	"inkling/transform"
	"inkling/weights"
)

// architecture is what metadata calls the one network there is.
const architecture = "LeNet"

// What the tutorial's Normalize subtracts and divides by, for lack of metadata.
const (
	defaultMean = 0.5
	defaultStd  = 0.5
)

// A model is a network with what one must know to use it.
type model struct {
	network *models.LeNet
	about   weights.Metadata
	// assumed is what the file did not say and was taken for granted.
	assumed        []string
	classesAssumed bool
	// optimizer, if set, returns the state of what trains the network, to be saved
	// with it.
	optimizer func() *weights.Optimizer
}

// openModel reads a weight file, of Inkling or of PyTorch.
func openModel(path string) (*model, error) {
	file, err := weights.Read(path)
	if err != nil {
		return nil, err
	}
	m := &model{}
	if file.Metadata != nil {
		m.about = *file.Metadata
	}
	if a := m.about.Architecture; a != "" && a != architecture {
		return nil, fmt.Errorf("%s holds the network %q, but only %s can be run; inkling info shows what is in it", path, a, architecture)
	}
	for i, class := range m.about.Classes {
		m.about.Classes[i] = printable(class)
	}
	if err := m.fillIn(file); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	input := m.about.Input
	m.network, err = models.NewLeNetFor(input[0], input[1], input[2], len(m.about.Classes), 0)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if n := len(m.about.Mean); n != 1 && n != input[0] {
		return nil, fmt.Errorf("%s has %d means and standard deviations, but its pictures have %s", path, n, count(input[0], "channel"))
	}
	return m, weights.Restore(path, file, nn.State(m.network))
}

// fillIn sets what the metadata of a file leaves open, by the shapes of the
// weights. The orientation stays open: what it is taken for depends on the
// pictures at hand.
func (m *model) fillIn(file *weights.File) error {
	shapes := map[string][]int{}
	for _, t := range file.Tensors {
		shapes[t.Name] = t.Shape
	}
	if len(m.about.Classes) == 0 {
		// A classifier's last bias has an element for each class.
		classes := 10
		if shape := shapes["fc3.bias"]; len(shape) == 1 && shape[0] > 0 {
			classes = shape[0]
		}
		for i := range classes {
			m.about.Classes = append(m.about.Classes, strconv.Itoa(i))
		}
		m.classesAssumed = true
		m.assumed = append(m.assumed, fmt.Sprintf("the classes are called 0 to %d", classes-1))
	}
	if m.about.Input == nil {
		input, err := inferInput(shapes["conv1.weight"], shapes["fc1.weight"])
		if err != nil {
			return err
		}
		m.about.Input = input
		m.assumed = append(m.assumed, fmt.Sprintf("pictures have %s and %dx%d pixels", count(input[0], "channel"), input[1], input[2]))
	}
	if len(m.about.Mean) == 0 {
		m.about.Mean, m.about.Std = []float32{defaultMean}, []float32{defaultStd}
		m.assumed = append(m.assumed, fmt.Sprintf("pixels are normalised with mean %v and standard deviation %v", defaultMean, defaultStd))
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

// orient settles how the pictures shall lie: as asked for, else as the file
// says, else as given by otherwise.
func (m *model) orient(asked, otherwise, why string) {
	switch {
	case asked != "":
		m.about.Orientation = asked
	case m.about.Orientation == "":
		m.about.Orientation = otherwise
		m.assumed = append(m.assumed, fmt.Sprintf("pictures lie %s, %s", otherwise, why))
	}
}

// input is the shape of the pictures that the network reads.
func (m *model) input() []int {
	channels, height, width := m.network.Input()
	return []int{channels, height, width}
}

// suits reports whether the network reads pictures of the shape that those of a
// data set have, and means the same classes by its labels.
func (m *model) suits(d data.Dataset, set *pictureSet) error {
	channels, height, width := d.Shape()
	if got, want := []int{channels, height, width}, m.input(); !slices.Equal(got, want) {
		return fmt.Errorf("the pictures of %s are %v (channels, height, width), but the network reads %v", set.title, nn.Shape(got), nn.Shape(want))
	}
	if m.classesAssumed || len(d.Classes()) != len(m.about.Classes) {
		return nil // that there are as many is checked where the network is run
	}
	for i, class := range d.Classes() {
		if known := m.about.Classes[i]; printable(class) != known {
			return fmt.Errorf("label %d of %s means %q, but to the network it means %q: it was trained on other classes", i, set.title, class, known)
		}
	}
	return nil
}

// drawable reports whether drawings can be made into pictures for the network.
func (m *model) drawable(name string) error {
	want := []int{models.LeNetChannels, models.LeNetHeight, models.LeNetWidth}
	if !slices.Equal(m.input(), want) {
		return fmt.Errorf("%s reads pictures of %v (channels, height, width), and a drawing becomes one of %v; inkling predict lets it read picture files",
			name, nn.Shape(m.input()), nn.Shape(want))
	}
	return nil
}

// note says what was assumed, a line each; it is empty if nothing was.
func (m *model) note(path string) string {
	if len(m.assumed) == 0 {
		return ""
	}
	return fmt.Sprintf("%s does not say everything about its pictures; assumed:\n  - %s\n", path, strings.Join(m.assumed, "\n  - "))
}

// transform makes the network's input of an upright picture of bytes.
func (m *model) transform() transform.Transform {
	steps := transform.Compose{transform.ToTensor{}, transform.Normalize{Mean: m.about.Mean, Std: m.about.Std}}
	if m.about.Orientation == weights.Transposed {
		steps = append(transform.Compose{transform.Transpose{}}, steps...)
	}
	return steps
}

// transformDrawing is transform for drawings, which are white on black.
func (m *model) transformDrawing() transform.Transform {
	if m.unlikeGround(false) {
		return transform.Compose{transform.Invert{}, m.transform()}
	}
	return m.transform()
}

// save writes the weights with all that is known about them.
func (m *model) save(path string) error {
	if m.optimizer != nil {
		return weights.SaveCheckpoint(path, nn.State(m.network), m.optimizer(), m.about)
	}
	return weights.Save(path, nn.State(m.network), m.about)
}

// parameters is the number of weights of a network.
func parameters(network nn.Module) int {
	total := 0
	for _, e := range nn.State(network) {
		total += nn.Shape(e.Shape()).Elements()
	}
	return total
}

var errProbe = errors.New("the file can be written")

// checkSavable reports, without touching what is there, whether a model can be
// saved at path: nobody wants to hear of a missing folder after the training.
func checkSavable(path string) error {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".pth", ".pt", ".safetensors", ".npz":
	default:
		return usagef("--out %s: a model's name ends in .pth, .pt, .safetensors or .npz", path)
	}
	err := atomicfile.Write(path, func(io.Writer) error { return errProbe })
	if errors.Is(err, errProbe) {
		return nil
	}
	return err
}
