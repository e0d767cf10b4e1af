package inkling

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"inkling/internal/wording"
	"inkling/models"
	"inkling/nn"
	"inkling/weights"
)

// Open reads a model's file, of Inkling, of PyTorch or another that package weights
// knows. What the file does not say is assumed, see [Model.Assumed]; [Options.Open]
// lets it be said.
func Open(path string) (*Model, error) { return (&Options{}).Open(path) }

// Open is [Open] with what the options say.
func (o *Options) Open(path string) (*Model, error) {
	file, err := weights.Read(path)
	if err != nil {
		return nil, err
	}
	return o.Use(path, file)
}

// Use makes a model of a file that was read; path stands for the file in errors.
func (o *Options) Use(path string, file *weights.File) (*Model, error) {
	m, err := o.use(path, file)
	var mismatch *weights.MismatchError
	if err != nil && !errors.As(err, &mismatch) {
		err = fmt.Errorf("%s: %w", path, err)
	}
	if err != nil {
		return nil, err
	}
	return m, nil
}

func (o *Options) use(path string, file *weights.File) (*Model, error) {
	m := &Model{sizeNote: -1, classesAsked: len(o.Classes) > 0}
	if file.Metadata != nil {
		m.About = cloned(*file.Metadata)
	}
	if err := o.settle(m); err != nil {
		return nil, err
	}
	tensors, err := RenameTensors(file.Tensors, o.Rename)
	if err != nil {
		return nil, err
	}
	m.said = cloned(m.About)
	if m.known, err = o.known(&m.About); err != nil {
		return nil, err
	}
	described, err := structureOf(file, &m.About)
	if err != nil {
		return nil, err
	}
	if described != nil {
		err = m.compose(path, o, described, file.Tensors)
	} else {
		err = m.recognise(path, o, tensors)
		if file.Script {
			m.assume("the network computes what its weights suggest: it is a TorchScript program, whose code is not read; export it as .onnx to have it run as it is")
		}
	}
	if err != nil {
		return nil, err
	}
	return m, m.fillIn()
}

// settle applies the options to the metadata.
func (o *Options) settle(m *Model) error {
	if err := o.check(); err != nil {
		return err
	}
	for i, class := range m.About.Classes {
		m.About.Classes[i] = wording.Printable(class)
	}
	m.Notes = append(m.Notes, o.apply(&m.About)...)
	a := &m.About
	switch {
	case len(a.Mean) == 0 && len(a.Std) > 0:
		return errors.New("the standard deviation of its pixels was said, but not their mean; --mean says it")
	case len(a.Std) == 0 && len(a.Mean) > 0:
		return errors.New("the mean of its pixels was said, but not their standard deviation; --std says it")
	case len(a.Mean) == 1 && len(a.Std) > 1:
		a.Mean = slices.Repeat(a.Mean, len(a.Std))
	case len(a.Std) == 1 && len(a.Mean) > 1:
		a.Std = slices.Repeat(a.Std, len(a.Mean))
	}
	return nil
}

// known is what metadata and options say of the network.
func (o *Options) known(about *weights.Metadata) (models.Config, error) {
	c := models.Config{Height: o.Height, Width: o.Width}
	if in := about.Input; in != nil {
		c.Channels, c.Height, c.Width = in[0], in[1], in[2]
	}
	if text := about.Extra[paddingKey]; text != "" {
		var err error
		if c.Padding, err = ParsePadding(text); err != nil {
			return c, fmt.Errorf("the metadata's padding: %w", err)
		}
	} else if about.Architecture != "" {
		c.Padding = []int{} // a file that names its network and no padding has none
	}
	return c, nil
}

// recognise finds the architecture whose weights the tensors are, and makes the
// network.
func (m *Model) recognise(path string, o *Options, tensors []weights.Tensor) error {
	candidates := models.Architectures()
	if name := m.About.Architecture; name != "" {
		a := models.FindArchitecture(name)
		if a == nil {
			return fmt.Errorf("it holds the network %q, but only %s can be run; inkling info shows what is in it", name, architectureNames())
		}
		candidates = []models.Architecture{*a}
	}
	for i := range candidates {
		a := &candidates[i]
		configs, err := m.match(a, tensors)
		if err != nil {
			return err
		}
		if len(configs) > 0 {
			m.architecture = a
			return m.choose(path, configs)
		}
	}
	return m.mismatch(path, &candidates[0], tensors)
}

func architectureNames() string {
	var names []string
	for _, a := range models.Architectures() {
		names = append(names, a.Name)
	}
	return strings.Join(names, ", ")
}

// match returns what a network of an architecture may be for that has the tensors,
// under their names, without what the names of all begin with, or by their order.
func (m *Model) match(a *models.Architecture, tensors []weights.Tensor) ([]models.Config, error) {
	m.tensors = tensors
	configs, err := a.Configs(shapesOf(tensors), m.known)
	if len(configs) > 0 || err != nil {
		return configs, err
	}
	if prefix := sharedPrefix(tensors); prefix != "" {
		m.tensors = withoutPrefix(tensors, prefix)
		if configs, err = a.Configs(shapesOf(m.tensors), m.known); len(configs) > 0 || err != nil {
			m.note("the names of its tensors begin with %s, which was taken off", wording.Printable(prefix))
			return configs, err
		}
	}
	renamed, from, to := byOrder(a, tensors, m.known)
	if renamed == nil {
		return nil, nil
	}
	m.tensors = renamed
	m.note("its layers are called %s; by their order and shapes they were taken for %s", namesText(from), namesText(to))
	return a.Configs(shapesOf(m.tensors), m.known)
}

