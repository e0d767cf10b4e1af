package data

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// A LabelKind says what labels are.
type LabelKind string

// The kinds of labels.
const (
	LooksLike    LabelKind = ""        // what they look like
	ClassLabels  LabelKind = "classes" // names of classes
	NumberLabels LabelKind = "numbers" // numbers that measure something
)

// ParseNumber reads a finite number with a decimal point.
func ParseNumber(field string) (float64, error) {
	v, err := strconv.ParseFloat(strings.TrimSpace(field), 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) || len(field) > 64 {
		return 0, fmt.Errorf("%.40q is no number", field)
	}
	return v, nil
}

// Fraction returns the first in the alphabet of labels that are numbers, all of them, with a
// fraction, as scikit-learn's type_of_target tells labels that measure something; "" if there
// is none, or if one is no number.
func Fraction(labels []string) string {
	first := ""
	for _, label := range labels {
		v, err := ParseNumber(label)
		if err != nil {
			return ""
		}
		if v != math.Trunc(v) && (first == "" || label < first) {
			first = label
		}
	}
	return first
}

// Numbered is a [Dataset] whose labels are numbers that measure something, such as a price,
// in place of classes. It has one class, which names what they measure, and every example
// has the label 0.
type Numbered interface {
	Dataset

	// Number returns what example i measures, 0 <= i < Len(), in its own unit.
	Number(i int) float64

	// Scale says what a network learns in its place.
	Scale() Scale
}

// A Scale says how a network tells a number: less Mean, divided by Std, as what it is to
// learn should be about 0 and about as large as 1. A network's output times Std, plus Mean,
// is the number.
type Scale struct {
	Mean float64 `json:"mean"`
	Std  float64 `json:"std"` // above 0
}

// ScaleOf is the mean and the standard deviation of numbers; where these are all the same,
// a deviation of 1.
func ScaleOf(numbers []float64) Scale {
	s := Scale{Std: 1}
	if len(numbers) == 0 {
		return s
	}
	n := float64(len(numbers))
	for _, v := range numbers {
		s.Mean += v / n
	}
	squares := 0.0
	for _, v := range numbers {
		squares += (v - s.Mean) * (v - s.Mean) / n
	}
	if squares > 0 {
		s.Std = math.Sqrt(squares)
	}
	return s
}

// Of returns what a network answers for a number.
func (s Scale) Of(number float64) float32 { return float32((number - s.Mean) / s.Std) }

// Number returns the number that a network's answer stands for.
func (s Scale) Number(answer float32) float64 { return float64(answer)*s.Std + s.Mean }

// Numbers returns the numbers that the examples of d measure, and their scale; nil if neither d
// nor what it is a part or a [View] of is [Numbered].
func Numbers(d Dataset) (number func(i int) float64, scale Scale) {
	if d.Len() == 0 {
		return nil, Scale{}
	}
	isNumbered := func(d Dataset) bool { _, is := d.(Numbered); return is }
	origin, _ := originUntil(d, 0, isNumbered)
	numbered, ok := origin.(Numbered)
	if !ok {
		return nil, Scale{}
	}
	return func(i int) float64 {
		_, at := originUntil(d, i, isNumbered)
		return numbered.Number(at)
	}, numbered.Scale()
}

// ClassNumbers returns the number that the class of every example of d is called. It fails if a
// class is no number, or a label cannot be read.
func ClassNumbers(d Dataset) ([]float64, error) {
	classes := make([]float64, len(d.Classes()))
	for i, class := range d.Classes() {
		var err error
		if classes[i], err = ParseNumber(class); err != nil {
			return nil, fmt.Errorf("the label %w, and labels that are numbers are wanted", err)
		}
	}
	labels, err := Labels(d)
	if err != nil {
		return nil, err
	}
	numbers := make([]float64, len(labels))
	for i, label := range labels {
		numbers[i] = classes[label]
	}
	return numbers, nil
}

// Measured shows a data set with other labels: numbers that measure something. It is
// [Numbered].
type Measured struct {
	viewed  Dataset
	name    string
	numbers []float64
	scale   Scale
}

// NewMeasured shows d so: numbers has what each example measures, and name is what all of them
// do. The Scale is that of these numbers. It panics if there is not a number for each example.
func NewMeasured(d Dataset, name string, numbers []float64) *Measured {
	if len(numbers) != d.Len() {
		panic(fmt.Sprintf("data: there are %d numbers for %d examples", len(numbers), d.Len()))
	}
	return &Measured{d, name, numbers, ScaleOf(numbers)}
}

// WithScale returns m with another Scale, such as that of the examples to train on.
func (m *Measured) WithScale(s Scale) *Measured {
	scaled := *m
	scaled.scale = s
	return &scaled
}

// Viewed is the data set with its own labels.
func (m *Measured) Viewed() Dataset { return m.viewed }

// Len is the number of examples.
func (m *Measured) Len() int { return m.viewed.Len() }

// Shape is the shape of every example.
func (m *Measured) Shape() (channels, height, width int) { return m.viewed.Shape() }

// Classes are one: what is measured.
func (m *Measured) Classes() []string { return []string{m.name} }

// Example returns example i, whose label is 0.
func (m *Measured) Example(i int) (pixels []byte, label int, err error) {
	pixels, _, err = m.viewed.Example(i)
	return pixels, 0, err
}

// Label is 0.
func (m *Measured) Label(int) int { return 0 }

// Number is what example i measures.
func (m *Measured) Number(i int) float64 { return m.numbers[i] }

// Scale says how a network tells it.
func (m *Measured) Scale() Scale { return m.scale }
