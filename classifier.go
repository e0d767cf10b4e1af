package inkling

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"inkling/data"
	"inkling/internal/wording"
	"inkling/models"
	"inkling/nn"
	"inkling/sketch"
	"inkling/sound"
	"inkling/text"
	"inkling/transform"
	"inkling/vector"
	"inkling/weights"
	"inkling/weights/graph"
)

// What the tutorial's Normalize subtracts and divides by, for lack of metadata.
const (
	DefaultMean = 0.5
	DefaultStd  = 0.5
)

// A Classifier is a network that tells pictures of several classes apart, with what one
// must know to use it: [Open] reads one from a file, [NewClassifier] makes one that is to
// be trained, Predict says what a picture shows, and Save writes it to a file. With a Target
// it tells a number in place of classes.
type Classifier struct {
	// Network computes one logit for each class of pictures of its Input.
	Network models.Network
	// Convolutions says how readers, and a server, compute the network's convolutions.
	Convolutions nn.Convolutions
	// About is what is known or taken for granted of it.
	About weights.Metadata
	// Assumed is what neither the file nor an option said and was taken for granted,
	// a sentence without its end each.
	Assumed []string
	// Notes tells what else was done with the file, such as taking a prefix off the
	// names of its tensors.
	Notes []string
	// Text, Sound or Vector is set if the network reads texts, recordings or rows of
	// numbers, see [Kind].
	Text   *text.Input
	Sound  *sound.Input
	Vector *vector.Input
	// Target is set if the network tells a number in place of classes: its one output is
	// that, as the Target's Scale has it.
	Target *Target
	// Optimizer, if set, returns the state of what trains the network, to be saved
	// with it.
	Optimizer func() *weights.Optimizer

	// Output is "Softmax" or "LogSoftmax" if the file's network makes probabilities of
	// the logits, or their logarithms; Network computes the logits.
	Output string

	classesAsked, classesAssumed bool
	// ofNetwork is how many of Assumed tell what the network computes, rather than what
	// pictures it was trained with. They are the first.
	ofNetwork int
	// said is About without what was assumed.
	said         weights.Metadata
	named        bool             // by the file itself
	architecture *models.Model    // nil if the network is none of the zoo
	known        models.Config    // what file and options say of the network
	tensors      []weights.Tensor // under the names that the network has for them
	// remake makes the network for pictures of another size.
	remake func(models.Config) error
	// sizeNote is which of Assumed tells the size of the pictures, -1 if that is not
	// assumed.
	sizeNote int
	padding  []int    // of the convolutions, where the size tells it
	dropped  []string // kinds of layers that the file has and the network lacks: they do something in a training alone
	reading  reading
}

// AssumedOfNetwork are those of Assumed that tell what the network computes, rather than
// what its pictures and classes are.
func (m *Classifier) AssumedOfNetwork() []string { return m.Assumed[:m.ofNetwork:m.ofNetwork] }

// Whole is the network with what the file's own has behind the logits: Network itself, or
// Network and the Softmax or LogSoftmax of Output.
func (m *Classifier) Whole() models.Network {
	end := map[string]func(x *nn.Value, dim int) *nn.Value{"Softmax": nn.Softmax, "LogSoftmax": nn.LogSoftmax}[m.Output]
	if end == nil {
		return m.Network
	}
	return &ended{m.Network, end}
}

// ended is a network with a function behind it.
type ended struct {
	models.Network
	end func(x *nn.Value, dim int) *nn.Value
}

func (e *ended) Forward(x *nn.Value) *nn.Value { return e.end(e.Network.Forward(x), 1) }

// Architecture is the name of the network: that of a model of the zoo, or Sequential.
func (m *Classifier) Architecture() string {
	if m.architecture != nil {
		return m.architecture.Name
	}
	return cmp.Or(m.About.Architecture, sequentialName)
}

// Said returns the metadata that the file and the options say, without what was
// assumed: what another file of the same network may keep.
func (m *Classifier) Said() weights.Metadata { return m.said }

// assume notes something that was taken for granted.
func (m *Classifier) assume(format string, values ...any) {
	m.Assumed = append(m.Assumed, fmt.Sprintf(format, values...))
}

func (m *Classifier) note(format string, values ...any) {
	m.Notes = append(m.Notes, fmt.Sprintf(format, values...))
}

