package digits_test

import (
	"context"
	"image"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"inkling/data"
	"inkling/data/emnist"
	"inkling/data/mnist/embedded"
	"inkling/internal/realdata"
	"inkling/models/digits"
	"inkling/nn"
	"inkling/sketch"
	"inkling/train"
	"inkling/transform"
	"inkling/weights"
)

func TestLoad(t *testing.T) {
	network, about, err := digits.Load()
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(about.Classes, ""); got != "0123456789" {
		t.Errorf("the classes are %q", got)
	}
	if about.Orientation != weights.Upright || len(about.Mean) != 1 || sketch.ForModel(about.Dataset, about.Split) != sketch.EMNIST {
		t.Errorf("metadata is %+v", about)
	}
	// Who changes one network does not change the other.
	other, _, err := digits.Load()
	if err != nil {
		t.Fatal(err)
	}
	state := nn.State(network)[0]
	state.Write(make([]float32, nn.Shape(state.Shape()).Elements()))
	values := make([]float32, nn.Shape(state.Shape()).Elements())
	if nn.State(other)[0].Read(values); values[0] == 0 {
		t.Error("two networks share their weights")
	}
	info, err := os.Stat("digits.pth")
	if err != nil || info.Size() > 200_000 {
		t.Errorf("digits.pth: %v, %v, want less than 200 kB", info, err)
	}
}

func evaluate(t *testing.T, name string, d data.Dataset) float64 {
	t.Helper()
	network, about, err := digits.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	steps := transform.Compose{transform.ToTensor{}, transform.Normalize{Mean: about.Mean, Std: about.Std}}
	e, err := train.Evaluate(context.Background(), network, d, steps, 1)
	if err != nil {
		t.Fatal(err)
	}
	return e.Accuracy()
}

// What README.md and the model card say that the network reads.
const (
	claimedEMNIST  = 0.9960
	claimedStrokes = 0.9956
	claimedMNIST   = 0.9920
)

// rounded is a share as it is written: in percent, to two places.
func rounded(share float64) float64 { return math.Round(1e4*share) / 1e4 }

func TestAccuracyOnEMNIST(t *testing.T) {
	if testing.Short() {
		t.Skip("reads thousands of digits")
	}
	files, err := realdata.EMNISTTest()
	if err != nil {
		t.Fatal(err)
	}
	d, err := emnist.Open(files, "mnist", false, emnist.Upright)
	if err != nil {
		t.Fatal(err)
	}
	if got := evaluate(t, digits.LeNet, d); rounded(got) < claimedEMNIST {
		t.Errorf("the network reads %.3f%% of EMNIST's test pictures, want what README.md says, %v%%", 100*got, 100*claimedEMNIST)
	} else {
		t.Logf("%.3f%%", 100*got)
	}
}

// Drawings of writers who were not trained on are read, also as other tablets, other
// hands and other programs would have recorded them.
func TestAccuracyOnStrokes(t *testing.T) {
	if testing.Short() {
		t.Skip("reads thousands of digits")
	}
	drawings := unseenDrawings(t)
	scaled := func(scale, dx, dy float64) func([]sketch.Stroke) []sketch.Stroke {
		return eachPoint(func(p sketch.Point) sketch.Point { return sketch.Point{X: scale*p.X + dx, Y: scale*p.Y + dy} })
	}
	r := rand.New(rand.NewPCG(1, 1))
	for _, test := range []struct {
		name  string
		least float64
		vary  func([]sketch.Stroke) []sketch.Stroke
	}{
		{"as they are", claimedStrokes, func(s []sketch.Stroke) []sketch.Stroke { return s }},
		{"in a small unit", 0.985, scaled(1e-4, 0, 0)},
		{"in a large unit, left of and above the corner", 0.985, scaled(1e5, -3e7, -4e7)},
		{"to about a hundredth of their size", 0.985, eachPoint(func(p sketch.Point) sketch.Point {
			return sketch.Point{X: math.Round(p.X / 3), Y: math.Round(p.Y / 3)}
		})},
		{"with time and pressure", 0.985, eachPoint(func(p sketch.Point) sketch.Point {
			return sketch.Point{X: p.X, Y: p.Y, Time: 1e9 + p.X, Pressure: r.Float64()}
		})},
		{"turned by 10 degrees", 0.98, eachPoint(func(p sketch.Point) sketch.Point {
			const sin, cos = 0.1736, 0.9848
			return sketch.Point{X: cos*p.X - sin*p.Y, Y: sin*p.X + cos*p.Y}
		})},
		{"slanted", 0.98, eachPoint(func(p sketch.Point) sketch.Point { return sketch.Point{X: p.X - 0.2*p.Y, Y: p.Y} })},
		{"by a shaking hand", 0.975, eachPoint(func(p sketch.Point) sketch.Point {
			return sketch.Point{X: p.X + 2.5*r.NormFloat64(), Y: p.Y + 2.5*r.NormFloat64()}
		})},
		{"every fourth point", 0.965, func(strokes []sketch.Stroke) []sketch.Stroke {
			var few []sketch.Stroke
			for _, s := range strokes {
				var kept sketch.Stroke
				for i, p := range s {
					if i%4 == 0 || i == len(s)-1 {
						kept = append(kept, p)
					}
				}
				few = append(few, kept)
			}
			return few
		}},
		{"every point twice, and the pen put down once more", 0.985, func(strokes []sketch.Stroke) []sketch.Stroke {
			var more []sketch.Stroke
			for _, s := range strokes {
				var twice sketch.Stroke
				for _, p := range s {
					twice = append(twice, p, p)
				}
				more = append(more, twice)
			}
			return append(more, sketch.Stroke{strokes[0][0]}, sketch.Stroke{})
		}},
	} {
		var pixels, labels []byte
		for i, d := range drawings {
			if i%6 > 0 && test.name != "as they are" {
				continue // the race detector makes this slow
			}
			result, err := sketch.FromStrokes(sketch.Drawing{Strokes: test.vary(d.Strokes)}, sketch.EMNIST)
			if err != nil {
				t.Fatal(err)
			}
			pixels, labels = append(pixels, result.Pixels[:]...), append(labels, d.Label[0]-'0')
		}
		if got := evaluatePixels(t, digits.LeNet, pixels, labels); rounded(got) < test.least {
			t.Errorf("%s: %.3f%% are read, want %v%% or more", test.name, 100*got, 100*test.least)
		} else {
			t.Logf("%s: %.3f%%", test.name, 100*got)
		}
	}
}

