package train

import (
	"fmt"
	"math"
	"slices"

	"inkling/metrics"
)

// View is a way to look at a picture: as it is, mirrored left to right, moved by so many
// pixels, or both. What comes in at an edge repeats the pixels there.
type View struct {
	Mirror      bool
	Right, Down int
}

func checkViews(views []View, height, width int) error {
	for _, v := range views {
		if v.Right <= -width || v.Right >= width || v.Down <= -height || v.Down >= height {
			return fmt.Errorf("the view %+v is moved out of pictures of %dx%d", v, height, width)
		}
	}
	return nil
}

// apply draws a view of pictures, planes of height rows of width floats.
func (v View) apply(to, from []float32, height, width int) {
	plane := height * width
	for first := 0; first < len(from); first += plane {
		for y := range height {
			row := from[first+width*min(max(y-v.Down, 0), height-1):][:width]
			out := to[first+width*y:][:width]
			for x := range out {
				at := min(max(x-v.Right, 0), width-1)
				if v.Mirror {
					at = width - 1 - at
				}
				out[x] = row[at]
			}
		}
	}
}

// asItIs tells whether there is no view but the picture as it is.
func asItIs(views []View) bool { return len(views) == 0 || len(views) == 1 && views[0] == (View{}) }

// meanOfViews returns the means of what the network puts out for views of a batch.
func meanOfViews(views []View, images []float32, height, width int, forward func(images []float32) []float32) []float32 {
	seen := make([]float32, len(images))
	var mean []float32
	for i, view := range views {
		view.apply(seen, images, height, width)
		out := forward(seen)
		if i == 0 {
			mean = slices.Clone(out)
			continue
		}
		for k, v := range out {
			mean[k] += v
		}
	}
	for k := range mean {
		mean[k] /= float32(len(views))
	}
	return mean
}

// crossEntropies returns the losses of logits.
func crossEntropies(logits []float32, labels []int) (losses []float32) {
	classes := len(logits) / len(labels)
	probabilities := make([]float64, classes)
	for i, label := range labels {
		metrics.Softmax(probabilities, logits[i*classes:][:classes], 1)
		losses = append(losses, float32(-math.Log(max(probabilities[label], math.SmallestNonzeroFloat64))))
	}
	return losses
}
