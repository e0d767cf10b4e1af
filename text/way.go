package text

import (
	"errors"
	"fmt"
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/clipperhouse/uax29/v2/words"
	"github.com/kljensen/snowball"
	"github.com/kljensen/snowball/english"
)

// A Tokenizer says how a text is divided.
type Tokenizer string

// The tokenizers.
const (
	// Words are those of Unicode Standard Annex 29 that have a letter or a digit. The
	// characters of Chinese and Japanese are one each.
	Words Tokenizer = "words"
	// Treebank are those of the Penn Treebank, as nltk.TreebankWordTokenizer has them:
	// "They'll" is They 'll, and punctuation is a token.
	Treebank Tokenizer = "treebank"
	// Characters are all but white space.
	Characters Tokenizer = "characters"
)

// MaxBytes is how long a text may be.
const MaxBytes = 1 << 20

// tokenizers is the table of them.
var tokenizers = map[Tokenizer]func(string) []string{
	Words:      unicodeWords,
	Treebank:   treebank,
	Characters: characters,
}

// A Way is how tokens are made of a text. What is left out is not done.
type Way struct {
	Tokenizer Tokenizer `json:"tokenizer"`
	Lower     bool      `json:"lower,omitempty"` // small letters
	// Zeros reads every digit as 0, so that telephone numbers, years and prices, most of
	// which occur once, are tokens that occur often: 1995 is 0000, £5.99 is £0.00.
	Zeros bool `json:"zeros,omitempty"`
	// Stem is the language whose endings are taken off, by Porter's second algorithm
	// (Snowball, https://snowballstem.org): english, french, hungarian, norwegian,
	// russian, spanish or swedish. Stems are of small letters. English ones are NLTK's,
	// but for some words with a hyphen: r-rated is r-rate, in NLTK r-rat.
	Stem string `json:"stem,omitempty"`
	// StopWords leaves out the commonest words of English (the, of, is), those of
	// Snowball's list.
	StopWords bool `json:"stop_words,omitempty"`
	// NGrams adds the runs of 2 to so many tokens, with a space between them.
	NGrams int `json:"n_grams,omitempty"`
}

// Check refuses a way that there is not.
func (w Way) Check() error {
	if tokenizers[w.Tokenizer] == nil {
		return fmt.Errorf("there is no tokenizer %q, want words, treebank or characters", w.Tokenizer)
	}
	if _, err := snowball.Stem("a", w.Stem, true); w.Stem != "" && err != nil {
		return fmt.Errorf("there are no stems of %q, want english, french, hungarian, norwegian, russian, spanish or swedish", w.Stem)
	}
	if w.NGrams < 0 || w.NGrams > 10 {
		return fmt.Errorf("n-grams are of %d tokens, want 0 to 10", w.NGrams)
	}
	return nil
}

// Tokens returns the tokens of a text. It fails on a way that there is not, on a text
// that is not UTF-8, and on one of more than MaxBytes.
func (w Way) Tokens(text string) ([]string, error) {
	if err := w.Check(); err != nil {
		return nil, err
	}
	switch {
	case len(text) > MaxBytes:
		return nil, fmt.Errorf("the text has %d bytes, want %d at most: divide it", len(text), MaxBytes)
	case !utf8.ValidString(text):
		return nil, errors.New("the text is not UTF-8: it is no text, or one of another encoding")
	}
	all := tokenizers[w.Tokenizer](text)
	kept := all[:0]
	for _, token := range all {
		if w.StopWords && english.IsStopWord(strings.ToLower(token)) {
			continue
		}
		if w.Lower {
			token = strings.ToLower(token)
		}
		if w.Zeros {
			token = strings.Map(zeroOfDigit, token)
		}
		if w.Stem != "" {
			token, _ = snowball.Stem(token, w.Stem, true)
		}
		kept = append(kept, token)
	}
	return withRuns(kept, w.NGrams), nil
}

// withRuns returns tokens, and behind them the runs of 2 to so many of them.
func withRuns(tokens []string, most int) []string {
	all := tokens
	for n := 2; n <= most; n++ {
		for i := range max(len(tokens)-n+1, 0) {
			all = append(all, run(tokens, i, n))
		}
	}
	return all
}

// run is that of n tokens from the i-th on, with spaces between them.
func run(tokens []string, i, n int) string { return strings.Join(tokens[i:i+n], " ") }

// All returns the tokens of text after text, and the error of the first that has one.
func (w Way) All(texts []string) iter.Seq2[[]string, error] {
	return func(yield func([]string, error) bool) {
		for i, text := range texts {
			tokens, err := w.Tokens(text)
			if err != nil {
				err = fmt.Errorf("text %d: %w", i+1, err)
			}
			if !yield(tokens, err) || err != nil {
				return
			}
		}
	}
}

func unicodeWords(text string) []string {
	var all []string
	for tokens := words.FromString(text); tokens.Next(); {
		if word := tokens.Value(); strings.ContainsFunc(word, inWord) {
			all = append(all, word)
		}
	}
	return all
}

func zeroOfDigit(r rune) rune {
	if unicode.IsDigit(r) {
		return '0'
	}
	return r
}

func inWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }

func characters(text string) []string {
	var all []string
	for _, r := range text {
		if !isSpace(r) {
			all = append(all, string(r))
		}
	}
	return all
}

// isSpace tells the white space of Unicode, and the four separators of ASCII, which
// Python counts as such.
func isSpace(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f }
