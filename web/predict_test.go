package web

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"inkling/sketch"
	"inkling/transform"
	"inkling/web/reading"
	"inkling/weights"
)

// digitPicture is a seven in black ink on white paper.
func digitPicture() *image.Gray {
	img := image.NewGray(image.Rect(0, 0, 120, 120))
	draw.Draw(img, img.Rect, image.White, image.Point{}, draw.Src)
	for i := range 60 {
		draw.Draw(img, image.Rect(30+i, 25, 38+i, 33), image.Black, image.Point{}, draw.Src)
		draw.Draw(img, image.Rect(90-i*2/3, 25+i*7/6, 98-i*2/3, 33+i*7/6), image.Black, image.Point{}, draw.Src)
	}
	return img
}

// drawnBlank is white paper.
func drawnBlank() *image.Gray {
	img := image.NewGray(image.Rect(0, 0, 50, 50))
	draw.Draw(img, img.Rect, image.White, image.Point{}, draw.Src)
	return img
}

// sevenPixels is what the network is shown of the drawing seven.
func sevenPixels(t testing.TB) string {
	t.Helper()
	var d drawing
	if err := json.Unmarshal([]byte("{"+seven+"}"), &d); err != nil {
		t.Fatal(err)
	}
	result, err := sketch.FromStrokes(sketch.Drawing{Strokes: d.Strokes, Width: d.Width, Height: d.Height}, sketch.EMNIST)
	if err != nil {
		t.Fatal(err)
	}
	rows := make([][]int, sketch.Size)
	for i, v := range result.Pixels {
		rows[i/sketch.Size] = append(rows[i/sketch.Size], int(v))
	}
	return mustJSON(rows)
}

