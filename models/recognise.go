package models

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"inkling/nn"
	"inkling/weights/structure"
)

// A Network is a module that reads pictures of one shape, spectrograms among them, or
// sentences: rows of the numbers of their tokens, 1x1xlength.
type Network interface {
	nn.Module

	// Input is the shape of the pictures that the network reads.
	Input() (channels, height, width int)
}

// A Config says what a network is for.
type Config struct {
	// Channels, Height and Width are the shape of the pictures that it reads.
	Channels, Height, Width int
	// Classes is how many it tells apart.
	Classes int
	// Padding holds the rows and columns of zeros around what each convolution
	// reads, in their order; those that are left out have none. Only LeNet has a
	// choice.
	Padding []int
	// Tokens is how many numbers tokens may have, for networks that read sentences:
	// what their Embedding has rows for.
	Tokens int
	// Pieces is how many numbers there are besides for what only a tally weighs, and
	// PieceRows in how many of the rows, the last ones, they stand.
	Pieces, PieceRows int
}

// A chain is what is known of a network that is one layer after another.
type chain struct {
	configs func(shapes map[string][]int, known Config) ([]Config, error) // see Model.Configs
	layers  []structure.Layer
}

// Layers are those of the model's networks, in the order in which they are computed,
// nil if these are not one layer after another.
func (m *Model) Layers() []structure.Layer {
	if m.chain == nil {
		return nil
	}
	return m.chain.layers
}

// Configs returns what a network of the model with weights of these shapes, by their
// state-dict keys, may be for, the most usual first. What is known of it already is
// set in known, and zero otherwise; a Padding of no elements says that there is none,
// nil that it is not known. Nothing is returned if no network of the model has such
// weights; it is an error if one has, but for no pictures that are known.
func (m *Model) Configs(shapes map[string][]int, known Config) ([]Config, error) {
	if m.chain != nil {
		return m.chain.configs(shapes, known)
	}
	if len(known.Padding) > 0 && m.Usual.Padding == nil {
		return nil, nil
	}
	k := m.keys()
	if k == nil || !k.match(shapes) {
		return nil, nil
	}
	c := Config{Channels: shapes[k.first][1], Classes: shapes[k.last][0], Padding: known.Padding}
	switch m.Reads {
	case Sentences:
		c.Channels, c.Tokens = 1, shapes[k.first][0]
		c.Pieces, c.PieceRows = known.Pieces, known.PieceRows
	case Rows: // as pictures, of so many channels as is said
		c.Channels = max(known.Channels, 1)
	}
	if known.Channels > 0 && known.Channels != c.Channels {
		return nil, nil
	}
	sizes := [][2]int{{known.Height, known.Width}}
	switch {
	case known.Height == 0 && m.Reads == Sentences:
		sizes = [][2]int{{m.Usual.Height, m.Usual.Width}}
	case known.Height == 0 && m.Reads == Rows:
		sizes = [][2]int{{1, shapes[k.first][1] / c.Channels}}
	case known.Height == 0:
		// Where the weights do not tell the size, it is the usual one.
		sizes = [][2]int{{m.Usual.Height, m.Usual.Width}, {32, 32}, {28, 28}, {64, 64}, {96, 96}, {128, 128}}
	}
	var all []Config
	for _, size := range sizes {
		c.Height, c.Width = size[0], size[1]
		network, err := m.Draw(c, nil)
		if err == nil && sameShapes(network, shapes) && !slices.ContainsFunc(all, func(other Config) bool { return other.Height == c.Height && other.Width == c.Width }) {
			all = append(all, c)
		}
	}
	return all, nil
}

// ReadsPhotographs reports whether a network of the model for such pictures has the form
// for photographs, as torchvision's networks of ImageNet.
func (m *Model) ReadsPhotographs(channels, height, width int) bool {
	if m.options()["stem"] == "small" {
		return false
	}
	return m.Usual.Channels == imageNet.Channels && m.Usual.Height == imageNet.Height && channels == imageNet.Channels && max(height, width) >= smallStem
}

// SameForm reports whether the networks for two sizes of pictures have the same form: some
// models have one for small pictures, with the same weights' shapes.
func (m *Model) SameForm(a, b Config) bool {
	o := m.options()
	return o.small(a) == o.small(b)
}

// ImageNetMean and ImageNetStd are what torchvision's networks of ImageNet want
// subtracted from red, green and blue of 0 to 1, and what they want them divided by.
func ImageNetMean() []float32 { return []float32{0.485, 0.456, 0.406} }

