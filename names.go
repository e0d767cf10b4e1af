package inkling

import (
	"fmt"
	"slices"
	"strings"

	"inkling/internal/wording"
	"inkling/models"
	"inkling/nn"
	"inkling/weights"
)

// A Rename says how tensors are called that a file calls otherwise: a tensor of the
// name Old, or those whose names begin with it. A name begins with "net" if it is
// net.conv1.weight, and not if it is network.conv1.weight; if Old ends with a dot,
// or New is empty, the dot goes with it.
type Rename struct{ Old, New string }

// ParseRename reads OLD=NEW.
func ParseRename(text string) (Rename, error) {
	before, after, ok := strings.Cut(text, "=")
	if !ok || before == "" {
		return Rename{}, fmt.Errorf("%q does not say what becomes what, want OLD=NEW such as model.=, or features.0=conv1", text)
	}
	return Rename{before, after}, nil
}

// of returns what a tensor is called then.
func (r Rename) of(name string) (renamed string, changed bool) {
	if name == r.Old && r.New != "" {
		return r.New, true
	}
	rest, ok := strings.CutPrefix(name, strings.TrimSuffix(r.Old, ".")+".")
	if !ok || rest == "" {
		return name, false
	}
	if start := strings.TrimSuffix(r.New, "."); start != "" {
		rest = start + "." + rest
	}
	return rest, true
}

// RenameTensors returns the tensors with other names, one rename after the other.
// It is an error if a rename changes nothing or makes two tensors of one name.
func RenameTensors(tensors []weights.Tensor, renames []Rename) ([]weights.Tensor, error) {
	tensors = slices.Clone(tensors)
	for _, r := range renames {
		found := false
		for i := range tensors {
			var changed bool
			tensors[i].Name, changed = r.of(tensors[i].Name)
			found = found || changed
		}
		if !found {
			return nil, fmt.Errorf("no tensor is called %q or begins with it, so none can be renamed", r.Old)
		}
	}
	names := map[string]bool{}
	for _, t := range tensors {
		if names[t.Name] {
			return nil, fmt.Errorf("two tensors would be called %q when they are renamed", t.Name)
		}
		names[t.Name] = true
	}
	return tensors, nil
}

// shapesOf returns the tensors' shapes by their names.
func shapesOf(tensors []weights.Tensor) map[string][]int {
	shapes := make(map[string][]int, len(tensors))
	for _, t := range tensors {
		shapes[t.Name] = t.Shape
	}
	return shapes
}

// sharedPrefix is how the names of all tensors begin, whole words of them: "model."
// for model.conv1.weight and model.fc1.weight.
func sharedPrefix(tensors []weights.Tensor) string {
	if len(tensors) < 2 {
		return ""
	}
	prefix := tensors[0].Name
	for _, t := range tensors[1:] {
		n := 0
		for n < len(prefix) && n < len(t.Name) && prefix[n] == t.Name[n] {
			n++
		}
		prefix = prefix[:n]
	}
	return prefix[:strings.LastIndexByte(prefix, '.')+1]
}

// withoutPrefix returns tensors whose names lack a prefix.
func withoutPrefix(tensors []weights.Tensor, prefix string) []weights.Tensor {
	tensors = slices.Clone(tensors)
	for i := range tensors {
		tensors[i].Name = strings.TrimPrefix(tensors[i].Name, prefix)
	}
	return tensors
}

// layerOf divides a tensor's name into that of its layer and what it is there:
// features.0 and weight.
func layerOf(name string) (layer, role string) {
	i := strings.LastIndexByte(name, '.')
	return name[:max(i, 0)], name[i+1:]
}

// layers groups the tensors by their layers, in the order of the tensors.
func layers(tensors []weights.Tensor) (names []string, groups map[string][]weights.Tensor) {
	groups = map[string][]weights.Tensor{}
	for _, t := range tensors {
		layer, _ := layerOf(t.Name)
		if groups[layer] == nil {
			names = append(names, layer)
		}
		groups[layer] = append(groups[layer], t)
	}
	return names, groups
}

// byOrder gives the tensors of layers with other names, such as the numbers of
// nn.Sequential, the names that a chain has for them: layer by layer in the
// order of the file, else in that of the names. Every layer must have the same
// tensors of the same rank, and no two layers weights of one shape, for then shapes
// would not tell them apart. If that does not fit, it returns nil.
func byOrder(a *models.Model, tensors []weights.Tensor, known models.Config) (renamed []weights.Tensor, from, to []string) {
	usual, err := a.Draw(a.Usual, nil)
	if err != nil {
		return nil, nil, nil
	}
	var wanted []weights.Tensor
	for _, e := range nn.State(usual) {
		wanted = append(wanted, weights.Tensor{Name: e.Name(), Shape: e.Shape()})
	}
	if len(wanted) != len(tensors) {
		return nil, nil, nil
	}
	to, wantedGroups := layers(wanted)
	from, groups := layers(tensors)
	if len(to) != len(from) {
		return nil, nil, nil
	}
	shapes := map[string]bool{}
	for _, layer := range from {
		shape := fmt.Sprint(groups[layer][0].Shape)
		if shapes[shape] {
			return nil, nil, nil
		}
		shapes[shape] = true
	}
	sorted := slices.SortedFunc(slices.Values(from), naturally)
	for _, order := range [][]string{from, sorted} {
		if renamed = rename(order, groups, to, wantedGroups); renamed == nil {
			continue
		}
		if configs, err := a.Configs(shapesOf(renamed), known); err != nil || len(configs) > 0 {
			return renamed, order, to
		}
	}
	return nil, nil, nil
}

// rename gives the tensors of the layers from the names of those of to, in their
// order, or returns nil if a layer has other tensors.
func rename(from []string, groups map[string][]weights.Tensor, to []string, wanted map[string][]weights.Tensor) []weights.Tensor {
	var renamed []weights.Tensor
	for i, layer := range from {
		if len(groups[layer]) != len(wanted[to[i]]) {
			return nil
		}
		for _, w := range wanted[to[i]] {
			_, role := layerOf(w.Name)
			at := slices.IndexFunc(groups[layer], func(t weights.Tensor) bool {
				_, has := layerOf(t.Name)
				return has == role && len(t.Shape) == len(w.Shape)
			})
			if at < 0 {
				return nil
			}
			t := groups[layer][at]
			t.Name = w.Name
			renamed = append(renamed, t)
		}
	}
	return renamed
}

// naturally compares names such that numbers in them are in their order: 9 stands
// before 11.
func naturally(a, b string) int {
	digits := func(s string) int {
		n := 0
		for n < len(s) && '0' <= s[n] && s[n] <= '9' {
			n++
		}
		return n
	}
	for a != "" && b != "" {
		if m, n := digits(a), digits(b); m > 0 && n > 0 {
			first, second := strings.TrimLeft(a[:m], "0"), strings.TrimLeft(b[:n], "0")
			if len(first) != len(second) {
				return len(first) - len(second)
			}
			if c := strings.Compare(first, second); c != 0 {
				return c
			}
			a, b = a[m:], b[n:]
			continue
		}
		if a[0] != b[0] {
			return int(a[0]) - int(b[0])
		}
		a, b = a[1:], b[1:]
	}
	return len(a) - len(b)
}

// namesText lists names from a file for people.
func namesText(names []string) string {
	printable := make([]string, len(names))
	for i, name := range names {
		printable[i] = wording.Printable(name)
	}
	return strings.Join(printable, ", ")
}
