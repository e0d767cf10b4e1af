package inkling

import (
	"fmt"
	"slices"
	"strings"

	"inkling/internal/wording"
	"inkling/models"
	"inkling/nn"
	"inkling/weights"
	"inkling/weights/structure"
)

// torchvisionModels is how the names of classes begin whose code is torchvision's, which the
// zoo's models follow.
const torchvisionModels = "torchvision.models."

// modelOf is the name of the model of the zoo, if it is no chain of layers, that has
// tensors of such names and shapes, "" if there is none.
func modelOf(tensors []weights.Tensor, known models.Config) string {
	for {
		a, configs, err := models.Recognise(shapesOf(tensors), known)
		if err == nil && len(configs) > 0 && a.Layers() == nil {
			return a.Name
		}
		prefix := sharedPrefix(tensors)
		if prefix == "" {
			return ""
		}
		tensors = withoutPrefix(tensors, prefix)
	}
}

// byClass decides what becomes of a network whose layers a file lists, but not the code of
// the class that computes them, or whose TorchScript program is no chain of layers. One of
// a model of the zoo that is no chain is opened as that if an option says so, or if the class
// is torchvision's, which is assumed then; another class is refused. It reports whether
// the model is to be recognised by its weights.
func (m *Classifier) byClass(o *Options, s *structure.Network, program string, tensors []weights.Tensor) (recognised bool, err error) {
	class := wording.Printable(s.Class)
	if o.Model != "" {
		if s.Class == "" {
			m.note("the network computes what %s does; what its TorchScript program says was not followed: %s", o.Model, wording.Printable(s.Obstacle))
		} else {
			m.note("the network computes what %s does; the code of its class %s, which says so, is not in the file", o.Model, class)
		}
		return true, nil
	}
	name := modelOf(tensors, m.known)
	switch {
	case name == "":
		return false, nil
	case strings.HasPrefix(s.Class, torchvisionModels):
		m.assume("%s, whose code is not in the file, computes what %s does", class, name)
		return true, nil
	case s.Class == "" && strings.HasPrefix(strings.TrimPrefix(program, "__torch__."), torchvisionModels):
		m.assume("%s, whose program was followed up to where branches join, computes what %s does", wording.Printable(program), name)
		return true, nil
	case s.Class == "":
		return false, nil
	}
	return false, fmt.Errorf("it is an object of the class %s, whose code is not in the file, and its weights are those of %s: --model %s says that it computes what that does", class, name, name)
}

// poolings are what operations compute, by the kinds of layers.
var poolings = map[string]string{"maxpool2d": "MaxPool2d", "avgpool2d": "AvgPool2d", "adaptiveavgpool2d": "AdaptiveAvgPool2d", "mean": "AdaptiveAvgPool2d", "adaptivemaxpool2d": "AdaptiveMaxPool2d"}

// holds refuses a network that lacks what the file lists of it: an activation or a pooling
// of another kind, or a convolution with other settings.
func (m *Classifier) holds(s *structure.Network) error {
	channels, height, width := m.Network.Input()
	operations, err := nn.Trace(m.Network, 1, channels, height, width)
	if err != nil {
		return err
	}
	var kinds, pools, order []string            // order is of what a program says one after the other
	convolutions := map[string]map[string]any{} // settings by the name of the weight
	for _, op := range operations {
		kind, ok := structure.Activation(op.Name)
		if op.Name == "clamp" {
			if kind, ok = "Hardtanh", true; op.Settings["low"] == 0.0 && op.Settings["high"] == 6.0 {
				kind = "ReLU6"
			}
		}
		if ok && !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
		if ok {
			order = append(order, kind)
		}
		if kind, ok := poolings[op.Name]; ok {
			pool := structure.Layer{Kind: kind}
			if kind == "MaxPool2d" || kind == "AvgPool2d" {
				pool.Settings = map[string]string{"kernel_size": structure.Sizes(op.Settings["kernel"].([]int)), "stride": structure.Sizes(op.Settings["stride"].([]int))}
			}
			pools, order = append(pools, poolText(&pool)), append(order, pool.Kind)
		}
		if op.Name == "conv2d" {
			convolutions[op.Params[0]] = op.Settings
		}
	}
	if s.Class == "" {
		return m.begins(structure.Reduce(s.Layers), order)
	}
	// What torchvision's code has as a layer, it does not call as a function.
	largest := func(l structure.Layer) bool { return l.Kind == "MaxPool2d" }
	if missing := slices.IndexFunc(pools, func(p string) bool { return strings.HasPrefix(p, "MaxPool2d") }); missing >= 0 && strings.HasPrefix(s.Class, torchvisionModels) && !slices.ContainsFunc(s.Layers, largest) {
		return fmt.Errorf("it holds no max-pooling, and %s has %s", m.Architecture(), pools[missing])
	}
	for i := range s.Layers {
		l := &s.Layers[i]
		switch {
		case l.IsPooling() && !slices.Contains(pools, poolText(l)):
			return fmt.Errorf("it holds %s (%s), and of poolings %s has %s alone", l.String(), l.Where(), m.Architecture(), namesText(slices.Compact(pools)))
		case l.IsActivation() && !slices.Contains(kinds, l.Kind):
			return fmt.Errorf("it holds %s (%s), and of activations %s has %s alone", l.String(), l.Where(), m.Architecture(), namesText(kinds))
		case l.Kind == "Conv2d":
			settings := convolutions[longestEnd(l.Tensors["weight"], convolutions)]
			for _, what := range []string{"stride", "dilation"} {
				if has, ok := settings[what].([]int); ok && structure.Sizes(has) != l.Settings[what] {
					return fmt.Errorf("its %s (%s) has a %s of %s, and that of %s one of %s", l.Kind, l.Where(), what, l.Settings[what], m.Architecture(), structure.Sizes(has))
				}
			}
		}
	}
	return nil
}

// begins refuses a network whose activations and poolings are not, in this order, those that
// a program was seen to compute before its branches joined.
func (m *Classifier) begins(layers []structure.Layer, order []string) error {
	for i := range layers {
		l := &layers[i]
		switch {
		case !l.IsActivation() && !l.IsPooling():
		case len(order) == 0 || order[0] != l.Kind:
			has := "nothing"
			if len(order) > 0 {
				has = order[0]
			}
			return fmt.Errorf("its program computes %s (%s) where %s has %s", l.String(), l.Where(), m.Architecture(), has)
		default:
			order = order[1:]
		}
	}
	return nil
}

// poolText tells the kind of a pooling and how its window moves.
func poolText(l *structure.Layer) string {
	if kernel := l.Settings["kernel_size"]; kernel != "" {
		return fmt.Sprintf("%s of %s in steps of %s", l.Kind, kernel, l.Settings["stride"])
	}
	return l.Kind
}

// longestEnd is which of the names a name is or, behind some prefix and a dot, ends with,
// the longest of several.
func longestEnd(name string, names map[string]map[string]any) (longest string) {
	for end := range names {
		if (end == name || strings.HasSuffix(name, "."+end)) && len(end) > len(longest) {
			longest = end
		}
	}
	return longest
}
