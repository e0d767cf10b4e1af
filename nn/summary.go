package nn

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// NetworkSummary lists a network's layers, as the Python package torchinfo does.
type NetworkSummary struct {
	Rows []SummaryRow
	// Input is the shape of the input.
	Input Shape
	// Parameters are those that are trained, each counted once; Buffers are the
	// other numbers of the state dict.
	Parameters, Buffers int
	MultiplyAdds        int // of all rows
}

// SummaryRow is one operation of the network.
type SummaryRow struct {
	// Layer is the layer's name in the state dict, "layer1.0.conv1", or empty for an
	// operation without parameters.
	Layer string
	Type  string // the operation's name
	// Shape is the output's, the batch first.
	Shape Shape
	// Parameters are those of the row; a layer that is used again has them in its first
	// row alone.
	Parameters int
	// MultiplyAdds are for the whole batch, counted as torchinfo does: the
	// parameters, the bias among them, times the places at which they are applied.
	// Operations without parameters count as none.
	MultiplyAdds int
}

// Summary traces a module on an input of the given shape, batch first, and lists its
// operations with their shapes, parameters and multiply-adds. Errors are those of
// Compile.
func Summary(module Module, shape ...int) (*NetworkSummary, error) {
	g, err := trace(module, shape, false)
	if err != nil {
		return nil, err
	}
	needed, names := g.needed(), paramNames(module)
	s := &NetworkSummary{Input: g.input().shape.clone()}
	seen := map[*Param]bool{}
	for _, n := range g.nodes {
		if !n.needed(needed) {
			continue
		}
		out := n.outputs[0].shape
		row := SummaryRow{Type: n.op.Name(), Shape: out.clone()}
		for _, p := range n.params {
			if name := names[p]; row.Layer == "" {
				row.Layer = name[:max(strings.LastIndexByte(name, '.'), 0)]
			}
			count := p.shape.Elements()
			row.MultiplyAdds += count * timesApplied(n, out)
			if !seen[p] {
				seen[p] = true
				row.Parameters += count
			}
		}
		s.Rows = append(s.Rows, row)
		s.MultiplyAdds += row.MultiplyAdds
	}
	walkState(module, func(_ string, p *Param, b *Buffer) {
		switch {
		case p != nil && p.data != nil:
			s.Parameters += p.shape.Elements()
		case b != nil && b.data != nil:
			s.Buffers += b.shape.Elements()
		}
	})
	return s, nil
}

// timesApplied is at how many places of the output the parameters of an operation
// are applied: every pixel of a convolution, every row of a linear layer.
func timesApplied(n *node, out Shape) int {
	switch n.op.(type) {
	case conv1d, conv2d, convTranspose2d:
		return out[0] * out[2:].Elements()
	case linear:
		return out[:len(out)-1].Elements()
	}
	return out[0]
}

// String formats the summary as a table.
func (s *NetworkSummary) String() string {
	rows := [][4]string{{"Layer (type)", "Output shape", "Parameters", "Multiply-adds"}}
	rows = append(rows, [4]string{"input", s.Input.String(), "", ""})
	number := func(n int) string {
		if n == 0 {
			return "-"
		}
		return thousands(n)
	}
	for _, r := range s.Rows {
		name := r.Type
		if r.Layer != "" {
			name = r.Layer + " (" + r.Type + ")"
		}
		rows = append(rows, [4]string{name, r.Shape.String(), number(r.Parameters), number(r.MultiplyAdds)})
	}
	var width [4]int
	for _, row := range rows {
		for i, cell := range row {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	rule := strings.Repeat("-", width[0]+width[1]+width[2]+width[3]+6) + "\n"
	for i, row := range rows {
		line := fmt.Sprintf("%-*s  %-*s  %*s  %*s", width[0], row[0], width[1], row[1], width[2], row[2], width[3], row[3])
		b.WriteString(strings.TrimRight(line, " ") + "\n")
		if i == 0 {
			b.WriteString(rule)
		}
	}
	fmt.Fprintf(&b, "%sParameters: %s (%.2f MB)\n", rule, thousands(s.Parameters), 4*float64(s.Parameters)/1e6)
	if s.Buffers > 0 {
		fmt.Fprintf(&b, "Buffers: %s\n", thousands(s.Buffers))
	}
	fmt.Fprintf(&b, "Multiply-adds: %s\n", thousands(s.MultiplyAdds))
	return b.String()
}

// thousands formats a number with commas.
func thousands(n int) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
