package weights

import (
	"fmt"
	"slices"
	"strings"
)

// MismatchError tells everything in which a file differs from the network that
// it was to be loaded into.
type MismatchError struct {
	// Path is the file.
	Path string
	// Missing names the parameters of the network that the file lacks, in the
	// network's order.
	Missing []string
	// Unexpected names the tensors of the file that the network lacks, in the
	// file's order.
	Unexpected []string
	// Shapes holds the parameters that both have, with different shapes, in the
	// network's order.
	Shapes []ShapeMismatch

	unread map[string]string // tensors of kinds that are not read
}

// Explain lets the error tell of tensors of the file that are of kinds which are not read.
func (e *MismatchError) Explain(file *File) {
	for _, l := range file.LeftOut {
		if l.Tensor && l.InState {
			if e.unread == nil {
				e.unread = map[string]string{}
			}
			e.unread[strings.TrimPrefix(l.Path, file.StatePath+".")] = l.What
		}
	}
}

// quantised reports whether the file holds the ranges of what a network's layers compute,
// as one does that was quantised with these.
func (e *MismatchError) quantised() bool {
	return slices.ContainsFunc(e.Unexpected, func(name string) bool { return strings.HasSuffix(name, "zero_point") })
}

// ShapeMismatch is a parameter whose shape in the file is not the network's.
type ShapeMismatch struct {
	Name string
	// Want is the network's shape, Got the file's.
	Want, Got []int
}

// Error returns a sentence and, below it, one line for each difference.
func (e *MismatchError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s does not fit the network, so nothing was loaded; give the file of this network or build the network of this file:", e.Path)
	for _, name := range e.Missing {
		fmt.Fprintf(&b, "\n  missing in the file: %s", name)
		if kind := e.unread[name]; kind != "" {
			fmt.Fprintf(&b, " (it is %s, which is not read)", kind)
		}
	}
	for _, name := range e.Unexpected {
		fmt.Fprintf(&b, "\n  unexpected in the file: %s", printable(name))
	}
	for _, s := range e.Shapes {
		fmt.Fprintf(&b, "\n  wrong shape: %s, wanted %v, got %v", s.Name, s.Want, s.Got)
		turned := slices.Clone(s.Got)
		slices.Reverse(turned)
		if slices.Equal(turned, s.Want) {
			b.WriteString(" (transposed)")
		}
	}
	if e.quantised() {
		b.WriteString("\n  Its layers compute with quantised numbers (scale, zero_point), which is not run; save the network from before it was quantised")
	}
	return b.String()
}

// printable keeps a name from a file from breaking the line or the terminal.
func printable(name string) string {
	quoted := fmt.Sprintf("%q", name)
	if name != "" && quoted == `"`+name+`"` {
		return name
	}
	return quoted
}
