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

	"inkling/models"
	"inkling/nn"
	"inkling/optim"
	"inkling/text"
	"inkling/train"
	"inkling/weights"
)

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
	// Kim's network: filters over 3, 4 and 5 tokens find phrases, and of each the place
	// counts where it is found best. For characters there is one of its own.
	name := "textcnn"
	if *characters {
		name = "charcnn"
	}
	model, err := models.FindModel(name)
	check(err)
	net, err := model.NewModel(models.Config{Channels: 1, Height: 1, Width: *length, Classes: len(classes), Tokens: vocabulary.Len()}, *seed)
	check(err)
	program, err := nn.CompileTrain(net, nn.CrossEntropy{}, optim.NewAdam(0.001), *batch, 1, 1, *length)
	check(err)
	steps := len(known) / *batch
	for epoch := range *epochs {
		running, order := 0.0, r.Perm(len(known))
		for step := range steps {
			chosen, labels := make([][]int32, *batch), make([]int, *batch)
			for i, at := range order[step**batch:][:*batch] {
				chosen[i], labels[i] = known[at].numbers, known[at].label
			}
			running += program.Step(numbers(chosen, *length), labels)
		}

		// 3. Test, on sentences that it has never read.
		right := 0
		reader, err := nn.Compile(net, 1, 1, 1, *length)
		check(err)
		for _, s := range unknown {
			if train.Argmax(reader.Forward(numbers([][]int32{s.numbers}, *length))) == s.label {
				right++
			}
		}
		fmt.Printf("[%d] loss: %.3f, accuracy on the %d test sentences: %.2f%%\n",
			epoch+1, running/float64(steps), len(unknown), 100*float64(right)/float64(len(unknown)))
	}
	check(weights.Save("reviews.pth", nn.State(net)))
}

// numbers makes the network's input of sentences: the numbers of their tokens, all sentences
// as long as each other.
func numbers(sentences [][]int32, length int) []float32 {
	padded, _ := text.Pad(sentences, length)
	all := make([]float32, len(padded))
	for i, number := range padded {
		all[i] = float32(number)
	}
	return all
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
