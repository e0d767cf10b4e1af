package samples

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func gzipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write([]byte(text))
	w.Close()
	return b.String()
}

func fsOf(files map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for name, content := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(content)}
	}
	return fsys
}

// ten are lines with labels a and b.
func ten(format string) string {
	var b strings.Builder
	for i := range 10 {
		fmt.Fprintf(&b, format+"\n", string(rune('a'+i%2)), fmt.Sprintf("sentence number %d", i))
	}
	return b.String()
}

func TestFind(t *testing.T) {
	for name, test := range map[string]struct {
		files       map[string]string
		o           Options
		kind        Kind
		train, test int
		classes     string
		note        string
	}{
		"tsv":                {files: map[string]string{"r.tsv": ten("%s\t%s")}, kind: Texts, train: 8, test: 2, classes: "a b", note: "Column 2 is taken for the text"},
		"tsv, text first":    {files: map[string]string{"r.tsv": ten("%[2]s\t%[1]s")}, kind: Texts, train: 8, test: 2, classes: "a b", note: "Column 1 is taken for the text"},
		"tsv with a quote":   {files: map[string]string{"r.tsv": ten("%s\t\"%s he said") + "a\t\"say \"\"yes\"\" now\"\n"}, kind: Texts, train: 8, test: 3, classes: "a b"},
		"gzip, three parts":  {files: map[string]string{"train.tsv.gz": gzipped(ten("%s\t%s")), "dev.tsv.gz": gzipped(ten("%s\t%s")), "test.tsv.gz": gzipped(ten("%s\t%s"))}, kind: Texts, train: 10, test: 10, classes: "a b", note: "10 texts for validation are left alone"},
		"csv with a head":    {files: map[string]string{"r.csv": "id,Label,Review\n" + strings.ReplaceAll(ten("7,%s,\"%s, it was\""), "x", "")}, kind: Texts, train: 8, test: 2, classes: "a b"},
		"semicolons":         {files: map[string]string{"r.csv": "label;text\n" + ten("%s;%s")}, kind: Texts, train: 8, test: 2, classes: "a b"},
		"a column for parts": {files: map[string]string{"r.csv": "text,label,split\none two,a,train\none three,b,train\ntwo three,a,test\n"}, kind: Texts, train: 2, test: 1, classes: "a b"},
		"JSON lines":         {files: map[string]string{"r.jsonl": ten(`{"label":"%s","text":"%s","id":7}`)}, kind: Texts, train: 8, test: 2, classes: "a b"},
		"JSON numbers":       {files: map[string]string{"r.jsonl": strings.NewReplacer(`"a"`, "0", `"b"`, "10").Replace(ten(`{"label":"%s","sentence":"%s"}`))}, kind: Texts, train: 8, test: 2, classes: "0 10"},
		"Chinese":            {files: map[string]string{"r.tsv": strings.ReplaceAll(ten("%s\t%s"), "sentence number", "很好吃的菜")}, kind: Texts, train: 8, test: 2, classes: "a b"},
		"files":              {files: map[string]string{"pos/1.txt": "good film", "pos/2.txt": "fine film", "neg/1.txt": "bad film", "neg/2.txt": "poor film", "neg/3.txt": ""}, o: Options{Fold: 1, Folds: 2}, kind: Texts, train: 2, test: 2, classes: "neg pos", note: "1 file without a text left out, the first neg/3.txt"},
		"files in parts":     {files: map[string]string{"train/pos/1.txt": "good film", "train/neg/1.txt": "bad film", "test/neg/3.txt": "ugly film"}, kind: Texts, train: 2, test: 1, classes: "neg pos"},
		"folds":              {files: map[string]string{"r.tsv": ten("%s\t%s")}, o: Options{Fold: 2, Folds: 10}, kind: Texts, train: 9, test: 1, classes: "a b", note: "Fold 2 of 10 tests"},
		"recordings":         {files: map[string]string{"yes/1.wav": "", "yes/2.wav": "", "no/1.flac": "", "no/2.flac": ""}, o: Options{Fold: 2, Folds: 2}, kind: Recordings, train: 2, test: 2, classes: "no yes"},
		"FSDD":               {files: map[string]string{"0_theo_4.wav": "", "0_theo_5.wav": "", "1_theo_0.wav": "", "1_theo_49.wav": ""}, kind: Recordings, train: 2, test: 2, classes: "0 1", note: "Those with number<5 test"},
		"a speaker left out": {files: map[string]string{"0_theo_4.wav": "", "0_ann_5.wav": "", "1_theo_0.wav": "", "1_ann_49.wav": ""}, o: Options{TestWhere: "speaker=ann"}, kind: Recordings, train: 2, test: 2, classes: "0 1"},
		"a pattern":          {files: map[string]string{"x-on-1.wav": "", "y-off-2.wav": "", "z-on-3.wav": "", "z-off-3.wav": ""}, o: Options{Names: "{who}-{class}-{n}.wav", TestWhere: "n>2"}, kind: Recordings, train: 2, test: 2, classes: "off on"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Find(fsOf(test.files), test.o)
			if err != nil || s == nil || s.Kind != test.kind {
				t.Fatalf("%+v, %v", s, err)
			}
			d, err := s.Divide(test.o)
			if err != nil {
				t.Fatal(err)
			}
			if len(d.Train) != test.train || len(d.Test) != test.test || strings.Join(d.Classes, " ") != test.classes {
				t.Errorf("%d to train, %d to test, classes %q", len(d.Train), len(d.Test), d.Classes)
			}
			if notes := strings.Join(append(s.Notes, d.Notes...), " "); !strings.Contains(notes, test.note) {
				t.Errorf("notes %q, want %q", notes, test.note)
			}
		})
	}
}

