package text

import (
	"encoding/json"
	"hash/fnv"
	"slices"
	"strings"
	"testing"
)

// piecesOf reads the words of a text with pieces, and without those that are none.
func piecesOf(t *testing.T, p *Pieces, runs int, sentence string) (*Input, *Sample) {
	t.Helper()
	in := &Input{Way: Way{Tokenizer: Words}, Length: 5, Runs: runs, Pieces: p}
	var err error
	if in.Vocabulary, err = NewVocabulary(in.All([]string{"a good film"})); err != nil {
		t.Fatal(err)
	}
	sample, err := in.Read(sentence)
	if err != nil {
		t.Fatal(err)
	}
	return in, sample
}

// TestPieces reads a text with pieces, and finds each where it belongs.
func TestPieces(t *testing.T) {
	const count = 1 << 16
	in, sample := piecesOf(t, &Pieces{Runs: 3, Letters: 4, Count: count}, 0, "good für films")
	if want := 1 + 2 + mostTokenParts; in.Rows() != want || len(sample.Pieces) != want-1 {
		t.Fatalf("%d rows, %d of pieces, want %d in all", in.Rows(), len(sample.Pieces), want)
	}
	first := int32(in.Vocabulary.Len())
	of := func(kind byte, texts ...string) (numbers []int32) {
		for _, s := range texts {
			if s == "" {
				numbers = append(numbers, Padding)
			} else {
				numbers = append(numbers, first+int32(hash(kind, s)%count))
			}
		}
		return numbers
	}
	for row, want := range map[int][]int32{
		0: of('r', "good für", "für films"),
		1: of('r', "good für films"),
		2: of('l', "<go", "<fü", "<fi"),
		4: of('l', "ood", "ür>", "ilm"),
		5: of('l', "od>", "<für", "lms"),
		9: of('l', "", "", "ilms"),
	} {
		if got := sample.Pieces[row]; !slices.Equal(got.Numbers, want) || got.Tokens != []int{2, 3, 1}[min(row, 2)] {
			t.Errorf("row %d is %v, want %v", row, got, want)
		}
	}
	reference := fnv.New32a()
	reference.Write([]byte("lfilm"))
	if got := hash('l', "film"); got != reference.Sum32() || got == hash('r', "film") {
		t.Errorf("the sum of a piece is %x, want FNV-1a's %x, and another of a run", got, reference.Sum32())
	}
	// The bytes hold every row, and the file the settings.
	row := in.Bytes(sample)
	if want := sample.Pieces[0].Numbers[1]; len(row) != 4*5*in.Rows() || int32(row[4*(5+1)])|int32(row[4*(5+1)+1])<<8|int32(row[4*(5+1)+2])<<16 != want {
		t.Errorf("%d bytes, %v", len(row), row[:40])
	}
	file, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := ParseInput(string(file)); err != nil || *again.Pieces != *in.Pieces {
		t.Errorf("read again: %+v, %v", again, err)
	}
	// How a text begins: its first two tokens with each later one, and the places of the first.
	if _, sample := piecesOf(t, &Pieces{Opening: true, Count: count}, 0, "how many good films are"); len(sample.Pieces) != 2 ||
		!slices.Equal(sample.Pieces[0].Numbers, of('o', "", "", "how many good", "how many films", "how many are")) ||
		sample.Pieces[1].Numbers[0] != of('1', "how")[0] || sample.Pieces[1].Numbers[4] != of('5', "are")[0] {
		t.Errorf("the opening is %v", sample.Pieces)
	}
	if in, sample := piecesOf(t, &Pieces{Opening: true, Count: count}, 0, "good"); in.Rows() != 3 || sample.Pieces[0].Numbers[0] != Padding || sample.Pieces[1].Numbers[0] == Padding {
		t.Errorf("the opening of one word is %v", sample.Pieces)
	}
	// Runs that the vocabulary has are no pieces; long tokens are cut.
	if _, sample := piecesOf(t, &Pieces{Runs: 3, Count: count}, 2, "good films"); len(sample.Pieces) != 1 || sample.Pieces[0].Tokens != 3 {
		t.Errorf("pieces beside runs of 2: %v", sample.Pieces)
	}
	if _, sample := piecesOf(t, &Pieces{Letters: 6, Count: count}, 0, strings.Repeat("long", 30)); len(sample.Pieces) != mostTokenParts || slices.Contains(sample.Pieces[mostTokenParts-1].Numbers, Padding) {
		t.Errorf("pieces of a long word: %v", sample.Pieces)
	}
}

// TestPiecesRefused gives pieces that cannot be.
func TestPiecesRefused(t *testing.T) {
	for want, p := range map[string]*Pieces{
		"runs of 5 tokens, want 0 to 4": {Runs: 5, Count: 1},
		"of 2 letters, want 0, or 3":    {Letters: 2, Count: 1},
		"of 7 letters":                  {Letters: 7, Count: 1},
		"for 0 pieces, want 1 to":       {Runs: 2},
	} {
		in := inputOfRuns(t, 2)
		in.Pieces = p
		file, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseInput(string(file)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", p, err, want)
		}
	}
}
