package reading

import (
	"strconv"
	"strings"
)

// A Description is what GET /api/model answers.
type Description struct {
	Name         string    `json:"name" doc:"what the model is called"`
	Architecture string    `json:"architecture,omitempty" doc:"the kind of network" example:"LeNet"`
	Dataset      string    `json:"dataset,omitempty" doc:"what it was trained on" example:"emnist"`
	Split        string    `json:"split,omitempty" doc:"the part of that"`
	Classes      []string  `json:"classes" nullable:"false" doc:"the names of the classes, in the order of probabilities"`
	Accuracy     float64   `json:"accuracy,omitempty" doc:"the share of the test set that it read correctly, 0 to 1"`
	Input        []int     `json:"input" nullable:"false" doc:"channels, height and width of what it reads"`
	Mean         []float32 `json:"mean,omitempty" nullable:"false" doc:"what is subtracted from pixels of 0 to 1"`
	Std          []float32 `json:"std,omitempty" nullable:"false" doc:"what they are divided by then"`
	Orientation  string    `json:"orientation,omitempty" doc:"how its pictures lay when it was trained"`
	Parameters   int       `json:"parameters" doc:"how many weights it has"`
	Kind         string    `json:"kind" doc:"what it reads" enum:"pictures,texts,recordings,vectors"`
	Target       string    `json:"target,omitempty" doc:"the number that it tells in place of classes"`
	R2           float64   `json:"r2,omitempty" doc:"of that in its test, at most 1: the share of its variance that the answers account for"`
	Length       int       `json:"length,omitempty" doc:"how many tokens of a text it reads"`
	Tokenizer    string    `json:"tokenizer,omitempty" doc:"how texts are divided" enum:"words,treebank,characters"`
	Rate         int       `json:"rate,omitempty" doc:"samples a second that recordings are brought to"`
	Seconds      float64   `json:"seconds,omitempty" doc:"how much of a recording it hears"`
	Columns      []Column  `json:"columns,omitempty" nullable:"false" doc:"the numbers of a vector, in their order"`
	Draws        bool      `json:"draws" doc:"whether it reads drawings, given as strokes or pixels; it always reads pictures"`
	Preprocess   string    `json:"preprocess" doc:"how drawings are prepared unless a request says otherwise" enum:"emnist,mnist,tutorial,fit,resize"`
	Inside       bool      `json:"inside" doc:"whether /api/network tells the network's stages, and details what each computed"`
	SureAbove    float64   `json:"sure_above" doc:"the probability from which on a prediction is sure"`
	Training     bool      `json:"training" doc:"whether /api/train trains networks"`
	Feedback     bool      `json:"feedback" doc:"whether labelled drawings are kept"`
	Version      string    `json:"version,omitempty" doc:"of the server"`
}

// A Column is one of the numbers of a vector.
type Column struct {
	Name string  `json:"name"`
	Mean float64 `json:"mean" doc:"of what it was trained on"`
	Std  float64 `json:"std" doc:"the standard deviation of that"`
}

// Description tells of a network of pictures that is called by a name.
func (n *Network) Description(name string) Description {
	accuracy, _ := strconv.ParseFloat(strings.TrimSpace(n.About.Extra["accuracy"]), 64) // absent is 0
	return Description{
		Name: name, Architecture: n.About.Architecture, Dataset: n.About.Dataset, Split: n.About.Split,
		Classes: n.About.Classes, Accuracy: accuracy, Input: n.Input, Draws: n.Draws(),
		Mean: n.About.Mean, Std: n.About.Std, Orientation: n.About.Orientation, Parameters: n.Parameters,
		Preprocess: n.Preparation.Way, Inside: n.Stages != nil, SureAbove: SureAbove, Kind: "pictures",
	}
}