func TestQuotes(t *testing.T) {
	s, err := OpenTable(fsOf(map[string]string{"r.tsv": "label\ttext\na\t\"say \"\"yes\"\"\"\nb\t\"no\n"}), "r.tsv", Options{})
	if err != nil || len(s.Items) != 2 || s.Items[0].Text != `say "yes"` || s.Items[1].Text != `"no` || s.Items[1].Where != "r.tsv, line 3" {
		t.Errorf("%+v, %v", s.Items, err)
	}
}

func TestRefused(t *testing.T) {
	for want, test := range map[string]struct {
		files map[string]string
		o     Options
	}{
		"it is no table of texts, but a PNG picture":           {files: map[string]string{"r.jsonl": "\x89PNG\r\n"}},
		"line 2 is not UTF-8":                                  {files: map[string]string{"r.jsonl": ten(`{"label":"%s","text":"%s"}`)[:41] + "{\"label\":\"\xff\",\"text\":\"a b\"}\n"}},
		"line 1 has more than 1114112 bytes":                   {files: map[string]string{"r.jsonl": strings.Repeat("a", 3<<20)}},
		"line 1: it is no JSON object":                         {files: map[string]string{"r.jsonl": "[1]\n"}},
		"line 2 has more than 1114112 bytes":                   {files: map[string]string{"r.tsv": "a\tone two\nb\t" + strings.Repeat("x ", 1<<20)}},
		"it is UTF-16":                                         {files: map[string]string{"r.jsonl": "\xff\xfea\x00"}},
		"damaged or cut short":                                 {files: map[string]string{"r.jsonl.gz": gzipped(ten(`{"label":"%s","text":"%s"}`))[:60]}},
		"nothing tells which has the label":                    {files: map[string]string{"r.tsv": ten("1\t%s\t%s")}},
		`there is no column "stars", there are label, text`:    {files: map[string]string{"r.tsv": "label\ttext\n" + ten("%s\t%s")}, o: Options{LabelColumn: "stars"}},
		"line 11: it has 1 field, want 2":                      {files: map[string]string{"r.tsv": ten("%s\t%s") + "lost\n"}},
		"line 2 is followed by more than 2228224 bytes":        {files: map[string]string{"r.csv": "text,label\n" + strings.Repeat("good film ", 400_000) + ",a\n"}, o: Options{TextColumn: "text"}},
		"or in one pair of quotes: is a quote missing?":        {files: map[string]string{"r.csv": "label,text\na,\"" + strings.Repeat("good film\n", 400_000)}, o: Options{TextColumn: "text"}},
		`all texts are of the class "a"`:                       {files: map[string]string{"r.tsv": strings.ReplaceAll(ten("%s\t%s"), "b\t", "a\t")}},
		"in 100 lines; they are numbers, and the command":      {files: map[string]string{"r.tsv": numbers()}},
		"more than 256 classes":                                {files: map[string]string{"r.csv": "text,label\n" + many()}, o: Options{TextColumn: "text"}},
		"lies in no folder":                                    {files: map[string]string{"hello.wav": "", "yes/a.wav": ""}},
		"is not as {class}_{n} has it":                         {files: map[string]string{"hello.wav": ""}, o: Options{Names: "{class}_{n}"}},
		"has no {class}":                                       {files: map[string]string{"hello.wav": ""}, o: Options{Names: "{n}"}},
		"is about colour, which the names do not tell":         {files: map[string]string{"0_a_1.wav": "", "1_a_2.wav": ""}, o: Options{TestWhere: "colour=red"}},
		`compares with "five", want one number`:                {files: map[string]string{"0_a_1.wav": "", "1_a_2.wav": ""}, o: Options{TestWhere: "number<five"}},
		"is no condition":                                      {files: map[string]string{"0_a_1.wav": "", "1_a_2.wav": ""}, o: Options{TestWhere: "number"}},
		"is of the class \"c\", which no text to train on has": {files: map[string]string{"train.tsv": ten("%s\t%s"), "test.tsv": "c\tnothing like it\n"}},
		"0 to test with":                                       {files: map[string]string{"0_a_7.wav": "", "1_a_8.wav": ""}, o: Options{TestWhere: "number<5"}},
		"one.txt has more than 1048576 bytes":                  {files: map[string]string{"a/one.txt": strings.Repeat("a ", 1<<20), "b/two.txt": "x y"}},
		"a/one.txt is no text, but a JPEG picture":             {files: map[string]string{"a/one.txt": "\xff\xd8\xff\xe0", "b/two.txt": "x y"}},
		"there are several tables of texts in it":              {files: map[string]string{"one.tsv": ten("%s\t%s"), "two.tsv": ten("%s\t%s")}},
	} {
		t.Run(want, func(t *testing.T) {
			s, err := Find(fsOf(test.files), test.o)
			if err == nil && s != nil {
				_, err = s.Divide(test.o)
			}
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%+v, %v", s, err)
			}
		})
	}
}

