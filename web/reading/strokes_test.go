package reading

import (
	"encoding/json"
	"math"
	"strconv"
	"testing"

	"inkling/sketch"
)

func TestDecimal(t *testing.T) {
	for _, text := range []string{
		"0", "-0", "7", "10.5", "-3.25", "0.1", "123456789012345", "0.00000000000001", "-99999.999999", "140.7",
		"1e5", "1E-7", "1234567890123456", "0.1234567890123456", "-1.7976931348623157e308", "5e-324",
	} {
		scan := scanner{text: []byte(text + ",")}
		got, err := scan.number()
		want, _ := strconv.ParseFloat(text, 64)
		if err != nil || math.Float64bits(got) != math.Float64bits(want) {
			t.Errorf("%s is read as %v, want %v (%v)", text, got, want, err)
		}
	}
}

// FuzzStrokes holds the reader of numbers to encoding/json's.
func FuzzStrokes(f *testing.F) {
	for _, seed := range []string{
		`[]`, `[[]]`, ` [ [ [ 1 , 2.5 ] , [-3e2,4,5,6] ] ] `, `[[[1,2],[3]]]`, `null`, `[[["a]",2]]]`, `[[[0.1,123456789012345678]]]`, `[[{"a":[1,2]}]]`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var got Strokes
		err := json.Unmarshal([]byte(text), &got)
		var plain [][][]*float64
		if json.Unmarshal([]byte(text), &plain) != nil {
			if err == nil {
				t.Fatalf("%q was read as %v", text, got)
			}
			return
		}
		points, good := 0, len(plain) <= sketch.MaxStrokes
		for _, stroke := range plain {
			good = good && stroke != nil
			for _, point := range stroke {
				points++
				good = good && len(point) >= 2 && len(point) <= 4
				for _, v := range point {
					good = good && v != nil
				}
			}
		}
		if good = good && points <= sketch.MaxPoints; good != (err == nil) {
			t.Fatalf("%q: good %v, but %v", text, good, err)
		}
		if !good {
			return
		}
		for i, stroke := range plain {
			for j, point := range stroke {
				p := got[i][j]
				for k, v := range point {
					if [4]float64{p.X, p.Y, p.Time, p.Pressure}[k] != *v {
						t.Fatalf("%q: point %d of stroke %d is %v", text, j, i, p)
					}
				}
			}
		}
	})
}
