package inkling

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

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
