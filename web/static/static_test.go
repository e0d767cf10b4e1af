package static

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"inkling/internal/kernel"
	"inkling/internal/realdata"
	"inkling/sketch"
	"inkling/web/engine"
	"inkling/web/reading"
)

// Every file that is named is there, nothing is loaded from elsewhere, and nothing is inline.
func TestFiles(t *testing.T) {
	files, err := Files()
	if err != nil {
		t.Fatal(err)
	}
	namesFile := regexp.MustCompile(`["']\.?/?([\w-]+\.(?:js|css|svg|gz))["'#]`)
	for name, content := range files {
		if strings.HasSuffix(name, ".gz") || strings.HasSuffix(name, ".txt") || name == "wasm_exec.js" {
			continue
		}
		if bytes.Contains(content, []byte(".mjs")) {
			t.Errorf("%s names a file that ends in .mjs", name)
		}
		for _, match := range namesFile.FindAllSubmatch(content, -1) {
			if files[string(match[1])] == nil {
				t.Errorf("%s names %s, which is not there", name, match[1])
			}
		}
	}
	index := string(files["index.html"])
	for _, wanted := range []string{`content="default-src 'self'; script-src 'self' 'wasm-unsafe-eval'`, `src="alone.js"`, `class="card program" hidden`} {
		if !strings.Contains(index, wanted) {
			t.Errorf("index.html has no %s", wanted)
		}
	}
	if regexp.MustCompile(`<script[^>]*>[^<]|<style|(src|href)="(https?:)?//`).MatchString(index) {
		t.Error("index.html has something inline, or from elsewhere")
	}
	for _, name := range []string{"alone.js", "api.js", "engine.js", "worker.js", "offline.js", "main.js", "style.css", "icon.svg", "icons.svg", "engine.wasm.gz", "wasm_exec.js", "opened.js", "LICENSES.txt"} {
		if files[name] == nil {
			t.Errorf("there is no %s", name)
		}
	}
	if files["samples.js"] != nil || files["texts.html"] != nil {
		t.Error("there are files of other pages")
	}
}

// The service worker's version is another one with any other content.
func TestVersion(t *testing.T) {
	files := map[string][]byte{"offline.js": []byte("x"), "a.js": []byte("1")}
	first, err := serviceWorker(files)
	files["a.js"] = []byte("2")
	second, _ := serviceWorker(files)
	if err != nil || bytes.Equal(first, second) || !bytes.Contains(first, []byte(`"files":["./","a.js"]`)) {
		t.Errorf("%s and %s, %v", first, second, err)
	}
}

// asksPlain is set where this test runs itself to be answered by plain kernels.
const asksPlain = "INKLING_TEST_ASKS"

func TestMain(m *testing.M) {
	if path := os.Getenv(asksPlain); path != "" {
		answerPlain(path)
		return
	}
	os.Exit(m.Run())
}

// answerPlain answers the requests in a file, line by line.
func answerPlain(path string) {
	text, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	r, err := engine.BuiltIn()
	if err != nil {
		panic(err)
	}
	out := json.NewEncoder(os.Stdout)
	if err := out.Encode(engine.Describe(r)); err != nil {
		panic(err)
	}
	for line := range bytes.Lines(text) {
		p, err := r.Predict(context.Background(), line)
		if err != nil {
			panic(err)
		}
		if err := out.Encode(p); err != nil {
			panic(err)
		}
	}
}

