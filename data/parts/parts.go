// Package parts knows what the parts of a data set are called: the pictures to
// train on, those to validate with while a network is chosen, and those to test
// with at the end. People write train, Training, mnist_train, seg-test, val,
// valid, dev, test2017, Testing or x_test; [Of] understands them, and [Choose]
// finds the parts among the names in a folder.
package parts

import (
	"slices"
	"strings"
	"unicode"
)

// Part is a part of a data set.
type Part int

// The parts. None is what a name means that is not one of a part.
const (
	None Part = iota
	Train
	Validation
	Test
)

// String returns what the part is called in messages: train, val or test.
func (p Part) String() string {
	return [...]string{"none", "train", "val", "test"}[p]
}

// spellings are the words that stand for a part, the most usual first.
var spellings = map[Part][]string{
	Train:      {"train", "training", "trn", "trainset", "traindata", "trainimages", "trainingset", "tr"},
	Validation: {"val", "valid", "validation", "dev", "validate", "valset", "validset", "validationset", "devset", "development"},
	Test:       {"test", "testing", "tst", "eval", "evaluation", "testset", "testdata", "testimages", "testingset", "evaluate", "te"},
}

// fillers are words that may stand beside the one for the part and tell nothing.
var fillers = []string{"set", "data", "dataset", "images", "image", "imgs", "img", "pictures", "photos", "split", "samples", "folder", "part", "subset", "public", "private"}

// words divides a name where letters, digits and other signs meet and where a
// word with a capital begins, and makes the words small.
func words(name string) []string {
	// MNIST's files to test with are called after how many pictures they have.
	runes := []rune(strings.NewReplacer("t10k", "test", "T10k", "test", "T10K", "test").Replace(name))
	var all []string
	begin := 0
	end := func(i int) {
		if begin < i {
			all = append(all, strings.ToLower(string(runes[begin:i])))
		}
		begin = i
	}
	for i, r := range runes {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			end(i)
			begin = i + 1
			continue
		}
		if i == 0 {
			continue
		}
		last := runes[i-1]
		capital := unicode.IsUpper(r) && (unicode.IsLower(last) || i+1 < len(runes) && unicode.IsLower(runes[i+1]))
		if capital || unicode.IsDigit(r) != unicode.IsDigit(last) {
			end(i)
		}
	}
	end(len(runes))
	return all
}

// partOf returns the part that a word stands for.
func partOf(word string) Part {
	for part, known := range spellings {
		if slices.Contains(known, word) {
			return part
		}
	}
	return None
}

// Of tells the part that a name stands for, and what else the name says: the
// frame of train is "", that of mnist_train "mnist", that of train2017 "2017".
// Names with the same frame belong together. A name in which two words stand for
// different parts is of none, and its frame is all of it.
func Of(name string) (part Part, frame string) {
	var rest []string
	for _, word := range words(name) {
		p := partOf(word)
		switch {
		case p == None && slices.Contains(fillers, word):
		case p == None || p == part:
			rest = append(rest, word)
		case part != None:
			return None, strings.Join(words(name), " ")
		default:
			part = p
		}
	}
	return part, strings.Join(rest, " ")
}

// Plain tells whether a name says nothing but the part: train, Test_Images.
func Plain(name string) bool {
	part, frame := Of(name)
	return part != None && frame == ""
}

// Named is a name with the part that it stands for.
type Named struct {
	Name  string
	Part  Part
	Frame string
}

// Choose returns which of the names are parts of a data set. A name that says
// nothing but a part is one. Others, such as mnist_train, are parts if there is
// another of the same frame with another part, or if alone is true. The parts come
// in the order of train, validation and test, and among those of one part the most
// usual spelling is first.
func Choose(names []string, alone bool) []Named {
	var all []Named
	frames := map[string]map[Part]bool{}
	for _, name := range names {
		part, frame := Of(name)
		if part == None {
			continue
		}
		all = append(all, Named{name, part, frame})
		if frames[frame] == nil {
			frames[frame] = map[Part]bool{}
		}
		frames[frame][part] = true
	}
	all = slices.DeleteFunc(all, func(n Named) bool { return n.Frame != "" && !alone && len(frames[n.Frame]) < 2 })
	rank := func(n Named) int {
		for _, word := range words(n.Name) {
			if i := slices.Index(spellings[n.Part], word); i >= 0 {
				return i
			}
		}
		return 0
	}
	slices.SortStableFunc(all, func(a, b Named) int {
		if a.Part != b.Part {
			return int(a.Part - b.Part)
		}
		if a.Frame != b.Frame {
			return strings.Compare(a.Frame, b.Frame)
		}
		return rank(a) - rank(b)
	})
	return all
}
