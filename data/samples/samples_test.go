package samples

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf16"

	"inkling/data"
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

// utf16Of is a text as spreadsheets write it, in UTF-16 with a byte order mark.
func utf16Of(text string) string {
	b := []byte{0xff, 0xfe}
	for _, unit := range utf16.Encode([]rune(text)) {
		b = binary.LittleEndian.AppendUint16(b, unit)
	}
	return string(b)
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
		"UTF-16":             {files: map[string]string{"r.tsv": utf16Of(ten("%s\t%s, naïve 好"))}, kind: Texts, train: 8, test: 2, classes: "a b"},
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
		"it is no table, but a PNG picture":                    {files: map[string]string{"r.jsonl": "\x89PNG\r\n"}},
		"line 2 is not UTF-8":                                  {files: map[string]string{"r.jsonl": ten(`{"label":"%s","text":"%s"}`)[:41] + "{\"label\":\"\xff\",\"text\":\"a b\"}\n"}},
		"line 1 has more than 1114112 bytes":                   {files: map[string]string{"r.jsonl": strings.Repeat("a", 3<<20)}},
		"line 1: it is no JSON object":                         {files: map[string]string{"r.jsonl": "[1]\n"}},
		"line 2 has more than 1114112 bytes":                   {files: map[string]string{"r.tsv": "a\tone two\nb\t" + strings.Repeat("x ", 1<<20)}},
		"damaged or cut short":                                 {files: map[string]string{"r.jsonl.gz": gzipped(ten(`{"label":"%s","text":"%s"}`))[:60]}},
		"nothing tells which has the label":                    {files: map[string]string{"r.tsv": ten("1\t%s\t%s")}},
		`the columns 2 and 3 are called "text" and "text"`:     {files: map[string]string{"r.tsv": "label\ttext\ttext\n" + ten("%s\t%s\tb")}, o: Options{TextColumn: "text"}},
		`there is no column "stars", there are label, text`:    {files: map[string]string{"r.tsv": "label\ttext\n" + ten("%s\t%s")}, o: Options{LabelColumn: "stars"}},
		"line 11: it has 1 field, want 2":                      {files: map[string]string{"r.tsv": ten("%s\t%s") + "lost\n"}},
		"line 2 is followed by more than 2228224 bytes":        {files: map[string]string{"r.csv": "text,label\n" + strings.Repeat("good film ", 400_000) + ",a\n"}, o: Options{TextColumn: "text"}},
		"or in one pair of quotes: is a quote missing?":        {files: map[string]string{"r.csv": "label,text\na,\"" + strings.Repeat("good film\n", 400_000)}, o: Options{TextColumn: "text"}},
		`all texts are of the class "a"`:                       {files: map[string]string{"r.tsv": strings.ReplaceAll(ten("%s\t%s"), "b\t", "a\t")}},
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
		"there are several tables in it":                       {files: map[string]string{"one.tsv": ten("%s\t%s"), "two.tsv": ten("%s\t%s")}},
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
		fmt.Fprintf(&b, "%v\ta text of %d words\n", float64(i)/8, i)
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

// TestKindOfTable tells tables of texts and of vectors from those of pictures.
func TestKindOfTable(t *testing.T) {
	files := fsOf(map[string]string{
		"texts.tsv": ten("%s\t%s"), "texts.jsonl": "{}", "pictures.csv": "path,label\na b.png,x\nb c.jpg,y\n", "pixels.csv": "5,0,0,255\n1,0,2,3\n", "notes.md": "a b\n",
		"names.csv": "file,label\nimg one.png,cat\nimg two.png,dog\n", "empty.csv": "",
		"flowers.csv": flowers, "flowers.jsonl": "{\"width\":1.5,\"kind\":\"a\"}\n{\"width\":2,\"kind\":\"b\"}\n", "people.csv": "name,age,town,job\nAnn Lee,31,Rome,cook\nBob Poe,28,Oslo,nurse\n",
		"pixels64.csv": wide("pixel%d", 64), "named64.csv": wide("p%dx", 64), "measured30.csv": wide("m%d", 30), "measured16.csv": wide("%c", 16),
	})
	want := map[string]Kind{"texts.jsonl": Texts, "texts.tsv": Texts, "flowers.csv": Vectors, "flowers.jsonl": Vectors, "pixels.csv": Vectors, "people.csv": Texts, "measured30.csv": Vectors, "measured16.csv": Vectors}
	for name := range files {
		if got := KindOfTable(files, name, Options{}); got != want[name] {
			t.Errorf("%s is taken for %q, want %q", name, got, want[name])
		}
	}
	for name, o := range map[string]Options{"flowers.csv": {TextColumn: "kind"}, "people.csv": {TextColumn: "job"}} {
		if got := KindOfTable(files, name, o); got != Texts {
			t.Errorf("%s with a column of texts is taken for %q", name, got)
		}
	}
	if got := KindOfTable(files, "people.csv", Options{Columns: []string{"age"}}); got != Vectors {
		t.Errorf("people.csv with a column of numbers is taken for %q", got)
	}
}

const flowers = "length,width,species\n5.1,3.5,setosa\n7.0,3.2,versicolor\n4.9,3.0,setosa\n6.4,3.2,versicolor\n"

// wide is a table of so many columns of numbers and a label.
func wide(names string, columns int) string {
	var b strings.Builder
	for i := range columns {
		if strings.Contains(names, "%c") {
			fmt.Fprintf(&b, names+",", 'a'+i)
		} else {
			fmt.Fprintf(&b, names+",", i)
		}
	}
	b.WriteString("label\n")
	for line := range 4 {
		b.WriteString(strings.Repeat("7,", columns) + fmt.Sprintln(line%2))
	}
	return b.String()
}

// Rows of numbers are read with their label, which is a class or a number.
func TestVectors(t *testing.T) {
	houses := "houseId,rooms,area,price\n1,3,80.5,250000.5\n2,2,55,180000\n3,4,,320000\n4,3,90,\n5,5,140,600000\n"
	for name, test := range map[string]struct {
		file     string
		o        Options
		columns  string
		label    string
		rows     [][]float64 // nil for one that cannot be read
		measures bool
		note     string
	}{
		"classes":        {file: strings.Replace(flowers, "species", "sort", 1), columns: "length width", label: "sort", rows: [][]float64{{5.1, 3.5}, {7, 3.2}, {4.9, 3}, {6.4, 3.2}}, note: "The column sort is taken for the label, the only one without numbers."},
		"some columns":   {file: flowers, o: Options{Columns: []string{"2"}}, columns: "width", label: "species", rows: [][]float64{{3.5}, {3.2}, {3}, {3.2}}},
		"numbers":        {file: houses, o: Options{LabelColumn: "price"}, columns: "rooms area", label: "price", rows: [][]float64{{3, 80.5}, {2, 55}, nil, {5, 140}}, measures: true, note: "The column houseId numbers the lines and is left out"},
		"as classes":     {file: houses, o: Options{LabelColumn: "4", Labels: data.ClassLabels}, columns: "rooms area", label: "price", rows: [][]float64{{3, 80.5}, {2, 55}, nil, {5, 140}}, note: "1 line of t.csv without a label is left out, the first line 5."},
		"whole numbers":  {file: "1;2;0\n3;4;1\n5;6;0\n", o: Options{LabelColumn: "3"}, columns: "column1 column2", label: "column3", rows: [][]float64{{1, 2}, {3, 4}, {5, 6}}},
		"to be measured": {file: "1;2;0\n3;4;1\n5;6;0\n", o: Options{LabelColumn: "3", Labels: data.NumberLabels}, columns: "column1 column2", label: "column3", rows: [][]float64{{1, 2}, {3, 4}, {5, 6}}, measures: true},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := OpenTable(fsOf(map[string]string{"t.csv": test.file}), "t.csv", test.o)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(s.Columns, " "); got != test.columns || s.Label != test.label || s.Measures != test.measures || s.Kind != Vectors {
				t.Errorf("columns %s, label %s, measures %v", got, s.Label, s.Measures)
			}
			if len(s.Items) != len(test.rows) {
				t.Fatalf("%d rows, want %d", len(s.Items), len(test.rows))
			}
			for i, item := range s.Items {
				if !slices.Equal(item.Row, test.rows[i]) || (item.Err != nil) != (test.rows[i] == nil) {
					t.Errorf("row %d is %v, error %v, want %v", i, item.Row, item.Err, test.rows[i])
				}
				if v, _ := strconv.ParseFloat(item.Label, 64); test.measures && item.Number != v {
					t.Errorf("row %d measures %v, want %s", i, item.Number, item.Label)
				}
			}
			if notes := strings.Join(s.Notes, " "); !strings.Contains(notes, test.note) {
				t.Errorf("notes %q, want %q", notes, test.note)
			}
			if d, err := s.Divide(Options{Folds: 2, Fold: 1}); test.measures && (err != nil || strings.Join(d.Classes, " ") != test.label || len(d.Test) == 0 || len(d.Train) == 0) {
				t.Errorf("divided: %+v, %v", d, err)
			}
		})
	}
}

