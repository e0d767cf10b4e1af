package web

import (
	"bytes"
	"encoding/json"
	"image"
	"image/png"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"inkling"
	"inkling/web/reading"
)

// servedModel serves a new network of a model.
func servedModel(t *testing.T, name string, o inkling.Options) *Server {
	t.Helper()
	m, err := inkling.NewClassifier(name, o)
	if err != nil {
		t.Fatal(err)
	}
	p, err := m.Preparation("")
	if err != nil {
		t.Fatal(err)
	}
	return newTestServer(t, func(c *Config) {
		c.Name, c.Network, c.About, c.Preparation, c.Transform = name, m.Network, m.About, p, m.Transform()
	})
}

// A network of any kind reads drawings if it is gray and of 28x28, and shows what its
// first convolutions see.
func TestAnyNetworkReadsDrawings(t *testing.T) {
	classes := []string{"a", "b", "c"}
	for name, want := range map[string][]string{
		"LeNet":    {"conv1", "conv2"},
		"resnet9":  {"features.0.0", "features.1.0"},
		"resnet18": {"conv1", "layer1.0.conv1"},
	} {
		if testing.Short() && name == "resnet18" {
			continue
		}
		s := servedModel(t, name, inkling.Options{Channels: 1, Height: 28, Width: 28, Classes: classes})
		answer := ask(s, "POST", "/api/predict", "application/json", strings.NewReader("{"+seven+`, "details": true}`))
		var p prediction
		if err := json.Unmarshal(answer.Body.Bytes(), &p); err != nil || answer.Code != http.StatusOK {
			t.Fatalf("%s: status %d, %v: %s", name, answer.Code, err, answer.Body)
		}
		var got []string
		for _, f := range p.Features {
			got = append(got, f.Name)
		}
		if len(p.Probabilities) != 3 || strings.Join(got, " ") != strings.Join(want, " ") || len(p.Steps) == 0 {
			t.Errorf("%s: %d probabilities, %d steps, features of %q, want %q", name, len(p.Probabilities), len(p.Steps), got, want)
		}
	}
}

// Each kind of network has the page for its pictures, and no other is there.
func TestPageOfTheNetwork(t *testing.T) {
	for _, test := range []struct {
		options inkling.Options
		program string
	}{
		{inkling.Options{Channels: 1, Height: 28, Width: 28, Classes: []string{"a", "b"}}, "main.mjs"},
		{inkling.Options{Channels: 3, Height: 28, Width: 28, Classes: []string{"a", "b"}}, "classify.mjs"},
	} {
		s := servedModel(t, "LeNet", test.options)
		for _, path := range []string{"/", "/index.html"} {
			if page := ask(s, "GET", path, "", nil); page.Code != http.StatusOK || !strings.Contains(page.Body.String(), `src="`+test.program+`"`) {
				t.Errorf("%d channels: %s has the status %d and not %s", test.options.Channels, path, page.Code, test.program)
			}
		}
		if code := ask(s, "GET", "/pictures.html", "", nil).Code; code != http.StatusNotFound {
			t.Errorf("/pictures.html has the status %d", code)
		}
		if code := ask(s, "GET", "/"+test.program, "", nil).Code; code != http.StatusOK {
			t.Errorf("%s has the status %d", test.program, code)
		}
	}
}

// A network for other pictures reads those, says what it is, and refuses drawings.
func TestNetworkOfPhotographs(t *testing.T) {
	s := servedModel(t, "mobilenet_v3_small", inkling.Options{Channels: 3, Height: 32, Width: 40, Classes: []string{"frog", "dog"}})
	photo := image.NewNRGBA(image.Rect(0, 0, 50, 60))
	for i := range photo.Pix {
		photo.Pix[i] = byte(i*i) | 1
		if i%4 == 3 {
			photo.Pix[i] = 255
		}
	}
	var file, form bytes.Buffer
	if err := png.Encode(&file, photo); err != nil {
		t.Fatal(err)
	}
	w := multipart.NewWriter(&form)
	part, err := w.CreateFormFile("image", "photo.png")
	if err != nil {
		t.Fatal(err)
	}
	part.Write(file.Bytes())
	w.WriteField("details", "true")
	w.Close()
	answer := ask(s, "POST", "/api/predict", w.FormDataContentType(), &form)
	var p prediction
	if err := json.Unmarshal(answer.Body.Bytes(), &p); err != nil || answer.Code != http.StatusOK {
		t.Fatalf("status %d, %v: %s", answer.Code, err, answer.Body)
	}
	if len(p.Probabilities) != 2 || p.Label == "" || len(p.Features) != 2 || p.Tutorial != nil {
		t.Errorf("it answers %+v", p)
	}
	encoded, err := reading.FromDataURL(p.Processed)
	if err != nil {
		t.Fatal(err)
	}
	processed, err := png.Decode(bytes.NewReader(encoded))
	if err != nil || processed.Bounds().Size() != image.Pt(40, 32) {
		t.Fatalf("the picture that it is shown is %v, %v", processed.Bounds(), err)
	}
	if r, g, _, _ := processed.At(20, 20).RGBA(); r == g {
		t.Error("the picture that it is shown has lost its colours")
	}

	answer = ask(s, "POST", "/api/predict", "application/json", strings.NewReader("{"+seven+"}"))
	if answer.Code != http.StatusUnprocessableEntity || !strings.Contains(answer.Body.String(), "the network reads pictures of 3x32x40 (channels, height, width), and strokes are for drawings of 28x28; send an image") {
		t.Errorf("a drawing is answered with %d: %s", answer.Code, answer.Body)
	}
	var d reading.Description
	if err := json.Unmarshal(ask(s, "GET", "/api/model", "", nil).Body.Bytes(), &d); err != nil {
		t.Fatal(err)
	}
	if d.Architecture != "mobilenet_v3_small" || d.Draws || len(d.Input) != 3 || d.Input[2] != 40 || d.Preprocess != "resize" || d.Parameters < 1_000_000 {
		t.Errorf("it describes itself as %+v", d)
	}
}
