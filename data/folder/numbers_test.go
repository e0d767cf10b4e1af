package folder

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"inkling/data"
)

// numbersOf are those of a part, in its order, nil if it has classes.
func numbersOf(d data.Dataset) (all []float64) {
	number, _ := data.Numbers(d)
	if number == nil {
		return nil
	}
	for i := range d.Len() {
		all = append(all, number(i))
	}
	return all
}

// Labels that measure something are numbers where that is asked for, and of tables where they
// have fractions.
func TestNumbers(t *testing.T) {
	listed := func(head string, labels ...string) func(fsys fstest.MapFS) {
		return func(fsys fstest.MapFS) {
			classFolders(t, fsys, "", 4, len(labels), "all")
			list := head + "\n"
			for i, label := range labels {
				list += fmt.Sprintf("all/%02d.png,%s\n", i, label)
			}
			fsys["train.csv"] = textFile(list)
			fsys["test.csv"] = textFile("path,age\nall/00.png,7.25\n")
		}
	}
	classes := func(fsys fstest.MapFS) { classFolders(t, fsys, "", 4, 5, "1", "20") }
	for _, test := range []struct {
		name        string
		files       func(fsys fstest.MapFS)
		o           Options
		measures    string
		train, test []float64
		note        string
	}{
		{"a list with fractions", listed("path,age", "1.5", "2", "3"), Options{}, "age", []float64{1.5, 2, 3}, []float64{7.25}, "The labels (age) measure something: they have fractions, such as 1.5."},
		{"whole numbers that are asked for", listed("path,age", "1", "2", "3"), Options{Labels: data.NumberLabels}, "age", []float64{1, 2, 3}, []float64{7.25}, ""},
		{"folders that are called as numbers", classes, Options{}, "", nil, nil, "a fifth of every class"},
		{"such folders, asked for", classes, Options{Labels: data.NumberLabels}, "label", []float64{1, 1, 1, 1, 20, 20, 20, 20}, []float64{1, 20}, "a fifth, 2 of 10 pictures"},
		{"samples", func(fsys fstest.MapFS) { fsys["t.csv"] = sampleTable("0.5", "1", "2", "3", "4.25") }, Options{}, "label", nil, nil, "such as 0.5"},
		{"a part of each line", func(fsys fstest.MapFS) {
			classFolders(t, fsys, "", 4, 3, "all")
			fsys["t.csv"] = textFile("path,age,split\nall/00.png,1.5,train\nall/01.png,2.5,test\nall/02.png,3.5,train\n")
		}, Options{}, "age", []float64{1.5, 3.5}, []float64{2.5}, ""},
		{"bad pictures are left out with their numbers", func(fsys fstest.MapFS) {
			listed("path,age", "1.5", "2.5", "3.5", "4.5")(fsys)
			fsys["all/01.png"] = textFile("no picture")
		}, Options{SkipBad: true}, "age", []float64{1.5, 3.5, 4.5}, []float64{7.25}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			fsys := fstest.MapFS{}
			test.files(fsys)
			p, err := OpenParts(fsys, test.o)
			if err != nil {
				t.Fatal(err)
			}
			if p.Measures != test.measures || !strings.Contains(strings.Join(p.Notes, " "), test.note) {
				t.Errorf("measures %q, notes %q", p.Measures, p.Notes)
			}
			train, tested := numbersOf(p.Train), numbersOf(p.Test)
			if test.measures == "" {
				if train != nil || tested != nil {
					t.Errorf("classes have the numbers %v and %v", train, tested)
				}
				return
			}
			if test.train == nil { // which are held out is chance
				if all := slices.Sorted(slices.Values(append(train, tested...))); !slices.Equal(all, []float64{0.5, 1, 2, 3, 4.25}) || len(tested) != 1 {
					t.Errorf("%v and %v", train, tested)
				}
				return
			}
			slices.Sort(train)
			if slices.Sort(tested); !slices.Equal(train, test.train) || test.name != "such folders, asked for" && !slices.Equal(tested, test.test) {
				t.Errorf("train on %v, want %v; test with %v, want %v", train, test.train, tested, test.test)
			}
			_, a := data.Numbers(p.Train)
			if _, b := data.Numbers(p.Test); a != b || a != data.ScaleOf(numbersOf(p.Train)) {
				t.Errorf("the scales are %v and %v, want that of what is trained on", a, b)
			}
			for i := range p.Train.Len() {
				if _, label, err := p.Train.Example(i); err != nil || label != 0 {
					t.Errorf("picture %d: label %d, %v", i, label, err)
				}
			}
		})
	}
	fsys := fstest.MapFS{}
	classFolders(t, fsys, "", 4, 5, "cat", "dog")
	if _, err := OpenParts(fsys, Options{Labels: data.NumberLabels}); err == nil || !strings.Contains(err.Error(), `the label "cat" is no number`) {
		t.Errorf("cats are numbers: %v", err)
	}
}