// Texts may have labels that measure, too.
func TestTextsThatMeasure(t *testing.T) {
	s, err := OpenTable(fsOf(map[string]string{"r.tsv": numbers()}), "r.tsv", Options{})
	if err != nil || !s.Measures || s.Kind != Texts || s.Items[9].Number != 9.0/8 || s.Label != "label" {
		t.Fatalf("%s, measures %v, %v", s.Kind, s.Measures, err)
	}
	if notes := strings.Join(s.Notes, " "); !strings.Contains(notes, "they have fractions, such as 0.125. The network learns to tell numbers") {
		t.Errorf("notes %q", notes)
	}
	d, err := s.Divide(Options{})
	if err != nil || len(d.Train) != 80 || len(d.Test) != 20 {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestVectorsRefused(t *testing.T) {
	for want, test := range map[string]struct {
		file string
		o    Options
	}{
		"nothing tells which has the label: say it with --label-column": {file: "a,b,c\n1,2,3\n4,5,6\n"},
		`there is no column "size", there are length, width, species`:   {file: flowers, o: Options{Columns: []string{"size"}}},
		"the column species is the label, and is to be read as well":    {file: flowers, o: Options{Columns: []string{"species"}, LabelColumn: "species"}},
		`the column species has something else than numbers, such as`:   {file: flowers, o: Options{Columns: []string{"species"}, LabelColumn: "width"}},
		`the column "1" is there twice`:                                 {file: flowers, o: Options{Columns: []string{"length", "1"}}},
		"there are 0 columns of numbers beside the label":               {file: "species,b\nx,1\ny,2\n", o: Options{LabelColumn: "b"}},
		`the columns 1 and 3 are called "x" and "x"`:                    {file: "x,y,x\n1,1,10\n2,0,20\n", o: Options{LabelColumn: "y"}},
		`the columns 1 and 2 are called "xY" and "Xy"`:                  {file: "xY,Xy,y\n1,1,10\n2,0,20\n", o: Options{LabelColumn: "y", Columns: []string{"xy"}}},
		"line 3: it has 2 fields, want 3":                               {file: "length,width,species\n5.1,3.5,setosa\n1,2\n"},
		`line 2: the label "setosa" is no number`:                       {file: flowers, o: Options{Labels: data.NumberLabels}},
	} {
		s, err := OpenTable(fsOf(map[string]string{"t.csv": test.file}), "t.csv", test.o)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v, %v, want %q", s.Items, err, want)
		}
	}
}

// What is to be predicted is found by the names of the columns, or without a header by their
// order.
func TestReadRows(t *testing.T) {
	files := fsOf(map[string]string{"named.csv": flowers, "plain.csv": "1,2\n3,?\n", "wide.csv": "1,2,3\n"})
	read := func(name string, columns ...string) (rows []string, err error) {
		err = ReadRows(files, name, columns, func(where string, values []float64, err error) error {
			rows = append(rows, fmt.Sprint(where, values, err))
			return nil
		})
		return rows, err
	}
	if got, err := read("named.csv", "width", "length"); err != nil || len(got) != 4 || got[0] != "named.csv, line 2[3.5 5.1] <nil>" {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := read("plain.csv", "width", "length"); err != nil || len(got) != 2 || got[1] != "plain.csv, line 2[] length is missing" {
		t.Errorf("%q, %v", got, err)
	}
	files["cases.csv"] = &fstest.MapFile{Data: []byte("A,a,b,b\n1,2,3,4\n")}
	if got, err := read("cases.csv", "a", "A"); err != nil || len(got) != 1 || got[0] != "cases.csv, line 2[2 1] <nil>" {
		t.Errorf("columns that differ in capitals: %q, %v", got, err)
	}
	for name, columns := range map[string][]string{"wide.csv": {"a", "b"}, "named.csv": {"height"}, "cases.csv": {"b"}} {
		if got, err := read(name, columns...); err == nil {
			t.Errorf("%s: %q", name, got)
		}
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
