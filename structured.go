package inkling

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"inkling/internal/wording"
	"inkling/models"
	"inkling/nn"
	"inkling/weights"
	"inkling/weights/graph"
	"inkling/weights/structure"
)

// layersKey is under which metadata keeps what a network computes, as JSON, if a
// file of tensors alone was made of one that said it.
const layersKey = "layers"

// sequentialName is what metadata calls networks that are no more than their layers.
const sequentialName = "Sequential"

// structureOf returns what a file says of the network's layers, nil if it says
// nothing.
func structureOf(file *weights.File, about *weights.Metadata) (*structure.Network, error) {
	text := about.Extra[layersKey]
	if file.Structure != nil || text == "" {
		return file.Structure, nil
	}
	s := &structure.Network{}
	if err := json.Unmarshal([]byte(text), s); err != nil || len(s.Layers) == 0 && s.Obstacle == "" {
		return nil, fmt.Errorf("the metadata's %s are no list of a network's layers", layersKey)
	}
	for i := range s.Layers {
		s.Layers[i].Place = fmt.Sprintf("layer %d of %d", i+1, len(s.Layers))
	}
	return s, nil
}

// compose makes the network that a file describes: the architecture that computes
// the same, or else the layers one after the other. What cannot be run is refused.
func (m *Classifier) compose(path string, o *Options, s *structure.Network, tensors []weights.Tensor) error {
	if s.Obstacle != "" {
		return fmt.Errorf("its network cannot be run, for it is no chain of layers: %s", s.Obstacle)
	}
	if err := m.prepareAs(s); err != nil {
		return err
	}
	m.dropped = s.Dropping()
	layers, err := m.arrange(s)
	if err != nil {
		return err
	}
	if err := m.agree(o, s, layers); err != nil {
		return err
	}
	c := &composer{m: m, layers: layers, tensors: map[string]weights.Tensor{}, shapes: shapesOf(tensors)}
	for _, t := range tensors {
		c.tensors[t.Name] = t
	}
	c.findNames()
	if err := c.shared(); err != nil {
		return err
	}
	if err := c.features(); err != nil {
		return err
	}
	if c.network, err = models.NewSequential(c.layers, c.shapes); err != nil {
		return c.differs(err)
	}
	config, err := c.size(m.known)
	if err != nil {
		return c.differs(err)
	}
	m.remake = c.make
	if err := c.make(config); err != nil {
		return c.differs(err)
	}
	keepLayers(&m.said, m.Architecture(), s)
	return m.settleSize(config, nil)
}

// keepLayers notes the layers in metadata, for files that cannot hold them otherwise.
// Of a network that is no chain only that is kept.
func keepLayers(about *weights.Metadata, architecture string, s *structure.Network) {
	if s.Obstacle != "" {
		s = &structure.Network{Obstacle: s.Obstacle}
	}
	text, err := json.Marshal(s)
	if err != nil {
		return
	}
	if about.Extra == nil {
		about.Extra = map[string]string{}
	}
	about.Architecture, about.Extra[layersKey] = architecture, string(text)
}

// MetadataFor returns what a file of the same tensors alone shall say about itself, nil
// for nothing: what the file at path says, what the options say, and, if the file holds
// more than tensors, what its network computes. The notes tell where they differ.
func (o *Options) MetadataFor(path string, file *weights.File) (about *weights.Metadata, notes []string, err error) {
	if !o.Any() && file.Structure == nil && file.Graph == nil {
		return file.Metadata, nil, nil
	}
	m, err := o.Use(path, file)
	if err == nil {
		if o.Any() {
			notes = m.Notes
		}
		if _, ok := m.Network.(*graph.Picture); ok {
			err = m.sayGraph(file)
		}
		if err != nil {
			return nil, nil, err
		}
		return &m.said, notes, nil
	}
	// The size and the padding mean nothing but to a network that can be run.
	if o.Height > 0 || o.Padding != nil || o.LabelOffset > 0 {
		return nil, nil, err
	}
	if o.Any() {
		settled := &Classifier{}
		if file.Metadata != nil {
			settled.About = cloned(*file.Metadata)
		}
		if o.settle(settled) != nil {
			return nil, nil, err
		}
		about, notes = &settled.About, settled.Notes
	} else if file.Metadata != nil {
		said := cloned(*file.Metadata)
		about = &said
	}
	if file.Structure != nil {
		// Its tensors must not be taken for those of a network that can be run.
		tensors := *file
		tensors.Structure = nil
		if _, mistaken := o.Use(path, &tensors); mistaken == nil {
			if about == nil {
				about = &weights.Metadata{}
			}
			keepLayers(about, sequentialName, file.Structure)
		}
	}
	return about, notes, nil
}

