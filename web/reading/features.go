package reading

import (
	"strings"

	"inkling/models"
	"inkling/nn"
)

// A featureLayer is a layer whose maps are shown.
type featureLayer struct {
	name      string
	operation int       // that ends it, by its place in the list of nn.Trace
	module    nn.Module // the network up to there
	shape     nn.Shape  // of its output, 1 x maps x height x width
}

// mostFeatureLayers is how many layers are shown.
const mostFeatureLayers = 2

// featureLayersOf returns the first convolutions of a network, each with what follows it
// that leaves the shape: a normalisation, an activation. There may be none.
func featureLayersOf(network models.Network) ([]featureLayer, error) {
	channels, height, width := network.Input()
	operations, err := nn.Trace(network, 1, channels, height, width)
	if err != nil {
		return nil, err
	}
	readers := map[int][]int{}
	for i, op := range operations {
		for _, in := range op.Inputs {
			readers[in] = append(readers[in], i)
		}
	}
	var layers []featureLayer
	for i, op := range operations {
		if op.Name != "conv2d" || len(op.Params) == 0 || len(layers) == mostFeatureLayers {
			continue
		}
		end := i
		for len(readers[end]) == 1 {
			next := readers[end][0]
			if n := &operations[next]; len(n.Inputs) != 1 || n.Name == "conv2d" || !n.Shape.Equal(op.Shape) {
				break
			}
			end = next
		}
		name, _ := strings.CutSuffix(op.Params[0], ".weight")
		layers = append(layers, featureLayer{name, end, nn.UpTo(network, end), op.Shape})
	}
	return layers, nil
}
