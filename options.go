package inkling

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"inkling/models"
	"inkling/sound"
	"inkling/text"
	"inkling/vector"
	"inkling/weights"
	"inkling/weights/described"
)

// Options say of a model's file what it leaves out, or says wrongly. The zero value
// says nothing: what the file leaves out is assumed then, and stands in
// [Classifier.Assumed]. What an option says is believed rather than the file's own
// metadata, and [Classifier.Notes] tells where the two differ; what is a part of the
// network itself, as the padding in a .onnx, cannot be changed by an option.
type Options struct {
	// Model names the network, one of package models' zoo such as "resnet18", or the file of
	// a description, network.yaml (package described); empty if it is not said.
	Model string
	// Mean and Std are what is subtracted from the pixels, which run from 0 to 1,
	// and what they are divided by then: one number, or one for each channel.
	Mean, Std []float32
	// Channels are those of the pictures that the network reads, 1 for gray and 3 for
	// colours, Height and Width their size; 0 if they are not said.
	Channels, Height, Width int
	// Classes names the classes in the order of the network's outputs.
	Classes []string
	// Padding is that of each convolution, in their order; nil if it is not said.
	Padding []int
	// LabelOffset is the number of outputs before the one that stands for a data
	// set's first class: 1 for networks whose labels were counted from 1, as those
	// of EMNIST's letters are.
	LabelOffset int
	// Orientation is weights.Upright or weights.Transposed, how the pictures lay
	// that the network was trained on; empty if it is not said.
	Orientation string
	// Seed is the number that the first weights of a new network are drawn from; the
	// same gives the same. A file has its weights.
	Seed uint64
	// Rename says what tensors are to be called, see [Rename].
	Rename []Rename
	// Text, Sound or Vector says how texts, recordings or rows of numbers become what the
	// network reads, of a new network that reads such, and Target which number it tells, if
	// it tells no classes; a file says it itself.
	Text   *text.Input
	Sound  *sound.Input
	Vector *vector.Input
	Target *Target
}

// Any reports whether anything is said.
func (o *Options) Any() bool {
	return len(o.Model)+len(o.Mean)+len(o.Std)+o.Channels+o.Height+len(o.Classes)+o.LabelOffset+len(o.Orientation)+len(o.Rename) > 0 || o.Padding != nil
}

// check finds what makes no sense whatever the file is.
func (o *Options) check() error {
	if len(o.Mean) != len(o.Std) && len(o.Mean) > 1 && len(o.Std) > 1 {
		return fmt.Errorf("there are %d means and %d standard deviations, want as many of each", len(o.Mean), len(o.Std))
	}
	for _, v := range o.Mean {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return fmt.Errorf("the mean is %v, want a number", v)
		}
	}
	for _, v := range o.Std {
		if !(v > 0) || math.IsInf(float64(v), 0) {
			return fmt.Errorf("the standard deviation is %v, want a number above 0", v)
		}
	}
	if o.Model != "" && !described.Is(o.Model) {
		if _, err := models.FindModel(o.Model); err != nil {
			return err
		}
	}
	if min(o.Channels, o.Height, o.Width) < 0 || (o.Height == 0) != (o.Width == 0) {
		return fmt.Errorf("pictures of %d channels and %dx%d pixels were asked for; want numbers above 0, or 0 for what is not said", o.Channels, o.Height, o.Width)
	}
	if o.LabelOffset < 0 {
		return fmt.Errorf("the label offset is %d, want 0 or more", o.LabelOffset)
	}
	if v := o.Orientation; v != "" && v != weights.Upright && v != weights.Transposed {
		return fmt.Errorf("the orientation is %q, want %s or %s", v, weights.Upright, weights.Transposed)
	}
	return nil
}

// ParseNumbers reads a list of numbers with commas between them. A number may be a
// fraction, such as 1/255.
func ParseNumbers(text string) ([]float32, error) {
	const most = 64
	var list []float32
	for part := range strings.SplitSeq(text, ",") {
		above, below, isFraction := strings.Cut(strings.TrimSpace(part), "/")
		v, err := strconv.ParseFloat(strings.TrimSpace(above), 64)
		if isFraction && err == nil {
			var by float64
			by, err = strconv.ParseFloat(strings.TrimSpace(below), 64)
			v /= by
		}
		if err != nil || math.IsNaN(v) || math.IsInf(float64(float32(v)), 0) {
			return nil, fmt.Errorf("%q is no number, want one such as 0.5 or 1/255, or one for each channel with commas between them", part)
		}
		if list = append(list, float32(v)); len(list) > most {
			return nil, fmt.Errorf("there are more than %d numbers, want one for each channel", most)
		}
	}
	return list, nil
}

// mostClassBytes is how large a list of classes may be.
const mostClassBytes = 1 << 20

