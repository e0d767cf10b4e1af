package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"inkling"
	"inkling/feedback"
	"inkling/models/digits"
	"inkling/sketch"
	"inkling/transform"
	"inkling/web/reading"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// seven is a drawing as the page sends it.
const seven = `"strokes": [[[70, 60], [210, 60, 300, 0.5], [130, 230.5, 700, 0.5]]], "width": 280, "height": 280, "brush": 18`

// newTestServer serves the built-in network.
func newTestServer(t testing.TB, change func(*Config)) *Server {
	t.Helper()
	network, about, err := digits.Load()
	if err != nil {
		t.Fatal(err)
	}
	preparation, err := (&inkling.Classifier{Network: network, About: about}).Preparation("")
	if err != nil {
		t.Fatal(err)
	}
	config := Config{
		Name: "digits", Network: network, About: about, Preparation: preparation, Version: "test",
		Transform: transform.Compose{transform.ToTensor{}, transform.Normalize{Mean: about.Mean, Std: about.Std}},
		Log:       slog.New(slog.DiscardHandler), Workers: 2,
	}
	if change != nil {
		change(&config)
	}
	s, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// ask sends a request straight to the handler.
func ask(s *Server, method, path, kind string, body io.Reader) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://localhost:7860"+path, body)
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w
}

func askJSON(s *Server, path, body string) *httptest.ResponseRecorder {
	return ask(s, "POST", path, "application/json", strings.NewReader(body))
}

// decoded reads an answer that must have the status 200.
func decoded[T any](t testing.TB, w *httptest.ResponseRecorder) T {
	t.Helper()
	var value T
	if w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &value); err != nil {
		t.Fatalf("%v in %.200s", err, w.Body)
	}
	return value
}

func TestDescribesModel(t *testing.T) {
	d := decoded[reading.Description](t, ask(newTestServer(t, nil), "GET", "/api/model", "", nil))
	if d.Name != "digits" || len(d.Classes) != 10 || d.Accuracy < 0.9 || d.Accuracy > 1 || d.Feedback || d.Parameters != 44426 || d.Preprocess != "emnist" {
		t.Errorf("got %+v", d)
	}
}

func TestServesPage(t *testing.T) {
	s := newTestServer(t, nil)
	w := ask(s, "GET", "/", "", nil)
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "<canvas") || w.Header().Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatalf("status %d, %s: %.100s", w.Code, w.Header().Get("Content-Type"), w.Body)
	}
	if policy := w.Header().Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'self'") || strings.Contains(policy, "unsafe") {
		t.Errorf("the policy is %q", policy)
	}
	if w.Header().Get("X-Content-Type-Options") != "nosniff" || len(w.Header().Get("X-Request-Id")) < 8 {
		t.Errorf("headers %v", w.Header())
	}
	r := httptest.NewRequest("GET", "http://localhost/", nil)
	r.Header.Set("If-None-Match", w.Header().Get("Etag"))
	again := httptest.NewRecorder()
	s.Handler().ServeHTTP(again, r)
	if again.Code != http.StatusNotModified {
		t.Errorf("asked again: status %d", again.Code)
	}
	if w := ask(s, "GET", "/main.mjs", "", nil); w.Code != http.StatusOK || w.Header().Get("Content-Type") != "text/javascript; charset=utf-8" {
		t.Errorf("main.mjs: status %d, %s", w.Code, w.Header().Get("Content-Type"))
	}
	for _, path := range []string{"/none", "/page/index.html", "/../server.go", "/api", "/gradio_api/none", "/index.html/.."} {
		if w := ask(s, "GET", path, "", nil); w.Code == http.StatusOK {
			t.Errorf("%s: status 200", path)
		}
	}
	if w := ask(s, "GET", "/none", "", nil); w.Code != http.StatusNotFound || w.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("a page that is not there: %d %s", w.Code, w.Header().Get("Content-Type"))
	}
}

