package web

import (
	"image"
	"image/draw"
	"net/http"
	"strings"
	"testing"

	"inkling/models/digits"
	"inkling/web/reading"
)

// Two ones, and a dot that is none.
const eleven = `"strokes": [[[50, 20], [50, 60], [50, 120]], [[120, 20], [120, 60], [120, 120]], [[150, 119]]]`

func TestPredictNumber(t *testing.T) {
	s := newTestServer(t, nil)
	p := decoded[prediction](t, askJSON(s, "/api/predict", "{"+eleven+`, "details": true}`))
	if len(p.Digits) != 2 || p.Index != -1 || p.LeftOut != 1 || p.Label != p.Digits[0].Label+p.Digits[1].Label || len(p.Probabilities) != 10 {
		t.Fatalf("%+v, want two digits and a piece left out", p)
	}
	if b := p.Digits[1].Box; len(b) != 4 || b[0] != 120 || b[1] != 20 || b[3] != 120 || p.Digits[1].Line != 0 {
		t.Errorf("the second digit is %+v, want it at 120,20 to 120,120", p.Digits[1])
	}
	if single := askJSON(s, "/api/predict", "{"+seven+"}"); strings.Contains(single.Body.String(), `"digits"`) {
		t.Errorf("one digit has digits: %s", single.Body)
	}
	// Several drawings in a request may be numbers, too.
	batch := decoded[batchPrediction](t, askJSON(s, "/api/predict", `{"instances": [{`+eleven+`}, {`+seven+`}]}`))
	if len(batch.Predictions[0].Digits) != 2 || batch.Predictions[1].Label != "7" {
		t.Errorf("%+v", batch)
	}
}

// barsPicture is some upright bars in black on white.
func barsPicture(at ...int) *image.Gray {
	img := image.NewGray(image.Rect(0, 0, 300, 200))
	draw.Draw(img, img.Rect, image.White, image.Point{}, draw.Src)
	for _, x := range at {
		draw.Draw(img, image.Rect(x, 40, x+10, 160), image.Black, image.Point{}, draw.Src)
	}
	return img
}

func TestPredictNumberOnPicture(t *testing.T) {
	p := decoded[prediction](t, askJSON(newTestServer(t, nil), "/api/predict", mustJSON(map[string]string{"image": reading.DataURL(barsPicture(60, 150, 240))})))
	if len(p.Digits) != 3 || p.Digits[2].Box[0] < 230 {
		t.Errorf("%+v, want three digits", p)
	}
}

// What is no digit is not sure.
func TestPredictNone(t *testing.T) {
	s := newTestServer(t, func(c *Config) {
		judge, err := digits.Judge()
		if err != nil {
			t.Fatal(err)
		}
		c.Judge = judge
	})
	scribble := `{"strokes": [[[10,10],[200,40],[12,60],[190,85],[15,110],[205,130],[8,160],[190,180],[20,200],[210,220]]]}`
	p := decoded[prediction](t, askJSON(s, "/api/predict", scribble))
	if p.None < reading.NoneFrom || p.Sure || p.Label == "" {
		t.Errorf("%+v, want one that is probably none", p)
	}
	if p = decoded[prediction](t, askJSON(s, "/api/predict", "{"+seven+"}")); p.None >= reading.NoneFrom || !p.Sure {
		t.Errorf("a seven: %+v", p)
	}
	if w := askJSON(s, "/api/predict", `{"strokes": [[[1, "x"]]]}`); w.Code < http.StatusBadRequest {
		t.Errorf("status %d", w.Code)
	}
}
