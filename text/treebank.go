package text

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A rule puts spaces round what is a token of its own.
type rule struct {
	pattern *regexp.Regexp
	by      string
}

const space = `[\s\v\x1c-\x1f\x{85}\p{Z}]`

// The rules are those of Robert MacIntyre's sed script for the Penn Treebank (1995), as
// NLTK 3.8 orders them; digits and white space are Unicode's. Quotes that open come first,
// for what stands before them tells them from those that close.
var (
	openingRules = []rule{
		{regexp.MustCompile(`\A"`), "``"},
		{regexp.MustCompile("``"), " `` "},
		{regexp.MustCompile(`([ (\[{<])(?:"|'')`), "$1 `` "},
		// A comma or colon within a number stays.
		{regexp.MustCompile(`([:,])(\P{Nd})`), " $1 $2"},
		{regexp.MustCompile(`([:,])(\n?)\z`), " $1 $2"},
		{regexp.MustCompile(`\.\.\.`), " ... "},
		{regexp.MustCompile(`[;@#$%&]`), " $0 "},
		// A full stop is one at the end alone: that of "Mr." stays.
		{regexp.MustCompile(`([^.])\.([\])}>"']*)` + space + `*\z`), "$1 .$2 "},
		{regexp.MustCompile(`[?!]`), " $0 "},
		{regexp.MustCompile(`([^'])' `), "$1 ' "},
		{regexp.MustCompile(`[\][(){}<>]`), " $0 "},
		{regexp.MustCompile(`--`), " -- "},
	}
	closingRules = []rule{
		{regexp.MustCompile(`''`), " '' "},
		{regexp.MustCompile(`"`), " '' "},
		{regexp.MustCompile(`([^' ])('[sSmMdD]|') `), "$1 $2 "},
		{regexp.MustCompile(`([^' ])('ll|'LL|'re|'RE|'ve|'VE|n't|N'T) `), "$1 $2 "},
	}
)

// contractions are words of two, which end at the boundary of a word; those that open
// begin behind a space.
var contractions = []struct {
	pattern *regexp.Regexp
	opens   bool
}{
	{regexp.MustCompile(`(?i)(can)(not)`), false},
	{regexp.MustCompile(`(?i)(d)('ye)`), false},
	{regexp.MustCompile(`(?i)(gim)(me)`), false},
	{regexp.MustCompile(`(?i)(gon)(na)`), false},
	{regexp.MustCompile(`(?i)(got)(ta)`), false},
	{regexp.MustCompile(`(?i)(lem)(me)`), false},
	{regexp.MustCompile(`(?i)(more)('n)`), false},
	{regexp.MustCompile(`(?i)(wan)(na)`), false},
	{regexp.MustCompile(`(?i)('t)(is)`), true},
	{regexp.MustCompile(`(?i)('t)(was)`), true},
}

func treebank(text string) []string {
	for _, r := range openingRules {
		text = r.pattern.ReplaceAllString(text, r.by)
	}
	text = " " + text + " "
	for _, r := range closingRules {
		text = r.pattern.ReplaceAllString(text, r.by)
	}
	for _, c := range contractions {
		text = divide(text, c.pattern, c.opens)
	}
	return strings.FieldsFunc(text, isSpace)
}

// divide puts a space between the two groups of a pattern, where they are a word.
func divide(text string, pattern *regexp.Regexp, opens bool) string {
	var out strings.Builder
	end := 0
	for _, at := range pattern.FindAllStringSubmatchIndex(text, -1) {
		before, _ := utf8.DecodeLastRuneInString(text[:at[0]])
		first, _ := utf8.DecodeRuneInString(text[at[0]:])
		last, _ := utf8.DecodeLastRuneInString(text[:at[1]])
		after, _ := utf8.DecodeRuneInString(text[at[1]:])
		if opens && before != ' ' || !opens && isWord(before) == isWord(first) || isWord(last) == isWord(after) {
			continue
		}
		if strings.EqualFold(text[at[0]:at[1]], "wanna") && !isSpace(after) {
			continue // "wanna" is one only before a space
		}
		out.WriteString(text[end:at[0]] + " " + text[at[2]:at[3]] + " " + text[at[4]:at[5]] + " ")
		end = at[1]
	}
	return out.String() + text[end:]
}

func isWord(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r) }
