package models

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// An Option is something that a model lets one choose beside what its networks are for.
// It is written behind the model's name, wherever that stands: "smallvgg dropout=0.3".
// A file keeps the name with it, so it is opened as the network that it is.
type Option struct {
	Name  string // torchvision's where that has it: "dropout", "width_mult"
	Usage string // what it does, in a few words
	Usual string // its value where nothing is said
	// Words are the values that there are. Without them it is a number, from Least to
	// below Limit.
	Words        []string
	Least, Limit float64
}

func (o Option) String() string { return o.Name + "=" + o.Usual }

// dropout is an option of networks whose classifiers have a Dropout.
func dropout(usual float64) Option {
	return Option{Name: "dropout", Usage: "share of the features that the classifier drops in training", Usual: number(usual), Limit: 1}
}

var (
	// stochasticDepth is an option of networks whose blocks have a StochasticDepth.
	stochasticDepth = Option{Name: "stochastic_depth_prob", Usage: "share of the examples for which training leaves the last block out, blocks before it less", Usual: "0.2", Limit: 1}
	widthMult       = Option{Name: "width_mult", Usage: "multiplies the channels of all layers", Usual: "1", Least: 0.1, Limit: 8}
	stem            = Option{Name: "stem", Usage: fmt.Sprintf("how pictures come in: small keeps their size, large does not, auto is small below %d pixels", smallStem), Usual: "auto", Words: []string{"auto", "small", "large"}}
)

// embeddingSize is an option of networks that read tokens.
func embeddingSize(usual int) Option {
	return Option{Name: "dim", Usage: "numbers that stand for a token, which are learnt", Usual: number(float64(usual)), Least: 1, Limit: 1025}
}

// filters is an option of networks that look for phrases.
func filters(usual int) Option {
	return Option{Name: "filters", Usage: "filters of every convolution", Usual: number(float64(usual)), Least: 1, Limit: 2049}
}

// hidden is an option of networks with hidden layers of one size.
func hidden(usual int) Option {
	return Option{Name: "hidden", Usage: "units of each hidden layer", Usual: number(float64(usual)), Least: 1, Limit: 8193}
}

// convolutions is an option of networks for spectrograms.
var convolutions = Option{Name: "convolutions", Usage: "how many there are; the last of more sees a longer piece of the sound", Usual: "3", Words: []string{"3", "4", "5"}}

// tally is an option of networks that read tokens.
var tally = Option{Name: "tally", Usage: "factor of what every token says for each class, added up beside the phrases and learnt so many times as fast; 0 is without", Usual: "0", Limit: 101}

// apart is an option of networks with a tally.
var apart = Option{Name: "apart", Usage: "share of the examples from which training leaves what phrases say, and as many from which what the tally says", Usual: "0", Limit: 1}

func number(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

// parse returns the value that a text says, as it is written canonically.
func (o Option) parse(text string) (string, error) {
	if o.Words != nil {
		if slices.Contains(o.Words, text) {
			return text, nil
		}
		return "", fmt.Errorf("%s is %q, want %s", o.Name, text, strings.Join(o.Words, ", "))
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || !(x >= o.Least && x < o.Limit) {
		return "", fmt.Errorf("%s is %q, want a number from %s to below %s", o.Name, text, number(o.Least), number(o.Limit))
	}
	return number(x), nil
}

// options are the values of a model's options, by their names.
type options map[string]string

// number returns that of an option which is one.
func (o options) number(name string) float64 {
	x, err := strconv.ParseFloat(o[name], 64)
	if err != nil {
		panic("models: there is no number " + name) // a line of the zoo lacks the option
	}
	return x
}

// whole returns that of an option which is a whole number; a fraction is cut off.
func (o options) whole(name string) int { return int(o.number(name)) }

// small reports whether the stem for small pictures is wanted.
func (o options) small(c Config) bool {
	switch o["stem"] {
	case "small":
		return true
	case "large":
		return false
	}
	return max(c.Height, c.Width) < smallStem
}

// Weighs tells whether the model's networks weigh tokens one by one, and so can weigh
// pieces of them, too.
func (m Model) Weighs() bool { return m.options()["tally"] != "" && m.options().number("tally") > 0 }

// with returns the model with options chosen: a text such as "dropout=0.3 stem=small". Its
// Name has those that are not the usual ones behind it, in the order of m.Options.
func (m Model) with(text string) (Model, error) {
	chosen := options{}
	for part := range strings.FieldsSeq(text) {
		name, value, hasValue := strings.Cut(part, "=")
		at := slices.IndexFunc(m.Options, func(o Option) bool { return strings.EqualFold(o.Name, name) })
		switch {
		case len(m.Options) == 0:
			return m, fmt.Errorf("%s has no options, but %q stands behind its name", m.Name, part)
		case at < 0:
			var names []string
			for _, o := range m.Options {
				names = append(names, o.Name)
			}
			return m, fmt.Errorf("%s has no option %q; it has %s", m.Name, name, strings.Join(names, ", "))
		case !hasValue:
			return m, fmt.Errorf("the option %s of %s has no value; write %s", name, m.Name, m.Options[at])
		}
		o := m.Options[at]
		if _, twice := chosen[o.Name]; twice {
			return m, fmt.Errorf("the option %s of %s is given twice", o.Name, m.Name)
		}
		canonical, err := o.parse(strings.ToLower(value))
		if err != nil {
			return m, fmt.Errorf("an option of %s: %w", m.Name, err)
		}
		chosen[o.Name] = canonical
	}
	m.chosen = chosen
	for _, o := range m.Options {
		if value, given := chosen[o.Name]; given && value != o.Usual {
			m.Name += " " + o.Name + "=" + value
		}
	}
	return m, nil
}

// options returns the values of all of the model's options.
func (m Model) options() options {
	all := options{}
	for _, o := range m.Options {
		all[o.Name] = o.Usual
		if value, given := m.chosen[o.Name]; given {
			all[o.Name] = value
		}
	}
	return all
}