// The committed engine answers as its source does with plain kernels, to the bit.
func TestEngine(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the engine in Node.js")
	}
	if runtime.GOARCH != "amd64" {
		t.Skip("on other processors than amd64, Go may round products and sums together, which WebAssembly does not")
	}
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("there is no Node.js to run the engine in")
	}
	asks := filepath.Join(t.TempDir(), "asks")
	if err := os.WriteFile(asks, requests(t), 0o600); err != nil {
		t.Fatal(err)
	}
	own := exec.Command(os.Args[0])
	own.Env = append(os.Environ(), asksPlain+"="+asks, kernel.Variable+"=go")
	built := exec.Command(node, filepath.Join("testdata", "ask.mjs"), asks)
	var answers [2][]string
	for i, c := range []*exec.Cmd{own, built} {
		c.Stderr = os.Stderr
		out, err := c.Output()
		if err != nil {
			t.Fatalf("%v: %v", c.Args, err)
		}
		answers[i] = strings.Split(strings.TrimSpace(string(out)), "\n")
	}
	if len(answers[0]) < 20 || len(answers[0]) != len(answers[1]) {
		t.Fatalf("%d and %d answers", len(answers[0]), len(answers[1]))
	}
	milliseconds := regexp.MustCompile(`"milliseconds":[^,}]*`)
	different := 0
	for i, want := range answers[0] {
		if got := answers[1][i]; milliseconds.ReplaceAllString(got, "") != milliseconds.ReplaceAllString(want, "") {
			if different++; different == 1 {
				t.Logf("answer %d: the engine answers %.300s, and the source %.300s", i, got, want)
			}
		}
	}
	if different > 0 {
		t.Errorf("the engine answers %d of %d otherwise than its source: run scripts/page-wasm and commit what it writes", different, len(answers[0]))
	}
}

// requests are drawings by strangers, a number, a scribble, an empty pad and a picture.
func requests(t *testing.T) []byte {
	t.Helper()
	file, err := realdata.PenDigits()
	if err != nil {
		t.Fatal(err)
	}
	var all []any
	add := func(strokes [][][]float64, more map[string]any) {
		ask := map[string]any{"strokes": strokes, "width": 280, "height": 280, "brush": 18, "details": true}
		for key, value := range more {
			ask[key] = value
		}
		all = append(all, ask)
	}
	lines := sketch.NewLines(file)
	for n := 0; lines.Next(); n++ {
		if n%97 == 0 {
			var strokes [][][]float64
			for _, s := range lines.Drawing().Strokes {
				var points [][]float64
				for _, p := range s {
					points = append(points, []float64{p.X, p.Y, p.Time, p.Pressure})
				}
				strokes = append(strokes, points)
			}
			add(strokes, nil)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	all = slices.Clip(all)
	add([][][]float64{{{50, 20}, {50, 120}}, {{120, 20}, {120, 120}}, {{150, 119}}}, nil)
	add([][][]float64{{{10, 10}, {200, 40}, {12, 60}, {190, 85}, {15, 110}, {205, 130}, {8, 160}, {190, 180}}}, nil)
	add([][][]float64{}, nil)
	add([][][]float64{{{70, 60}, {210, 60}, {130, 230}}}, map[string]any{"preprocess": "mnist", "details": false})
	r, err := engine.BuiltIn()
	if err != nil {
		t.Fatal(err)
	}
	picture, err := r.Predict(t.Context(), []byte(`{"strokes": [[[70, 60], [210, 60], [130, 230]]]}`))
	if err != nil {
		t.Fatal(err)
	}
	all = append(all, map[string]any{"image": picture.Processed, "details": true})
	var text []byte
	for _, ask := range all {
		line, err := json.Marshal(ask)
		if err != nil {
			t.Fatal(err)
		}
		text = append(append(text, line...), '\n')
	}
	return text
}

// What is wrong with a request is said as the server says it.
func TestReaderRefuses(t *testing.T) {
	r, err := engine.BuiltIn()
	if err != nil {
		t.Fatal(err)
	}
	for body, want := range map[string]string{
		`{"strokes": [[[1, 2]]`:                  "it ends in the middle",
		`{}`:                                     "there are 0 of strokes, image and pixels, want one",
		`{"instances": [{}]}`:                    "there are instances, want one drawing",
		`{"strokes": [], "preprocess": "x"}`:     `"x" is no way to prepare a picture`,
		`{"image": "data:image/png;base64,AAA"}`: "of no known format",
	} {
		_, err := r.Predict(t.Context(), []byte(body))
		if p, known := err.(*reading.Problem); !known || !strings.Contains(p.Detail, want) {
			t.Errorf("%s: %v, want a problem with %q", body, err, want)
		}
	}
}