// prepareAs takes over what a .onnx does to pictures before the first layer.
func (m *Classifier) prepareAs(s *structure.Network) error {
	p := s.Preparation
	if p == nil {
		return nil
	}
	most := 1.0 // of a sample
	if p.Bytes {
		most = 255
	} else if slices.ContainsFunc(p.Scale, func(v float64) bool { return v != 1 }) || slices.ContainsFunc(p.Shift, func(v float64) bool { return v != 0 }) {
		const small = 1.0 / 50
		if v := p.Scale[0]; v < small && v > -small {
			most = 255
		}
		m.assume("its graph takes samples from 0 to %v, which it normalises itself", most)
	} else if p.Transposed {
		m.About.Orientation, m.said.Orientation = weights.Transposed, weights.Transposed
		return nil
	} else {
		return nil
	}
	mean, std := make([]float32, len(p.Scale)), make([]float32, len(p.Scale))
	for i := range p.Scale {
		// A pixel of 0 to 1 becomes pixel*most*scale + shift = (pixel - mean)/std.
		std[i] = float32(1 / (most * p.Scale[i]))
		mean[i] = float32(-p.Shift[i] / (most * p.Scale[i]))
		if !(std[i] > 0) {
			return errors.New("its graph turns light pixels into dark ones before the first layer, which is not run")
		}
	}
	if was := m.About.Mean; len(was) > 0 && !(near(was, mean) && near(m.About.Std, std)) {
		m.note("its graph normalises with mean %s and standard deviation %s, which was taken in place of %s and %s", numbersText(mean), numbersText(std), numbersText(was), numbersText(m.About.Std))
		m.About.Mean = nil
	}
	if len(m.About.Mean) == 0 {
		m.About.Mean, m.About.Std = mean, std
	}
	m.said.Mean, m.said.Std = m.About.Mean, m.About.Std
	if p.Transposed {
		m.About.Orientation, m.said.Orientation = weights.Transposed, weights.Transposed
	}
	return nil
}

// near reports whether numbers are equal but for rounding. One may stand for all.
func near(a, b []float32) bool {
	for i := range max(len(a), len(b)) {
		x, y := float64(a[i%len(a)]), float64(b[i%len(b)])
		if d := x - y; d > 1e-5*max(1, x) || -d > 1e-5*max(1, x) {
			return false
		}
	}
	return true
}

// arrange returns the layers in the order in which they are computed, without those
// that do nothing in a trained network and without what makes probabilities of the
// logits, which is noted.
func (m *Classifier) arrange(s *structure.Network) ([]structure.Layer, error) {
	var layers []structure.Layer
	for _, l := range s.Layers {
		if strings.HasSuffix(l.Kind, structure.Hooked) {
			return nil, fmt.Errorf("%s (%s) computes what is not in the file, so the network cannot be run", l.Kind, l.Where())
		}
		if l.IsOutput() {
			if dim := l.Settings["dim"]; dim != "1" && dim != "-1" && dim != "None" {
				return nil, fmt.Errorf("%s (%s) is not over the classes, so the network cannot be run", l.String(), l.Where())
			}
		}
		layers = append(layers, m.flattening(l))
	}
	layers = structure.Reduce(layers)
	if s.Class != "" {
		return m.order(s.Class, layers)
	}
	if n := len(layers); n > 0 && layers[n-1].IsOutput() {
		m.endsWith(layers[n-1].Kind)
		layers = layers[:n-1]
	}
	return layers, nil
}

// endsWith notes that the network's own output are probabilities, or their
// logarithms.
func (m *Classifier) endsWith(kind string) {
	m.Output = kind
	m.note("the network ends with %s; the logits before it are taken, of which the same probabilities are made", kind)
}

