// Package pixels reads pictures that stand as numbers in a table or in arrays: the
// CSV files of Kaggle and others, with a label and the samples of a picture in
// every line, and the arrays of NumPy, as Keras' mnist.npz has them. How they are
// laid out and what range the samples have is found out; whatever had to be
// guessed is said in the Notes.
package pixels

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"inkling/data"
	"inkling/data/parts"
	"inkling/data/table"
	"inkling/internal/wording"
	"inkling/transform"
)

// Samples are pictures of one shape.
type Samples struct {
	Channels, Height, Width int
	Pixels                  []byte // as data.Memory has them

	// Names are the classes that occur, in the order of the numbers if all are
	// numbers, else of the alphabet. Labels has the number of each picture's
	// class in it; it is nil if the pictures have no labels.
	Names  []string
	Labels []int

	// Parts has the part of each picture if the table says it, else it is nil.
	Parts []parts.Part

	// Notes are sentences about what was found out and guessed.
	Notes []string

	scale scale
}

// Options say what is made of the pictures. The zero value takes them as they are.
type Options struct {
	Channels      int // 1 or 3, 0 for what they have
	Height, Width int // what they are resized to, 0 for what they have

	// Like are pictures that these belong to, whose range of samples is that of
	// these, too. It may be nil.
	Like *Samples
}

// mostSamples is how many samples are taken at most.
const mostSamples = 1 << 30

// Len is the number of pictures.
func (s *Samples) Len() int { return len(s.Pixels) / (s.Channels * s.Height * s.Width) }

// Dataset returns the pictures as a data set of the given classes, or of those
// that occur if classes is nil. It is an error if another class occurs, or if the
// pictures have no labels.
func (s *Samples) Dataset(classes []string) (*data.Memory, error) {
	if s.Labels == nil {
		return nil, ErrNoLabels
	}
	if classes == nil {
		classes = s.Names
	}
	const most = 256
	if len(classes) > most {
		return nil, fmt.Errorf("its labels have %d different values, and %d classes are read at most: is the column of the labels another one?%s", len(classes), most, wording.Measured(classes))
	}
	numbers := make([]byte, len(s.Names))
	for i, name := range s.Names {
		label := slices.Index(classes, name)
		if label < 0 {
			return nil, fmt.Errorf("there is a label %.40q, which is none of the %s to train on (%s)", name, wording.Number(len(classes), "class"), shortList(classes))
		}
		numbers[i] = byte(label)
	}
	labels := make([]byte, len(s.Labels))
	for i, label := range s.Labels {
		labels[i] = numbers[label]
	}
	return data.NewMemory(s.Pixels, labels, classes, s.Channels, s.Height, s.Width)
}

// Measured returns the pictures as a data set whose labels are numbers that measure something.
// It is an error if a label is no number, or if the pictures have none.
func (s *Samples) Measured(name string) (*data.Measured, error) {
	if s.Labels == nil {
		return nil, ErrNoLabels
	}
	d, err := data.NewMemory(s.Pixels, make([]byte, len(s.Labels)), []string{name}, s.Channels, s.Height, s.Width)
	if err != nil {
		return nil, err
	}
	numbers := make([]float64, len(s.Labels))
	for i, label := range s.Labels {
		if numbers[i], err = data.ParseNumber(s.Names[label]); err != nil {
			return nil, fmt.Errorf("the label %w, and labels that are numbers are wanted", err)
		}
	}
	return data.NewMeasured(d, name, numbers), nil
}

// ErrNoLabels is the error for pictures without labels.
var ErrNoLabels = errors.New("its pictures have no labels, so that nothing can be learnt from them or tested with them: such a file is for predictions; give one with a label in every line")

func shortList(names []string) string {
	const most = 12
	if len(names) > most {
		return strings.Join(names[:most], ", ") + ", ..."
	}
	return strings.Join(names, ", ")
}

func (s *Samples) note(format string, values ...any) {
	s.Notes = append(s.Notes, fmt.Sprintf(format, values...))
}

// layout is how the samples of a picture lie in a file.
type layout struct {
	channels, height, width int
	last                    bool // the channel runs fastest
}

// square returns the layout of pictures of n samples in a row.
func square(n int) (layout, bool) {
	side := int(math.Round(math.Sqrt(float64(n))))
	if n > 0 && side*side == n {
		return layout{1, side, side, false}, true
	}
	if side = int(math.Round(math.Sqrt(float64(n) / 3))); n > 0 && 3*side*side == n {
		// As NumPy's flatten makes them of Pillow's pictures.
		return layout{3, side, side, true}, true
	}
	return layout{}, false
}

func (l layout) size() int { return l.channels * l.height * l.width }

// places returns where each sample of a picture goes, nil if it stays.
func (l layout) places() []int {
	if !l.last || l.channels == 1 {
		return nil
	}
	places := make([]int, l.size())
	plane := l.height * l.width
	for i := range places {
		places[i] = i%l.channels*plane + i/l.channels
	}
	return places
}

// valueRange is what values samples have.
type valueRange struct {
	least, most float64
	fractions   bool
	nan         bool
}