// Orient settles how the pictures shall lie: as asked for, else as the file
// says, else as given by otherwise.
func (m *Classifier) Orient(asked, otherwise, why string) {
	switch {
	case m.Kind() != Pictures: // which do not lie
	case asked != "":
		m.About.Orientation = asked
	case m.About.Orientation == "":
		m.About.Orientation = otherwise
		m.assume("pictures lie %s, %s", otherwise, why)
	}
}

// Input is the shape of the pictures that the network reads.
func (m *Classifier) Input() []int {
	channels, height, width := m.Network.Input()
	return []int{channels, height, width}
}

// FitTo settles the size of the pictures that the network reads by those at hand, if
// nothing else tells it: a LeNet whose FC1 reads 400 numbers may be for 32x32 pixels,
// or for 28x28 and have padding. It reports whether the network reads such pictures;
// if not, nothing has changed. Whose they are is said, such as "those of MNIST".
func (m *Classifier) FitTo(channels, height, width int, whose string) bool {
	if slices.Equal(m.Input(), []int{channels, height, width}) {
		return true
	}
	if !m.SizeAssumed() {
		return false
	}
	if m.remake(models.Config{Channels: channels, Height: height, Width: width}) != nil {
		return false
	}
	m.About.Input = m.Input()
	m.Assumed[m.sizeNote] = fmt.Sprintf("%s, as %s", m.pictureText(), whose)
	return true
}

// SizeAssumed reports whether nothing tells the size of the pictures that the
// network reads, but that its weights suit it. [Classifier.FitTo] then may find another.
func (m *Classifier) SizeAssumed() bool { return m.remake != nil && m.sizeNote >= 0 }

// AnySize reports whether the network's weights suit pictures of many sizes, so that the
// size of one at hand does not tell what the network was trained on.
func (m *Classifier) AnySize() bool { return m.architecture != nil && m.architecture.Layers() == nil }

// pictureText tells what pictures the network reads.
func (m *Classifier) pictureText() string {
	channels, height, width := m.Network.Input()
	text := fmt.Sprintf("pictures have %s and %dx%d pixels", wording.Number(channels, "channel"), height, width)
	if len(m.padding) > 0 {
		text += ", and " + paddingWords(m.padding)
	}
	return text
}

func paddingWords(list []int) string {
	switch len(list) {
	case 0:
		return "no convolution has padding"
	case 1:
		return "the first convolution has a padding of " + paddingText(list)
	}
	return "the convolutions have a padding of " + strings.ReplaceAll(paddingText(list), ",", " and ")
}

// Suits reports whether the network reads pictures of the shape that those of a
// data set have, and means the same classes by its labels.
func (m *Classifier) Suits(d data.Dataset, title string) error {
	if m.Kind() != Pictures {
		if err := m.suitsKind(d, title); err != nil {
			return err
		}
		return m.suitsClasses(d, title)
	}
	channels, height, width := d.Shape()
	if got, want := []int{channels, height, width}, m.Input(); !slices.Equal(got, want) {
		return fmt.Errorf("the pictures of %s are %v (channels, height, width), but the network reads %v", title, nn.Shape(got), nn.Shape(want))
	}
	return m.suitsClasses(d, title)
}

// suitsClasses reports whether a data set means the same by its labels.
func (m *Classifier) suitsClasses(d data.Dataset, title string) error {
	outputs, offset, classes := len(m.About.Classes), m.labelOffset(), d.Classes()
	switch {
	case offset > 0 && outputs != len(classes)+offset:
		return fmt.Errorf("with a label offset of %d, a network for the %s of %s has %s, but this one has %d",
			offset, wording.Number(len(classes), "class"), title, wording.Number(len(classes)+offset, "output"), outputs)
	case offset == 0 && outputs == len(classes)+1:
		return fmt.Errorf("the network tells %s apart, but the data set has %d; if its labels were counted from 1, as those of EMNIST's letters are, say so with --label-offset 1", wording.Number(outputs, "class"), len(classes))
	}
	if m.classesAssumed || len(classes) != outputs-offset {
		return nil // that there are as many is checked where the network is run
	}
	for i, class := range classes {
		if known := m.About.Classes[i+offset]; wording.Printable(class) != known {
			return fmt.Errorf("label %d of %s means %q, but to the network it means %q: it was trained on other classes", i, title, class, known)
		}
	}
	return nil
}