// fromPNG decodes a data URL.
func fromPNG(t testing.TB, url string) image.Image {
	t.Helper()
	text, found := strings.CutPrefix(url, "data:image/png;base64,")
	file, err := base64.StdEncoding.DecodeString(text)
	if !found || err != nil {
		t.Fatalf("%.50q is no data URL of a PNG: %v", url, err)
	}
	img, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func checkSeven(t *testing.T, p prediction) {
	t.Helper()
	var sum float64
	for _, v := range p.Probabilities {
		sum += float64(v)
	}
	if p.Label != "7" || p.Index != 7 || !p.Sure || p.Empty || len(p.Probabilities) != 10 || math.Abs(sum-1) > 1e-5 || p.Milliseconds < 0 {
		t.Errorf("got %s", mustJSON(p))
	}
	if b := fromPNG(t, p.Processed).Bounds(); b.Dx() != 28 || b.Dy() != 28 {
		t.Errorf("the processed picture is %v", b)
	}
}

func TestPredicts(t *testing.T) {
	s := newTestServer(t, nil)
	picture := reading.DataURL(digitPicture())
	for name, body := range map[string]string{
		"strokes":             "{" + seven + "}",
		"strokes, no pad":     `{"strokes": [[[70, 60], [210, 60], [130, 230]]]}`,
		"strokes, far away":   `{"strokes": [[[-7e5, 6e5], [7e5, 6e5], [-1e5,2.3e6]]]}`,
		"prepared as MNIST":   `{"preprocess": "mnist", ` + seven + "}",
		"prepared by default": `{"preprocess": "auto", ` + seven + "}",
		"pixels":              `{"pixels": ` + sevenPixels(t) + "}",
		"picture":             `{"image": "` + picture + `"}`,
		"other media type":    `{"image": "` + strings.Replace(picture, "image/png", "text/html", 1) + `"}`,
		"only base64":         `{"image": "` + strings.TrimPrefix(picture, "data:image/png;base64,") + `"}`,
		"padding cut":         `{"image": "` + strings.TrimRight(picture, "=") + `"}`,
		"alphabet for URLs":   `{"image": "data:image/png;base64,` + strings.NewReplacer("+", "-", "/", "_").Replace(strings.TrimPrefix(picture, "data:image/png;base64,")) + `"}`,
		"plus became space":   `{"image": "` + strings.ReplaceAll(picture, "+", " ") + `"}`,
		"null beside":         `{"image": null, "pixels": null, ` + seven + "}",
	} {
		t.Run(name, func(t *testing.T) { checkSeven(t, decoded[prediction](t, askJSON(s, "/api/predict", body))) })
	}
}

func TestPredictsForm(t *testing.T) {
	s := newTestServer(t, nil)
	post := func(fields map[string]string) (int, []byte) {
		var b bytes.Buffer
		form := multipart.NewWriter(&b)
		for name, value := range fields {
			part, err := form.CreateFormFile(name, "x.png")
			if err != nil {
				t.Fatal(err)
			}
			part.Write([]byte(value))
		}
		form.Close()
		w := ask(s, "POST", "/api/predict", form.FormDataContentType(), &b)
		return w.Code, w.Body.Bytes()
	}
	picture := string(reading.ToPNG(digitPicture()))
	code, body := post(map[string]string{"image": picture, "details": "true", "preprocess": "mnist"})
	var p prediction
	if err := json.Unmarshal(body, &p); err != nil || code != http.StatusOK || p.Label != "7" || p.Steps == nil {
		t.Errorf("status %d: %.300s", code, body)
	}
	for name, fields := range map[string]map[string]string{
		"no field image": {"picture": picture}, "0 bytes": {"image": ""}, "want true or false": {"image": picture, "details": "much"},
	} {
		if code, body := post(fields); code != http.StatusUnprocessableEntity || !bytes.Contains(body, []byte(name)) {
			t.Errorf("status %d, want 422 and %q: %s", code, name, body)
		}
	}
	for _, body := range []string{"", "--x", "--x\r\n\r\n", "--x\r\nContent-Disposition: form-data; name=\"image\"\r\n\r\nabc"} {
		if w := ask(s, "POST", "/api/predict", "multipart/form-data; boundary=x", strings.NewReader(body)); w.Code != http.StatusBadRequest && w.Code != http.StatusUnprocessableEntity {
			t.Errorf("%q: status %d", body, w.Code)
		}
	}
}

func TestPredictsInstances(t *testing.T) {
	s := newTestServer(t, nil)
	one := "{" + seven + "}"
	body := `{"instances": [` + strings.Repeat(one+",", 99) + `{"strokes": []}, {"pixels": ` + sevenPixels(t) + `}]}`
	batch := decoded[batchPrediction](t, askJSON(s, "/api/predict", body))
	if len(batch.Predictions) != 101 || !batch.Predictions[99].Empty {
		t.Fatalf("%d predictions", len(batch.Predictions))
	}
	alone := decoded[prediction](t, askJSON(s, "/api/predict", one))
	for i, p := range batch.Predictions {
		if i != 99 {
			checkSeven(t, *p)
			if fmt.Sprint(p.Probabilities) != fmt.Sprint(alone.Probabilities) {
				t.Fatalf("the probabilities of number %d differ from those of the drawing alone", i)
			}
		}
	}
	for body, want := range map[string]string{
		`{"instances": []}`: "0 drawings",
		`{"instances": [` + strings.Repeat("{},", 256) + `{}]}`: "257 drawings",
		`{"instances": [` + one + `, {}]}`:                      "instances[1]: there are 0 of",
		`{"instances": [` + one + `], ` + seven + `}`:           "beside instances",
		`{"instances": [` + one + `], "details": true}`:         "one drawing only",
	} {
		if w := askJSON(s, "/api/predict", body); w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), want) {
			t.Errorf("status %d, want 422 and %q: %s", w.Code, want, w.Body)
		}
	}
}