// ParseClasses returns the names of classes: the lines of the file that text names,
// or, if there is no such file, text itself, which then has commas between them.
func ParseClasses(text string) ([]string, error) {
	f, err := os.Open(text)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) && strings.Contains(text, ",") {
			return checkClasses(strings.Split(text, ","))
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("there is no file %q, want one with the name of a class on every line, or the names with commas between them", text)
		}
		return nil, fmt.Errorf("the file %q with the names of classes cannot be opened; check its permissions: %w", text, err)
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, mostClassBytes+1))
	if err != nil {
		return nil, fmt.Errorf("%s, a file with the names of classes, cannot be read: %w", text, err)
	}
	if len(content) > mostClassBytes {
		return nil, fmt.Errorf("%s has more than %d kB, want a text with the name of a class on every line", text, mostClassBytes>>10)
	}
	var names []string
	lines := bufio.NewScanner(bytes.NewReader(bytes.TrimPrefix(content, []byte("\ufeff"))))
	lines.Buffer(nil, mostClassBytes+1)
	for lines.Scan() {
		names = append(names, lines.Text())
	}
	for len(names) > 0 && strings.TrimSpace(names[len(names)-1]) == "" {
		names = names[:len(names)-1]
	}
	if names, err = checkClasses(names); err != nil {
		return nil, fmt.Errorf("%s: %w", text, err)
	}
	return names, nil
}

func checkClasses(names []string) ([]string, error) {
	seen := map[string]int{}
	for i, name := range names {
		name = strings.TrimSpace(name)
		names[i] = name
		if name == "" {
			return nil, fmt.Errorf("class %d has no name", i)
		}
		if before, twice := seen[name]; twice {
			return nil, fmt.Errorf("the classes %d and %d have the same name, %q", before, i, name)
		}
		seen[name] = i
	}
	if len(names) == 0 {
		return nil, errors.New("there are no names of classes")
	}
	return names, nil
}

// ParsePadding reads the padding of a network's convolutions: a number for the
// first one, or one for each with commas between them.
func ParsePadding(text string) ([]int, error) {
	const most = 64
	var list []int
	for part := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil || n < 0 || n > most || len(list) == most {
			return nil, fmt.Errorf("%q is no padding, want a number of pixels for the first convolution, such as 2, or one for each with commas between them", text)
		}
		list = append(list, n)
	}
	return list, nil
}

// ParseSize reads a height and a width of 1 to 4096 pixels: 28, or 24x32.
func ParseSize(text string) (height, width int, err error) {
	const most = 4096
	first, second, both := strings.Cut(text, "x")
	height, err1 := strconv.Atoi(first)
	width, err2 := height, error(nil)
	if both {
		width, err2 = strconv.Atoi(second)
	}
	if err1 != nil || err2 != nil || height < 1 || width < 1 || height > most || width > most {
		return 0, 0, fmt.Errorf("%q is no size, want a number of pixels such as 32, or HEIGHTxWIDTH such as 24x32, of 1 to %d", text, most)
	}
	return height, width, nil
}

// What metadata calls options that it has no field for.
const (
	paddingKey     = "padding"
	labelOffsetKey = "label_offset"
)

// apply makes the options a part of the metadata, and returns where the metadata
// said something else.
func (o *Options) apply(about *weights.Metadata) (notes []string) {
	differs := func(what string, was, is any) {
		notes = append(notes, fmt.Sprintf("its file says %s %v, but %v was asked for and taken", what, was, is))
	}
	set := func(key, value string) {
		if was := about.Extra[key]; was != "" && was != value {
			differs("the "+strings.ReplaceAll(key, "_", " "), was, value)
		}
		if about.Extra == nil {
			about.Extra = map[string]string{}
		}
		about.Extra[key] = value
	}
	for _, f := range []struct {
		what    string
		said    []float32
		numbers *[]float32
	}{{"mean", o.Mean, &about.Mean}, {"standard deviation", o.Std, &about.Std}} {
		if len(f.said) == 0 {
			continue
		}
		if was := *f.numbers; len(was) > 0 && !slices.Equal(was, f.said) {
			differs("the "+f.what, numbersText(was), numbersText(f.said))
		}
		*f.numbers = f.said
	}
	if o.Model != "" {
		m, err := models.FindModel(o.Model)
		if err != nil {
			return nil // check has refused it
		}
		if was := about.Architecture; was != "" && !strings.EqualFold(was, m.Name) {
			differs("that the network is", was, m.Name)
		}
		about.Architecture = m.Name
	}
	if o.Channels > 0 && about.Input != nil && about.Input[0] != o.Channels {
		differs("the number of channels", about.Input[0], o.Channels)
		about.Input = []int{o.Channels, about.Input[1], about.Input[2]}
	}
	if o.Height > 0 && about.Input != nil {
		if was := about.Input; was[1] != o.Height || was[2] != o.Width {
			differs("the size", fmt.Sprintf("%dx%d", was[1], was[2]), fmt.Sprintf("%dx%d", o.Height, o.Width))
		}
		about.Input = []int{about.Input[0], o.Height, o.Width}
	}
	if len(o.Classes) > 0 {
		if was := about.Classes; len(was) > 0 && !slices.Equal(was, o.Classes) {
			notes = append(notes, "its file names other classes; those that were asked for were taken")
		}
		about.Classes = o.Classes
	}
	if o.Padding != nil {
		set(paddingKey, paddingText(o.Padding))
	}
	if o.LabelOffset > 0 {
		set(labelOffsetKey, strconv.Itoa(o.LabelOffset))
	}
	if o.Orientation != "" {
		if was := about.Orientation; was != "" && was != o.Orientation {
			differs("that pictures lie", was, o.Orientation)
		}
		about.Orientation = o.Orientation
	}
	return notes
}

func numbersText(list []float32) string { return strings.Trim(fmt.Sprint(list), "[]") }

func paddingText(list []int) string {
	return strings.ReplaceAll(strings.Trim(fmt.Sprint(list), "[]"), " ", ",")
}