// unseenDrawings are those of the UCI pen digits whose writers were kept aside.
func unseenDrawings(t *testing.T) []sketch.Labelled {
	t.Helper()
	file, err := realdata.PenDigits()
	if err != nil {
		t.Fatal(err)
	}
	var all []sketch.Labelled
	lines := sketch.NewLines(file)
	for lines.Next() {
		d := lines.Drawing()
		if number, err := strconv.Atoi(strings.TrimPrefix(d.Writer, "tra")); err != nil {
			t.Fatal(err)
		} else if number > 20 {
			all = append(all, d)
		}
	}
	if lines.Err() != nil || len(all) != 2498 {
		t.Fatalf("%d drawings, %v", len(all), lines.Err())
	}
	return all
}

func eachPoint(change func(sketch.Point) sketch.Point) func([]sketch.Stroke) []sketch.Stroke {
	return func(strokes []sketch.Stroke) []sketch.Stroke {
		changed := make([]sketch.Stroke, len(strokes))
		for i, s := range strokes {
			for _, p := range s {
				changed[i] = append(changed[i], change(p))
			}
		}
		return changed
	}
}

// evaluatePixels returns the share of upright pictures that are read correctly.
func evaluatePixels(t *testing.T, name string, pixels, labels []byte) float64 {
	t.Helper()
	_, about, err := digits.Load()
	if err != nil {
		t.Fatal(err)
	}
	prepared, err := data.NewMemory(pixels, labels, about.Classes, 1, sketch.Size, sketch.Size)
	if err != nil {
		t.Fatal(err)
	}
	return evaluate(t, name, prepared)
}

// MNIST was not trained on: its pictures are read after they were prepared as any
// picture is.
func TestAccuracyOnMNIST(t *testing.T) {
	if testing.Short() {
		t.Skip("reads thousands of digits")
	}
	d, err := embedded.Test()
	if err != nil {
		t.Fatal(err)
	}
	const pictures = 1000
	var pixels, labels []byte
	for i := range pictures {
		p, label, err := d.Example(i)
		if err != nil {
			t.Fatal(err)
		}
		r, err := sketch.FromPicture(&image.Gray{Pix: p, Stride: sketch.Size, Rect: image.Rect(0, 0, sketch.Size, sketch.Size)}, sketch.EMNIST)
		if err != nil {
			t.Fatal(err)
		}
		pixels, labels = append(pixels, r.Pixels[:]...), append(labels, byte(label))
	}
	if got := evaluatePixels(t, digits.LeNet, pixels, labels); rounded(got) < claimedMNIST {
		t.Errorf("the network reads %.2f%% of MNIST's first test pictures, want %v%% or more", 100*got, 100*claimedMNIST)
	} else {
		t.Logf("%.2f%%", 100*got)
	}
}