func TestDetails(t *testing.T) {
	s := newTestServer(t, nil)
	for _, body := range []string{seven, `"image": "` + reading.DataURL(digitPicture()) + `"`} {
		p := decoded[prediction](t, askJSON(s, "/api/predict", `{"details": true, `+body+"}"))
		checkSeven(t, p)
		if names := stepNames(p); names != "drawing invert crop centre blur scale normalise" {
			t.Errorf("the steps are %s", names)
		}
		for _, step := range p.Steps {
			fromPNG(t, step.Image)
			if black, white := step.Black, step.White; step.Name == "normalise" && (black != -1 || white != 1) || step.Name != "normalise" && (black != 0 || white != 255) {
				t.Errorf("after %s black is %v, white %v", step.Name, black, white)
			}
		}
		if last := p.Steps[len(p.Steps)-1]; !samePixels(fromPNG(t, last.Image), fromPNG(t, p.Processed)) {
			t.Errorf("the last step, %s, is not the processed picture", last.Name)
		}
		for i, want := range []struct {
			name                         string
			maps, columns, width, height int
		}{{"conv1", 6, 6, 6 * 24, 24}, {"conv2", 16, 8, 8 * 8, 2 * 8}} {
			f := p.Features[i]
			size := fromPNG(t, f.Image).Bounds().Size()
			if f.Name != want.name || f.Maps != want.maps || f.Columns != want.columns || size != image.Pt(want.width, want.height) {
				t.Errorf("feature maps %s: %d in %d columns, %v", f.Name, f.Maps, f.Columns, size)
			}
		}
		if p.Tutorial == nil || len(p.Tutorial.Probabilities) != 10 || p.Tutorial.Label == "" || p.Tutorial.Processed == p.Processed {
			t.Errorf("the tutorial's preprocessing: %+v", p.Tutorial)
		}
	}
	p := decoded[prediction](t, askJSON(s, "/api/predict", `{"details": true, "pixels": `+sevenPixels(t)+"}"))
	if p.Steps != nil || p.Tutorial != nil || len(p.Features) != 2 {
		t.Errorf("pixels are not prepared, but there are %d steps", len(p.Steps))
	}
}

func stepNames(p prediction) string {
	var names []string
	for _, step := range p.Steps {
		names = append(names, step.Name)
	}
	return strings.Join(names, " ")
}

// A network that was trained on lying pictures is shown such ones, and people see
// them upright.
func TestDetailsOfTransposed(t *testing.T) {
	s := newTestServer(t, func(c *Config) {
		c.About.Orientation = weights.Transposed
		c.Transform = transform.Compose{transform.Transpose{}, c.Transform}
	})
	p := decoded[prediction](t, askJSON(s, "/api/predict", `{"details": true, `+seven+"}"))
	if names := stepNames(p); names != "drawing invert crop centre blur scale transpose normalise" {
		t.Fatalf("the steps are %s", names)
	}
	upright, lying := fromPNG(t, p.Processed), fromPNG(t, p.Steps[7].Image) // as after transpose
	for y := range sketch.Size {
		for x := range sketch.Size {
			if upright.At(x, y) != lying.At(y, x) {
				t.Fatalf("the pixel %d, %d does not lie at %d, %d", x, y, y, x)
			}
		}
	}
}

// A network that was trained with dark ink on a light ground is shown that, within
// the numbers it was trained with.
func TestDetailsOfInverted(t *testing.T) {
	s := newTestServer(t, func(c *Config) {
		c.Transform = transform.Compose{transform.Invert{}, transform.ToTensor{}, transform.Normalize{Mean: []float32{0.25}, Std: []float32{0.5}}}
	})
	p := decoded[prediction](t, askJSON(s, "/api/predict", `{"details": true, `+seven+"}"))
	if names := stepNames(p); names != "drawing invert crop centre blur scale invert normalise" {
		t.Fatalf("the steps are %s", names)
	}
	last := p.Steps[len(p.Steps)-1]
	if last.Black != -0.5 || last.White != 1.5 {
		t.Errorf("black is %v and white %v", last.Black, last.White)
	}
	if corner := color.GrayModel.Convert(fromPNG(t, last.Image).At(0, 0)); corner != (color.Gray{Y: 255}) {
		t.Errorf("the ground is %v", corner)
	}
}