// flattening takes a module without weights that an author called Flatten for what
// it says.
func (m *Classifier) flattening(l structure.Layer) structure.Layer {
	class := l.Kind[strings.LastIndexByte(l.Kind, '.')+1:]
	if class == l.Kind || len(l.Tensors) > 0 {
		return l
	}
	switch strings.ToLower(class) {
	case "flatten", "flattenlayer", "view", "reshape", "squash":
		m.assume("%s (%s), whose code is not in the file, flattens", l.Kind, l.Where())
		flatten := structure.New("Flatten", nil)
		flatten.Name, flatten.Place = l.Name, l.Place
		return flatten
	}
	return l
}

// order puts the layers of a class whose code is not in the file into the order in
// which they are likely to be computed, and assumes what is missing.
func (m *Classifier) order(class string, layers []structure.Layer) ([]structure.Layer, error) {
	var output string
	layers = slices.DeleteFunc(layers, func(l structure.Layer) bool {
		if l.IsOutput() {
			output = l.Kind
		}
		return l.IsOutput()
	})
	if output != "" {
		m.endsWith(output)
	}
	if complete(layers) {
		m.assume("%s computes its layers in the order in which they were made, and flattens before the first Linear; its code is not in the file", wording.Printable(class))
		return flattened(layers), nil
	}
	chains := models.Chains()
	for i := range chains {
		ordered, err := m.fill(class, &chains[i], layers)
		if ordered != nil || err != nil {
			return ordered, err
		}
	}
	var kinds []string
	for _, l := range layers {
		if kinds = append(kinds, l.Kind); len(kinds) == 8 {
			kinds = append(kinds, "...")
			break
		}
	}
	return nil, fmt.Errorf("it is an object of the class %s with %s, and what is computed between these is said by the class's code, which is not in the file; only of %s it is known. Exported as .onnx, a network says all that it computes",
		wording.Printable(class), namesText(kinds), chainNames())
}

// chainNames lists the models that are chains of layers.
func chainNames() string {
	var names []string
	for _, a := range models.Chains() {
		names = append(names, a.Name)
	}
	return strings.Join(names, ", ")
}

// isWeighted tells the layers between which a network has activations.
func isWeighted(l *structure.Layer) bool {
	return l.Kind == "Linear" || strings.HasPrefix(l.Kind, "Conv")
}

// complete reports whether there is an activation between any two layers with
// weights, so that none is hidden in code, and nothing is of an unknown kind.
func complete(layers []structure.Layer) bool {
	activated, weighted := true, 0
	for i := range layers {
		l := &layers[i]
		switch {
		case isWeighted(l):
			if !activated {
				return false
			}
			activated = false
			weighted++
		case l.IsActivation():
			activated = true
		}
	}
	// With one activation for several layers the code calls it more than once.
	return weighted > 1
}

// flattened puts a Flatten before the first Linear, if there is none and something
// else is before it.
func flattened(layers []structure.Layer) []structure.Layer {
	at := slices.IndexFunc(layers, func(l structure.Layer) bool { return l.Kind == "Linear" })
	if at < 0 || slices.ContainsFunc(layers[:at], func(l structure.Layer) bool { return l.Kind == "Flatten" }) {
		return layers
	}
	return slices.Insert(slices.Clone(layers), at, structure.New("Flatten", nil))
}

