package data

import "math"

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

// Numbers returns the numbers that the examples of d measure, and their scale; nil if d, or
// what it is a part of, is not [Numbered].
func Numbers(d Dataset) (number func(i int) float64, scale Scale) {
	if d.Len() == 0 {
		return nil, Scale{}
	}
	origin, _ := Origin(d, 0)
	numbered, ok := origin.(Numbered)
	if !ok {
		return nil, Scale{}
	}
	return func(i int) float64 {
		_, at := Origin(d, i)
		return numbered.Number(at)
	}, numbered.Scale()
}
