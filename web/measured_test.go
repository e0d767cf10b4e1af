package web

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"log/slog"
	"math"
	"mime/multipart"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"inkling"
	"inkling/data"
	"inkling/feedback"
	"inkling/web/reading"
)

// measuringClassifier is an untrained model that tells the number height of pictures: gray
// ones of 28x28, or coloured ones of 40x24.
func measuringClassifier(t testing.TB, draws bool) *inkling.Classifier {
	t.Helper()
	o := inkling.Options{Classes: []string{"height"}, Target: &inkling.Target{Name: "height", Scale: data.Scale{Mean: 1200, Std: 300}}, Seed: 5}
	if !draws {
		o.Channels, o.Height, o.Width = 3, 24, 40
	}
	m, err := inkling.NewClassifier("lenet", o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// barPicture is a light bar on dark ground.
func barPicture(height int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, 40, 40))
	for y := range 40 {
		for x := range 40 {
			img.Set(x, y, color.Gray{20})
			if 40-y <= height && x > 14 && x < 24 {
				img.Set(x, y, color.RGBA{230, 210, 190, 255})
			}
		}
	}
	return img
}

func pngOf(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A model that tells a number of pictures tells the same here as from Go, by every door.
func TestMeasuresPictures(t *testing.T) {
	for _, draws := range []bool{true, false} {
		m := measuringClassifier(t, draws)
		s := serverOf(t, m)
		about := decoded[reading.Description](t, ask(s, "GET", "/api/model", "", nil))
		if about.Kind != "pictures" || about.Draws != draws || about.Target != "height" {
			t.Errorf("%+v", about)
		}
		want := map[int]float64{}
		for _, height := range []int{12, 30} {
			told, err := m.Predict(barPicture(height))
			if err != nil {
				t.Fatal(err)
			}
			want[height] = told.Number
		}
		if math.Abs(want[12]-want[30]) < 0.1 {
			t.Fatalf("the network tells %v of all", want)
		}
		check := func(height int, p *prediction) {
			t.Helper()
			if p.Number == nil || math.Abs(*p.Number-want[height]) > 1e-2 || p.Label != "" || p.Index != -1 || len(p.Probabilities) > 0 || p.Sure || p.Empty || p.Tutorial != nil {
				t.Errorf("%+v, want the number %v", p, want[height])
			}
		}
		send := func(file []byte, fields ...string) prediction {
			var form bytes.Buffer
			w := multipart.NewWriter(&form)
			part, _ := w.CreateFormFile("image", "bar.png")
			part.Write(file)
			for _, field := range fields {
				w.WriteField(field, "true")
			}
			w.Close()
			return decoded[prediction](t, ask(s, "POST", "/api/predict", w.FormDataContentType(), &form))
		}
		low, high := pngOf(t, barPicture(12)), pngOf(t, barPicture(30))
		p := send(low)
		check(12, &p)
		p = send(high, "details")
		check(30, &p)
		if (p.Inside != nil) != draws || len(p.Features) == 0 {
			t.Errorf("the details are %+v", p)
		}
		batch := decoded[batchPrediction](t, askJSON(s, "/api/predict", fmt.Sprintf(`{"instances":[{"image":%s},{"image":%s}]}`,
			mustJSON(reading.DataURL(barPicture(30))), mustJSON(reading.DataURL(barPicture(12))))))
		if len(batch.Predictions) != 2 {
			t.Fatalf("%+v", batch)
		}
		check(30, batch.Predictions[0])
		check(12, batch.Predictions[1])

		path := uploadFiles(t, s, gradioPrefix, high)[0]
		called := askJSON(s, gradioPrefix+"/run/predict", `{"data":[`+asFile(path)+`]}`)
		if told := fmt.Sprintf("预测结果: %.6g", *p.Number); !strings.Contains(called.Body.String(), told) {
			t.Errorf("a client of Gradio gets %s, want %s", called.Body, told)
		}
		if info := ask(s, "GET", gradioPrefix+"/info", "", nil); !strings.Contains(info.Body.String(), "Tells the number height of a picture.") {
			t.Errorf("%s", info.Body)
		}
		if metrics := ask(s, "GET", "/metrics", "", nil); !strings.Contains(metrics.Body.String(), `{class="height"} 5`) {
			t.Error("the answers are not counted by the number's name")
		}
	}
}

// What is drawn is measured as well, and an empty drawing is told from one that is 0.
func TestMeasuresDrawings(t *testing.T) {
	s := serverOf(t, measuringClassifier(t, true))
	p := decoded[prediction](t, askJSON(s, "/api/predict", `{`+seven+`, "details": true}`))
	if p.Number == nil || p.Label != "" || p.Index != -1 || len(p.Steps) == 0 || p.Inside == nil || p.Tutorial != nil || p.Digits != nil {
		t.Errorf("%+v", p)
	}
	w := askJSON(s, "/api/predict", `{"strokes": [], "width": 280, "height": 280, "brush": 18}`)
	empty := decoded[prediction](t, w)
	if empty.Number != nil || !empty.Empty || empty.Index != -1 || !strings.Contains(w.Body.String(), `"probabilities":[]`) {
		t.Errorf("%s", w.Body)
	}
	if w := askJSON(s, "/api/feedback", `{`+seven+`, "label": "7"}`); w.Code != http.StatusNotFound {
		t.Errorf("%d: %s", w.Code, w.Body)
	}
	c, err := ConfigFor("test", measuringClassifier(t, true))
	if err != nil {
		t.Fatal(err)
	}
	if c.Feedback, err = feedback.Open(filepath.Join(t.TempDir(), "drawings.db")); err != nil {
		t.Fatal(err)
	}
	defer c.Feedback.Close()
	c.Log = slog.New(slog.DiscardHandler)
	if _, err := New(c); err == nil || !strings.Contains(err.Error(), "the network tells the number height") {
		t.Errorf("feedback is taken: %v", err)
	}
}