// fill puts the layers that have weights where an architecture has such, and between
// them what it has there: the activation and the pooling that the class holds, or, if
// it holds none, the architecture's. It returns nil if the layers with weights are
// not those of the architecture.
func (m *Classifier) fill(class string, a *models.Model, layers []structure.Layer) ([]structure.Layer, error) {
	var weighted []structure.Layer
	only := func(is func(l *structure.Layer) bool) (found *structure.Layer, err error) {
		for i := range layers {
			l := &layers[i]
			if !is(l) {
				continue
			}
			if found != nil && !found.Same(l) {
				return nil, fmt.Errorf("it holds %s (%s) and %s (%s), and which of them is computed where is said by the code of its class %s, which is not in the file; exported as .onnx, a network says it",
					found.String(), found.Where(), l.String(), l.Where(), wording.Printable(class))
			}
			found = l
		}
		return found, nil
	}
	for i := range layers {
		l := &layers[i]
		switch {
		case len(l.Tensors) > 0 && !l.IsActivation():
			weighted = append(weighted, *l)
		case l.IsActivation(), l.IsPooling(), l.Kind == "Flatten":
		default:
			return nil, nil
		}
	}
	byKey(a, weighted)
	activation, err := only((*structure.Layer).IsActivation)
	if err != nil {
		return nil, err
	}
	pooling, err := only((*structure.Layer).IsPooling)
	if err != nil {
		return nil, err
	}
	var ordered []structure.Layer
	next := 0
	var assumedActivation, assumedPooling string
	for _, l := range a.Layers() {
		switch {
		case l.IsActivation() && activation != nil:
			l = *activation
		case l.IsActivation():
			assumedActivation = l.String()
		case l.IsPooling() && pooling != nil:
			l = *pooling
		case l.IsPooling():
			assumedPooling = l.String()
		case l.Kind == "Flatten":
		default:
			if next == len(weighted) || weighted[next].Kind != l.Kind {
				return nil, nil
			}
			l = weighted[next]
			next++
		}
		ordered = append(ordered, l)
	}
	if next < len(weighted) {
		return nil, nil
	}
	text := fmt.Sprintf("%s, whose code is not in the file, computes its layers as %s does", wording.Printable(class), a.Name)
	switch {
	case assumedActivation != "" && assumedPooling != "":
		text += fmt.Sprintf(", with %s after every one but the last and %s after each convolution", assumedActivation, assumedPooling)
	case assumedActivation != "":
		text += fmt.Sprintf(", with %s after every one but the last", assumedActivation)
	case assumedPooling != "":
		text += fmt.Sprintf(", with %s after each convolution", assumedPooling)
	}
	m.Assumed = append(m.Assumed, text)
	return ordered, nil
}

// byKey sorts layers as an architecture has them if they are called as there.
func byKey(a *models.Model, layers []structure.Layer) {
	network, err := a.Draw(a.Usual, nil)
	if err != nil {
		return
	}
	place := map[string]int{}
	for i, e := range nn.State(network) {
		layer, _ := layerOf(e.Name())
		if _, known := place[layer]; !known {
			place[layer] = i
		}
	}
	last := func(l *structure.Layer) (int, bool) {
		at, known := place[l.Name[strings.LastIndexByte(l.Name, '.')+1:]]
		return at, known
	}
	for i := range layers {
		if _, known := last(&layers[i]); !known {
			return
		}
	}
	slices.SortStableFunc(layers, func(x, y structure.Layer) int {
		first, _ := last(&x)
		second, _ := last(&y)
		return first - second
	})
}

// agree refuses options that contradict the network in the file.
func (m *Classifier) agree(o *Options, s *structure.Network, layers []structure.Layer) error {
	if in := s.Input; in != nil {
		if o.Height > 0 && (in[1] > 0 && in[1] != o.Height || in[2] > 0 && in[2] != o.Width) {
			return fmt.Errorf("its network reads pictures of %dx%d pixels, not %dx%d", in[1], in[2], o.Height, o.Width)
		}
		if known := m.About.Input; known != nil && o.Height == 0 && !slices.Contains(in, 0) && !slices.Equal(known, in) {
			m.note("its metadata say that it reads pictures of %v, but its network reads %v", nn.Shape(known), nn.Shape(in))
			m.About.Input = nil
		}
		if in[0] > 0 {
			m.known.Channels = in[0]
		}
		if in[1] > 0 && in[2] > 0 {
			m.known.Height, m.known.Width = in[1], in[2]
		}
	}
	if o.Padding == nil {
		return nil
	}
	next := 0
	for _, l := range layers {
		if l.Kind != "Conv2d" {
			continue
		}
		wanted := 0
		if next < len(o.Padding) {
			wanted = o.Padding[next]
		}
		if has := l.Settings["padding"]; has != strconv.Itoa(wanted) {
			return fmt.Errorf("its network says that convolution %d (%s) has a padding of %s, so it cannot be %d", next+1, l.Where(), has, wanted)
		}
		next++
	}
	if next < len(o.Padding) {
		return fmt.Errorf("its network has %s, but the padding of %d was given", wording.Count(next, "convolution"), len(o.Padding))
	}
	return nil
}

