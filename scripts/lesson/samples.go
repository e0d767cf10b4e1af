package main

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"inkling/models"
	"inkling/nn"
	"inkling/optim"
	"inkling/plot"
	"inkling/sound"
	"inkling/text"
)

// reviews are what the network of chapter 9 learns: good ones, then bad ones.
var reviews = []string{
	"a moving film", "never dull , always moving", "great actors and a great plot", "a lovely film", "the plot is never boring", "lovely actors , moving plot", "a film of great actors", "not dull at all",
	"a dull film", "boring , and never moving", "dull actors and a boring plot", "a boring film", "the plot is never great", "boring actors , dull plot", "a film of dull actors", "not great at all",
}

// sentence is chapter 9: a network for sentences, learnt from a few.
func (f facts) sentence() {
	const said, length = "They'll find it moving, never dull.", 12
	way := text.Way{Tokenizer: text.Treebank, Lower: true}
	vocabulary, err := text.NewVocabulary(way.All(reviews))
	check(err)
	in := text.Input{Way: way, Length: length, Vocabulary: vocabulary}
	var rows []float32
	var labels []int
	for i, review := range append(slices.Clone(reviews), said) {
		sample, err := in.Read(review)
		check(err)
		row := make([]float32, length)
		for k, number := range sample.Numbers {
			row[k] = float32(number)
		}
		rows, labels = append(rows, row...), append(labels, 1-2*i/len(reviews)%2)
	}
	sample, err := in.Read(said)
	check(err)
	f["Tokens"] = strings.Join(sample.Tokens, " | ")
	f["Numbers"] = strings.Trim(fmt.Sprint(sample.Numbers), "[]")

	model, err := models.FindModel("textcnn dim=8 filters=2 dropout=0")
	check(err)
	made, err := model.NewModel(models.Config{Channels: 1, Height: 1, Width: length, Classes: 2, Tokens: vocabulary.Len()}, 3)
	check(err)
	network := made.(*models.TextCNN)
	program, err := nn.CompileTrain(network, nn.CrossEntropy{}, optim.NewAdam(0.02), len(reviews), 1, 1, length)
	check(err)
	for range 60 {
		program.Step(rows[:len(reviews)*length], labels[:len(reviews)])
	}
	f["Reviews"] = len(reviews)
	f["Vector"] = strings.TrimSpace(table("%6.2f", read(&network.Embedding.Weight)[8*sample.Numbers[4]:][:8], 8))

	// What each filter finds best, and what that counts.
	finding, err := nn.Network{Module: network, Inputs: []nn.Spec{{Shape: nn.Shape{1, 1, 1, length}}}, Forward: func(x []*nn.Value) []*nn.Value {
		values, places := network.Evidence(x[0])
		return []*nn.Value{values, places}
	}}.Compile()
	check(err)
	row := rows[len(reviews)*length:]
	out := finding.ForwardAll(nn.Tensor[float32]{Shape: nn.Shape{1, 1, 1, length}, Data: row})
	values, places := out[0].Data, out[1].Data
	head, bias := read(&network.FC.Weight), read(&network.FC.Bias)
	var lines strings.Builder
	sum := bias[1] - bias[0]
	for feature, value := range values {
		before, seen := network.Span(feature)
		first := int(places[feature]) - before
		from, to := max(first, 0), min(first+seen, len(sample.Tokens))
		words := "(nothing)"
		if from < to {
			words = strings.Join(sample.Tokens[from:to], " ")
		}
		counts := head[len(values)+feature] - head[feature]
		sum += value * counts
		fmt.Fprintf(&lines, "%d tokens  %-28s %6.2f x %5.2f = %5.2f\n", seen, words, value, counts, value*counts)
	}
	logits := finalOf(network, row)
	if math.Abs(float64(sum-(logits[1]-logits[0]))) > 1e-3 {
		panic(fmt.Sprintf("by hand %v, by the network %v", sum, logits))
	}
	f["Found"] = strings.TrimRight(lines.String(), "\n")
	f["Lead"] = fmt.Sprintf("%.2f", sum)
	f["Good"] = fmt.Sprintf("%.2f", 100/(1+math.Exp(-float64(sum))))
}

func finalOf(network nn.Module, row []float32) []float32 {
	program, err := nn.Compile(network, 1, 1, 1, len(row))
	check(err)
	return slices.Clone(program.Forward(row))
}

// recording is chapter 10: a whistle that rises, as a network for recordings sees it.
func (f facts) recording() {
	const rate, seconds = 8000, 0.5
	in := sound.UsualInput(rate, seconds)
	samples := make([]float32, int(rate*seconds))
	angle := 0.0
	for i := range samples {
		at := float64(i) / float64(len(samples))
		samples[i] = float32(0.5 * math.Sin(angle) * math.Sin(math.Pi*at))
		angle += 2 * math.Pi * (400 + 1600*at) / rate
	}
	f["Samples"] = len(samples)
	f["Wave"] = strings.TrimSpace(table("%6.2f", samples[1000:1010], 10))
	picture, err := in.Picture(samples)
	check(err)
	f["Mels"], f["Columns"] = picture.Rows, picture.Columns
	var loudest []int
	for column := 2; column < picture.Columns; column += 4 {
		best := 0
		for r := range picture.Rows {
			if picture.Values[r*picture.Columns+column] > picture.Values[best*picture.Columns+column] {
				best = r
			}
		}
		loudest = append(loudest, best+1)
	}
	f["Loudest"] = strings.Trim(fmt.Sprint(loudest), "[]")
	pixels := make([]byte, len(picture.Values))
	low, high := slices.Min(picture.Values), slices.Max(picture.Values)
	for i, v := range picture.Values {
		r, column := i/picture.Columns, i%picture.Columns
		pixels[(picture.Rows-1-r)*picture.Columns+column] = byte(255 * (v - low) / (high - low))
	}
	img, err := plot.Grid{Scale: 6}.Bytes(pixels, 1, picture.Rows, picture.Columns)
	check(err)
	save("whistle.png", img)
}
