package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"inkling"
	"inkling/data/samples"
	"inkling/sound"
	"inkling/text"
)

// A samplePrediction is what a model thinks of a text, a recording or a row of numbers: a
// class, or a number.
type samplePrediction struct {
	Text          string         `json:"text,omitempty"`
	Recording     string         `json:"recording,omitempty"`
	Vector        []float64      `json:"vector,omitempty"`
	Where         string         `json:"where,omitempty"` // in which file the vector stands
	Target        string         `json:"target,omitempty"`
	Number        *float64       `json:"number,omitempty"` // that Target is, in place of a class
	Class         string         `json:"class,omitempty"`
	Probability   float64        `json:"probability,omitempty"`
	Probabilities []classAndOdds `json:"probabilities,omitempty"`
	Tokens        []tokenShare   `json:"tokens,omitempty"`  // of a text, with what each added to the answer
	Cut           int            `json:"cut,omitempty"`     // tokens beyond those that are read
	Seconds       float64        `json:"seconds,omitempty"` // of a recording
}

type tokenShare struct {
	Token   string  `json:"token"`
	Known   bool    `json:"known"`
	Support float64 `json:"support"`
}

// predictSamples reads texts, recordings or vectors: arguments that are files, or, but for
// recordings, the texts or the numbers themselves; - is standard input, of these a line each.
func (o *predictOptions) predictSamples(ctx context.Context, out, errOut io.Writer, stdin io.Reader, m *inkling.Classifier, name string, args []string) error {
	switch {
	case o.preprocess != "auto":
		return usagef("--preprocess is for pictures, and the model reads %s: leave it out", m.Kind())
	case o.inverting != "auto":
		return usagef("--invert is for pictures, and the model reads %s: leave it out", m.Kind())
	}
	if !o.json {
		fmt.Fprint(out, m.Note(name))
	}
	m.Convolutions = o.conv
	var all []any
	var failed []string
	var first error
	add := func(what string, p *samplePrediction, err error) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			failed = append(failed, what)
			all = append(all, map[string]string{"input": what, "error": err.Error()})
			if first == nil {
				first = err
			} else {
				fmt.Fprintf(errOut, "inkling predict: %v\n", err)
			}
			return nil
		}
		all = append(all, p)
		if o.json {
			return nil
		}
		return printSamplePrediction(out, p)
	}
	each := func(what string) error {
		switch m.Kind() {
		case inkling.Recordings:
			p, err := predictClip(ctx, m, what, stdin)
			return add(what, p, err)
		case inkling.Vectors:
			return eachVector(m, what, stdin, func(where string, row []float64, err error) error {
				var p *samplePrediction
				if err == nil {
					p, err = predictVector(m, row)
				}
				switch {
				case err != nil:
					err = fmt.Errorf("%s: %w", where, err)
				case where != what:
					p.Where = where
				}
				return add(where, p, err)
			})
		}
		return eachText(what, stdin, func(sentence string, err error) error {
			var p *samplePrediction
			if err == nil {
				p, err = predictText(m, sentence)
			}
			return add(shortText(what), p, err)
		})
	}
	for _, what := range args {
		files, err := filesOf(m.Kind(), what)
		if err != nil {
			if err := add(what, nil, err); err != nil {
				return err
			}
		}
		for _, file := range files {
			if err := each(file); err != nil {
				return err
			}
		}
	}
	if o.json {
		if err := writeJSON(out, all); err != nil {
			return err
		}
	}
	switch {
	case len(all) == 0:
		return fmt.Errorf("there is no %s to read", m.Kind().One())
	case len(failed) == 1 && len(all) == 1:
		return first
	case len(failed) > 0:
		fmt.Fprintf(errOut, "inkling predict: %v\n", first)
		return fmt.Errorf("%s of %d could not be read: %s", count(len(failed), m.Kind().One()), len(all), some(failed))
	}
	return nil
}