// A composer makes the network of layers.
type composer struct {
	m       *Classifier
	layers  []structure.Layer
	tensors map[string]weights.Tensor
	shapes  map[string][]int
	network *models.Sequential
}

// findNames lets the layers name the tensors as the file's list does, which lacks the
// prefix "module." that every name had.
func (c *composer) findNames() {
	for i := range c.layers {
		for role, name := range c.layers[i].Tensors {
			if plain := strings.TrimPrefix(name, "module."); c.shapes[name] == nil && c.shapes[plain] != nil {
				c.layers[i].Tensors[role] = plain
			}
		}
	}
}

// shared bounds how often layers have the same tensors, for each gets a copy: a small
// file must not ask for much memory.
func (c *composer) shared() error {
	all, used := 0, 0
	for _, t := range c.tensors {
		all += t.Len()
	}
	for _, l := range c.layers {
		for _, name := range l.Tensors {
			t := c.tensors[name]
			if used += t.Len(); used > 2*all+1<<16 {
				return fmt.Errorf("its layers (as %s) have the same tensors so often that they would take more than twice their memory, which is not run", l.Where())
			}
		}
	}
	return nil
}

// features looks whether what a .onnx reshapes to is what the next layer reads, since
// then it flattens.
func (c *composer) features() error {
	for i := range c.layers {
		l := &c.layers[i]
		if l.Kind != "Flatten" {
			continue
		}
		if text := l.Settings["features"]; text != "" {
			if i+1 == len(c.layers) || c.layers[i+1].Kind != "Linear" {
				return fmt.Errorf("%s reshapes to %s numbers before something that is no linear layer, which is not run", l.Where(), text)
			}
			shape := slices.Clone(c.shapes[c.layers[i+1].Tensors["weight"]])
			if c.layers[i+1].Transposed {
				slices.Reverse(shape)
			}
			if len(shape) != 2 || strconv.Itoa(shape[1]) != text {
				return fmt.Errorf("%s reshapes to %s numbers, which the next layer does not read", l.Where(), text)
			}
		}
		if l.Settings["sides"] != "" && (i == 0 || !strings.HasPrefix(c.layers[i-1].Kind, "Adaptive") || c.layers[i-1].Settings["output_size"] != "1") {
			return fmt.Errorf("%s takes away height and width, which may be more than one pixel there", l.Where())
		}
	}
	return nil
}

// channels are those that the pictures may have, of what is known and what the first
// layer reads.
func (c *composer) channels(known models.Config) []int {
	if known.Channels > 0 {
		return []int{known.Channels}
	}
	for _, l := range c.layers {
		if shape := c.shapes[l.Tensors["weight"]]; l.Kind == "Conv2d" && len(shape) == 4 {
			if groups, err := strconv.Atoi(l.Settings["groups"]); err == nil {
				return []int{shape[1] * groups}
			}
		}
		if len(l.Tensors) > 0 {
			break
		}
	}
	return []int{1, 3}
}

// size finds what pictures the network reads: those that are known, or square ones
// that the layers suit, the usual sizes first.
func (c *composer) size(known models.Config) (models.Config, error) {
	var sides []int
	if known.Height == 0 {
		const most = 256
		sides = []int{28, 32}
		for _, step := range []int{4, 2, 1} { // usual sizes can be halved twice
			for side := step; side <= most; side += step {
				sides = append(sides, side)
			}
		}
	} else {
		sides = []int{0}
	}
	var first error
	for _, channels := range c.channels(known) {
		for _, side := range sides {
			config := models.Config{Channels: channels, Height: side, Width: side}
			if side == 0 {
				config.Height, config.Width = known.Height, known.Width
			}
			_, err := c.network.For(channels, config.Height, config.Width)
			if err == nil {
				return config, nil
			}
			if first == nil {
				first = err
			}
		}
	}
	if known.Height == 0 {
		return models.Config{}, fmt.Errorf("its layers do not suit square pictures of any size up to 256 pixels, and it does not say which it reads (%w)", first)
	}
	return models.Config{}, first
}

