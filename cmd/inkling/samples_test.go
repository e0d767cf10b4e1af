package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"inkling"
	"inkling/data/samples"
	"inkling/sound"
	"inkling/text"
	"inkling/weights"
)

// runLine runs a command line and returns what it printed.
func runLine(t *testing.T, want int, stdin string, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, errOut bytes.Buffer
	if status := run(args, strings.NewReader(stdin), &out, &errOut); status != want {
		t.Fatalf("inkling %s: status %d, want %d\n%s%s", strings.Join(args, " "), status, want, &out, &errOut)
	}
	return out.String(), errOut.String()
}

// writeTexts writes lines of random words, of which one is an opinion.
func writeTexts(t *testing.T, path string, n int, words, good, bad []string, between string) {
	t.Helper()
	r := rand.New(rand.NewPCG(uint64(n), 1))
	var file bytes.Buffer
	for i := range n {
		opinions, label := good, "good"
		if i%2 == 0 {
			opinions, label = bad, "bad"
		}
		var all []string
		for range 5 {
			all = append(all, words[r.IntN(len(words))])
		}
		all[r.IntN(5)] = opinions[r.IntN(len(opinions))]
		fmt.Fprintf(&file, "%s\t%s\n", label, strings.Join(all, between))
	}
	if err := os.WriteFile(path, file.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// wave is a WAV of one channel with 16 bit.
func wave(rate int, samples []float64) []byte {
	b := bytes.NewBufferString("RIFF")
	put := func(values ...any) {
		for _, v := range values {
			binary.Write(b, binary.LittleEndian, v)
		}
	}
	put(uint32(36+2*len(samples)), []byte("WAVEfmt "), uint32(16), uint16(1), uint16(1), uint32(rate), uint32(2*rate), uint16(2), uint16(16), []byte("data"), uint32(2*len(samples)))
	for _, v := range samples {
		put(int16(v * 32767))
	}
	return b.Bytes()
}

// tone is a quarter of a second that rises or falls.
func tone(r *rand.Rand, rises bool) []float64 {
	samples := make([]float64, 2000)
	phase, from := 0.0, 400+100*r.Float64()
	for i := range samples {
		at := float64(i) / float64(len(samples))
		if !rises {
			at = 1 - at
		}
		phase += 2 * math.Pi * (from + 1500*at) / 8000
		samples[i] = 0.5*math.Sin(phase) + 0.01*r.NormFloat64()
	}
	return samples
}

// TestTexts goes from a table of texts to a model that reads them.
func TestTexts(t *testing.T) {
	if testing.Short() {
		t.Skip("trains networks")
	}
	dir := t.TempDir()
	t.Chdir(dir)
	writeTexts(t, "reviews.tsv", 240, []string{"the", "film", "a", "plot", "and", "actors", "was"}, []string{"great", "lovely"}, []string{"dull", "boring"}, " ")
	os.Mkdir("chinese", 0o755)
	writeTexts(t, "chinese/train.tsv", 240, []string{"菜", "店", "人", "很", "我"}, []string{"好吃", "喜欢"}, []string{"难吃", "失望"}, "")
	writeTexts(t, "chinese/test.tsv", 40, []string{"菜", "店", "人", "很", "我"}, []string{"好吃", "喜欢"}, []string{"难吃", "失望"}, "")
	for data, model := range map[string]string{"reviews.tsv": "textcnn", "chinese": "charcnn"} {
		out, _ := runLine(t, 0, "", "train", "--data", data, "--model", model+" dim=16 filters=16", "--lr", "0.01", "--batch", "20", "--out", model+".pth")
		for _, want := range []string{"These are texts: the recipe text was chosen.", "Column 2 is taken for the text", " texts of 2 classes to train on", "Texts are changed at random: words=0.3", " texts/s"} {
			if !strings.Contains(out, want) {
				t.Errorf("%s: want %q\n%s", data, want, out)
			}
		}
	}
	m, err := inkling.Open("textcnn.pth")
	if err != nil || m.Kind() != inkling.Texts || len(m.Assumed) > 0 {
		t.Fatalf("%v, %q", err, m.Assumed)
	}
	out, _ := runLine(t, 0, "", "predict", "textcnn.pth", "the film was lovely", "a dull plot", "--json")
	var all []samplePrediction
	if err := json.Unmarshal([]byte(out), &all); err != nil || len(all) != 2 || all[0].Class != "good" || all[1].Class != "bad" {
		t.Fatalf("%v\n%s", err, out)
	}
	best := all[0].Tokens[0]
	for _, token := range all[0].Tokens {
		if token.Support > best.Support {
			best = token
		}
	}
	if best.Token != "lovely" || !best.Known {
		t.Errorf("the answer comes of %+v: %+v", best, all[0].Tokens)
	}
	out, _ = runLine(t, 0, "我 很 喜欢 菜\n很难吃\n", "predict", "charcnn.pth", "-")
	if !strings.Contains(out, "good (") || !strings.Contains(out, "bad (") {
		t.Errorf("%s", out)
	}
	out, _ = runLine(t, 0, "", "test", "charcnn.pth", "--data", "chinese/test.tsv")
	if !strings.Contains(out, "All 40 of the file test.") || !strings.Contains(out, "on the 40 test texts") {
		t.Errorf("%s", out)
	}
	out, _ = runLine(t, 0, "", "info", "textcnn.pth")
	if !strings.Contains(out, "tokens of the Penn Treebank with every digit as 0, 11 of them known, 8 of a text read") || strings.Contains(out, "boring") {
		t.Errorf("%s", out)
	}
	// A network that weighs words is told of their pieces, and so is the model's file.
	runLine(t, 0, "", "train", "--data", "reviews.tsv", "--model", "textcnn dim=16 filters=16 tally=2 apart=0.4", "--batch", "20", "--out", "weighed.pth")
	out, _ = runLine(t, 0, "", "info", "weighed.pth")
	if !strings.Contains(out, "11 of them known, weighed with runs of up to 2 and pieces of 3 to 5 letters, 8 of a text read") {
		t.Errorf("%s", out)
	}
	out, _ = runLine(t, 0, "", "predict", "weighed.pth", "the film was lovelyish")
	if !strings.Contains(out, "good (") {
		t.Errorf("a word of which only pieces are known: %s", out)
	}
	out, _ = runLine(t, 0, "", "show", "--data", "reviews.tsv", "--count", "2")
	if strings.Count(out, "\nbad\t")+strings.Count(out, "\ngood\t") != 2 {
		t.Errorf("%s", out)
	}
	// Going on keeps the tokens; other classes get a new head.
	out, _ = runLine(t, 0, "", "train", "--from", "textcnn.pth", "--data", "reviews.tsv", "--epochs", "1", "--batch", "20", "--out", "more.pth")
	if !strings.Contains(out, "Weights: those of textcnn.pth") {
		t.Errorf("%s", out)
	}
	for want, args := range map[string][]string{
		"the model reads texts, and this is": nil,
		"the text is not UTF-8":              {"predict", "textcnn.pth", "\xff\xfe"},
		"there is no word in the text":       {"predict", "textcnn.pth", "   "},
		"--size resizes pictures":            {"train", "--data", "reviews.tsv", "--size", "8"},
		"are for recordings, and these are":  {"train", "--data", "reviews.tsv", "--rate", "8000"},
		"resnet9 reads pictures":             {"train", "--data", "reviews.tsv", "--model", "resnet9"},
		"and the model has none":             {"train", "--data", "reviews.tsv", "--model", "textcnn", "--letters", "4"},
		"--fold is \"11/10\"":                {"train", "--data", "reviews.tsv", "--fold", "11/10"},
		"--tta looks at pictures":            {"test", "textcnn.pth", "--data", "reviews.tsv", "--tta"},
		"the model reads texts, and MNIST":   {"test", "textcnn.pth", "--data", "mnist"},
		"is of the class \"odd\"":            {"test", "textcnn.pth", "--data", "odd.tsv"},
		"--preprocess is for pictures":       {"predict", "textcnn.pth", "a", "--preprocess", "fit"},
		"leave these options out":            {"predict", "textcnn.pth", "a", "--mean", "0"},
	} {
		if args == nil {
			continue
		}
		os.WriteFile("odd.tsv", []byte("good\tone two three\nodd\tfour five six\n"), 0o644)
		var out, errOut bytes.Buffer
		if status := run(args, strings.NewReader(""), &out, &errOut); status == 0 || !strings.Contains(errOut.String(), want) {
			t.Errorf("inkling %q: %d, %s, want %q", args, status, &errOut, want)
		}
	}
}

// TestRecordings goes from a folder of recordings to a model that understands them.
func TestRecordings(t *testing.T) {
	if testing.Short() {
		t.Skip("trains networks")
	}
	dir := t.TempDir()
	t.Chdir(dir)
	r := rand.New(rand.NewPCG(1, 2))
	for _, class := range []string{"rises", "falls"} {
		os.MkdirAll(filepath.Join("tones", class), 0o755)
		for i := range 20 {
			if err := os.WriteFile(filepath.Join("tones", class, fmt.Sprintf("%d.wav", i)), wave(8000, tone(r, class == "rises")), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	out, _ := runLine(t, 0, "", "train", "--data", "tones", "--epochs", "8", "--batch", "8", "--mels", "16", "--out", "tones.pth")
	for _, want := range []string{"32 recordings of 2 classes to train on", "the recipe speech was chosen", "8,000 samples a second, 16 mels", "on the 8 test recordings: 100.00%"} {
		if !strings.Contains(out, want) {
			t.Errorf("want %q\n%s", want, out)
		}
	}
	if m, err := inkling.Open("tones.pth"); err != nil || m.Kind() != inkling.Recordings || m.Sound.Rate != 8000 {
		t.Fatalf("%+v, %v", m, err)
	}
	if file, err := weights.Read("tones.pth"); err != nil || !strings.Contains(file.Metadata.Extra["recordings"], `"mels":16`) {
		t.Errorf("%v, %v", file.Metadata, err)
	}
	out, _ = runLine(t, 0, "", "predict", "tones.pth", filepath.Join("tones", "rises", "3.wav"))
	if !strings.Contains(out, ": rises (") {
		t.Errorf("%s", out)
	}
	out, _ = runLine(t, 0, "", "show", "--data", "tones", "--count", "4", "--out", "tones.png")
	if info, err := os.Stat("tones.png"); err != nil || info.Size() < 500 || !strings.Contains(out, "Drew 4 recordings") {
		t.Errorf("%v, %s", err, out)
	}
	quiet := make([]float64, 8000)
	for name, content := range map[string][]byte{
		"silence.wav": wave(8000, quiet), "cut.wav": wave(8000, tone(r, true))[:900], "zero.wav": wave(0, quiet), "text.wav": []byte("hello"), "picture.wav": []byte("\x89PNG\r\n\x1a\n"), "empty.wav": nil,
		"many.wav": bytes.Replace(wave(8000, tone(r, true)), []byte{1, 0, 1, 0}, []byte{1, 0, 32, 0}, 1),
	} {
		if err := os.WriteFile(name, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{
		"silence.wav": "there is nothing to hear in it: its 1.0 s are silence", "cut.wav": "cut short", "zero.wav": "it has 0 samples a second", "text.wav": "no recording", "picture.wav": "no recording",
		"empty.wav": "the recording is empty", "many.wav": "32 channels", "none.wav": "there is no recording none.wav",
	} {
		var out, errOut bytes.Buffer
		if status := run([]string{"predict", "tones.pth", name}, strings.NewReader(""), &out, &errOut); status != 1 || !strings.Contains(errOut.String(), want) {
			t.Errorf("%s: %d, %s, want %q", name, status, &errOut, want)
		}
	}
	os.Rename("cut.wav", filepath.Join("tones", "falls", "cut.wav"))
	_, errOut := runLine(t, 1, "", "train", "--data", "tones", "--epochs", "1", "--out", "x.pth")
	if !strings.Contains(errOut, "falls/cut.wav: WAV: it is cut short") || !strings.Contains(errOut, "--skip-bad") {
		t.Errorf("%s", errOut)
	}
	out, _ = runLine(t, 0, "", "train", "--data", "tones", "--epochs", "1", "--skip-bad", "--out", "x.pth")
	if !strings.Contains(out, "1 recording could not be used and was left out") {
		t.Errorf("%s", out)
	}
}

// makeSamples makes what the documentation's command lines on texts and recordings name.
func makeSamples(t *testing.T, dir string) {
	t.Helper()
	writeTexts(t, filepath.Join(dir, "reviews.tsv"), 60, []string{"the", "film", "a", "plot"}, []string{"great", "lovely"}, []string{"dull", "boring"}, " ")
	way := text.Way{Tokenizer: text.Treebank, Lower: true}
	vocabulary, err := text.NewVocabulary(way.All([]string{"a moving film , and never dull"}))
	if err != nil {
		t.Fatal(err)
	}
	in := sound.UsualInput(8000, 0.25)
	for name, o := range map[string]inkling.Options{"textcnn": {Text: &text.Input{Way: way, Length: 8, Vocabulary: vocabulary}}, "melcnn": {Sound: &in}} {
		o.Classes = []string{"0", "1"}
		m, err := inkling.NewClassifier(name, o)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Save(filepath.Join(dir, map[string]string{"textcnn": "reviews.pth", "melcnn": "spoken.pth"}[name])); err != nil {
			t.Fatal(err)
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	os.Mkdir(filepath.Join(dir, "recordings"), 0o755)
	for _, name := range []string{"clip.wav", "recordings/0_theo_0.wav", "recordings/1_theo_1.wav", "recordings/0_jane_0.wav", "recordings/1_jane_1.wav", "recordings/0_jane_2.wav"} {
		if err := os.WriteFile(filepath.Join(dir, filepath.FromSlash(name)), wave(8000, tone(r, strings.Contains(name, "/0"))), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRunsChosen looks at which texts are read with runs of tokens where nothing is said.
func TestRunsChosen(t *testing.T) {
	some := func(labels string, texts ...string) (all []samples.Item) {
		for i, s := range texts {
			all = append(all, samples.Item{Label: labels[i : i+1], Text: s})
		}
		return all
	}
	words, chinese := []string{"how many are there", "who is it", "where is it"}, []string{"味道好", "味道差", "很好"}
	for _, c := range []struct {
		items []samples.Item
		given int
		want  int
	}{
		{some("aba", words...), 0, 0}, {some("abc", words...), 0, 2}, {some("aba", chinese...), 0, 2},
		{some("aba", words...), 3, 3}, {some("aba", chinese...), 1, 1},
	} {
		in, err := chooseText(c.items, &sampleOptions{runs: c.given})
		if err != nil {
			t.Fatal(err)
		}
		run := "is it"
		if in.Tokenizer == text.Characters {
			run = "味 道"
		}
		unknown := slices.Contains(in.Vocabulary.Encode([]string{run}), text.Unknown)
		if in.Runs != c.want || unknown != (c.want < 2) {
			t.Errorf("%q with --runs %d: runs of %d, want %d; %q is unknown: %v", c.items[0].Text, c.given, in.Runs, c.want, run, unknown)
		}
	}
}

// TestPiecesChosen looks at what a tally weighs where nothing is said.
func TestPiecesChosen(t *testing.T) {
	words, chinese := []samples.Item{{Label: "a", Text: "how many are there"}, {Label: "b", Text: "who is it"}}, []samples.Item{{Label: "a", Text: "味道好"}, {Label: "b", Text: "味道很差"}}
	asked := []samples.Item{{Label: "a", Text: "how many are there ?"}, {Label: "b", Text: "who is it?"}, {Label: "b", Text: "tell me"}}
	for _, c := range []struct {
		items []samples.Item
		o     sampleOptions
		want  *text.Pieces
	}{
		{words, sampleOptions{weighs: true}, &text.Pieces{Runs: 2, Letters: 5, Count: piecesCounted}},
		{chinese, sampleOptions{weighs: true}, &text.Pieces{Runs: 3, Count: piecesCounted}},
		{words, sampleOptions{weighs: true, tallyRuns: 3, letters: 4}, &text.Pieces{Runs: 3, Letters: 4, Count: piecesCounted}},
		{words, sampleOptions{weighs: true, tallyRuns: 1, letters: 1}, nil},
		{words, sampleOptions{weighs: true, tallyRuns: 1, letters: 1, opening: "yes"}, &text.Pieces{Runs: 1, Opening: true, Count: piecesCounted}},
		{asked, sampleOptions{weighs: true, opening: "auto"}, &text.Pieces{Runs: 2, Letters: 5, Opening: true, Count: piecesCounted}},
		{asked, sampleOptions{weighs: true, opening: "no"}, &text.Pieces{Runs: 2, Letters: 5, Count: piecesCounted}},
		{words, sampleOptions{}, nil},
	} {
		in, err := chooseText(c.items, &c.o)
		if err != nil {
			t.Fatal(err)
		}
		if (in.Pieces == nil) != (c.want == nil) || in.Pieces != nil && *in.Pieces != *c.want {
			t.Errorf("%q with %+v: pieces %+v, want %+v", c.items[0].Text, c.o, in.Pieces, c.want)
		}
	}
	// Many long texts have no pieces of letters, unless they are asked for.
	long := &text.Input{Way: text.Way{Tokenizer: text.Treebank}, Length: 400}
	if p := choosePieces(long, make([]samples.Item, 25_000), &sampleOptions{weighs: true}); p == nil || p.Letters != 0 || p.Runs != 2 {
		t.Errorf("of many long texts the pieces are %+v", p)
	}
	if p := choosePieces(long, make([]samples.Item, 25_000), &sampleOptions{weighs: true, letters: 3}); p == nil || p.Letters != 3 {
		t.Errorf("where they are asked for, the pieces are %+v", p)
	}
	if err := (&sampleOptions{letters: 2}).check(1); err == nil || !strings.Contains(err.Error(), "--letters is 2, want 0, 1, or 3 to 6") {
		t.Errorf("letters of 2: %v", err)
	}
}