func samePixels(a, b image.Image) bool {
	if a.Bounds() != b.Bounds() {
		return false
	}
	for y := range a.Bounds().Dy() {
		for x := range a.Bounds().Dx() {
			if color.GrayModel.Convert(a.At(x, y)) != color.GrayModel.Convert(b.At(x, y)) {
				return false
			}
		}
	}
	return true
}

func TestEmpty(t *testing.T) {
	s := newTestServer(t, nil)
	white := drawnBlank()
	for name, body := range map[string]string{
		"no strokes":     `{"strokes": [], "details": true}`,
		"strokes empty":  `{"strokes": [[], []]}`,
		"white":          `{"image": "` + reading.DataURL(white) + `", "details": true}`,
		"transparent":    `{"image": "` + reading.DataURL(image.NewNRGBA(image.Rect(0, 0, 30, 30))) + `"}`,
		"black pixels":   `{"pixels": ` + mustJSON([28][28]int{}) + `}`,
		"tutorial's way": `{"image": "` + reading.DataURL(white) + `", "preprocess": "tutorial"}`,
	} {
		p := decoded[prediction](t, askJSON(s, "/api/predict", body))
		if !p.Empty || p.Label != "" || p.Index != -1 || p.Sure || len(p.Probabilities) != 10 || p.Probabilities[0] != 0 {
			t.Errorf("%s: %s", name, mustJSON(p))
		}
	}
}

