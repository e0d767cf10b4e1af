package main

import (
	"errors"
	"io/fs"
	"os"
	"slices"

	"github.com/spf13/pflag"

	"inkling"
	"inkling/models"
	"inkling/models/digits"
	"inkling/weights/described"
)

// modelFlags say of a model's file what it leaves out. They are the same wherever a
// model is opened.
type modelFlags struct {
	model, mean, std, size, classes, padding, orientation string
	labelOffset, channels                                 int
	rename                                                []string
}

// modelFlagsHelp ends the help of a command that has them.
const modelFlagsHelp = `

What the model's file does not say is assumed, and what was assumed is said. The
options --model, --mean, --std, --size, --channels, --classes, --padding, --label-offset, --orientation
and --rename say it instead; inkling convert keeps them in a file.`

func (m *modelFlags) flags(f *pflag.FlagSet) {
	if f.Lookup("model") == nil { // which is the file, for some
		f.StringVar(&m.model, "model", "", "`NAME` of the network, one that \"inkling models\" lists, with options behind it if there are such, or a network.yaml that describes it")
	}
	f.StringVar(&m.mean, "mean", "", "`NUMBER` that the model wants subtracted from pixels of 0 to 1, or one for each channel: 0.1307 or 0.485,0.456,0.406")
	f.StringVar(&m.std, "std", "", "`NUMBER` that the model wants them divided by then, or one for each channel; with --mean 0 --std 1/255 it sees 0 to 255")
	f.StringVar(&m.size, "size", "", "`SIZE` of the pictures that the model reads: N or HEIGHTxWIDTH pixels")
	f.IntVar(&m.channels, "channels", 0, "`N` channels that the pictures have that the model reads: 1 for gray, 3 for colours")
	f.StringVar(&m.classes, "classes", "", "`FILE` with the name of a class on every line, in the order of the model's outputs, or the names with commas between")
	f.StringVar(&m.padding, "padding", "", "`N` rows and columns of zeros around what the model's first convolution reads, or one for each convolution: 2 or 2,0")
	f.IntVar(&m.labelOffset, "label-offset", 0, "the model's labels were counted from `N`: 1 if label 1 is its first class, as with EMNIST's letters")
	f.StringVar(&m.orientation, "orientation", "", "`WAY` that the model wants pictures to lie: upright or transposed")
	f.StringArrayVar(&m.rename, "rename", nil, "call tensors otherwise, `OLD=NEW`: a whole name, or how names begin, such as net.=; may be given several times")
}

// options returns what the flags say.
func (m *modelFlags) options() (o inkling.Options, err error) {
	if err := checkOrientation(m.orientation); err != nil {
		return o, err
	}
	o.Orientation, o.LabelOffset, o.Model, o.Channels = m.orientation, m.labelOffset, m.model, m.channels
	if o.Channels < 0 {
		return o, usagef("--channels is %d, want 1 or more", o.Channels)
	}
	if o.Model != "" && !described.Is(o.Model) {
		if _, err := models.FindModel(o.Model); err != nil {
			return o, usagef("--model: %w", err)
		}
	}
	if o.LabelOffset < 0 {
		return o, usagef("--label-offset is %d, want 0 or more", o.LabelOffset)
	}
	for _, f := range []struct {
		name, text string
		parse      func(text string) error
	}{
		{"mean", m.mean, func(text string) (err error) { o.Mean, err = inkling.ParseNumbers(text); return err }},
		{"std", m.std, func(text string) (err error) { o.Std, err = inkling.ParseNumbers(text); return err }},
		{"size", m.size, func(text string) (err error) { o.Height, o.Width, err = inkling.ParseSize(text); return err }},
		{"classes", m.classes, func(text string) (err error) { o.Classes, err = inkling.ParseClasses(text); return err }},
		{"padding", m.padding, func(text string) (err error) { o.Padding, err = inkling.ParsePadding(text); return err }},
	} {
		if f.text == "" {
			continue
		}
		if err := f.parse(f.text); err != nil {
			return o, usagef("--%s: %w", f.name, err)
		}
	}
	for _, text := range m.rename {
		r, err := inkling.ParseRename(text)
		if err != nil {
			return o, usagef("--rename: %w", err)
		}
		o.Rename = append(o.Rename, r)
	}
	for _, v := range o.Std {
		if !(v > 0) {
			return o, usagef("--std is %s, want numbers above 0", m.std)
		}
	}
	return o, nil
}

// open opens the model of a file with what the flags say, or a built-in one, if path is the
// name of one and no file.
func (m *modelFlags) open(path string) (*inkling.Classifier, error) {
	if namesBuiltIn(path) {
		return m.builtIn(path)
	}
	o, err := m.options()
	if err != nil {
		return nil, err
	}
	return o.Open(path)
}

// namesBuiltIn reports whether an argument stands for a built-in network: by its name, where
// no file is called that.
func namesBuiltIn(path string) bool {
	if !slices.Contains(digits.Names(), path) {
		return false
	}
	_, err := os.Lstat(path)
	return errors.Is(err, fs.ErrNotExist)
}

// isBuiltIn reports whether a name is what messages call a built-in network.
func isBuiltIn(name string) bool {
	return slices.ContainsFunc(digits.Names(), func(n string) bool { return digits.Title(n) == name })
}

// builtIn is what the flags say of a built-in network, of which all is known but
// for the way that somebody wants to show it pictures.
func (m *modelFlags) builtIn(name string) (*inkling.Classifier, error) {
	network, about, err := digits.Open(name)
	if err != nil {
		return nil, err
	}
	o, err := m.options()
	if err != nil {
		return nil, err
	}
	if o.Orientation != "" {
		about.Orientation, o.Orientation = o.Orientation, ""
	}
	if o.Any() {
		return nil, usagef("--model, --mean, --std, --size, --channels, --classes, --padding, --label-offset and --rename are for the file of a model; of %s all is known", digits.Title(name))
	}
	return &inkling.Classifier{Network: network, About: about}, nil
}
