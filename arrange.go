package inkling

import (
	"fmt"
	"slices"
	"strings"

	"inkling/internal/wording"
	"inkling/models"
	"inkling/nn"
	"inkling/weights/structure"
)

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
