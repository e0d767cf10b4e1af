package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"inkling"
	"inkling/data"
	"inkling/data/mnist/embedded"
	"inkling/feedback"
	"inkling/models"
	"inkling/web"
)

// outside are pictures as they come from outside, and what they show.
func outside(t *testing.T) map[string]string {
	t.Helper()
	labels := map[string]string{}
	for dir, label := range map[string]string{"photo": "", "turned": "4", "layer": "7"} {
		files, err := filepath.Glob(filepath.Join("testdata", "pictures", dir, "*.*g"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no pictures in %s: %v", dir, err)
		}
		for _, file := range files {
			if labels[file] = label; label == "" {
				labels[file] = filepath.Base(file)[:1]
			}
		}
	}
	return labels
}

// shown is what the network was shown of a picture, and what it thought of it.
type shown struct {
	pixels        []byte
	probabilities []float32
}

func (s shown) equal(other shown) bool {
	return bytes.Equal(s.pixels, other.pixels) && (other.probabilities == nil || slices.Equal(s.probabilities, other.probabilities))
}

// Wherever a picture comes in, the network is shown the same pixels of it, and answers
// with the same probabilities.
func TestEntrances(t *testing.T) {
	labels := outside(t)
	m, name, err := servedModel(nil, &modelFlags{})
	if err != nil {
		t.Fatal(err)
	}
	preparation, err := m.Preparation("")
	if err != nil {
		t.Fatal(err)
	}
	files := slices.Sorted(func(yield func(string) bool) {
		for file := range labels {
			if !yield(file) {
				return
			}
		}
	})

	// The command predict.
	var out, errOut bytes.Buffer
	if status := run(append([]string{"predict", "lenet", "--json"}, files...), nil, &out, &errOut); status != statusOK {
		t.Fatalf("predict ended with status %d: %s", status, errOut.String())
	}
	var told []prediction
	if err := json.Unmarshal(out.Bytes(), &told); err != nil || len(told) != len(files) {
		t.Fatalf("predict told of %d of %d pictures: %v", len(told), len(files), err)
	}
	want := map[string]shown{}
	sources, _ := findImages(files)
	for i, p := range prepareImages(t.Context(), sources, nil, preparation, nil) {
		if p.err != nil {
			t.Fatal(p.err)
		}
		s := shown{pixels: p.seen.Bytes}
		for _, c := range told[i].Probabilities {
			s.probabilities = append(s.probabilities, float32(c.Probability))
		}
		want[files[i]] = s
		if told[i].Image != files[i] || told[i].Class != labels[files[i]] || told[i].Preprocess != "emnist" {
			t.Errorf("predict reads %s as %s, prepared as %s; want %s, emnist", told[i].Image, told[i].Class, told[i].Preprocess, labels[files[i]])
		}
	}

	// The server: a form, JSON and Gradio's protocol, and the drawings it keeps.
	store, err := feedback.Open(filepath.Join(t.TempDir(), "drawings.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	server, err := web.New(web.Config{Name: name, Network: m.Network.(*models.LeNet), Transform: m.TransformDrawing(), About: m.About,
		Preparation: preparation, Feedback: store, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for entrance, ask := range map[string]func(*testing.T, http.Handler, []byte) shown{"a form": askForm, "JSON": askJSON, "Gradio": askGradio} {
			if got := ask(t, server.Handler(), content); !want[file].equal(got) {
				t.Errorf("%s: %s is shown other pixels, or answers otherwise: %v, want %v", file, entrance, got.probabilities, want[file].probabilities)
			}
		}
		body := fmt.Sprintf(`{"image": %q, "label": %q}`, dataURLOf(content), labels[file])
		if w := ask(server.Handler(), "/api/feedback", "application/json", []byte(body)); w.Code != http.StatusNoContent {
			t.Errorf("%s is not kept: %d %s", file, w.Code, w.Body)
		}
	}
	exported := filepath.Join(t.TempDir(), "mine")
	if _, err := store.Export(t.Context(), exported); err != nil {
		t.Fatal(err)
	}
	kept := examplesOf(t, exported, pictureOptions{})
	for _, file := range files {
		if got := kept[string(want[file].pixels)]; got != labels[file] {
			t.Errorf("%s is not among what feedback export wrote", file)
		}
	}

	// test --data FOLDER, with the pictures in folders of their classes.
	dir := t.TempDir()
	for _, file := range files {
		// Three copies of each, of which some are held out.
		for i := range 3 {
			to := filepath.Join(dir, labels[file], fmt.Sprint(i)+filepath.Base(file))
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(to, content, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	options, err := optionsFor(m, false, "auto", sampleOptions{})
	if err != nil {
		t.Fatal(err)
	}
	tested := examplesOf(t, dir, options)
	for _, file := range files {
		if got := tested[string(want[file].pixels)]; got != labels[file] {
			t.Errorf("test --data is shown other pixels of %s", file)
		}
	}

	// train --data FOLDER and show --data FOLDER: resized, and so a network that is
	// trained on them is shown them later.
	trained := examplesOf(t, dir, pictureOptions{size: "28"})
	resizing := inkling.Preparation{Way: inkling.Resize, Channels: 3, Height: 28, Width: 28}
	for i, p := range prepareImages(t.Context(), sources, nil, resizing, nil) {
		if p.err != nil {
			t.Fatal(p.err)
		}
		if got := trained[string(p.seen.Bytes)]; got != labels[files[i]] {
			t.Errorf("train --data is shown other pixels of %s than predict with --preprocess resize", files[i])
		}
	}
}

// examplesOf returns the classes of the pictures to train on and to test with, by
// their pixels.
func examplesOf(t *testing.T, dir string, o pictureOptions) map[string]string {
	t.Helper()
	set, err := findPicturesAs(t.Context(), dir, o)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, train := range []bool{true, false} {
		d, err := set.open(train)
		if err != nil {
			t.Fatal(err)
		}
		for i := range d.Len() {
			pixels, label, err := d.Example(i)
			if err != nil {
				t.Fatal(err)
			}
			all[string(pixels)] = d.Classes()[label]
		}
	}
	return all
}

func ask(h http.Handler, path, kind string, body []byte) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", "http://localhost"+path, bytes.NewReader(body))
	r.Header.Set("Content-Type", kind)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func dataURLOf(file []byte) string {
	return "data:image/png;base64," + base64.StdEncoding.EncodeToString(file)
}

// answered reads an answer of /api/predict.
func answered(t *testing.T, w *httptest.ResponseRecorder) shown {
	t.Helper()
	var answer struct {
		Probabilities []float32 `json:"probabilities"`
		Processed     string    `json:"processed"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	file, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(answer.Processed, "data:image/png;base64,"))
	if err != nil {
		t.Fatal(err)
	}
	return shown{grayPixels(t, bytes.NewReader(file)), answer.Probabilities}
}

func grayPixels(t *testing.T, r io.Reader) []byte {
	t.Helper()
	img, err := png.Decode(r)
	if err != nil {
		t.Fatal(err)
	}
	return img.(*image.Gray).Pix
}

func askForm(t *testing.T, h http.Handler, file []byte) shown {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("image", "picture")
	if err != nil {
		t.Fatal(err)
	}
	part.Write(file)
	if err := form.Close(); err != nil {
		t.Fatal(err)
	}
	return answered(t, ask(h, "/api/predict", form.FormDataContentType(), body.Bytes()))
}

func askJSON(t *testing.T, h http.Handler, file []byte) shown {
	return answered(t, ask(h, "/api/predict", "application/json", []byte(`{"image": "`+dataURLOf(file)+`"}`)))
}

// askGradio asks as Gradio's clients do, who are told the pixels but no probabilities.
func askGradio(t *testing.T, h http.Handler, file []byte) shown {
	w := ask(h, "/gradio_api/run/predict", "application/json", []byte(`{"data": [{"url": "`+dataURLOf(file)+`"}]}`))
	var answer struct {
		Data []json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != http.StatusOK || len(answer.Data) != 3 {
		t.Fatalf("Gradio: status %d: %s", w.Code, w.Body)
	}
	var processed struct {
		Path string `json:"path"`
	}
	if err := json.Unmarshal(answer.Data[1], &processed); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("GET", "http://localhost/gradio_api/file="+processed.Path, nil)
	got := httptest.NewRecorder()
	h.ServeHTTP(got, r)
	return shown{pixels: grayPixels(t, got.Body)}
}

// A picture of MNIST, saved as a file, comes through every entrance as it is, and so
// MNIST in files gives the accuracy of MNIST.
func TestPicturesOfTheDataSet(t *testing.T) {
	d, err := embedded.Test()
	if err != nil {
		t.Fatal(err)
	}
	m, _, err := servedModel(nil, &modelFlags{})
	if err != nil {
		t.Fatal(err)
	}
	preparation, err := m.Preparation("")
	if err != nil {
		t.Fatal(err)
	}
	for i := range d.Len() {
		pixels, _, err := d.Example(i)
		if err != nil {
			t.Fatal(err)
		}
		gray := &image.Gray{Pix: pixels, Stride: 28, Rect: image.Rect(0, 0, 28, 28)}
		if made, err := preparation.Prepare(gray); err != nil || made.Way != inkling.AsItIs || made.Inverted || made.Resized || !bytes.Equal(made.Bytes, pixels) {
			t.Fatalf("picture %d does not come through as it is: %+v, %v", i, made, err)
		}
		if r, err := preparation.Sketch(gray); err != nil || !bytes.Equal(r.Pixels[:], pixels) {
			t.Fatalf("picture %d does not come through the server as it is: %v", i, err)
		}
	}
	// Saved in colours, and for a network that was trained on dark ink.
	pixels, _, err := d.Example(0)
	if err != nil {
		t.Fatal(err)
	}
	coloured, dark := image.NewNRGBA(image.Rect(0, 0, 28, 28)), make([]byte, len(pixels))
	for i, v := range pixels {
		copy(coloured.Pix[4*i:], []byte{v, v, v, 255})
		dark[i] = 255 - v
	}
	if made, err := preparation.Prepare(coloured); err != nil || made.Way != inkling.AsItIs || !bytes.Equal(made.Bytes, pixels) {
		t.Errorf("in colours: %+v, %v", made, err)
	}
	preparation.Ground = inkling.GroundLight
	if made, err := preparation.Prepare(&image.Gray{Pix: dark, Stride: 28, Rect: coloured.Rect}); err != nil || made.Way != inkling.AsItIs || !bytes.Equal(made.Bytes, dark) {
		t.Errorf("dark ink: %+v, %v", made, err)
	}
}

// How a network's pictures are to be prepared follows from those it was trained on.
func TestWayOfTraining(t *testing.T) {
	mnist, err := embedded.Test()
	if err != nil {
		t.Fatal(err)
	}
	noise := make([]byte, 50*28*28)
	for i := range noise {
		noise[i] = byte(i * 7919 >> 3)
	}
	other, err := data.NewMemory(noise, make([]byte, 50), []string{"a"}, 1, 28, 28)
	if err != nil {
		t.Fatal(err)
	}
	colours, err := data.NewMemory(make([]byte, 3*16*16), make([]byte, 1), []string{"a"}, 3, 16, 16)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		d            data.Dataset
		ground       string
		own, resized bool
		want         string
	}{
		{mnist, inkling.GroundDark, false, false, "mnist"},
		{mnist, inkling.GroundDark, true, false, "mnist"},
		{mnist, inkling.GroundDark, true, true, "resize"},
		{other, inkling.GroundDark, false, false, "fit"},
		{other, inkling.GroundMixed, false, false, "fit"},
		{other, inkling.GroundDark, true, false, "resize"},
		{colours, "", false, false, "resize"},
	} {
		if way, err := inkling.WayFor(test.d, test.ground, test.own, test.resized); err != nil || way != test.want {
			t.Errorf("%+v: %q, %v", test, way, err)
		}
	}
}