// filesOf are the files that an argument stands for: of recordings, also those in a folder.
func filesOf(kind inkling.Kind, argument string) ([]string, error) {
	if kind == inkling.Texts || kind == inkling.Vectors {
		return []string{argument}, nil
	}
	info, err := os.Stat(argument)
	switch {
	case argument == "-":
	case err != nil && isPattern(argument):
		found, err := filepath.Glob(argument)
		if err == nil && len(found) == 0 {
			err = fmt.Errorf("no file is called like %s", argument)
		}
		return found, err
	case err != nil:
		return nil, fmt.Errorf("there is no recording %s, want a file (.wav, .flac), a folder or -", argument)
	case info.IsDir():
		var found []string
		for _, ending := range []string{"*.wav", "*.WAV", "*.flac", "*.FLAC"} {
			names, _ := filepath.Glob(filepath.Join(argument, ending)) // the pattern is right
			found = append(found, names...)
		}
		slices.Sort(found)
		if len(found) == 0 {
			return nil, fmt.Errorf("there is no recording (.wav, .flac) in %s", argument)
		}
		return found, nil
	}
	return []string{argument}, nil
}

// eachText calls f with the texts that an argument stands for: a file of one, the lines of
// standard input, or the argument.
func eachText(argument string, stdin io.Reader, f func(sentence string, err error) error) error {
	if argument == "-" {
		lines := bufio.NewScanner(stdin)
		lines.Buffer(nil, text.MaxBytes)
		for lines.Scan() {
			if strings.TrimSpace(lines.Text()) == "" {
				continue
			}
			if err := f(lines.Text(), nil); err != nil {
				return err
			}
		}
		if err := lines.Err(); err != nil {
			if errors.Is(err, bufio.ErrTooLong) {
				err = fmt.Errorf("a line of standard input has more than %d bytes, want fewer", text.MaxBytes)
			}
			return f("", err)
		}
		return nil
	}
	info, err := os.Stat(argument)
	if err != nil || info.IsDir() {
		if err == nil {
			return f("", fmt.Errorf("%s is a folder, want a text or a file with one", argument))
		}
		return f(argument, nil)
	}
	file, err := os.Open(argument)
	if err != nil {
		return f("", err)
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, text.MaxBytes+1))
	if err == nil && bytes.IndexByte(content, 0) >= 0 {
		err = fmt.Errorf("%s is no text: it has bytes of value 0", argument)
	}
	if err != nil {
		return f("", err)
	}
	sentence := string(content)
	return f(sentence, nil)
}

// eachVector calls f with the rows that an argument stands for, and where they stand: those
// of a table, the lines of standard input, or the argument.
func eachVector(m *inkling.Classifier, argument string, stdin io.Reader, f func(where string, row []float64, err error) error) error {
	if argument == "-" {
		lines := bufio.NewScanner(stdin)
		const most = 1 << 20
		lines.Buffer(nil, most)
		for n := 1; lines.Scan(); n++ {
			if strings.TrimSpace(lines.Text()) == "" {
				continue
			}
			row, err := m.Vector.Parse(lines.Text())
			if err := f(fmt.Sprintf("line %d of standard input", n), row, err); err != nil {
				return err
			}
		}
		if err := lines.Err(); err != nil {
			return f("standard input", nil, fmt.Errorf("it cannot be read: %w", err))
		}
		return nil
	}
	info, err := os.Stat(argument)
	switch {
	case err != nil:
		row, err := m.Vector.Parse(argument)
		if err != nil && strings.ContainsFunc(argument, unicode.IsLetter) {
			err = fmt.Errorf("there is no such file, and as numbers %w", err)
		}
		return f(shortText(argument), row, err)
	case info.IsDir():
		return f(argument, nil, errors.New("it is a folder, want a table or numbers"))
	}
	dir, base := filepath.Split(argument)
	stop := false
	err = samples.ReadRows(os.DirFS(filepath.Clean(dir)), base, m.Vector.Names(), func(where string, row []float64, err error) error {
		err = f(where, row, err)
		stop = err != nil
		return err
	})
	if err == nil || stop {
		return err
	}
	return f(argument, nil, err)
}

