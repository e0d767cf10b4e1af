package text

import (
	"bufio"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

type golden struct {
	Text          string
	Tokens, Stems []string
}

func (g golden) check(t *testing.T) {
	t.Helper()
	tokens, err := Way{Tokenizer: Treebank}.Tokens(g.Text)
	if err != nil || !slices.Equal(tokens, g.Tokens) {
		t.Errorf("%q: %q, %v, want %q", g.Text, tokens, err, g.Tokens)
	}
	stems, err := Way{Tokenizer: Treebank, Stem: "english"}.Tokens(g.Text)
	if err != nil || !slices.Equal(stems, g.Stems) {
		t.Errorf("stems of %q: %q, %v, want %q", g.Text, stems, err, g.Stems)
	}
}

// TestNLTK compares tokens and stems with NLTK's, which testdata/goldens.py wrote; and
// those of another file that it printed, which INKLING_NLTK names.
func TestNLTK(t *testing.T) {
	file, err := os.ReadFile("testdata/goldens.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []golden
	if err := json.Unmarshal(file, &all); err != nil {
		t.Fatal(err)
	}
	if len(all) < 30 {
		t.Fatalf("there are only %d goldens", len(all))
	}
	for _, g := range all {
		g.check(t)
	}
	if name := os.Getenv("INKLING_NLTK"); name != "" {
		more, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer more.Close()
		n := 0
		for lines := bufio.NewScanner(more); lines.Scan(); n++ {
			var g golden
			if err := json.Unmarshal(lines.Bytes(), &g); err != nil {
				t.Fatal(err)
			}
			g.check(t)
		}
		t.Logf("%d texts of %s", n, name)
	}
}

func TestTokens(t *testing.T) {
	for _, test := range []struct {
		way  Way
		text string
		want []string
	}{
		{Way{Tokenizer: Words}, "Don't stop: 3.14 cafés, 东西!", []string{"Don't", "stop", "3.14", "cafés", "东", "西"}},
		{Way{Tokenizer: Words, Lower: true}, "ÄPFEL Und", []string{"äpfel", "und"}},
		{Way{Tokenizer: Treebank, Zeros: true}, "Call 08452810075 by ٣ for £5.99", []string{"Call", "00000000000", "by", "0", "for", "£0.00"}},
		{Way{Tokenizer: Words, StopWords: true}, "The end of the World", []string{"end", "World"}},
		{Way{Tokenizer: Words, Stem: "russian"}, "красивые дома", []string{"красив", "дом"}},
		{Way{Tokenizer: Characters}, "东西 a\n!", []string{"东", "西", "a", "!"}},
		{Way{Tokenizer: Characters, NGrams: 3}, "abc", []string{"a", "b", "c", "a b", "b c", "a b c"}},
		{Way{Tokenizer: Words, NGrams: 2}, "", nil},
	} {
		if got, err := test.way.Tokens(test.text); err != nil || !slices.Equal(got, test.want) {
			t.Errorf("%+v of %q: %q, %v, want %q", test.way, test.text, got, err, test.want)
		}
	}
}

func TestTokensRefuses(t *testing.T) {
	for want, test := range map[string]struct {
		way  Way
		text string
	}{
		`no tokenizer ""`:              {Way{}, "a"},
		`no stems of "klingon"`:        {Way{Tokenizer: Words, Stem: "klingon"}, "a"},
		"n-grams are of 11 tokens":     {Way{Tokenizer: Words, NGrams: 11}, "a"},
		"the text is not UTF-8":        {Way{Tokenizer: Words}, "\xff\xd8\xff"},
		"has 1048577 bytes, want 1048": {Way{Tokenizer: Words}, strings.Repeat("a", MaxBytes+1)},
	} {
		if got, err := test.way.Tokens(test.text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q, %v, want %q", got, err, want)
		}
	}
}

func TestVocabulary(t *testing.T) {
	way := Way{Tokenizer: Words}
	texts := []string{"b a c", "b a", "b d", "unk <unk>"}
	v, err := NewVocabulary(way.All(texts))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"<pad>", "<unk>", "b", "a", "unk", "c", "d"}; !slices.Equal(v.tokens, want) {
		t.Errorf("%q, want %q", v.tokens, want)
	}
	if got := v.Encode([]string{"a", "z", "<pad>", "b"}); !slices.Equal(got, []int32{3, Unknown, Unknown, 2}) {
		t.Errorf("got %v", got)
	}
	few, err := NewVocabulary(way.All(texts), MinCount(2), MaxTokens(1))
	if err != nil || few.Len() != 3 || few.Token(2) != "b" {
		t.Errorf("%v, %v", few, err)
	}
	file, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var again Vocabulary
	if err := json.Unmarshal(file, &again); err != nil || !slices.Equal(again.tokens, v.tokens) || again.Encode([]string{"d"})[0] != 6 {
		t.Errorf("%q, %v", again.tokens, err)
	}
	for want, file := range map[string]string{"is in the vocabulary twice": `["<pad>","<unk>","a","a"]`, "a vocabulary begins with": `["a"]`, "is a list of texts": `{"a":1}`} {
		if err := json.Unmarshal([]byte(file), &again); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", file, err, want)
		}
	}
	if _, err := NewVocabulary(way.All(texts), MinCount(9)); err == nil || err.Error() != "no token occurs 9 times" {
		t.Errorf("nothing left: %v", err)
	}
	if _, err := NewVocabulary(way.All([]string{"a", "\xff"})); err == nil || !strings.Contains(err.Error(), "text 2: the text is not UTF-8") {
		t.Errorf("a bad text: %v", err)
	}
	if _, err := NewVocabulary(func(yield func([]string, error) bool) { yield(nil, errors.New("gone")) }); err == nil {
		t.Error("an error of the texts is lost")
	}
}