func TestRefusesBadRequests(t *testing.T) {
	s := newTestServer(t, nil)
	points := func(n int) string { return strings.TrimSuffix(strings.Repeat("[1,2],", n), ",") }
	for _, test := range []struct {
		body   string
		status int
		want   string
	}{
		{``, 400, "no JSON"},
		{`{`, 400, "no JSON"},
		{`nope`, 400, "byte 2 does not belong"},
		{`[]`, 422, "the request is a JSON array"},
		{`{}`, 422, "there are 0 of strokes, image and pixels, want one"},
		{`{"strokes": null}`, 422, "there are 0 of"},
		{`{"strokes": [], "image": "x"}`, 422, "there are 2 of"},
		{`{"strokes": 3}`, 422, "strokes is no array"},
		{`{"strokes": {"a": [1]}}`, 422, "strokes is no array"},
		{`{"strokes": [1]}`, 422, "strokes[0] is no array"},
		{`{"strokes": [[1]]}`, 422, "strokes[0][0] is no point"},
		{`{"strokes": [[[1]]]}`, 422, "strokes[0][0] is no point"},
		{`{"strokes": [[[1,2],[1,2,3,4,5]]]}`, 422, "strokes[0][1] is no point"},
		{`{"strokes": [[["1",2]]]}`, 422, "is no point"},
		{`{"strokes": [[[null,2]]]}`, 422, "is no point"},
		{`{"strokes": [[[1,[2]]]]}`, 422, "is no point"},
		{`{"strokes": [[[1,{"a":2}]]]}`, 422, "is no point"},
		{`{"strokes": [[[1e999,2]]]}`, 422, "is no point"},
		{`{"strokes": [[[1e308,2]]]}`, 422, "want numbers from"},
		{`{"strokes": [[[NaN,2]]]}`, 400, "no JSON"},
		{`{"strokes": [[` + points(sketch.MaxPoints+1) + `]]}`, 413, "50000 points"},
		{`{"strokes": [` + strings.Repeat("[],", sketch.MaxStrokes) + `[]]}`, 413, "5000 strokes"},
		{`{"instances": [` + strings.TrimSuffix(strings.Repeat(`{"strokes": [[`+points(40_000)+`]]},`, 11), ",") + `]}`, 413, "440023 lists"},
		{`{"strokes": [[[1,2]]], "width": -1}`, 422, "width of the pad"},
		{`{"strokes": [[[1,2]]], "width": "wide"}`, 422, "width is a JSON string"},
		{`{"preprocess": "magic", "strokes": []}`, 422, `"magic"`},
		{strings.Repeat(`[`, 100_000), 400, "no JSON"},
		{`{"a":` + strings.Repeat(`[`, 9000) + strings.Repeat(`]`, 9000) + `}`, 422, "there are 0 of"},
		{`{"pixels": [[1,2],[3]]}`, 422, "28 rows of 28"},
		{`{"pixels": [` + strings.Repeat(`[`+strings.TrimSuffix(strings.Repeat("1,", 784), ",")+`],`, 27) + `[1]]}`, 422, "28 rows of 28"},
		{`{"pixels": ` + strings.Replace(mustJSON([28][28]int{}), "0", "256", 1) + `}`, 422, "from 0 to 255"},
		{`{"pixels": ` + strings.Replace(mustJSON([28][28]int{}), "0", "-1", 1) + `}`, 422, "from 0 to 255"},
		{`{"pixels": ` + strings.Replace(mustJSON([28][28]int{}), "0", "0.9", 1) + `}`, 422, "multiply the pixels by 255"},
		{`{"pixels": ` + strings.Replace(mustJSON([28][28]int{}), "0", `"a]"`, 1) + `}`, 422, "from 0 to 255"},
		{`{"image": 7}`, 422, "image is a JSON number"},
		{`{"image": ""}`, 422, "the picture is empty"},
		{`{"image": "data:,"}`, 422, "the picture is empty"},
		{`{"image": "data:image/png,abc"}`, 400, "without base64"},
		{`{"image": "data:image/png;base64,%%%"}`, 400, "no base64"},
		{`{"image": "https://example.com/7.png"}`, 400, "no base64"},
		{`{"image": "` + base64.StdEncoding.EncodeToString([]byte("<svg xmlns='http://www.w3.org/2000/svg'/>")) + `"}`, 422, "is an SVG drawing, a format that is not read here: convert it to JPEG or PNG"},
		{`{"image": "` + base64.StdEncoding.EncodeToString([]byte("II*\x00\x08\x00\x00\x00")) + `"}`, 422, "is a TIFF picture, a format that is not read here"},
		{`{"image": "` + base64.StdEncoding.EncodeToString(reading.ToPNG(digitPicture())[:900]) + `"}`, 422, "begins as a picture in png format, but is damaged"},
		{`{"image": "` + base64.StdEncoding.EncodeToString(reading.ToPNG(digitPicture())[:20]) + `"}`, 422, "is damaged"},
	} {
		w := askJSON(s, "/api/predict", test.body)
		var p problem
		err := json.Unmarshal(w.Body.Bytes(), &p)
		if w.Code != test.status || err != nil || p.Status != test.status || !strings.Contains(p.Detail, test.want) {
			t.Errorf("%.60s: status %d, %q (%v); want %d and %q", test.body, w.Code, p.Detail, err, test.status, test.want)
		}
		if strings.ContainsAny(p.Detail, "\n") {
			t.Errorf("%.60s: %q is not one line", test.body, p.Detail)
		}
	}
	for _, kind := range []string{"", "text/plain", "application/x-www-form-urlencoded", "image/png", "multipart/form-data", ";"} {
		if w := ask(s, "POST", "/api/predict", kind, strings.NewReader("{"+seven+"}")); w.Code < 400 || w.Code > 499 {
			t.Errorf("Content-Type %q: status %d", kind, w.Code)
		}
	}
	if w := ask(s, "GET", "/api/predict", "", nil); w.Code != http.StatusNotFound && w.Code != http.StatusMethodNotAllowed {
		t.Errorf("GET: status %d", w.Code)
	}
}