// ImageNetStd goes with ImageNetMean.
func ImageNetStd() []float32 { return []float32{0.229, 0.224, 0.225} }

// DrawsAsPyTorch reports whether the initial weights are PyTorch's own if the draws are
// those of package torchrand.
func (m *Model) DrawsAsPyTorch() bool { return m.chain != nil }

// keys are the state-dict keys of a model's networks.
type keys struct {
	rank        map[string]int // by key
	counters    int            // of batches, which only training needs
	first, last string         // the first filter, and what has a row for each class
}

var (
	keysMutex sync.Mutex
	keysOf    = map[string]*keys{}
)

// keys returns the model's, nil if its networks are such as no keys tell.
func (m *Model) keys() *keys {
	keysMutex.Lock()
	defer keysMutex.Unlock()
	name := fmt.Sprint(m.Name, m.chosen)
	if k, known := keysOf[name]; known {
		return k
	}
	var k *keys
	if network, err := m.Draw(m.Usual, nil); err == nil {
		k = &keys{rank: map[string]int{}}
		for _, e := range nn.State(network) {
			k.rank[e.Name()] = len(e.Shape())
			switch {
			case IsCounter(e.Name()):
				k.counters++
			case e.IsBuffer():
			default:
				if k.first == "" && (len(e.Shape()) == 4 || m.Reads != Pictures) {
					k.first = e.Name()
				}
				k.last = e.Name()
			}
		}
		if k.first == "" {
			k = nil
		}
	}
	keysOf[name] = k
	return k
}

// IsCounter reports whether a state-dict key is that of a counter of batches, which only
// training needs, and which older files of PyTorch lack.
func IsCounter(key string) bool { return strings.HasSuffix(key, ".num_batches_tracked") }

// match reports whether the shapes have the keys, and of each the rank.
func (k *keys) match(shapes map[string][]int) bool {
	if len(shapes) > len(k.rank) || len(shapes) < len(k.rank)-k.counters {
		return false
	}
	for key, rank := range k.rank {
		if shape, has := shapes[key]; len(shape) != rank || !has && !IsCounter(key) {
			return false
		}
	}
	for key := range shapes {
		if _, has := k.rank[key]; !has {
			return false
		}
	}
	return true
}

// sameShapes reports whether the network's state has the shapes, counters aside.
func sameShapes(network Network, shapes map[string][]int) bool {
	for _, e := range nn.State(network) {
		if !IsCounter(e.Name()) && !slices.Equal(shapes[e.Name()], []int(e.Shape())) {
			return false
		}
	}
	return true
}

// Recognise returns the model whose networks have weights of these shapes, by their
// state-dict keys, and what such a network may be for; nil if there is none. It is an
// error if there are two, for weights do not tell what is computed with them. A chain
// goes before others; who believes it has to say what is assumed between its layers.
func Recognise(shapes map[string][]int, known Config) (*Model, []Config, error) {
	var found *Model
	var all []Config
	var names []string
	for i := range zoo {
		if zoo[i].Reads == Rows {
			continue // linear layers by themselves do not tell what stands between them
		}
		configs, err := zoo[i].Configs(shapes, known)
		if err != nil {
			return nil, nil, err
		}
		if len(configs) == 0 {
			continue
		}
		if zoo[i].chain != nil {
			return &zoo[i], configs, nil
		}
		found, all, names = &zoo[i], configs, append(names, zoo[i].Name)
	}
	if len(names) > 1 {
		return nil, nil, fmt.Errorf("its weights are those of %s, which do not compute the same; say which it is", strings.Join(names, " and of "))
	}
	return found, all, nil
}

// Chains returns the models whose networks are one layer after another.
func Chains() []Model {
	return slices.DeleteFunc(Zoo(), func(m Model) bool { return m.chain == nil })
}

// Nearest returns the model whose networks have the most state-dict keys in common with
// weights of these shapes, and reports whether half of them are; the first model, if none
// has any.
func Nearest(shapes map[string][]int) (m *Model, near bool) {
	m = &zoo[0]
	best, any := 0, false
	for i := range zoo {
		k := zoo[i].keys()
		if k == nil {
			continue
		}
		common := 0
		for key := range k.rank {
			if _, has := shapes[key]; has {
				common++
			}
		}
		// What one has and the other lacks speaks against it.
		if score := 3*common - len(k.rank) - len(shapes); common > 0 && (!any || score > best) {
			m, best, any, near = &zoo[i], score, true, 2*common >= len(shapes)
		}
	}
	return m, near
}