func numbers() string {
	var b strings.Builder
	for i := range 100 {
		fmt.Fprintf(&b, "%v\ta text of words\n", float64(i)/8)
	}
	return b.String()
}

func many() string {
	var b strings.Builder
	for i := range 600 {
		fmt.Fprintf(&b, "a text of words,class %d\n", i)
	}
	return b.String()
}

// TestIsTable tells tables of texts from those of pictures.
func TestIsTable(t *testing.T) {
	files := fsOf(map[string]string{
		"texts.tsv": ten("%s\t%s"), "texts.jsonl": "{}", "pictures.csv": "path,label\na b.png,x\nb c.jpg,y\n", "pixels.csv": "5,0,0,255\n1,0,2,3\n", "notes.md": "a b\n",
		"names.csv": "file,label\nimg one.png,cat\nimg two.png,dog\n",
	})
	want := []string{"texts.jsonl", "texts.tsv"}
	var got []string
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if IsTable(files, name, Options{}) {
			got = append(got, name)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// A table beside pictures tells of these, unless its columns are named.
func TestTablesBesidePictures(t *testing.T) {
	files := map[string]string{"notes.tsv": ten("%s\t%s")}
	for _, picture := range []string{"", "cats/a.jfif", "b.PNG"} {
		if picture != "" {
			files[picture] = "?"
		}
		found, err := Find(fsOf(files), Options{})
		if err != nil || (found == nil) != (picture != "") {
			t.Errorf("with the picture %q: %v, error %v", picture, found, err)
		}
	}
	if found, err := Find(fsOf(files), Options{TextColumn: "2", LabelColumn: "1"}); found == nil || err != nil {
		t.Errorf("with named columns: %v, error %v", found, err)
	}
}

// FuzzTable reads damaged tables in bounded memory and without panics.
func FuzzTable(f *testing.F) {
	for _, text := range []string{ten("%s\t%s"), "label,text\na,\"b\nc\"\n", `{"label":1,"text":"x y"}`, gzipped(ten("%s\t%s")), "\x89PNG", "\xff\xfea"} {
		for kind := range 3 {
			f.Add(text, byte(kind))
		}
	}
	f.Fuzz(func(t *testing.T, text string, kind byte) {
		name := "r" + []string{".tsv", ".csv", ".jsonl"}[kind%3]
		if s, err := OpenTable(fsOf(map[string]string{name: text}), name, Options{}); err == nil {
			if len(s.Items) > len(text)*1100 { // gzip's ratio at best
				t.Errorf("%d bytes have %d texts", len(text), len(s.Items))
			}
			s.Divide(Options{})
		}
	})
}