// Many at once get the answers that each gets alone.
func TestPredictsConcurrently(t *testing.T) {
	s := newTestServer(t, nil)
	bodies := []string{
		"{" + seven + "}", `{"strokes": [[[140, 40], [139, 230]]]}`, `{"pixels": ` + sevenPixels(t) + "}",
		`{"details": true, "strokes": [[[100, 40], [60, 140], [100, 230], [170, 140], [100, 40]]]}`,
	}
	var want []string
	for _, body := range bodies {
		want = append(want, fmt.Sprint(decoded[prediction](t, askJSON(s, "/api/predict", body)).Probabilities))
	}
	var wait sync.WaitGroup
	for i := range 64 {
		wait.Go(func() {
			w := askJSON(s, "/api/predict", bodies[i%len(bodies)])
			var p prediction
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || fmt.Sprint(p.Probabilities) != want[i%len(bodies)] {
				t.Errorf("status %d: %.200s", w.Code, w.Body)
			}
		})
	}
	wait.Wait()
}

// Whose client has gone is no failure of the server's.
func TestClientGone(t *testing.T) {
	s := newTestServer(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := httptest.NewRequestWithContext(ctx, "POST", "http://localhost/api/predict", strings.NewReader(withImage(reading.ToPNG(digitPicture()))))
	r.Header.Set("Content-Type", "application/json")
	release, err := s.pictures.Hold(t.Context()) // so that it would have to wait
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	if w.Code != statusClientGone {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
}

func BenchmarkPredict(b *testing.B) {
	s := newTestServer(b, nil)
	for _, test := range []struct{ name, body string }{
		{"pixels", `{"pixels": ` + sevenPixels(b) + "}"},
		{"strokes", "{" + longSeven() + "}"},
		{"details", `{"details": true, ` + longSeven() + "}"},
		{"picture", `{"image": "` + reading.DataURL(digitPicture()) + `"}`},
	} {
		b.Run(test.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if w := askJSON(s, "/api/predict", test.body); w.Code != http.StatusOK {
					b.Fatal(w.Body)
				}
			}
		})
	}
}

// longSeven is a seven of as many points as a hand leaves.
func longSeven() string {
	var points []string
	for i := range 30 {
		points = append(points, fmt.Sprintf("[%.1f,%.1f,%d,0.5]", 70+140*float64(i)/30, 60+float64(i%3)/10, 8*i))
	}
	for i := range 30 {
		points = append(points, fmt.Sprintf("[%.1f,%.1f,%d,0.5]", 210-80*float64(i)/30, 60+170*float64(i)/30, 240+8*i))
	}
	return `"strokes": [[` + strings.Join(points, ",") + `]], "width": 280, "height": 280, "brush": 18`
}

// TestAnswersAreSentences has requests that are damaged, and wants to be told where in
// words of ours.
func TestAnswersAreSentences(t *testing.T) {
	s := newTestServer(t, nil)
	for body, want := range map[string]string{
		`{"pixels":`:                      "the request is no JSON: it ends in the middle",
		`{"pixels":[1,}`:                  "the request is no JSON: byte 14 does not belong there",
		`{"image":"!AAA"}`:                "character 1, '!', does not belong there",
		`{"image":"data:,;base64,AAAAA"}`: "",
	} {
		w := askJSON(s, "/api/predict", body)
		if w.Code < 400 || w.Code >= 500 || !strings.Contains(w.Body.String(), want) || strings.Contains(w.Body.String(), "illegal") {
			t.Errorf("%s: %d %s, want %q", body, w.Code, w.Body, want)
		}
	}
	if w := ask(s, "GET", "/gradio_api/file=/etc/passwd", "", nil); !strings.Contains(w.Body.String(), "for 60 minutes") {
		t.Errorf("a file that there is not: %s", w.Body)
	}
}
