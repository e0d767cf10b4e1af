package text

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
)

// The numbers that every vocabulary has: what fills a sequence up, and what stands for
// a token that is not in it.
const (
	Padding = 0
	Unknown = 1
)

// special are the names of the first numbers.
var special = []string{Padding: "<pad>", Unknown: "<unk>"}

// A Vocabulary gives tokens their numbers: from 2 on, the commonest first, and those that
// are as common in the order of their letters. It does not change, and may be used by
// several goroutines.
type Vocabulary struct {
	tokens []string
	number map[string]int32
}

// limits are what the options set.
type limits struct{ least, most int }

// An Option bounds a vocabulary.
type Option func(*limits)

// MinCount leaves out tokens that occur less often.
func MinCount(n int) Option { return func(l *limits) { l.least = n } }

// MaxTokens keeps so many tokens at most, the commonest.
func MaxTokens(n int) Option { return func(l *limits) { l.most = n } }

// NewVocabulary makes a vocabulary of the tokens of many texts, as torchtext's
// build_vocab_from_iterator orders them. It fails with the first error of the texts, and
// if no token is left.
func NewVocabulary(texts iter.Seq2[[]string, error], options ...Option) (*Vocabulary, error) {
	l := limits{least: 1, most: 1 << 22}
	for _, set := range options {
		set(&l)
	}
	counts := map[string]int{}
	for tokens, err := range texts {
		if err != nil {
			return nil, err
		}
		for _, token := range tokens {
			counts[token]++
		}
	}
	for _, name := range special {
		delete(counts, name)
	}
	maps.DeleteFunc(counts, func(_ string, n int) bool { return n < l.least })
	if len(counts) == 0 {
		return nil, fmt.Errorf("no token occurs %d times", l.least)
	}
	tokens := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(counts[b]-counts[a], cmp.Compare(a, b))
	})
	return vocabularyOf(append(slices.Clone(special), tokens[:min(len(tokens), l.most)]...))
}

func vocabularyOf(tokens []string) (*Vocabulary, error) {
	if len(tokens) < len(special) || !slices.Equal(tokens[:len(special)], special) {
		return nil, fmt.Errorf("a vocabulary begins with %q", special)
	}
	v := &Vocabulary{tokens, make(map[string]int32, len(tokens))}
	for i, token := range tokens {
		if at, twice := v.number[token]; twice {
			return nil, fmt.Errorf("the token %q is in the vocabulary twice, as %d and %d", token, at, i)
		}
		v.number[token] = int32(i)
	}
	return v, nil
}

// Len is how many numbers there are, Padding and Unknown included: what an Embedding
// needs.
func (v *Vocabulary) Len() int { return len(v.tokens) }

// Token returns the token of a number.
func (v *Vocabulary) Token(number int32) string { return v.tokens[number] }

// Encode returns the numbers of tokens.
func (v *Vocabulary) Encode(tokens []string) []int32 {
	numbers := make([]int32, len(tokens))
	for i, token := range tokens {
		numbers[i] = Unknown
		if number, known := v.number[token]; known && number != Padding {
			numbers[i] = number
		}
	}
	return numbers
}

// MarshalJSON writes the tokens in the order of their numbers.
func (v *Vocabulary) MarshalJSON() ([]byte, error) { return json.Marshal(v.tokens) }

// UnmarshalJSON reads what MarshalJSON wrote. It fails on tokens that occur twice.
func (v *Vocabulary) UnmarshalJSON(file []byte) error {
	var tokens []string
	if err := json.Unmarshal(file, &tokens); err != nil {
		return errors.New("a vocabulary is a list of texts")
	}
	read, err := vocabularyOf(tokens)
	if err != nil {
		return err
	}
	*v = *read
	return nil
}

// Pad makes sequences as long as each other: longer ones are cut, and shorter ones filled
// up with Padding. The mask is 1 where a number is of the sequence, else 0. Both are
// [len(sequences)][length], one after another.
func Pad(sequences [][]int32, length int) (numbers []int32, mask []float32) {
	numbers, mask = make([]int32, len(sequences)*length), make([]float32, len(sequences)*length)
	for i, sequence := range sequences {
		for j := range copy(numbers[i*length:][:length], sequence) {
			mask[i*length+j] = 1
		}
	}
	return numbers, mask
}

// Buckets divides the numbers from 0 to len(lengths)-1 into batches of sequences about as
// long as each other, so that little is padding. Sequences of like lengths, and the
// batches, are in a random order; the last batch of all may be smaller.
func Buckets(r *rand.Rand, lengths []int, batch int) [][]int {
	if batch < 1 {
		panic(fmt.Sprintf("text: Buckets of %d sequences, want at least 1", batch))
	}
	order := r.Perm(len(lengths))
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(lengths[a], lengths[b]) })
	batches := slices.Collect(slices.Chunk(order, batch))
	r.Shuffle(len(batches), func(i, j int) { batches[i], batches[j] = batches[j], batches[i] })
	return batches
}