func TestHealthAndMetrics(t *testing.T) {
	s := newTestServer(t, nil)
	for _, path := range []string{"/healthz", "/readyz"} {
		if w := ask(s, "GET", path, "", nil); w.Code != http.StatusOK {
			t.Errorf("%s: status %d", path, w.Code)
		}
	}
	askJSON(s, "/api/predict", "{"+seven+"}")
	askJSON(s, "/api/predict", "{")
	text := ask(s, "GET", "/metrics", "", nil).Body.String()
	for _, want := range []string{
		`inkling_http_requests_total{route="POST /api/predict",status="200"} 1`,
		`inkling_http_requests_total{route="POST /api/predict",status="400"} 1`,
		`inkling_predictions_total{class="7"} 1`, "inkling_batch_size_count", "go_goroutines",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
	s.drain()
	if w := ask(s, "GET", "/readyz", "", nil); w.Code != http.StatusServiceUnavailable {
		t.Errorf("/readyz of a server that is being stopped: status %d", w.Code)
	}
}

// The description of the API must be true: what it refers to is there, and every
// field of an answer is described.
func TestDescribesAPI(t *testing.T) {
	s := newTestServer(t, nil)
	w := ask(s, "GET", "/openapi.json", "", nil)
	document := decoded[struct {
		Paths      map[string]map[string]any
		Components struct {
			Schemas map[string]struct{ Properties map[string]any }
		}
	}](t, w)
	for path, operations := range document.Paths {
		for method := range operations {
			if w := ask(s, strings.ToUpper(method), path, "application/json", strings.NewReader("{}")); w.Code == http.StatusMethodNotAllowed || w.Code == http.StatusNotFound && path != "/api/feedback" && path != "/api/train" {
				t.Errorf("%s %s is described, but status %d", method, path, w.Code)
			}
		}
	}
	for _, reference := range strings.Split(w.Body.String(), `"$ref": "#/components/schemas/`)[1:] {
		name, _, _ := strings.Cut(reference, `"`)
		if _, found := document.Components.Schemas[name]; !found {
			t.Errorf("the schema %s is referred to and not there", name)
		}
	}
	answers := map[string]string{
		"Prediction":  askJSON(s, "/api/predict", `{"details": true, `+seven+"}").Body.String(),
		"Description": ask(s, "GET", "/api/model", "", nil).Body.String(),
		"Problem":     askJSON(s, "/api/predict", "{").Body.String(),
	}
	for name, text := range answers {
		var fields map[string]any
		if err := json.Unmarshal([]byte(text), &fields); err != nil {
			t.Fatal(err)
		}
		for field := range fields {
			if _, found := document.Components.Schemas[name].Properties[field]; !found {
				t.Errorf("the field %s of %s is not described", field, name)
			}
		}
	}
}

func TestFeedback(t *testing.T) {
	if w := askJSON(newTestServer(t, nil), "/api/feedback", `{"label": 7, `+seven+"}"); w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "--feedback") {
		t.Errorf("without a store: status %d, %s", w.Code, w.Body)
	}

	store, err := feedback.Open(filepath.Join(t.TempDir(), "drawn.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	s := newTestServer(t, func(c *Config) { c.Feedback = store })
	for body, status := range map[string]int{
		`{"label": 1, "prediction": 3, ` + seven + `}`:                       http.StatusNoContent,
		`{"label": "1", "image": "` + reading.DataURL(digitPicture()) + `"}`: http.StatusNoContent,
		`{"label": 10, ` + seven + `}`:                                       http.StatusUnprocessableEntity,
		`{"label": -1, ` + seven + `}`:                                       http.StatusUnprocessableEntity,
		`{"label": "x", ` + seven + `}`:                                      http.StatusUnprocessableEntity,
		`{"label": null, ` + seven + `}`:                                     http.StatusUnprocessableEntity,
		`{` + seven + `}`:                                                    http.StatusUnprocessableEntity,
		`{"label": 7, "strokes": []}`:                                        http.StatusUnprocessableEntity,
		`{"label": 7}`:                                                       http.StatusUnprocessableEntity,
		`{"label": 7, `:                                                      http.StatusBadRequest,
	} {
		if w := askJSON(s, "/api/feedback", body); w.Code != status {
			t.Errorf("%.60s: status %d, want %d: %s", body, w.Code, status, w.Body)
		}
	}
	drawings := 0
	err = store.Each(t.Context(), func(d feedback.Drawing) error {
		drawings++
		if d.Label != "1" || d.LabelIndex != 1 || d.Model != "digits" || len(bytes.Trim(d.Picture, "\x00")) == 0 {
			t.Errorf("kept %+v", d)
		}
		if d.Strokes == "" {
			return nil // the picture
		}
		if d.Prediction != "7" {
			t.Errorf("the prediction is %q, want what the network sees in it, 7", d.Prediction)
		}
		var kept, sent drawing
		if err := json.Unmarshal([]byte(d.Strokes), &kept); err != nil {
			return err
		}
		if err := json.Unmarshal([]byte("{"+seven+"}"), &sent); err != nil {
			return err
		}
		if a, b := mustJSON(kept), mustJSON(sent); a != b {
			t.Errorf("kept the drawing %s, want %s", a, b)
		}
		return nil
	})
	if err != nil || drawings != 2 {
		t.Errorf("%d drawings were kept, want 2: %v", drawings, err)
	}
}

// What is none of the classes is kept apart, and a number digit by digit.
func TestFeedbackOfOthers(t *testing.T) {
	store, err := feedback.Open(filepath.Join(t.TempDir(), "drawn.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	s := newTestServer(t, func(c *Config) { c.Feedback = store })
	const two = `"strokes": [[[20, 60], [100, 60], [60, 230]], [[200, 60], [200, 230]]], "width": 280, "height": 280`
	for _, c := range []struct {
		body   string
		status int
	}{
		{`{"label": "none", ` + seven + `}`, http.StatusNoContent},
		{`{"label": "71", ` + two + `}`, http.StatusNoContent},
		{`{"label": "711", ` + two + `}`, http.StatusUnprocessableEntity},
		{`{"label": "71", ` + seven + `}`, http.StatusUnprocessableEntity},
		{`{"label": "7a", ` + two + `}`, http.StatusUnprocessableEntity},
		{`{"label": "", ` + two + `}`, http.StatusUnprocessableEntity},
	} {
		if w := askJSON(s, "/api/feedback", c.body); w.Code != c.status {
			t.Errorf("%.30s: status %d, want %d: %s", c.body, w.Code, c.status, w.Body)
		}
	}
	var kept []string
	if err := store.Each(t.Context(), func(d feedback.Drawing) error {
		kept = append(kept, fmt.Sprintf("%s %d %s %t", d.Label, d.LabelIndex, d.Prediction, d.Strokes != ""))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(kept, ", "); got != "none 255 7 true, 7 7 7 false, 1 1 1 false" {
		t.Errorf("kept %s", got)
	}
	folder := t.TempDir()
	result, err := store.Export(t.Context(), folder)
	if err != nil || result.Drawings != 2 || result.None != 1 {
		t.Fatalf("exported %+v: %v, want 2 drawings and 1 of none", result, err)
	}
	text, err := os.ReadFile(filepath.Join(folder, feedback.NoneFile))
	var line drawing
	if err == nil {
		err = json.Unmarshal(text, &line)
	}
	if err != nil || len(line.Pixels) != sketch.Size*sketch.Size || len(line.Strokes) != 1 {
		t.Errorf("%s: %v, %d pixels, %d strokes", feedback.NoneFile, err, len(line.Pixels), len(line.Strokes))
	}
}

// Feedback is bounded: how much is kept, and how fast it is taken of one client.
func TestFeedbackLimits(t *testing.T) {
	store, err := feedback.Open(filepath.Join(t.TempDir(), "drawn.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := store.Limit(feedback.Limits{Drawings: 3}); err != nil {
		t.Fatal(err)
	}
	s := newTestServer(t, func(c *Config) { c.Feedback = store; c.FeedbackRate = Rate{2, time.Hour} })
	for _, test := range []struct {
		client string
		status int
		retry  string
		says   string
	}{
		{"192.0.2.1", 204, "", ""}, {"192.0.2.1", 204, "", ""}, {"192.0.2.1", 429, "1800", "takes 2 labelled drawings of one client in 1h0m0s"},
		{"192.0.2.2", 204, "", ""}, {"192.0.2.2", 507, "", "no more drawings (the feedback file is full: it has 3 drawings"},
	} {
		r := httptest.NewRequest("POST", "http://localhost/api/feedback", strings.NewReader(`{"label": 7, `+seven+`}`))
		r.RemoteAddr = test.client + ":80"
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		retry := w.Header().Get("Retry-After")
		if w.Code != test.status || retry != test.retry || !strings.Contains(w.Body.String(), test.says) {
			t.Errorf("%s: status %d, Retry-After %q: %s; want %d, %q, %q", test.client, w.Code, retry, w.Body, test.status, test.retry, test.says)
		}
	}
}

func mustJSON(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return string(text)
}
