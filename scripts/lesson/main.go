// Command lesson makes docs/lesson: it computes every number and draws every picture of
// the lesson, and puts them into its two texts, en.md and zh.md beside it. Run it from the
// root of the repository: go run ./scripts/lesson
package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"image"
	"image/png"
	"log"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	"inkling/data"
	"inkling/data/mnist/embedded"
	"inkling/inside"
	"inkling/models"
	"inkling/models/digits"
	"inkling/nn"
	"inkling/optim"
	"inkling/plot"
	"inkling/sketch"
	"inkling/transform"
)

const folder = "docs/lesson"

//go:embed en.md
var english string

//go:embed zh.md
var chinese string

// facts are the numbers that the texts have blanks for.
type facts map[string]any

func main() {
	f := facts{}
	tests, err := embedded.Test()
	check(err)
	seven, _, err := tests.Example(0) // the first test picture
	check(err)
	f.picture(seven)
	f.network(seven)
	f.step(seven)
	f.overfitting(tests)
	f.preparation()
	f.sentence()
	f.recording()
	for name, text := range map[string]string{"README.md": english, "README.zh-CN.md": chinese} {
		var b bytes.Buffer
		check(template.Must(template.New(name).Option("missingkey=error").Parse(text)).Execute(&b, f))
		check(os.WriteFile(filepath.Join(folder, name), b.Bytes(), 0o644))
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// save writes a picture of the lesson.
func save(name string, img image.Image) {
	var b bytes.Buffer
	check(png.Encode(&b, img))
	check(os.WriteFile(filepath.Join(folder, "images", name), b.Bytes(), 0o644))
}

// table is rows of numbers, right-aligned.
func table[T any](format string, values []T, columns int) string {
	var b strings.Builder
	for i, v := range values {
		fmt.Fprintf(&b, format, v)
		if i%columns == columns-1 {
			b.WriteString("\n")
		}
	}
	return strings.TrimRight(b.String(), "\n")
}

// crop is part of an array of numbers.
func crop[T any](values []T, width, left, top, columns, rows int) []T {
	var part []T
	for y := top; y < top+rows; y++ {
		part = append(part, values[y*width+left:y*width+left+columns]...)
	}
	return part
}

// normalised are bytes as the network is shown them, -1 to 1.
func normalised(pixels []byte) []float32 {
	in := make([]float32, len(pixels))
	for i, v := range pixels {
		in[i] = float32(v)/255*2 - 1
	}
	return in
}

// picture is chapter 1.
func (f facts) picture(seven []byte) {
	img, err := plot.Grid{Scale: 8}.Bytes(seven, 1, 28, 28)
	check(err)
	save("seven.png", img)
	const left, top = 14, 7
	f["Bytes"] = table("%4d", crop(seven, 28, left, top, 8, 5), 8)
	f["Normal"] = table("%6.2f", crop(normalised(seven), 28, left, top, 8, 5), 8)
}

// network is chapters 2 to 5: the built-in network reads the seven.
func (f facts) network(seven []byte) {
	network, _, err := digits.Load()
	check(err)
	view, err := inside.New(network, 1, 28, 28)
	check(err)
	in := normalised(seven)
	values := view.Values(in)

	// One number of the first convolution: map 1, where the seven's bar turns down.
	const channel, row, column = 0, 7, 16
	weight := read(&network.Conv1.Weight)[channel*25 : (channel+1)*25]
	bias := read(&network.Conv1.Bias)[channel]
	patch := crop(in, 28, column, row, 5, 5)
	var sum float32
	for i, w := range weight {
		sum += w * patch[i]
	}
	got := values[0][(channel*24+row)*24+column]
	if math.Abs(float64(sum+bias-got)) > 1e-4 {
		log.Fatalf("by hand %v, by the network %v", sum+bias, got)
	}
	f["Patch"], f["Filter"] = table("%6.2f", patch, 5), table("%6.2f", weight, 5)
	f["Sum"], f["Bias"], f["Convolved"] = fmt.Sprintf("%.3f", sum), fmt.Sprintf("%.3f", bias), fmt.Sprintf("%.3f", got)
	f["Row"], f["Column"] = row+1, column+1
	for _, picture := range []struct {
		name            string
		stage, maps, of int
	}{{"conv1.png", 0, 6, 24}, {"relu1.png", 1, 6, 24}, {"pool1.png", 2, 6, 12}} {
		largest := slices.Max(values[0])
		img, err := plot.Grid{Columns: 6, Scale: 96 / picture.of, Low: -largest, High: largest, PadValue: 1}.Floats(values[picture.stage], 1, picture.of, picture.of)
		check(err)
		save(picture.name, img)
	}
	negative := 0
	for _, v := range values[0] {
		if v < 0 {
			negative++
		}
	}
	f["Negative"], f["All"] = negative, len(values[0])
	const window = 8 // of pooling, by rows and columns
	f["BeforePool"] = table("%6.2f", crop(values[1][:24*24], 24, window, window, 4, 4), 4)
	f["AfterPool"] = table("%6.2f", crop(values[2][:12*12], 12, window/2, window/2, 2, 2), 2)

	summary, err := nn.Summary(network, 1, 1, 28, 28)
	check(err)
	f["Layers"] = strings.TrimSpace(summary.String())
	logits := values[len(values)-1]
	f["Logits"] = table("%7.2f", logits, 10)
	f["Probabilities"] = table("%7.4f", softmax(logits), 10)
}

// read returns a parameter's numbers.
func read(p *nn.Param) []float32 {
	values := make([]float32, nn.Shape(p.Shape()).Elements())
	p.Read(values)
	return values
}

func softmax(logits []float32) []float32 {
	var sum float64
	for _, v := range logits {
		sum += math.Exp(float64(v))
	}
	probabilities := make([]float32, len(logits))
	for i, v := range logits {
		probabilities[i] = float32(math.Exp(float64(v)) / sum)
	}
	return probabilities
}

// step is chapter 6: one step of a network that knows nothing yet.
func (f facts) step(seven []byte) {
	const rate = 0.1
	network := models.NewLeNet(10, 1)
	program, err := nn.CompileTrain(network, nn.CrossEntropy{}, &optim.SGD{LR: rate}, 1, 1, 28, 28)
	check(err)
	in := normalised(seven)
	before := softmax(program.Forward(in))
	bias := read(&network.FC3.Bias)[7]
	program.ZeroGrad()
	loss := program.Backward([]int{7})
	var slope float32
	for _, e := range program.Gradients() {
		if e.Name() == "fc3.bias" {
			gradient := make([]float32, 10)
			e.Read(gradient)
			slope = gradient[7]
		}
	}
	program.Update()
	after := softmax(program.Forward(in))
	f["Rate"] = rate
	f["P"], f["Loss"] = fmt.Sprintf("%.4f", before[7]), fmt.Sprintf("%.4f", loss)
	f["Slope"], f["BiasBefore"], f["BiasAfter"] = fmt.Sprintf("%.4f", slope), fmt.Sprintf("%.4f", bias), fmt.Sprintf("%.4f", read(&network.FC3.Bias)[7])
	f["PAfter"], f["LossAfter"] = fmt.Sprintf("%.4f", after[7]), fmt.Sprintf("%.4f", program.Loss([]int{7}))
}

// overfitting is chapter 7: few pictures, learned by heart.
func (f facts) overfitting(tests data.Dataset) {
	const few, epochs = 300, 30
	all, err := embedded.Train()
	check(err)
	places := make([]int, few)
	for i := range places {
		places[i] = i
	}
	learned, err := data.NewSubset(all, places)
	check(err)
	places = make([]int, 2000)
	for i := range places {
		places[i] = i
	}
	held, err := data.NewSubset(tests, places)
	check(err)
	network := models.NewLeNet(10, 1)
	program, err := nn.CompileTrain(network, nn.CrossEntropy{}, &optim.SGD{LR: 0.005, Momentum: 0.9}, 4, 1, 28, 28)
	check(err)
	normalise := transform.Compose{transform.ToTensor{}, transform.Normalize{Mean: []float32{0.5}, Std: []float32{0.5}}}
	loader := &data.Loader{Dataset: learned, Transform: normalise, BatchSize: 4, Shuffle: true, Seed: 1}
	training, testing := plot.Series{Name: "300 learned"}, plot.Series{Name: "2,000 others"}
	var own, others float64
	for epoch := range epochs {
		for _, batch := range loader.Batches() {
			program.Step(batch.Images, batch.Labels)
		}
		check(loader.Err())
		var loss float64
		own, loss = judge(network, learned, normalise)
		training.X, training.Y = append(training.X, float64(epoch+1)), append(training.Y, loss)
		others, loss = judge(network, held, normalise)
		testing.X, testing.Y = append(testing.X, float64(epoch+1)), append(testing.Y, loss)
	}
	var b bytes.Buffer
	check(plot.Curves("Loss", "epoch", "loss", false, training, testing).WritePNG(&b))
	check(os.WriteFile(filepath.Join(folder, "images", "overfitting.png"), b.Bytes(), 0o644))
	best := slices.Index(testing.Y, slices.Min(testing.Y))
	f["Few"], f["Epochs"], f["Own"], f["Others"] = few, epochs, fmt.Sprintf("%.1f", 100*own), fmt.Sprintf("%.1f", 100*others)
	f["BestEpoch"], f["BestLoss"], f["LastLoss"] = best+1, fmt.Sprintf("%.3f", testing.Y[best]), fmt.Sprintf("%.3f", testing.Y[epochs-1])
}

// judge is the accuracy and the mean loss on pictures.
func judge(network nn.Module, set data.Dataset, normalise transform.Transform) (accuracy, loss float64) {
	program, err := nn.Compile(network, 50, 1, 28, 28)
	check(err)
	loader := &data.Loader{Dataset: set, Transform: normalise, BatchSize: 50}
	for _, batch := range loader.Batches() {
		logits := program.Forward(batch.Images)
		for i, label := range batch.Labels {
			p := softmax(logits[10*i : 10*i+10])
			loss -= math.Log(max(float64(p[label]), 1e-12))
			if slices.Index(p, slices.Max(p)) == label {
				accuracy++
			}
		}
	}
	check(loader.Err())
	return accuracy / float64(set.Len()), loss / float64(set.Len())
}

// preparation is chapter 8: a small seven in a corner of the pad.
func (f facts) preparation() {
	network, _, err := digits.Load()
	check(err)
	program, err := nn.Compile(network, 1, 1, 28, 28)
	check(err)
	drawing := sketch.Drawing{
		Strokes: []sketch.Stroke{{{X: 22, Y: 200}, {X: 66, Y: 198}, {X: 40, Y: 254}}},
		Width:   280, Height: 280, BrushWidth: 12,
	}
	var pixels []byte
	var labels []string
	for _, way := range []struct {
		name      string
		procedure sketch.Procedure
	}{{"Tutorial", sketch.Tutorial}, {"Emnist", sketch.EMNIST}} {
		result, err := sketch.FromStrokes(drawing, way.procedure)
		check(err)
		p := softmax(program.Forward(normalised(result.Pixels[:])))
		best := slices.Index(p, slices.Max(p))
		f[way.name], f[way.name+"P"] = best, fmt.Sprintf("%.1f", 100*p[best])
		f[way.name+"Seven"] = fmt.Sprintf("%.2f", 100*p[7])
		pixels = append(pixels, result.Pixels[:]...)
		labels = append(labels, string(way.procedure))
	}
	img, err := plot.Grid{Columns: 2, Scale: 6, Labels: labels, PadValue: 1}.Bytes(pixels, 1, 28, 28)
	check(err)
	save("corner.png", img)
}
