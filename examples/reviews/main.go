// Command reviews trains a network that tells what a sentence is: a good or a bad review,
// the kind of a question, spam. It is the tutorial once more, with sentences in place of
// pictures; read it from top to bottom.
//
// The sentences are lines of a file, LABEL<TAB>SENTENCE. They need not be English: with
// -characters every character is a token, as for Chinese.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"slices"
	"strings"

	"inkling/nn"
	"inkling/optim"
	"inkling/text"
	"inkling/train"
	"inkling/weights"
)

// TextCNN is the network of Kim 2014, arXiv:1408.5882: filters over 3, 4 and 5 tokens find
// phrases, and of each the place counts where it is found best.
type TextCNN struct {
	Embedding nn.Embedding // a vector for every token, which is learnt
	Convs     []*nn.Conv1d
	Dropout   nn.Dropout
	FC        nn.Linear
}

// NewTextCNN returns a network with random weights for so many tokens and classes.
func NewTextCNN(tokens, classes, dim, filters int, r *rand.Rand) *TextCNN {
	n := &TextCNN{
		Embedding: nn.Embedding{Count: tokens, Dim: dim, Padding: text.Padding + 1},
		Dropout:   nn.Dropout{P: 0.5},
		FC:        nn.Linear{In: 3 * filters, Out: classes},
	}
	for _, width := range []int{3, 4, 5} {
		n.Convs = append(n.Convs, &nn.Conv1d{In: dim, Out: filters, Kernel: width, Padding: width - 1})
	}
	check(nn.Init(n, r))
	return n
}

// Forward makes N x classes of the numbers of N x length tokens.
func (n *TextCNN) Forward(x *nn.Value) *nn.Value {
	x = nn.Transpose(n.Embedding.Forward(x), 1, 2) // N x dim x length
	var found []*nn.Value
	for _, conv := range n.Convs {
		found = append(found, nn.Max(nn.ReLU(conv.Forward(x)), false, -1)) // N x filters
	}
	return n.FC.Forward(n.Dropout.Forward(nn.Concat(1, found...)))
}

// A sample is a sentence and what it is.
type sample struct {
	label   int
	numbers []int32
}

func main() {
	trainFile := flag.String("train", "reviews.tsv", "the file to train on")
	testFile := flag.String("test", "", "the file to test with; else a tenth of the other is held out")
	characters := flag.Bool("characters", false, "take characters for tokens, as for Chinese")
	epochs := flag.Int("epochs", 5, "how often every sentence is read")
	batch := flag.Int("batch", 50, "sentences a step")
	length := flag.Int("length", 60, "tokens of a sentence that are read, at most")
	seed := flag.Uint64("seed", 1, "the seed of all random numbers")
	flag.Parse()
	r := rand.New(rand.NewPCG(*seed, 0))

	// 1. Read the sentences. The tokens of those to train on get numbers.
	labels, sentences := read(*trainFile)
	var testLabels, testSentences []string
	if *testFile != "" {
		testLabels, testSentences = read(*testFile)
	} else {
		r.Shuffle(len(labels), func(i, j int) {
			labels[i], labels[j] = labels[j], labels[i]
			sentences[i], sentences[j] = sentences[j], sentences[i]
		})
		held := len(labels) / 10
		testLabels, testSentences = labels[:held], sentences[:held]
		labels, sentences = labels[held:], sentences[held:]
	}
	way := text.Way{Tokenizer: text.Treebank, Lower: true}
	if *characters {
		way.Tokenizer = text.Characters
	}
	vocabulary, err := text.NewVocabulary(way.All(sentences))
	check(err)
	classes := slices.Compact(slices.Sorted(slices.Values(labels)))
	known := encode(way, vocabulary, classes, labels, sentences)
	unknown := encode(way, vocabulary, classes, testLabels, testSentences)
	if len(known) < *batch || len(unknown) == 0 {
		log.Fatalf("there are %d sentences to train on and %d to test with, want at least %d and 1", len(known), len(unknown), *batch)
	}
	fmt.Printf("%d sentences to train on, %d to test with, %d classes, %d tokens.\n", len(known), len(unknown), len(classes), vocabulary.Len())

	// 2. Train.
	net := NewTextCNN(vocabulary.Len(), len(classes), 128, 100, r)
	network := func(batch int) nn.Network {
		return nn.Network{
			Module:  net,
			Inputs:  []nn.Spec{{Shape: nn.Shape{batch, *length}, Type: nn.Int32}},
			Forward: func(in []*nn.Value) []*nn.Value { return []*nn.Value{net.Forward(in[0])} },
		}
	}
	program, err := network(*batch).CompileTrain(nn.CrossEntropy{}, optim.NewAdam(0.001))
	check(err)
	steps := len(known) / *batch
	for epoch := range *epochs {
		running, order := 0.0, r.Perm(len(known))
		for step := range steps {
			chosen, labels := make([][]int32, *batch), make([]int, *batch)
			for i, at := range order[step**batch:][:*batch] {
				chosen[i], labels[i] = known[at].numbers, known[at].label
			}
			running += program.StepAll(labels, tensor(chosen, *length))
		}

		// 3. Test, on sentences that it has never read.
		right := 0
		reader, err := network(1).Compile()
		check(err)
		for _, s := range unknown {
			scores := reader.ForwardAll(tensor([][]int32{s.numbers}, *length))[0]
			if train.Argmax(scores.Data) == s.label {
				right++
			}
		}
		fmt.Printf("[%d] loss: %.3f, accuracy on the %d test sentences: %.2f%%\n",
			epoch+1, running/float64(steps), len(unknown), 100*float64(right)/float64(len(unknown)))
	}
	check(weights.Save("reviews.pth", nn.State(net)))
}

// tensor makes the network's input of sentences.
func tensor(sentences [][]int32, length int) nn.Tensor[float32] {
	numbers, _ := text.Pad(sentences, length)
	return nn.Tensor[float32]{Shape: nn.Shape{len(sentences), length}, Ints: numbers}
}

// read returns the lines of a file.
func read(name string) (labels, sentences []string) {
	file, err := os.Open(name)
	check(err)
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, text.MaxBytes)
	for lines.Scan() {
		label, sentence, ok := strings.Cut(lines.Text(), "\t")
		if !ok {
			log.Fatalf("%s, line %d: want LABEL<TAB>SENTENCE, got %.60q", name, len(labels)+1, lines.Text())
		}
		labels, sentences = append(labels, label), append(sentences, sentence)
	}
	check(lines.Err())
	return labels, sentences
}

// encode returns the numbers of the tokens of sentences and of their labels.
func encode(way text.Way, vocabulary *text.Vocabulary, classes, labels, sentences []string) []sample {
	var all []sample
	for tokens, err := range way.All(sentences) {
		check(err)
		label := slices.Index(classes, labels[len(all)])
		if label < 0 {
			log.Fatalf("the class %q is tested, but not trained", labels[len(all)])
		}
		all = append(all, sample{label, vocabulary.Encode(tokens)})
	}
	return all
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
