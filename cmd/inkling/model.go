package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

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
	assumed []string
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
	if want := []int{models.LeNetChannels, models.LeNetHeight, models.LeNetWidth}; m.about.Input != nil && !slices.Equal(m.about.Input, want) {
		return nil, fmt.Errorf("%s says that its network reads pictures of %v, but %s reads %v", path, m.about.Input, architecture, want)
	}
	for i, class := range m.about.Classes {
		m.about.Classes[i] = printable(class)
	}
	m.fillIn(file)
	if len(m.about.Mean) != 1 {
		return nil, fmt.Errorf("%s has %d means and standard deviations, but its pictures have 1 channel", path, len(m.about.Mean))
	}
	m.network = models.NewLeNet(len(m.about.Classes), 0)
	return m, weights.Load(path, nn.State(m.network))
}

// fillIn sets what the metadata of a file leaves open. The orientation stays
// open: what it is taken for depends on the pictures at hand.
func (m *model) fillIn(file *weights.File) {
	if len(m.about.Classes) == 0 {
		// A classifier's last bias has an element for each class.
		classes := 10
		for _, t := range file.Tensors {
			if t.Name == "fc3.bias" && len(t.Shape) == 1 && t.Shape[0] > 0 {
				classes = t.Shape[0]
			}
		}
		for i := range classes {
			m.about.Classes = append(m.about.Classes, strconv.Itoa(i))
		}
		m.assumed = append(m.assumed, fmt.Sprintf("the classes are called 0 to %d", classes-1))
	}
	if len(m.about.Mean) == 0 {
		m.about.Mean, m.about.Std = []float32{defaultMean}, []float32{defaultStd}
		m.assumed = append(m.assumed, fmt.Sprintf("pixels are normalised with mean %v and standard deviation %v", defaultMean, defaultStd))
	}
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

// save writes the weights with all that is known about them.
func (m *model) save(path string) error {
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
