package text

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"inkling/transform"
)

// MaxLength is how many tokens of a text a network may read.
const MaxLength = 4096

// MaxRuns is the longest run of tokens that a network may be told of.
const MaxRuns = 4

// An Input is what a network reads of texts: how they become tokens, which number each of
// these has, and how many of them are read. Its JSON is what a model's file keeps.
type Input struct {
	Way
	// Length is how many tokens are read; what is longer is cut, what is shorter filled
	// up with Padding.
	Length int `json:"length"`
	// Runs, if above 1, has a place tell besides its token the runs of 2 to so many tokens
	// that begin there, as far as the vocabulary knows them, up to MaxRuns: in languages
	// without spaces between words a run of two characters is often a word.
	Runs int `json:"runs,omitempty"`
	// Pieces, if not nil, is what a place tells besides.
	Pieces     *Pieces     `json:"pieces,omitempty"`
	Vocabulary *Vocabulary `json:"vocabulary"`
}

// ParseInput reads the JSON of an Input.
func ParseInput(file string) (*Input, error) {
	var in Input
	if err := json.Unmarshal([]byte(file), &in); err != nil {
		return nil, fmt.Errorf("how texts become tokens cannot be read: %w", err)
	}
	return &in, in.check()
}

func (in *Input) check() error {
	switch {
	case in.Vocabulary == nil:
		return errors.New("there is no vocabulary")
	case in.Vocabulary.Len() > transform.MaxNumber-MaxPieces:
		return fmt.Errorf("the vocabulary has %d tokens, want %d at most", in.Vocabulary.Len(), transform.MaxNumber-MaxPieces)
	case in.Runs < 0 || in.Runs > MaxRuns:
		return fmt.Errorf("runs are of %d tokens, want 0 to %d", in.Runs, MaxRuns)
	case in.Length < 1 || in.Length > MaxLength:
		return fmt.Errorf("%d tokens of a text are read, want 1 to %d", in.Length, MaxLength)
	}
	if err := in.Pieces.check(); err != nil {
		return err
	}
	return in.Way.Check()
}

// A Sample is a text as a network reads it.
type Sample struct {
	Tokens  []string // those that are read, at most Length
	Numbers []int32  // of Tokens
	// Runs has for the runs of 2, 3, ... tokens, as many as the Input reads, the number of
	// the one that begins at each place; Padding where the vocabulary does not know it.
	Runs    [][]int32
	Pieces  []PieceRow
	Cut     int // how many tokens there were besides
	Unknown int // how many of Tokens are not in the vocabulary
}

// ErrNoToken is why a text without any cannot be read.
var ErrNoToken = errors.New("there is no word in the text")

// Read makes a sample of a text. It fails as [Way.Tokens] does, and with [ErrNoToken].
func (in *Input) Read(text string) (*Sample, error) {
	tokens, err := in.Tokens(text)
	if err != nil {
		return nil, err
	}
	if len(tokens) == 0 {
		return nil, ErrNoToken
	}
	s := &Sample{Tokens: tokens[:min(len(tokens), in.Length)]}
	s.Cut, s.Numbers = len(tokens)-len(s.Tokens), in.Vocabulary.Encode(s.Tokens)
	for _, number := range s.Numbers {
		if number == Unknown {
			s.Unknown++
		}
	}
	for n := 2; n <= in.Runs; n++ {
		numbers := make([]int32, max(len(s.Tokens)-n+1, 0))
		for i := range numbers {
			numbers[i] = in.Vocabulary.number[run(s.Tokens, i, n)] // or 0, Padding
		}
		s.Runs = append(s.Runs, numbers)
	}
	s.Pieces = in.pieces(s.Tokens)
	return s, nil
}

// Counted returns tokens and, behind them, the runs of them that the network reads: what
// its vocabulary is made of.
func (in *Input) Counted(tokens []string) []string { return withRuns(tokens, in.Runs) }

// Rows is how many numbers tell of a place: that of its token, those of the runs that begin
// there, and those of its pieces, PieceRows of them.
func (in *Input) Rows() int { return max(in.Runs, 1) + in.PieceRows() }

// Bytes is a sample as data sets hold it, Rows rows of Length numbers of four bytes: what
// [transform.Numbers] takes.
func (in *Input) Bytes(s *Sample) []byte {
	all := make([]byte, 4*in.Length*in.Rows())
	put := func(row []byte, numbers []int32) {
		for i, number := range numbers {
			binary.LittleEndian.PutUint32(row[4*i:], uint32(number))
		}
	}
	put(all, s.Numbers)
	for n, numbers := range s.Runs {
		put(all[4*in.Length*(n+1):], numbers)
	}
	for n, row := range s.Pieces {
		put(all[4*in.Length*(max(in.Runs, 1)+n):], row.Numbers)
	}
	return all
}

// CountTokens is how many tokens of a text Bytes has kept: the place behind the last that
// is no padding.
func (in *Input) CountTokens(row []byte) int {
	n := in.Length
	for n > 0 && binary.LittleEndian.Uint32(row[4*(n-1):]) == Padding {
		n--
	}
	return n
}

// HasNoSpaces tells whether a text is of a language whose words have no spaces between
// them, as Chinese and Japanese: whether most of its letters are such.
func HasNoSpaces(text string) bool {
	wide, letters := 0, 0
	for _, r := range text {
		switch {
		case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai):
			wide++
		case unicode.IsLetter(r):
			letters++
		}
	}
	return wide > letters
}

// IsQuestion tells whether a text ends as questions do.
func IsQuestion(text string) bool {
	last, _ := utf8.DecodeLastRuneInString(strings.TrimRight(text, " \t\r\n\"'”’)"))
	return last == '?' || last == '？'
}

// Transform makes the network's input of samples.
func (in *Input) Transform() transform.Transform { return transform.Numbers{} }

// Shape is that of the samples' bytes: channels, height and width.
func (in *Input) Shape() (channels, height, width int) { return 1, in.Rows(), 4 * in.Length }
