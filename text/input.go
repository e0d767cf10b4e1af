package text

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"unicode"

	"inkling/transform"
)

// MaxLength is how many tokens of a text a network may read.
const MaxLength = 4096

// An Input is what a network reads of texts: how they become tokens, which number each of
// these has, and how many of them are read. Its JSON is what a model's file keeps.
type Input struct {
	Way
	// Length is how many tokens are read; what is longer is cut, what is shorter filled
	// up with Padding.
	Length     int         `json:"length"`
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
	case in.Vocabulary.Len() > transform.MaxNumber:
		return fmt.Errorf("the vocabulary has %d tokens, want %d at most", in.Vocabulary.Len(), transform.MaxNumber)
	case in.Length < 1 || in.Length > MaxLength:
		return fmt.Errorf("%d tokens of a text are read, want 1 to %d", in.Length, MaxLength)
	}
	return in.Way.Check()
}

// A Sample is a text as a network reads it.
type Sample struct {
	Tokens  []string // those that are read, at most Length
	Numbers []int32  // of Tokens
	Cut     int      // how many tokens there were besides
	Unknown int      // how many of Tokens are not in the vocabulary
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
	return s, nil
}

// Bytes is a sample as data sets hold it, Length numbers of four bytes: what
// [transform.Numbers] takes.
func (in *Input) Bytes(s *Sample) []byte {
	row := make([]byte, 4*in.Length)
	for i, number := range s.Numbers {
		binary.LittleEndian.PutUint32(row[4*i:], uint32(number))
	}
	return row
}

// CountTokens is how many tokens of a text Bytes has kept: the place behind the last that
// is no padding.
func CountTokens(row []byte) int {
	n := len(row) / 4
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

// Transform makes the network's input of samples.
func (in *Input) Transform() transform.Transform { return transform.Numbers{} }

// Shape is that of the samples' bytes: channels, height and width.
func (in *Input) Shape() (channels, height, width int) { return 1, 1, 4 * in.Length }