func newRange() valueRange { return valueRange{least: math.Inf(1), most: math.Inf(-1)} }

func (r *valueRange) add(v float64) {
	if v != v {
		r.nan = true
	}
	r.least, r.most = min(r.least, v), max(r.most, v)
	if v != math.Trunc(v) {
		r.fractions = true
	}
}

func (r *valueRange) join(other valueRange) {
	r.least, r.most = min(r.least, other.least), max(r.most, other.most)
	r.fractions, r.nan = r.fractions || other.fractions, r.nan || other.nan
}

// scale makes of a sample's value one from 0 to 255.
type scale struct {
	from, by float64
	note     string
}

// scale finds out what the samples of a range mean.
func (r valueRange) scale() (scale, error) {
	switch {
	case r.nan || math.IsInf(r.least, 0) || math.IsInf(r.most, 0):
		return scale{}, errors.New("some of its samples are no finite numbers")
	case r.least >= 0 && r.most <= 1 && (r.fractions || r.most == 1):
		return scale{0, 255, "The samples, from 0 to 1, are taken as 0 to 255."}, nil
	case r.least < 0 && r.least >= -1 && r.most <= 1:
		return scale{-1, 127.5, "The samples, from -1 to 1, are taken as 0 to 255."}, nil
	case r.least >= 0 && r.most <= 255 && r.fractions:
		return scale{0, 1, "The samples have fractions and are rounded."}, nil
	case r.least >= 0 && r.most <= 255:
		return scale{0, 1, ""}, nil
	case r.least >= 0 && r.most > 4095 && r.most <= 65535 && !r.fractions:
		return scale{0, 1 / 257., "The samples, of 16 bits, are taken as 0 to 255."}, nil
	}
	return scale{}, fmt.Errorf("its samples go from %v to %v, want 0 to 255, 0 to 1 or -1 to 1", r.least, r.most)
}

func (s scale) sample(v float64) byte {
	return byte(min(max(math.Round((v-s.from)*s.by), 0), 255))
}

// chooseScale is the scale of what the pictures belong to, or else of their own.
func (o Options) chooseScale(r valueRange) (scale, error) {
	if o.Like == nil {
		return r.scale()
	}
	s := o.Like.scale
	if least, most := (r.least-s.from)*s.by, (r.most-s.from)*s.by; r.nan || least < -0.5 || most > 255.5 {
		return scale{}, fmt.Errorf("its samples go from %v to %v, and those of the pictures to train on have another range", r.least, r.most)
	}
	s.note = ""
	return s, nil
}

// fit makes the pictures what the options want.
func (s *Samples) fit(o Options) error {
	channels, height, width := s.Channels, s.Height, s.Width
	if o.Channels != 0 {
		channels = o.Channels
	}
	if o.Height != 0 {
		height, width = o.Height, o.Width
	}
	var steps []transform.Transform
	if channels != s.Channels {
		steps = append(steps, transform.Grayscale{Channels: channels})
	}
	if height != s.Height || width != s.Width {
		steps = append(steps, transform.Resize{Height: height, Width: width})
	}
	if len(steps) == 0 {
		return nil
	}
	n, size := s.Len(), channels*height*width
	if n > mostSamples/size {
		return fmt.Errorf("%s of %dx%dx%d (channels, height, width) are more than the %s that are taken", wording.Number(n, "picture"), channels, height, width, wording.Number(mostSamples, "sample"))
	}
	fitted := make([]byte, n*size)
	from := s.Channels * s.Height * s.Width
	for i := range n {
		p := &transform.Picture{Format: transform.Format{Channels: s.Channels, Height: s.Height, Width: s.Width}, Bytes: s.Pixels[i*from : (i+1)*from]}
		for _, step := range steps {
			format, err := step.Format(p.Format)
			if err != nil {
				return err
			}
			next := transform.NewPicture(format)
			step.Apply(next, p)
			p = next
		}
		copy(fitted[i*size:], p.Bytes)
	}
	s.Channels, s.Height, s.Width, s.Pixels = channels, height, width, fitted
	return nil
}

// setLabels makes names of what stands in the file: 3, 3.0 and 3.000e+00 are the
// same class, and so are cat and " cat".
func (s *Samples) setLabels(values []string) {
	numbers := map[string]int{}
	canonical := map[string]string{}
	for _, v := range values {
		if _, known := canonical[v]; !known {
			canonical[v] = labelName(v)
			numbers[labelName(v)] = 0
		}
	}
	for name := range numbers {
		s.Names = append(s.Names, name)
	}
	table.SortNames(s.Names)
	for i, name := range s.Names {
		numbers[name] = i
	}
	s.Labels = make([]int, len(values))
	for i, v := range values {
		s.Labels[i] = numbers[canonical[v]]
	}
}

func labelName(v string) string {
	v = strings.TrimSpace(v)
	if n, err := strconv.ParseFloat(v, 64); err == nil && n == math.Trunc(n) && math.Abs(n) < 1e15 && !strings.HasPrefix(v, "0x") {
		return strconv.FormatFloat(n, 'f', -1, 64)
	}
	return strings.Clone(v)
}