func TestPad(t *testing.T) {
	numbers, mask := Pad([][]int32{{5}, {7, 8, 9, 10}, nil}, 3)
	if !slices.Equal(numbers, []int32{5, 0, 0, 7, 8, 9, 0, 0, 0}) || !slices.Equal(mask, []float32{1, 0, 0, 1, 1, 1, 0, 0, 0}) {
		t.Errorf("%v, %v", numbers, mask)
	}
}

func TestBuckets(t *testing.T) {
	lengths := make([]int, 103)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range lengths {
		lengths[i] = r.IntN(50)
	}
	batches := Buckets(r, lengths, 10)
	seen := slices.Sorted(slices.Values(slices.Concat(batches...)))
	for i, v := range seen {
		if i != v {
			t.Fatalf("%v", seen)
		}
	}
	if len(batches) != 11 {
		t.Errorf("%d batches, want 11", len(batches))
	}
	padding := 0
	for _, b := range batches {
		longest := 0
		for _, i := range b {
			longest = max(longest, lengths[i])
		}
		for _, i := range b {
			padding += longest - lengths[i]
		}
	}
	if padding > 103*6 { // 50/11 is the spread of a batch
		t.Errorf("%d of the places are padding", padding)
	}
}

func TestIsQuestion(t *testing.T) {
	for text, want := range map[string]bool{"What is it ?": true, "“Really?”": true, "几点？ ": true, "Why? Because.": false, "": false, "?!": false} {
		if IsQuestion(text) != want {
			t.Errorf("%q is a question: %v", text, !want)
		}
	}
}

// FuzzTokens holds tokens to be parts of the text, and their number and the work to the
// text's length.
func FuzzTokens(f *testing.F) {
	for _, text := range []string{`"It isn't", he said... cannot wanna 'tis (東西) 3:4.`, strings.Repeat("'", 100), strings.Repeat("can", 50) + "not"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for tokenizer := range tokenizers {
			tokens, err := Way{Tokenizer: tokenizer}.Tokens(text)
			if err != nil {
				if utf8.ValidString(text) && len(text) <= MaxBytes {
					t.Error(err)
				}
				continue
			}
			if len(tokens) > len(text) {
				t.Errorf("%d bytes have %d tokens", len(text), len(tokens))
			}
			for _, token := range tokens {
				if token == "" || strings.ContainsFunc(token, isSpace) && tokenizer != Words {
					t.Errorf("%q has the token %q", text, token)
				}
				if quote := token == "``" || token == "''"; !quote && !strings.Contains(text, token) {
					t.Errorf("%q has the token %q, which is not in it", text, token)
				}
			}
		}
	})
}
