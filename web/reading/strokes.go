package reading

import (
	"fmt"
	"strconv"

	"inkling/sketch"
)

// Strokes and PixelRows read their numbers themselves: they are most of what
// the server is sent, and reflection takes five times as long.

// Strokes is [[[x, y], [x, y, milliseconds, pressure], ...], ...].
type Strokes []sketch.Stroke

// UnmarshalJSON reads strokes. The text is known to be JSON.
func (s *Strokes) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		return nil
	}
	all := Strokes{}
	points := 0
	scan := scanner{text: text}
	err := scan.each("strokes", "strokes, each [[x, y], ...]", func(i int) error {
		if i >= sketch.MaxStrokes {
			return Problemf(TooLarge, "there are more than the %d strokes that are taken", sketch.MaxStrokes)
		}
		var stroke sketch.Stroke
		err := scan.each(fmt.Sprintf("strokes[%d]", i), "points, each [x, y], [x, y, milliseconds] or [x, y, milliseconds, pressure]", func(j int) error {
			if points++; points > sketch.MaxPoints {
				return Problemf(TooLarge, "there are more than the %d points that are taken", sketch.MaxPoints)
			}
			values, n, err := scan.point()
			if err != nil || n < 2 {
				return Problemf(Unprocessable, "strokes[%d][%d] is no point, want [x, y], [x, y, milliseconds] or [x, y, milliseconds, pressure], all numbers", i, j)
			}
			stroke = append(stroke, sketch.Point{X: values[0], Y: values[1], Time: values[2], Pressure: values[3]})
			return nil
		})
		all = append(all, stroke)
		return err
	})
	if err != nil {
		return err
	}
	*s = all
	return nil
}

// PixelRows is 28 rows of 28 numbers from 0 to 255, the ink bright.
type PixelRows []byte

// UnmarshalJSON reads rows of pixels. The text is known to be JSON.
func (p *PixelRows) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		return nil
	}
	all := make(PixelRows, 0, pixelCount)
	largest := 0.0
	wrong := Problemf(Unprocessable, "pixels must be %d rows of %d numbers from 0 to 255", sketch.Size, sketch.Size)
	scan := scanner{text: text}
	rows := 0
	err := scan.each("pixels", "rows of numbers", func(int) error {
		rows++
		columns := 0
		return scan.each("a row of pixels", "numbers", func(int) error {
			v, err := scan.number()
			columns++
			if err != nil || v < 0 || v > 255 || columns > sketch.Size || rows > sketch.Size {
				return wrong
			}
			largest = max(largest, v)
			all = append(all, byte(v+0.5))
			return nil
		})
	})
	switch {
	case err != nil:
		return err
	case len(all) != pixelCount:
		return wrong
	case largest > 0 && largest <= 1:
		return Problemf(Unprocessable, "no pixel is above 1, want 0 to 255: multiply the pixels by 255")
	}
	*p = all
	return nil
}

// A scanner reads arrays of numbers from text that is known to be JSON.
type scanner struct {
	text []byte
	at   int
}

// next skips white space and returns what comes then, 0 at the end.
func (s *scanner) next() byte {
	for ; s.at < len(s.text); s.at++ {
		if c := s.text[s.at]; c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			return c
		}
	}
	return 0
}

// each calls element for every element of an array, which must read it.
func (s *scanner) each(name, want string, element func(i int) error) error {
	if s.next() != '[' {
		return Problemf(Unprocessable, "%s is no array, want an array of %s", name, want)
	}
	s.at++
	if s.next() == ']' {
		s.at++
		return nil
	}
	for i := 0; ; i++ {
		s.next()
		if err := element(i); err != nil {
			return err
		}
		separator := s.next()
		s.at++
		if separator == ']' {
			return nil
		}
	}
}

// point reads an array of up to four numbers.
func (s *scanner) point() (values [4]float64, n int, err error) {
	err = s.each("a point", "numbers", func(i int) error {
		v, err := s.number()
		if err != nil {
			return err
		}
		if i >= len(values) {
			return strconv.ErrRange
		}
		values[i], n = v, i+1
		return nil
	})
	return values, n, err
}

// number reads a number.
func (s *scanner) number() (float64, error) {
	start := s.at
	for ; s.at < len(s.text); s.at++ {
		if c := s.text[s.at]; c == ',' || c == ']' || c == ' ' || c == '\n' || c == '\r' || c == '\t' {
			break
		}
	}
	text := s.text[start:s.at]
	if v, ok := decimal(text); ok {
		return v, nil
	}
	return strconv.ParseFloat(string(text), 64)
}

// powersOfTen are exact in a float64.
var powersOfTen = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}

// decimal reads what is digits, with a sign and a point at most, and few enough
// of them for the quotient of two exact numbers: that is rounded correctly
// (Clinger 1990, "How to read floating point numbers accurately").
func decimal(text []byte) (float64, bool) {
	negative := len(text) > 0 && text[0] == '-'
	if negative {
		text = text[1:]
	}
	if len(text) == 0 || len(text) > 15 {
		return 0, false
	}
	digits, places := 0, 0
	var mantissa uint64
	point := false
	for _, c := range text {
		switch {
		case c >= '0' && c <= '9':
			mantissa = mantissa*10 + uint64(c-'0')
			digits++
			if point {
				places++
			}
		case c == '.' && !point:
			point = true
		default:
			return 0, false
		}
	}
	if digits == 0 {
		return 0, false
	}
	v := float64(mantissa) / powersOfTen[places]
	if negative {
		v = -v
	}
	return v, true
}