// mismatch is the error that tells how the tensors differ from those of a network
// that the file, or else nobody, asks for.
func (m *Model) mismatch(path string, a *models.Architecture, tensors []weights.Tensor) error {
	c := a.Usual
	if m.known.Channels > 0 {
		c.Channels = m.known.Channels
	}
	if m.known.Height > 0 {
		c.Height, c.Width = m.known.Height, m.known.Width
	}
	c.Padding = m.known.Padding
	if n := len(m.About.Classes); n > 0 {
		c.Classes = n
	}
	m.tensors = tensors
	if err := m.build(path, a, c); err != nil {
		return err
	}
	return errors.New("its weights suit no network that can be run")
}

// build makes the network of an architecture and gives it its weights; path stands
// for the file.
func (m *Model) build(path string, a *models.Architecture, c models.Config) error {
	network, err := a.New(c, 0)
	if err != nil {
		return err
	}
	if err := weights.Restore(path, &weights.File{Tensors: m.tensors}, nn.State(network)); err != nil {
		return err
	}
	m.Network = network
	return nil
}

// choose makes the first of the networks that the weights may be for, and notes
// what nobody said of it.
func (m *Model) choose(path string, configs []models.Config) error {
	c, a := configs[0], m.architecture
	if m.About.Architecture == "" {
		m.assume("the network is %s, as its weights are: with ReLU after every layer but the last, and max-pooling of 2x2 after each convolution", a.Name)
	}
	if n := len(m.About.Classes); m.About.Architecture != "" && n > 0 && n+m.labelOffset() != c.Classes && n != c.Classes && !m.classesAsked {
		c.Classes = n
		return m.build(path, a, c) // whose error tells how the weights differ
	}
	if err := m.build(path, a, c); err != nil {
		return err
	}
	m.remake = func(wanted models.Config) error {
		known := m.known
		known.Channels, known.Height, known.Width = wanted.Channels, wanted.Height, wanted.Width
		configs, err := a.Configs(shapesOf(m.tensors), known)
		if err != nil {
			return err
		}
		if len(configs) == 0 {
			return errors.New("its weights are not for such pictures")
		}
		m.padding = configs[0].Padding
		return m.build(path, a, configs[0])
	}
	return m.settleSize(c, configs[1:])
}

// settleSize notes the size of the pictures, and what else they may have if it is not
// known.
func (m *Model) settleSize(c models.Config, others []models.Config) error {
	m.padding = c.Padding
	switch {
	case m.known.Height == 0:
		text := m.pictureText()
		for _, other := range others {
			if other.Height == 28 || other.Height == 32 { // as the pictures of most data sets
				text += fmt.Sprintf("; or they have %dx%d, if %s (--padding %s)", other.Height, other.Width, paddingWords(other.Padding), paddingText(other.Padding))
			}
		}
		m.sizeNote = len(m.Assumed)
		m.Assumed = append(m.Assumed, text)
	case m.known.Padding == nil && len(c.Padding) > 0:
		m.assume("%s, for otherwise the weights do not suit %dx%d pixels", paddingWords(c.Padding), c.Height, c.Width)
	}
	if m.About.Input == nil {
		m.About.Input = m.Input()
		if m.known.Height > 0 {
			m.said.Input = m.Input()
		}
	}
	return nil
}

// fillIn sets what the metadata of a file leaves open. The orientation stays open:
// what it is taken for depends on the pictures at hand.
func (m *Model) fillIn() error {
	channels, height, width := m.Network.Input()
	if n := len(m.About.Mean); n > 1 && n != channels {
		return fmt.Errorf("there are %s and standard deviations, but its pictures have %s", wording.Number(n, "mean"), wording.Number(channels, "channel"))
	}
	operations, err := nn.Trace(m.Network, 1, channels, height, width)
	if err != nil {
		return err
	}
	outputs, about, offset := operations[len(operations)-1].Shape[1], &m.About, m.labelOffset()
	if offset >= outputs {
		return fmt.Errorf("the label offset is %d, but the network has only %s", offset, wording.Number(outputs, "output"))
	}
	switch n := len(about.Classes); {
	case n == 0:
		for i := range outputs {
			about.Classes = append(about.Classes, strconv.Itoa(i))
		}
		m.classesAssumed = true
		m.assume("the classes are called 0 to %d", outputs-1)
	case n == outputs:
	case n+offset == outputs:
		about.Classes = append(unusedClasses(offset), about.Classes...)
	default:
		return fmt.Errorf("there are names for %s, but the network tells %d apart", wording.Number(n, "class"), outputs)
	}
	if len(about.Mean) == 0 {
		about.Mean, about.Std = []float32{DefaultMean}, []float32{DefaultStd}
		m.assume("pixels are normalised with mean %v and standard deviation %v", DefaultMean, DefaultStd)
	}
	return nil
}
