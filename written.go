package inkling

import (
	"bytes"

	"inkling/models"
	"inkling/nn"
	"inkling/weights"
	"inkling/weights/graph"
	"inkling/weights/onnx"
)

// useWritten makes a model of a .onnx that [Classifier.SaveONNX] has written of a network of
// the zoo: that network again, with what a graph does not say, as its Dropout and how it reads
// texts. It returns nil if the file names no network of the zoo, or its graph is not what
// would be written of that one.
func (o *Options) useWritten(path string, file *weights.File) *Classifier {
	if file.Graph == nil || file.Metadata == nil || o.Model != "" || o.Padding != nil || o.Channels+o.Height > 0 || len(o.Rename) > 0 {
		return nil
	}
	if _, err := models.FindModel(file.Metadata.Architecture); err != nil {
		return nil
	}
	tensors := *file
	tensors.Graph, tensors.Structure = nil, nil
	m, err := o.use(path, &tensors)
	if err != nil {
		return nil
	}
	g, err := graphOf(file)()
	if err != nil {
		return nil
	}
	state := map[string]bool{}
	for _, e := range nn.State(m.Network) {
		state[e.Name()] = true
	}
	// What the weights are does not matter, but all other numbers do.
	withoutWeights := func(g *graph.Graph) ([]byte, error) {
		return onnx.Encode(g, nil, func(name string) bool { return state[name] })
	}
	own, err := withoutWeights(g)
	if err != nil {
		return nil
	}
	for _, output := range []string{"", "Softmax", "LogSoftmax"} {
		model := onnx.Model{Network: m.Network, Shape: m.Input(), Softmax: output == "Softmax", LogSoftmax: output == "LogSoftmax"}
		var data bytes.Buffer
		if model.Write(&data) != nil {
			return nil
		}
		contents, err := onnx.Read(bytes.NewReader(data.Bytes()), int64(data.Len()))
		if err != nil {
			return nil
		}
		if g, err = contents.Graph(); err != nil {
			return nil
		}
		if written, err := withoutWeights(g); err == nil && bytes.Equal(own, written) {
			if output != "" {
				m.endsWith(output)
			}
			return m
		}
	}
	return nil
}
