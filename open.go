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
	"inkling/weights/described"
	"inkling/weights/structure"
)

// Open reads a model's file, of Inkling, of PyTorch or another that package weights
// knows. What the file does not say is assumed, see [Classifier.Assumed]; [Options.Open]
// lets it be said. What its network reads and computes is told by [Classifier.Inputs] and
// [Classifier.Outputs]; a network that is no classifier is read by [OpenNetwork].
func Open(path string) (*Classifier, error) { return (&Options{}).Open(path) }

// Open is [Open] with what the options say.
func (o *Options) Open(path string) (*Classifier, error) {
	file, err := ReadFile(path)
	if err != nil {
		return nil, err
	}
	return o.Use(path, file)
}

// Use makes a model of a file that was read; path stands for the file in errors.
func (o *Options) Use(path string, file *weights.File) (*Classifier, error) {
	var m *Classifier
	var err error
	kept := file.Graph == nil && graphOf(file) != nil
	switch {
	case described.Is(o.Model):
		m, err = o.useDescribed(path, file)
	case !kept:
		if m = o.useWritten(path, file); m == nil {
			m, err = o.use(path, file)
		}
	case o.Model != "" || o.Padding != nil || len(o.Rename) > 0:
		err = errors.New("it says what its network computes, and its tensors belong to that: leave out what says otherwise (--model, --padding, --rename)")
	default:
		m, err = o.useGraph(file)
	}
	if err != nil && file.Graph != nil && o.Model == "" && o.Padding == nil && len(o.Rename) == 0 {
		if run, unrun := o.useGraph(file); unrun == nil {
			m, err = run, nil
		} else if file.Structure == nil || file.Structure.Obstacle != "" {
			err = unrun // it tells more than that the network is no chain of layers
		}
	}
	var mismatch *weights.MismatchError
	if errors.As(err, &mismatch) {
		mismatch.Explain(file)
	} else if err != nil && !strings.HasPrefix(err.Error(), path) {
		err = fmt.Errorf("%s: %w", path, err)
	}
	if err != nil {
		return nil, err
	}
	return m, nil
}

func (o *Options) use(path string, file *weights.File) (*Classifier, error) {
	m := &Classifier{sizeNote: -1, classesAsked: len(o.Classes) > 0}
	if file.Metadata != nil {
		m.About = cloned(*file.Metadata)
		m.named = m.About.Architecture != ""
	}
	if err := m.readKind(); err != nil {
		return nil, err
	}
	if err := o.refuseForPictures(m.Kind()); err != nil {
		return nil, err
	}
	if err := o.settle(m); err != nil {
		return nil, err
	}
	tensors, err := RenameTensors(file.Tensors, o.Rename)
	if err != nil {
		return nil, err
	}
	m.said = cloned(m.About)
	if m.known, err = o.known(&m.About, m.named); err != nil {
		return nil, err
	}
	m.configurePieces(&m.known)
	described, err := structureOf(file, &m.About)
	if err != nil {
		return nil, err
	}
	var listed *structure.Network // layers of a class whose code is not in the file, or not followed
	if described != nil && (described.Class != "" || file.Script && described.Obstacle != "") {
		recognised, err := m.byClass(o, described, file.Class, tensors)
		if err != nil {
			return nil, err
		}
		if recognised {
			listed, described = described, nil
		}
	}
	if described != nil {
		if err = m.compose(path, o, described, file.Tensors); err == nil && o.Model != "" && !sameModel(m.Architecture(), o.Model) {
			err = fmt.Errorf("it says what its network computes, and that is not what %s does", o.Model)
		}
	} else if err = file.CheckState(path); err == nil {
		err = m.recognise(path, o, tensors)
		if err == nil && listed != nil {
			err = m.holds(listed)
		}
	}
	if err != nil {
		return nil, err
	}
	m.ofNetwork = len(m.Assumed)
	return m, m.fillIn()
}

