package text

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"inkling/transform"
)

// inputOfRuns reads characters, and the runs of so many that its two texts have.
func inputOfRuns(t *testing.T, runs int) *Input {
	t.Helper()
	in := &Input{Way: Way{Tokenizer: Characters}, Length: 5, Runs: runs}
	texts := func(yield func([]string, error) bool) {
		for _, s := range []string{"味道好", "味道很差"} {
			tokens, err := in.Tokens(s)
			if !yield(in.Counted(tokens), err) {
				return
			}
		}
	}
	var err error
	if in.Vocabulary, err = NewVocabulary(texts); err != nil {
		t.Fatal(err)
	}
	return in
}

// TestRuns reads a text of which some runs are known, and some are not.
func TestRuns(t *testing.T) {
	for runs, want := range map[int][][]string{
		0: {{"味", "道", "差", "<unk>", ""}},
		1: {{"味", "道", "差", "<unk>", ""}},
		2: {{"味", "道", "差", "<unk>", ""}, {"味 道", "", "", "", ""}},
		3: {{"味", "道", "差", "<unk>", ""}, {"味 道", "", "", "", ""}, {"", "", "", "", ""}},
	} {
		in := inputOfRuns(t, runs)
		sample, err := in.Read("味道差了")
		if err != nil {
			t.Fatal(err)
		}
		row := in.Bytes(sample)
		channels, height, width := in.Shape()
		if channels != 1 || height != len(want) || width != 20 || in.Rows() != height || len(row) != height*width {
			t.Fatalf("runs of %d: %d bytes of the shape %d x %d x %d", runs, len(row), channels, height, width)
		}
		format := transform.Format{Channels: channels, Height: height, Width: width}
		if out, err := in.Transform().Format(format); err != nil || out.Height != height || out.Width != 5 {
			t.Errorf("runs of %d: the network gets %v, %v", runs, out, err)
		}
		floats := make([]float32, len(row)/4)
		in.Transform().Apply(&transform.Picture{Floats: floats}, &transform.Picture{Bytes: row})
		for i, number := range floats {
			got := in.Vocabulary.Token(int32(number))
			if want := want[i/5][i%5]; got != want && !(want == "" && number == Padding) {
				t.Errorf("runs of %d: number %d is that of %q, want %q", runs, i, got, want)
			}
		}
		if n := in.CountTokens(row); n != 4 {
			t.Errorf("runs of %d: %d tokens, want 4", runs, n)
		}
		file, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := ParseInput(string(file)); err != nil || again.Runs != runs || !slices.Equal(again.Bytes(sample), row) {
			t.Errorf("runs of %d: read again %+v, %v", runs, again, err)
		}
	}
}

// TestRunsRefused gives runs that cannot be.
func TestRunsRefused(t *testing.T) {
	for _, runs := range []int{-1, MaxRuns + 1} {
		in := inputOfRuns(t, 2)
		in.Runs = runs
		file, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseInput(string(file)); err == nil || !strings.Contains(err.Error(), "want 0 to 4") {
			t.Errorf("runs of %d: %v", runs, err)
		}
	}
}

// TestRunsAreTakenAway takes tokens for unknown ones, and runs away.
func TestRunsAreTakenAway(t *testing.T) {
	in := inputOfRuns(t, 2)
	sample, err := in.Read("味道好")
	if err != nil {
		t.Fatal(err)
	}
	format := transform.Format{Channels: 1, Height: 2, Width: 20}
	step := transform.RandomReplace{P: 1, By: Unknown, Keep: Padding}.Draw(rand.New(rand.NewPCG(1, 1)), format)
	src := &transform.Picture{Format: format, Bytes: in.Bytes(sample)}
	dst := &transform.Picture{Format: format, Bytes: make([]byte, 40)}
	step.Apply(dst, src)
	want := in.Bytes(&Sample{Numbers: []int32{Unknown, Unknown, Unknown}})
	if !slices.Equal(dst.Bytes, want) {
		t.Errorf("%v, want %v", dst.Bytes, want)
	}
}