// Relabel returns the data set with the labels that the network gives its classes,
// which differ if it has a label offset.
func (m *Classifier) Relabel(d data.Dataset) data.Dataset {
	offset := m.labelOffset()
	if offset == 0 {
		return d
	}
	classes := m.About.Classes
	if m.classesAssumed {
		classes = append(unusedClasses(offset), d.Classes()...)
	}
	return &relabelled{d, offset, classes}
}

// relabelled is a data set whose labels are counted from another number.
type relabelled struct {
	data.Dataset
	offset  int
	classes []string
}

func (d *relabelled) Classes() []string { return d.classes }

func (d *relabelled) Example(i int) ([]byte, int, error) {
	pixels, label, err := d.Dataset.Example(i)
	return pixels, label + d.offset, err
}

// unusedClasses names the outputs before the first class.
func unusedClasses(offset int) []string {
	names := make([]string, offset)
	for i := range names {
		names[i] = fmt.Sprintf("(label %d)", i)
	}
	return names
}

// labelOffset is the number of outputs before that of a data set's first class.
func (m *Classifier) labelOffset() int {
	n, err := strconv.Atoi(m.About.Extra[labelOffsetKey])
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// Drawable reports whether drawings can be made into pictures for the network.
func (m *Classifier) Drawable(name string) error {
	if m.Kind() != Pictures {
		return fmt.Errorf("%s reads %s, no drawings", name, m.Kind())
	}
	want := []int{1, sketch.Size, sketch.Size}
	if !slices.Equal(m.Input(), want) {
		return fmt.Errorf("%s reads pictures of %v (channels, height, width), and a drawing becomes one of %v; inkling predict lets it read picture files",
			name, nn.Shape(m.Input()), nn.Shape(want))
	}
	return nil
}

// Note says what was assumed and what was done with the file, a line each; it is
// empty if nothing was.
func (m *Classifier) Note(path string) string {
	var text strings.Builder
	if len(m.Assumed) > 0 {
		fmt.Fprintf(&text, "%s does not say everything about its pictures; assumed:\n  - %s\n", path, strings.Join(m.Assumed, "\n  - "))
	}
	for _, note := range m.Notes {
		fmt.Fprintf(&text, "Note: %s.\n", note)
	}
	return text.String()
}

// Transform makes the network's input of an upright picture of bytes, or of the bytes
// that stand for a text or a recording.
func (m *Classifier) Transform() transform.Transform {
	if in := m.input(); in != nil {
		return in.Transform()
	}
	steps := transform.Compose{transform.ToTensor{}, transform.Normalize{Mean: m.About.Mean, Std: m.About.Std}}
	if m.About.Orientation == weights.Transposed {
		steps = append(transform.Compose{transform.Transpose{}}, steps...)
	}
	return steps
}

// TransformDrawing is transform for drawings, which are white on black.
func (m *Classifier) TransformDrawing() transform.Transform {
	if m.About.Extra[GroundKey] == GroundLight {
		return transform.Compose{transform.Invert{}, m.Transform()}
	}
	return m.Transform()
}

// Save writes the weights with all that is known about them, as the ending of the path
// says: .pth, .pt, .safetensors, .npz, or .onnx, which holds the whole network.
func (m *Classifier) Save(path string) error {
	about := m.About
	if IsONNX(path) {
		if m.Optimizer != nil {
			return fmt.Errorf("%s: a .onnx has no room for the state of what trains the network", path)
		}
		return m.SaveONNX(path, Export{Metadata: &about})
	}
	if p, ok := m.Network.(*graph.Picture); ok {
		var err error
		if about, err = m.withGraph(p); err != nil {
			return err
		}
	}
	if m.Optimizer != nil {
		return weights.SaveCheckpoint(path, nn.State(m.Network), m.Optimizer(), about)
	}
	return weights.Save(path, nn.State(m.Network), about)
}

// SetExtra notes something else in the metadata.
func (m *Classifier) SetExtra(key, value string) {
	if m.About.Extra == nil {
		m.About.Extra = map[string]string{}
	}
	m.About.Extra[key] = value
}

// Parameters is the number of weights of a network that training changes.
func Parameters(network nn.Module) int {
	return nn.ParameterCount(network)
}

// cloned returns metadata that shares nothing with the other.
func cloned(m weights.Metadata) weights.Metadata {
	m.Classes, m.Mean, m.Std = slices.Clone(m.Classes), slices.Clone(m.Mean), slices.Clone(m.Std)
	m.Input, m.Extra = slices.Clone(m.Input), maps.Clone(m.Extra)
	return m
}