func predictVector(m *inkling.Classifier, row []float64) (*samplePrediction, error) {
	answer, err := m.PredictVector(row)
	if err != nil {
		return nil, err
	}
	p := samplePredictionOf(m, answer)
	p.Vector = row
	return p, nil
}

func predictText(m *inkling.Classifier, sentence string) (*samplePrediction, error) {
	e, err := m.Explain(sentence)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", shortText(sentence), err)
	}
	p := samplePredictionOf(m, e.Prediction)
	p.Text, p.Cut = sentence, e.Cut
	for i, token := range e.Tokens {
		p.Tokens = append(p.Tokens, tokenShare{token, e.Numbers[i] != text.Unknown, math.Round(e.Support[i]*1e4) / 1e4})
	}
	return p, nil
}

func predictClip(ctx context.Context, m *inkling.Classifier, name string, stdin io.Reader) (*samplePrediction, error) {
	r := stdin
	if name == "-" {
		name = "the recording from standard input"
	} else {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		r = f
	}
	clip, err := sound.Decode(ctx, r, sound.Own)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	answer, err := m.PredictClip(clip)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	p := samplePredictionOf(m, answer)
	p.Recording, p.Seconds = name, clip.Duration().Seconds()
	return p, nil
}

func samplePredictionOf(m *inkling.Classifier, answer inkling.Prediction) *samplePrediction {
	if m.Target != nil {
		return &samplePrediction{Target: m.Target.Name, Number: &answer.Number}
	}
	p := &samplePrediction{Class: answer.Class, Probability: answer.Probability}
	for i, v := range answer.Probabilities {
		p.Probabilities = append(p.Probabilities, classAndOdds{m.About.Classes[i], float64(v)})
	}
	return p
}

// shortText is the beginning of a text.
func shortText(sentence string) string { return shortened(sentence, 60) }

func shortened(sentence string, most int) string {
	sentence = strings.Join(strings.Fields(sentence), " ")
	if letters := []rune(sentence); len(letters) > most {
		return string(letters[:most-1]) + "…"
	}
	return sentence
}

// numbersText writes a vector as predict takes it.
func numbersText(row []float64) string {
	var numbers []string
	for _, v := range row {
		numbers = append(numbers, strconv.FormatFloat(v, 'g', -1, 64))
	}
	return strings.Join(numbers, ",")
}

func printSamplePrediction(out io.Writer, p *samplePrediction) error {
	what, remark := p.Recording, ""
	switch {
	case p.Vector != nil:
		what = cmp.Or(p.Where, shortText(numbersText(p.Vector)))
	case p.Recording == "":
		what = printable(shortText(p.Text))
		if p.Cut > 0 {
			remark = fmt.Sprintf("; its last %s were not read", count(p.Cut, "token"))
		}
	default:
		remark = fmt.Sprintf("; %.2f s", p.Seconds)
	}
	answer := fmt.Sprintf("%s (%s%s)", p.Class, percent(p.Probability), remark)
	if p.Number != nil {
		answer = fmt.Sprintf("%s %s", printable(p.Target), quantity(*p.Number))
		if remark != "" {
			answer += " (" + strings.TrimPrefix(remark, "; ") + ")"
		}
	}
	if _, err := fmt.Fprintf(out, "%s: %s\n", what, answer); err != nil {
		return err
	}
	if said := decisive(p.Tokens); said != "" {
		if _, err := fmt.Fprintf(out, "  by %s\n", said); err != nil {
			return err
		}
	}
	return printOdds(out, p.Probabilities)
}

// decisive names the tokens that speak most for the answer, in their order.
func decisive(tokens []tokenShare) string {
	const most = 5
	var support []float64
	for _, t := range tokens {
		if t.Support > 0 {
			support = append(support, t.Support)
		}
	}
	slices.SortFunc(support, func(a, b float64) int { return int(math.Copysign(1, b-a)) })
	if len(support) == 0 {
		return ""
	}
	least := support[min(most, len(support))-1]
	var names []string
	for _, t := range tokens {
		if t.Support >= least && len(names) < most {
			names = append(names, printable(t.Token))
		}
	}
	return strings.Join(names, ", ")
}