// make makes the network for pictures: that of an architecture if it computes the
// same, or else the layers as they are.
func (c *composer) make(config models.Config) error {
	sequential, err := c.network.For(config.Channels, config.Height, config.Width)
	if err != nil {
		return err
	}
	m := c.m
	chains := models.Chains()
	for i := range chains {
		if network := c.as(&chains[i], sequential, config); network != nil {
			m.architecture, m.Network = &chains[i], network
			return nil
		}
	}
	var named []weights.Tensor
	for i, l := range c.layers {
		for role := range l.Tensors {
			named = append(named, c.tensor(&l, role, sequential.Key(i)+"."+role))
		}
	}
	m.architecture, m.Network = nil, sequential
	return restore("the model", sequential, named)
}

// as returns a network of an architecture that computes what the layers do, with
// their weights, or nil.
func (c *composer) as(a *models.Model, sequential models.Network, config models.Config) models.Network {
	usual, err := a.Draw(a.Usual, nil)
	if err != nil {
		return nil
	}
	var keys []weights.Tensor
	for _, e := range nn.State(usual) {
		keys = append(keys, weights.Tensor{Name: e.Name(), Shape: e.Shape()})
	}
	names, groups := layers(keys)
	var named []weights.Tensor
	next := 0
	for i := range c.layers {
		l := &c.layers[i]
		if len(l.Tensors) == 0 {
			continue
		}
		if next == len(names) || len(groups[names[next]]) != len(l.Tensors) {
			return nil
		}
		for _, key := range groups[names[next]] {
			_, role := layerOf(key.Name)
			if l.Tensors[role] == "" {
				return nil
			}
			named = append(named, c.tensor(l, role, key.Name))
		}
		next++
	}
	if next < len(names) {
		return nil
	}
	configs, err := a.Configs(shapesOf(named), models.Config{Channels: config.Channels, Height: config.Height, Width: config.Width})
	if err != nil {
		return nil
	}
	for _, candidate := range configs {
		network, err := a.Draw(candidate, nil)
		if err == nil && models.SameComputation(network, sequential) && restore("the model", network, named) == nil {
			return network
		}
	}
	return nil
}

// tensor returns a tensor of a layer under a name, in the shape that PyTorch's layer
// has it in.
func (c *composer) tensor(l *structure.Layer, role, name string) weights.Tensor {
	t := c.tensors[l.Tensors[role]]
	switch {
	case l.Transposed && role == "weight" && len(t.Shape) == 2:
		rows, columns := t.Shape[0], t.Shape[1]
		from, to := t.Float32s(), make([]float32, t.Len())
		for i := range rows {
			for j := range columns {
				to[j*rows+i] = from[i*columns+j]
			}
		}
		return weights.NewTensor(name, []int{columns, rows}, to)
	case role == "bias" && len(t.Shape) > 1 && l.Kind != "LayerNorm", l.Kind == "PReLU":
		t.Shape = []int{t.Len()}
	}
	t.Name = name
	return t
}

// restore gives a network its weights. A counter of batches, which only training
// needs, may be missing. Path stands for the file in errors.
func restore(path string, network models.Network, named []weights.Tensor) error {
	named = slices.Clip(named)
	has := map[string]bool{}
	for _, t := range named {
		has[t.Name] = true
	}
	for _, e := range nn.State(network) {
		if !has[e.Name()] && models.IsCounter(e.Name()) {
			named = append(named, weights.NewTensor(e.Name(), e.Shape(), make([]float32, nn.Shape(e.Shape()).Elements())))
		}
	}
	return weights.Restore(path, &weights.File{Tensors: named}, nn.State(network))
}

// differs makes an error of a layer that cannot be run one that also tells what the
// usual network has in its place.
func (c *composer) differs(err error) error {
	var layer *models.LayerError
	if !errors.As(err, &layer) {
		return fmt.Errorf("its network cannot be run: %w", err)
	}
	for _, a := range models.Chains() {
		usual := a.Layers()
		for i := range min(len(usual), len(c.layers)) {
			if c.layers[i].Place == layer.Layer.Place && c.layers[i].Name == layer.Layer.Name {
				return fmt.Errorf("its network cannot be run: it computes %s where %s has %s (%s); %s", layer.Layer.String(), a.Name, usual[i].String(), layer.Layer.Where(), layer.Reason)
			}
			if c.layers[i].Kind != usual[i].Kind {
				break
			}
		}
	}
	return fmt.Errorf("its network cannot be run: %w", err)
}