// settle applies the options to the metadata.
func (o *Options) settle(m *Classifier) error {
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

// known is what metadata and options say of the network; named tells that the file
// itself names it.
func (o *Options) known(about *weights.Metadata, named bool) (models.Config, error) {
	c := models.Config{Channels: o.Channels, Height: o.Height, Width: o.Width}
	if in := about.Input; in != nil {
		c.Channels, c.Height, c.Width = in[0], in[1], in[2]
	}
	if text := about.Extra[paddingKey]; text != "" {
		var err error
		if c.Padding, err = ParsePadding(text); err != nil {
			return c, fmt.Errorf("the metadata's padding: %w", err)
		}
	} else if named {
		c.Padding = []int{} // a file that names its network and no padding has none
	}
	return c, nil
}

// A finder finds what networks weights of these shapes, by their state-dict keys, may be
// of, see [models.Recognise].
type finder func(shapes map[string][]int) (*models.Model, []models.Config, error)

// recognise finds the model of the zoo whose weights the tensors are, that of the name
// if the file or an option names it, and makes the network.
func (m *Classifier) recognise(path string, o *Options, tensors []weights.Tensor) error {
	find := func(shapes map[string][]int) (*models.Model, []models.Config, error) {
		return models.Recognise(shapes, m.known)
	}
	chains := models.Chains()
	var named *models.Model
	if name := m.About.Architecture; name != "" {
		a, err := models.FindModel(name)
		if err != nil {
			return fmt.Errorf("it holds the network %q, but only %s can be run; inkling info shows what is in it", name, strings.Join(models.Names(), ", "))
		}
		named, chains = &a, nil
		find = func(shapes map[string][]int) (*models.Model, []models.Config, error) {
			configs, err := a.Configs(shapes, m.known)
			return &a, configs, err
		}
		if a.Layers() != nil {
			chains = []models.Model{a}
		}
	}
	a, configs, err := m.match(find, chains, tensors)
	if err != nil {
		return err
	}
	if len(configs) == 0 {
		return m.mismatch(path, named, tensors)
	}
	m.architecture = a
	return m.choose(path, configs)
}

// match returns what network it may be that has the tensors, under their names, without
// what the names of all begin with, or, for chains of layers, by their order.
func (m *Classifier) match(find finder, chains []models.Model, tensors []weights.Tensor) (*models.Model, []models.Config, error) {
	m.tensors = tensors
	a, configs, err := find(shapesOf(tensors))
	if len(configs) > 0 || err != nil {
		return a, configs, err
	}
	if prefix := sharedPrefix(tensors); prefix != "" {
		m.tensors = withoutPrefix(tensors, prefix)
		if a, configs, err = find(shapesOf(m.tensors)); len(configs) > 0 || err != nil {
			m.note("the names of its tensors begin with %s, which was taken off", wording.Printable(prefix))
			return a, configs, err
		}
	}
	for i := range chains {
		renamed, from, to := byOrder(&chains[i], tensors, m.known)
		if renamed == nil {
			continue
		}
		m.tensors = renamed
		m.note("its layers are called %s; by their order and shapes they were taken for %s", namesText(from), namesText(to))
		configs, err = chains[i].Configs(shapesOf(m.tensors), m.known)
		return &chains[i], configs, err
	}
	return nil, nil, nil
}

// mismatch is the error that tells how the tensors differ from those of the network
// that was named, or else of the one that is nearest.
func (m *Classifier) mismatch(path string, named *models.Model, tensors []weights.Tensor) error {
	a, near := named, true
	if a == nil {
		a, near = models.Nearest(shapesOf(tensors))
	}
	c := a.Usual
	if m.known.Channels > 0 {
		c.Channels = m.known.Channels
	}
	if m.known.Height > 0 {
		c.Height, c.Width = m.known.Height, m.known.Width
	}
	c.Padding, c.Pieces, c.PieceRows = m.known.Padding, m.known.Pieces, m.known.PieceRows
	if n := len(m.About.Classes); n > 0 {
		c.Classes = n
	}
	m.tensors = tensors
	err := m.build(path, a, c)
	switch {
	case err == nil:
		return errors.New("its weights suit no network that can be run")
	case named == nil && near && a.Layers() == nil:
		return fmt.Errorf("of the networks that can be run, %s is the nearest: %w", a.Name, err)
	}
	return err
}

// build makes the network of a model and gives it its weights; path stands for the file.
func (m *Classifier) build(path string, a *models.Model, c models.Config) error {
	network, err := a.Draw(c, nil)
	if err != nil {
		return err
	}
	if err := restore(path, network, m.tensors); err != nil {
		return err
	}
	m.Network = network
	return nil
}

// choose makes the first of the networks that the weights may be for, and notes
// what nobody said of it.
func (m *Classifier) choose(path string, configs []models.Config) error {
	c, a := configs[0], m.architecture
	if m.About.Architecture == "" {
		if a.Layers() != nil {
			m.assume("the network is %s, as its weights are: with ReLU after every layer but the last, and max-pooling of 2x2 after each convolution", a.Name)
		} else {
			m.assume("the network is %s, as the names and shapes of its weights are", a.Name)
		}
	}
	if n := len(m.About.Classes); m.About.Architecture != "" && n > 0 && n+m.labelOffset() != c.Classes && n != c.Classes && !m.classesAsked {
		c.Classes = n
		return m.build(path, a, c) // whose error tells how the weights differ
	}
	if err := m.build(path, a, c); err != nil {
		return err
	}
	m.About.Architecture = a.Name
	m.remake = func(wanted models.Config) error {
		if a.Layers() == nil && !a.SameForm(c, wanted) {
			return errors.New("for such pictures the network has another form, and the weights do not tell which they are of")
		}
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
func (m *Classifier) settleSize(c models.Config, others []models.Config) error {
	m.padding = c.Padding
	switch {
	case m.known.Height == 0 && m.architecture != nil && m.architecture.Layers() == nil:
		m.sizeNote = len(m.Assumed)
		m.assume("%s, for which %s usually is (--size says otherwise)", m.pictureText(), m.architecture.Name)
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
func (m *Classifier) fillIn() error {
	if err := m.checkKind(); err != nil {
		return err
	}
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
	if len(about.Mean) == 0 && m.Kind() == Pictures {
		about.Mean, about.Std = []float32{DefaultMean}, []float32{DefaultStd}
		whose := ""
		if m.architecture != nil && m.architecture.ReadsPhotographs(channels, height, width) {
			about.Mean, about.Std = models.ImageNetMean(), models.ImageNetStd()
			whose = ", those of ImageNet"
		}
		m.assume("pixels are normalised with mean %s and standard deviation %s%s", numbersText(about.Mean), numbersText(about.Std), whose)
	}
	return nil
}
