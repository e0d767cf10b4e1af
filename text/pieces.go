package text

import "fmt"

// Pieces are what a network may weigh beside the tokens of a vocabulary, though there are too
// many to have a vector each: runs of tokens, and pieces of their letters, which words of one
// stem share, known ones and others (Bojanowski et al. 2017, arXiv:1607.04606). No list has
// their numbers: they follow from what the pieces are, and seldom two have the same.
type Pieces struct {
	// Runs is of how many tokens the longest run is; the shortest has one more than the
	// Input's own Runs. Below that there are none.
	Runs int `json:"runs,omitempty"`
	// Letters is how many letters the longest piece has, the shortest 3; a token begins
	// and ends with one more, so that a word's beginning is told from its middle. 0 is none.
	Letters int `json:"letters,omitempty"`
	// Opening tells each token together with the first two of the text, however far behind
	// them it stands, and each of the first five together with its place: what city means
	// to a question depends on whether what is or how many begins it.
	Opening bool `json:"opening,omitempty"`
	// Count is how many numbers there are for all.
	Count int `json:"count"`
}

// The limits of Pieces.
const (
	MaxPieces      = 1 << 20 // numbers
	MaxLetters     = 6
	shortestPiece  = 3
	mostTokenParts = 24 // pieces of letters of one token; what a longer one has behind them is left out
	openingTokens  = 2
	openingPlaces  = 5
)

func (p *Pieces) check() error {
	switch {
	case p == nil:
		return nil
	case p.Runs < 0 || p.Runs > MaxRuns:
		return fmt.Errorf("pieces are runs of %d tokens, want 0 to %d", p.Runs, MaxRuns)
	case p.Letters != 0 && (p.Letters < shortestPiece || p.Letters > MaxLetters):
		return fmt.Errorf("pieces are of %d letters, want 0, or %d to %d", p.Letters, shortestPiece, MaxLetters)
	case p.Count < 1 || p.Count > MaxPieces:
		return fmt.Errorf("there are numbers for %d pieces, want 1 to %d", p.Count, MaxPieces)
	}
	return nil
}

// A PieceRow is the numbers of one piece for each token.
type PieceRow struct {
	Tokens  int // how many tokens a piece is of
	Numbers []int32
}

// PieceRows is how many rows of pieces a place has.
func (in *Input) PieceRows() int {
	p := in.Pieces
	if p == nil {
		return 0
	}
	rows := max(p.Runs-max(in.Runs, 1), 0)
	if p.Opening {
		rows += 2
	}
	if p.Letters > 0 {
		rows += mostTokenParts
	}
	return rows
}

// pieces are the rows of a text's tokens.
func (in *Input) pieces(tokens []string) []PieceRow {
	if in.Pieces == nil {
		return nil
	}
	first, p := int32(in.Vocabulary.Len()), in.Pieces
	number := func(kind byte, piece string) int32 { return first + int32(hash(kind, piece)%uint32(p.Count)) }
	var rows []PieceRow
	for n := max(in.Runs, 1) + 1; n <= p.Runs; n++ {
		row := PieceRow{n, make([]int32, max(len(tokens)-n+1, 0))}
		for i := range row.Numbers {
			row.Numbers[i] = number('r', run(tokens, i, n))
		}
		rows = append(rows, row)
	}
	if p.Opening {
		later, placed := PieceRow{1, make([]int32, len(tokens))}, PieceRow{1, make([]int32, len(tokens))}
		for i := openingTokens; i < len(tokens); i++ {
			later.Numbers[i] = number('o', run(tokens, 0, openingTokens)+" "+tokens[i])
		}
		for i := range min(openingPlaces, len(tokens)) {
			placed.Numbers[i] = number('1'+byte(i), tokens[i])
		}
		rows = append(rows, later, placed)
	}
	if p.Letters == 0 {
		return rows
	}
	letters := make([]PieceRow, mostTokenParts)
	for k := range letters {
		letters[k] = PieceRow{1, make([]int32, len(tokens))}
	}
	var ends []int
	for i, token := range tokens {
		token = "<" + token + ">"
		ends = ends[:0]
		for at := range token {
			ends = append(ends, at)
		}
		ends = append(ends, len(token))
		k := 0
		for n := shortestPiece; n <= p.Letters; n++ {
			for from := 0; from+n < len(ends) && k < mostTokenParts; from++ {
				letters[k].Numbers[i] = number('l', token[ends[from]:ends[from+n]])
				k++
			}
		}
	}
	return append(rows, letters...)
}

// hash is FNV-1a (Fowler, Noll and Vo), of 32 bits.
func hash(kind byte, text string) uint32 {
	const offset, prime = 2166136261, 16777619
	sum := (offset ^ uint32(kind)) * prime
	for i := range len(text) {
		sum = (sum ^ uint32(text[i])) * prime
	}
	return sum
}
