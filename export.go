package inkling

import (
	"io"
	"path/filepath"
	"strings"

	"inkling/internal/atomicfile"
	"inkling/weights"
	"inkling/weights/onnx"
)

// IsONNX reports whether the ending of a file's name is that of ONNX's files, .onnx, which
// hold a whole network and not tensors alone.
func IsONNX(path string) bool { return strings.EqualFold(filepath.Ext(path), ".onnx") }

// An Export says what is written into a .onnx beside the network. The zero value is the
// network alone, which reads pictures that were made ready and computes what the file that
// it was opened from does.
type Export struct {
	// Metadata, unless nil, is what the file says about itself.
	Metadata *weights.Metadata
	// Pixels makes it take upright pictures of bytes from 0 to 255 and normalise them
	// itself, by the Metadata; ChannelsLast has their channels last.
	Pixels, ChannelsLast bool
	// Softmax makes its output probabilities.
	Softmax bool
}

// AsGraph reports whether the network is written as the graph that its file had, rather
// than as the operations that it is made of.
func (m *Classifier) AsGraph(e Export) bool {
	g, err := m.Graph()
	return err == nil && g != nil && !e.Pixels && !e.Softmax
}

// SaveONNX writes the network to a .onnx, whole or not at all. It fails if an operation has
// no equivalent in ONNX.
func (m *Classifier) SaveONNX(path string, e Export) error {
	if m.AsGraph(e) {
		return m.saveGraph(path, e.Metadata)
	}
	network := onnx.Model{
		Network: m.Network, Shape: m.Input(), Metadata: e.Metadata, Pixels: e.Pixels, ChannelsLast: e.ChannelsLast,
		Softmax:    e.Softmax || m.Output == "Softmax",
		LogSoftmax: !e.Softmax && m.Output == "LogSoftmax",
	}
	return network.Save(path)
}

// saveGraph writes a graph as it is, with the weights that it has now.
func (m *Classifier) saveGraph(path string, about *weights.Metadata) error {
	g, err := m.Graph()
	if err != nil {
		return err
	}
	var pairs map[string]string
	if about != nil {
		if pairs, err = about.Pairs(); err != nil {
			return err
		}
	}
	data, err := onnx.Encode(g, pairs, nil)
	if err != nil {
		return err
	}
	return atomicfile.Write(path, func(w io.Writer) error { _, err := w.Write(data); return err })
}
