package web

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"log/slog"
	"math"
	"mime/multipart"
	"strings"
	"testing"

	"inkling"
	"inkling/data"
	"inkling/sound"
	"inkling/text"
	"inkling/vector"
	"inkling/web/reading"
	"inkling/weights"
)

// textClassifier is an untrained model for texts, whose answers do not matter.
func textClassifier(t testing.TB) *inkling.Classifier {
	t.Helper()
	way := text.Way{Tokenizer: text.Treebank, Lower: true}
	vocabulary, err := text.NewVocabulary(way.All([]string{"a good film and a bad plot"}))
	if err != nil {
		t.Fatal(err)
	}
	m, err := inkling.NewClassifier("textcnn dim=6 filters=4", inkling.Options{Classes: []string{"bad", "good"}, Text: &text.Input{Way: way, Length: 8, Vocabulary: vocabulary}})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func soundClassifier(t testing.TB) *inkling.Classifier {
	t.Helper()
	in := sound.UsualInput(8000, 0.5)
	m, err := inkling.NewClassifier("melcnn", inkling.Options{Classes: []string{"no", "yes"}, Sound: &in})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func serverOf(t testing.TB, m *inkling.Classifier) *Server {
	t.Helper()
	c, err := ConfigFor("test", m)
	if err != nil {
		t.Fatal(err)
	}
	c.Workers, c.Log = 2, slog.New(slog.DiscardHandler)
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// vectorClassifier is an untrained model for rows of two numbers, which tells classes, or the
// number price.
func vectorClassifier(t testing.TB, measures bool) *inkling.Classifier {
	t.Helper()
	in, err := vector.NewInput([]string{"rooms", "area"}, [][]float64{{1, 40}, {3, 80}})
	if err != nil {
		t.Fatal(err)
	}
	o := inkling.Options{Classes: []string{"flat", "house"}, Vector: in, Seed: 4}
	if measures {
		o.Classes, o.Target = []string{"price"}, &inkling.Target{Name: "price", Scale: data.Scale{Mean: 200, Std: 50}}
	}
	m, err := inkling.NewClassifier("mlp hidden=8", o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestReadsVectors(t *testing.T) {
	for _, measures := range []bool{false, true} {
		m := vectorClassifier(t, measures)
		s := serverOf(t, m)
		about := decoded[reading.Description](t, ask(s, "GET", "/api/model", "", nil))
		if about.Kind != "vectors" || about.Draws || len(about.Columns) != 2 || about.Columns[1] != (reading.Column{Name: "area", Mean: 60, Std: 20}) || (about.Target != "") != measures {
			t.Errorf("%+v", about)
		}
		want, err := m.PredictVector([]float64{2, 75})
		if err != nil {
			t.Fatal(err)
		}
		check := func(a sampleAnswer) {
			t.Helper()
			switch {
			case measures && (a.Number == nil || math.Abs(*a.Number-want.Number) > 1e-3 || a.Label != "" || a.Index != -1 || len(a.Probabilities) > 0):
				t.Errorf("%+v, want the number %v", a, want.Number)
			case !measures && (a.Number != nil || a.Label != want.Class || math.Abs(float64(a.Probabilities[a.Index])-want.Probability) > 1e-5):
				t.Errorf("%+v, want %+v", a, want)
			}
		}
		for _, body := range []string{`{"vector":[2,75]}`, `{"named":{"area":75,"rooms":2}}`} {
			check(decoded[sampleAnswer](t, askJSON(s, "/api/predict", body)))
		}
		several := decoded[sampleAnswers](t, askJSON(s, "/api/predict", `{"instances":[{"vector":[2,75]},{"named":{"area":75,"rooms":2}}]}`))
		for _, a := range several.Predictions {
			check(*a)
		}
		var form bytes.Buffer
		w := multipart.NewWriter(&form)
		w.WriteField("vector", "2, 75")
		w.Close()
		check(decoded[sampleAnswer](t, ask(s, "POST", "/api/predict", w.FormDataContentType(), &form)))
		for body, want := range map[string]string{
			`{}`:                                    "the request has no vector",
			`{"text":"2 75"}`:                       "the model reads vectors, and the request has text: send vector",
			`{"vector":[2]}`:                        "there are 1 numbers, want 2: rooms, area",
			`{"vector":[]}`:                         "there are 0 numbers, want 2",
			`{"vector":[2,1e300]}`:                  "area is 1e+300, which is too far",
			`{"vector":["2",75]}`:                   "vector",
			`{"vector":[2,75],"named":{"area":75}}`: "there are vector and named: send one",
			`{"named":{"area":75,"rooms":2,"garden":1}}`: `there is no column \"garden\"`,
			`{"instances":[{"text":"a"}]}`:               "instances[0]: the model reads vectors: send these",
			`{"instances":[{}]}`:                         "instances[0]: there is no vector",
		} {
			if w := askJSON(s, "/api/predict", body); w.Code < 400 || w.Code >= 500 || !strings.Contains(w.Body.String(), want) {
				t.Errorf("%.60s: %d, %s, want %q", body, w.Code, w.Body, want)
			}
		}
		if w := ask(s, "GET", "/", "", nil); w.Code != 200 || !strings.Contains(w.Body.String(), `id="columns"`) {
			t.Errorf("the page is %d, %.200s", w.Code, w.Body)
		}
	}
}

// A text may have a number for its answer, with what the tokens add to it.
func TestReadsTextsAsNumbers(t *testing.T) {
	in := textClassifier(t).Text
	m, err := inkling.NewClassifier("textcnn dim=6 filters=4", inkling.Options{Classes: []string{"stars"}, Text: in, Target: &inkling.Target{Name: "stars", Scale: data.Scale{Mean: 3, Std: 1}}})
	if err != nil {
		t.Fatal(err)
	}
	s := serverOf(t, m)
	want, err := m.PredictText("a good film")
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{`{"text":"a good film"}`, `{"text":"a good film","details":true}`} {
		a := decoded[sampleAnswer](t, askJSON(s, "/api/predict", body))
		if a.Number == nil || math.Abs(*a.Number-want.Number) > 1e-4 || a.Empty {
			t.Errorf("%s: %+v, want %v", body, a, want.Number)
		}
	}
	if a := decoded[sampleAnswer](t, askJSON(s, "/api/predict", `{"text":" "}`)); a.Number != nil || !a.Empty {
		t.Errorf("of no text: %+v", a)
	}
}

// wav is a recording of a tone, of one channel with 16 bit.
func wav(rate int, seconds, loud float64) []byte {
	n := int(float64(rate) * seconds)
	b := bytes.NewBufferString("RIFF")
	for _, v := range []any{uint32(36 + 2*n), []byte("WAVEfmt "), uint32(16), uint16(1), uint16(1), uint32(rate), uint32(2 * rate), uint16(2), uint16(16), []byte("data"), uint32(2 * n)} {
		binary.Write(b, binary.LittleEndian, v)
	}
	for i := range n {
		binary.Write(b, binary.LittleEndian, int16(32767*loud*math.Sin(2*math.Pi*500*float64(i)/float64(rate))))
	}
	return b.Bytes()
}

func TestReadsTexts(t *testing.T) {
	m := textClassifier(t)
	s := serverOf(t, m)
	about := decoded[reading.Description](t, ask(s, "GET", "/api/model", "", nil))
	if about.Kind != "texts" || about.Length != 8 || about.Tokenizer != "treebank" || about.Draws {
		t.Errorf("%+v", about)
	}
	plain := decoded[sampleAnswer](t, askJSON(s, "/api/predict", `{"text":"a good film, never seen"}`))
	detailed := decoded[sampleAnswer](t, askJSON(s, "/api/predict", `{"text":"a good film, never seen","details":true}`))
	want, err := m.PredictText("a good film, never seen")
	if err != nil || plain.Label != want.Class || plain.Index != want.Index || plain.Unknown != 3 || len(plain.Tokens) > 0 {
		t.Errorf("%+v, want %+v, %v", plain, want, err)
	}
	for i, p := range want.Probabilities {
		if math.Abs(float64(p-plain.Probabilities[i])) > 1e-5 || math.Abs(float64(p-detailed.Probabilities[i])) > 1e-5 {
			t.Errorf("%v and %v, want %v", plain.Probabilities, detailed.Probabilities, want.Probabilities)
		}
	}
	var tokens []string
	for _, token := range detailed.Tokens {
		tokens = append(tokens, fmt.Sprint(token.Token, token.Known))
	}
	if got := strings.Join(tokens, " "); got != "atrue goodtrue filmtrue ,false neverfalse seenfalse" {
		t.Errorf("the tokens are %s", got)
	}
	several := decoded[sampleAnswers](t, askJSON(s, "/api/predict", `{"instances":[{"text":"a good film, never seen"},{"text":" "}]}`))
	if len(several.Predictions) != 2 || several.Predictions[0].Label != plain.Label || !several.Predictions[1].Empty || several.Predictions[1].Index != -1 {
		t.Errorf("%+v", several)
	}
	long := decoded[sampleAnswer](t, askJSON(s, "/api/predict", `{"text":"`+strings.Repeat("film ", 20)+`"}`))
	if long.Cut != 12 {
		t.Errorf("%d tokens are cut, want 12", long.Cut)
	}
	for body, want := range map[string]string{
		`{}`:                  "the request has no text",
		`{"audio":"x"}`:       "the model reads texts, and the request has audio: send text",
		`{"text":7}`:          "text is a JSON number",
		"{\"text\":\"\xff\"}": "the request is no JSON: it is not UTF-8",
		`{"instances":[]}`:    "instances has 0 texts, want 1 to 256",
		`{"instances":[{}]}`:  "instances[0]: there is no text",
		`{"text":"` + strings.Repeat("a", maxText+1) + `"}`: "the text has 65537 bytes",
	} {
		if w := askJSON(s, "/api/predict", body); w.Code < 400 || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%.60s: %d, %s, want %q", body, w.Code, w.Body, want)
		}
	}
	if w := ask(s, "GET", "/", "", nil); w.Code != 200 || !strings.Contains(w.Body.String(), `<textarea id="text"`) {
		t.Errorf("the page is %d, %.80s", w.Code, w.Body)
	}
}

func audioForm(t testing.TB, file []byte) (kind string, body *bytes.Buffer) {
	t.Helper()
	body = &bytes.Buffer{}
	form := multipart.NewWriter(body)
	part, err := form.CreateFormFile("audio", "clip.wav")
	if err != nil {
		t.Fatal(err)
	}
	part.Write(file)
	form.WriteField("details", "true")
	form.Close()
	return form.FormDataContentType(), body
}

func TestUnderstandsRecordings(t *testing.T) {
	m := soundClassifier(t)
	s := serverOf(t, m)
	if about := decoded[reading.Description](t, ask(s, "GET", "/api/model", "", nil)); about.Kind != "recordings" || about.Rate != 8000 || about.Seconds != 0.5 {
		t.Errorf("%+v", about)
	}
	kind, body := audioForm(t, wav(16000, 0.4, 0.5))
	a := decoded[sampleAnswer](t, ask(s, "POST", "/api/predict", kind, body))
	if a.Index < 0 || a.Rate != 16000 || a.Channels != 1 || math.Abs(a.Seconds-0.4) > 1e-9 || len(a.Waveform) != mostWave || !strings.HasPrefix(a.Spectrum, "data:image/png;base64,") {
		t.Errorf("%+v", a)
	}
	if low, high := a.Waveform[100][0], a.Waveform[100][1]; low > -0.4 || high < 0.4 {
		t.Errorf("the waveform goes from %v to %v", low, high)
	}
	url := "data:audio/wav;base64," + base64.StdEncoding.EncodeToString(wav(16000, 0.4, 0.5))
	if b := decoded[sampleAnswer](t, askJSON(s, "/api/predict", mustJSON(map[string]string{"audio": url}))); b.Label != a.Label || b.Spectrum != "" {
		t.Errorf("%+v, want %+v", b, a)
	}
	for want, file := range map[string][]byte{
		"cut short":                     wav(8000, 0.5, 0.5)[:500],
		"there is nothing to hear":      wav(8000, 0.5, 0),
		"0 samples a second":            wav(0, 0.5, 0.5),
		"more than 8388608 bytes":       wav(8000, 530, 0.5),
		"no recording":                  []byte("hello, world"),
		"the recording is empty":        {},
		"no recording that can be read": reading.ToPNG(digitPicture()),
	} {
		kind, body := audioForm(t, file)
		if w := ask(s, "POST", "/api/predict", kind, body); w.Code != 422 || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%d, %.200s, want %q", w.Code, w.Body, want)
		}
	}
	for body, want := range map[string]string{`{"text":"yes"}`: "send audio", `{"audio":"data:audio/wav,x"}`: "want data:audio/wav;base64", `{"instances":[{"text":"a"}]}`: "instances are texts"} {
		if w := askJSON(s, "/api/predict", body); w.Code < 400 || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d, %s, want %q", body, w.Code, w.Body, want)
		}
	}
	if w := ask(s, "GET", "/", "", nil); w.Code != 200 || !strings.Contains(w.Body.String(), `id="record"`) {
		t.Errorf("the page is %d, %.80s", w.Code, w.Body)
	}
}

// TestGradioSamples calls models for texts and recordings as Gradio's clients do.
func TestGradioSamples(t *testing.T) {
	type label struct {
		Label       string
		Confidences []struct{ Label string }
	}
	texts, sounds := serverOf(t, textClassifier(t)), serverOf(t, soundClassifier(t))
	path := uploadFiles(t, sounds, gradioPrefix, wav(8000, 0.4, 0.5))[0]
	for _, test := range []struct {
		s                *Server
		component, input string
	}{
		{texts, "textbox", `"a good film"`}, {sounds, "audio", asFile(path)},
	} {
		config := decoded[struct {
			Components []struct {
				ID   int
				Type string
			}
			Dependencies []struct{ Inputs, Outputs []int }
		}](t, ask(test.s, "GET", "/config", "", nil))
		if len(config.Components) != 2 || config.Components[0].Type != test.component || config.Components[1].Type != "label" || config.Dependencies[0].Outputs[0] != config.Components[1].ID {
			t.Errorf("%+v", config)
		}
		info := ask(test.s, "GET", gradioPrefix+"/info", "", nil).Body.String()
		if !strings.Contains(strings.ToLower(info), `"component":"`+test.component) {
			t.Errorf("%s", info)
		}
		w := askJSON(test.s, gradioPrefix+"/run/predict", `{"data":[`+test.input+`]}`)
		out := decoded[struct{ Data []label }](t, w)
		if len(out.Data) != 1 || out.Data[0].Label == "" || len(out.Data[0].Confidences) != 2 {
			t.Errorf("%s", w.Body)
		}
	}
	if w := askJSON(sounds, gradioPrefix+"/run/predict", `{"data":[null]}`); w.Code != 422 || !strings.Contains(w.Body.String(), "there is no recording") {
		t.Errorf("%d, %s", w.Code, w.Body)
	}
}

// TestSamplesFile saves and opens a model for texts, whose vocabulary must be that of its
// network.
func TestSamplesFile(t *testing.T) {
	path := t.TempDir() + "/texts.pth"
	m := textClassifier(t)
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	again, err := inkling.Open(path)
	if err != nil || again.Text.Vocabulary.Len() != m.Text.Vocabulary.Len() || len(again.Assumed) > 0 {
		t.Fatalf("%+v, %v", again, err)
	}
	for want, change := range map[string]func(extra map[string]string){
		"it has no vocabulary": func(extra map[string]string) { delete(extra, "texts") },
		"its vocabulary has 3 tokens, but its network knows": func(extra map[string]string) {
			extra["texts"] = `{"tokenizer":"words","length":8,"vocabulary":["<pad>","<unk>","a"]}`
		},
		"want words, treebank or characters": func(extra map[string]string) {
			extra["texts"] = `{"tokenizer":"magic","length":8,"vocabulary":["<pad>","<unk>","a"]}`
		},
		"0 tokens of a text are read": func(extra map[string]string) {
			extra["texts"] = `{"tokenizer":"words","vocabulary":["<pad>","<unk>","a"]}`
		},
		"several of texts, recordings and vectors": func(extra map[string]string) { extra["recordings"] = mustJSON(sound.UsualInput(8000, 1)) },
	} {
		file, err := weights.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		change(file.Metadata.Extra)
		if _, err := (&inkling.Options{}).Use(path, file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
