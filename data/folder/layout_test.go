package folder

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
)

// sampleTable returns a table of pictures of 4x4 samples with the given labels.
func sampleTable(labels ...string) *fstest.MapFile {
	var b bytes.Buffer
	b.WriteString("label")
	for i := range 16 {
		fmt.Fprintf(&b, ",pixel%d", i)
	}
	for i, label := range labels {
		fmt.Fprintf(&b, "\n%s%s", label, strings.Repeat(fmt.Sprintf(",%d", 10*i), 16))
	}
	return &fstest.MapFile{Data: b.Bytes()}
}

func unlabelled() *fstest.MapFile {
	t := sampleTable("x")
	var lines []string
	for line := range strings.Lines(string(t.Data)) {
		_, rest, _ := strings.Cut(line, ",")
		lines = append(lines, rest)
	}
	return &fstest.MapFile{Data: []byte(strings.Join(lines, ""))}
}

func textFile(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }

// However people lay their data out, what is to train on and what is to test with
// is found, and what was chosen is said.
func TestLayouts(t *testing.T) {
	both := func(train, test string) func(fsys fstest.MapFS) {
		return func(fsys fstest.MapFS) {
			classFolders(t, fsys, train+"/", 4, 4, "3", "7", "8")
			classFolders(t, fsys, test+"/", 4, 2, "3", "7", "8")
		}
	}
	for _, test := range []struct {
		name        string
		files       func(fsys fstest.MapFS)
		train, test int
		classes     string
		note        string
	}{
		{"capitals", both("Train", "Test"), 12, 6, "3 7 8", ""},
		{"training and testing", both("training", "testing"), 12, 6, "3 7 8", ""},
		{"TRAINING and VALIDATION", both("TRAINING", "VALIDATION"), 12, 6, "3 7 8", "The pictures to test with are those of VALIDATION."},
		{"trn and tst", both("trn", "tst"), 12, 6, "3 7 8", ""},
		{"a list beside one folder", func(fsys fstest.MapFS) {
			text := "filename,label\n"
			for i := range 9 {
				name := fmt.Sprintf("%d.png", i)
				fsys["images/"+name] = pngOf(t, plain(4, 4, red))
				text += fmt.Sprintf("%s,%d\n", name, i%3)
			}
			fsys["labels.csv"] = textFile(text)
		}, 6, 3, "0 1 2", "The pictures are those of labels.csv."},
		{"train and dev", both("train", "dev"), 12, 6, "3 7 8", "those of dev"},
		{"train and eval", both("train", "eval"), 12, 6, "3 7 8", ""},
		{"train_set and test_set", both("train_set", "test_set"), 12, 6, "3 7 8", ""},
		{"seg_train within seg_train", both("seg_train/seg_train", "seg_test/seg_test"), 12, 6, "3 7 8", "The pictures of seg_train are those in seg_train/seg_train."},
		{"one folder too many", both("archive/mnist_png/training", "archive/mnist_png/testing"), 12, 6, "3 7 8", "The pictures are those in the folder archive/mnist_png."},
		{"classes one folder too deep", func(fsys fstest.MapFS) { classFolders(t, fsys, "PetImages/", 4, 5, "Cat", "Dog") }, 8, 2, "Cat Dog", "those in the folder PetImages"},
		{"beside a copy of itself", func(fsys fstest.MapFS) {
			both("chest/train", "chest/test")(fsys)
			both("chest/chest/train", "chest/chest/test")(fsys)
		}, 12, 6, "3 7 8", "The pictures of chest are left alone."},
		{"pictures to test with that are not sorted", func(fsys fstest.MapFS) {
			classFolders(t, fsys, "train/", 4, 5, "cat", "dog")
			fsys["test/1.png"] = pngOf(t, plain(4, 4, red))
		}, 8, 2, "cat dog", "test does not say what its pictures show, by labels or folders: it is left alone."},
		{"pictures to test with that are not sorted, deeper", func(fsys fstest.MapFS) {
			classFolders(t, fsys, "train/", 4, 5, "cat", "dog")
			fsys["test/test/1.png"] = pngOf(t, plain(4, 4, red))
		}, 8, 2, "cat dog", "test does not say what its pictures show"},
		{"an empty class", func(fsys fstest.MapFS) {
			classFolders(t, fsys, "", 4, 5, "cat", "dog")
			fsys["cow/.DS_Store"], fsys["cow/Thumbs.db"] = textFile(""), textFile("")
		}, 8, 2, "cat dog", `"cow" has no pictures and is skipped.`},
		{"a folder of pictures and a list of what they are", func(fsys fstest.MapFS) {
			classFolders(t, fsys, "", 4, 4, "train")
			fsys["labels.csv"] = textFile("id,breed\n00,cat\n01,cat\n02,dog\n03,dog\n")
		}, 2, 2, "cat dog", `The path "00" of labels.csv is taken for train/00.png, and the others likewise.`},
		{"a list for what is to test with", func(fsys fstest.MapFS) {
			classFolders(t, fsys, "Train/", 4, 4, "0", "1")
			classFolders(t, fsys, "", 4, 2, "Test")
			fsys["Test.csv"] = textFile("Width,Height,ClassId,Path\n4,4,1,Test/00.png\n4,4,0,Test/01.png\n")
			fsys["Train.csv"] = textFile("Width,Height,ClassId,Path\n4,4,1,Train/1/00.png\n")
			fsys["Meta.csv"] = textFile("Path,ClassId\nMeta/0.png,0\n")
		}, 8, 2, "0 1", "The pictures of Train.csv and Meta.csv are left alone."},
		{"tables of samples", func(fsys fstest.MapFS) {
			fsys["mnist_train.csv"], fsys["mnist_test.csv"] = sampleTable("3", "7", "3"), sampleTable("7")
		}, 3, 1, "3 7", ""},
		{"a table of samples without labels to test with", func(fsys fstest.MapFS) {
			fsys["train.csv"], fsys["test.csv"] = sampleTable("3", "7", "3", "7"), unlabelled()
			fsys["sample_submission.csv"] = textFile("ImageId,Label\n1,0\n2,0\n")
		}, 2, 2, "3 7", "test.csv does not say what its pictures show"},
		{"one table of samples", func(fsys fstest.MapFS) { fsys["data.csv"] = sampleTable("3", "7", "3", "7") }, 2, 2, "3 7", "The pictures are those of data.csv."},
		{"tab-separated lists", func(fsys fstest.MapFS) {
			classFolders(t, fsys, "", 4, 3, "all")
			fsys["train.tsv"], fsys["dev.tsv"] = textFile("path\tlabel\nall/00.png\tdog\nall/01.png\tcat\n"), textFile("path\tlabel\nall/02.png\tdog\n")
		}, 2, 1, "cat dog", "The pictures to test with are those of dev.tsv."},
		{"hidden classes", func(fsys fstest.MapFS) {
			classFolders(t, fsys, "", 4, 5, ".ipynb_checkpoints", "cat", "dog", "@eaDir")
		}, 8, 2, "cat dog", "Left alone, as hidden or left behind by a system: .ipynb_checkpoints, @eaDir."},
	} {
		fsys := fstest.MapFS{}
		test.files(fsys)
		p, err := OpenParts(fsys, Options{})
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if p.Train.Len() != test.train || p.Test.Len() != test.test || strings.Join(p.Train.Classes(), " ") != test.classes {
			t.Errorf("%s: %d and %d pictures of %q, want %d and %d of %s", test.name, p.Train.Len(), p.Test.Len(), p.Train.Classes(), test.train, test.test, test.classes)
		}
		notes := strings.Join(p.Notes, " ")
		if !strings.Contains(notes, test.note) || (test.note == "") != (notes == "") {
			t.Errorf("%s: notes %q, want %q", test.name, notes, test.note)
		}
		for i := range p.Test.Len() {
			if _, _, err := p.Test.Example(i); err != nil {
				t.Errorf("%s: %v", test.name, err)
			}
		}
	}
}

func TestLayoutsRefused(t *testing.T) {
	for _, test := range []struct {
		files   func(fsys fstest.MapFS)
		message string
	}{
		{func(fsys fstest.MapFS) {
			classFolders(t, fsys, "train/", 4, 2, "cat", "dog")
			classFolders(t, fsys, "training/", 4, 2, "cat", "dog")
		}, "both train and training may be the pictures to train on: take one away"},
		{func(fsys fstest.MapFS) {
			classFolders(t, fsys, "a_train/", 4, 2, "cat", "dog")
			classFolders(t, fsys, "a_test/", 4, 2, "cat", "dog")
			classFolders(t, fsys, "b_train/", 4, 2, "cat", "dog")
			classFolders(t, fsys, "b_test/", 4, 2, "cat", "dog")
		}, "there are several data sets in it, with a_train and b_train to train on"},
		{func(fsys fstest.MapFS) {
			classFolders(t, fsys, "mnist/train/", 4, 2, "3", "7")
			classFolders(t, fsys, "other/train/", 4, 2, "3", "7")
		}, "the folder mnist holds the folder train, which is called like a part of a data set: want the parts outside and the classes in them, as train/mnist; or give mnist alone with --data"},
		{func(fsys fstest.MapFS) {
			classFolders(t, fsys, "eins/", 4, 2, "3", "7")
			classFolders(t, fsys, "zwei/", 4, 2, "3", "7")
		}, "the folders eins and zwei hold folders of the same names (3 and 7)"},
		{func(fsys fstest.MapFS) { classFolders(t, fsys, "", 4, 2, "train", "test") }, "test and train hold pictures, but no folder for every class"},
		{func(fsys fstest.MapFS) { fsys["a.csv"], fsys["b.csv"] = sampleTable("1", "2"), sampleTable("1", "2") }, "there are several tables in it (a.csv and b.csv), and nothing tells which one is to train on"},
		{func(fsys fstest.MapFS) { fsys["a.png"] = pngOf(t, plain(4, 4, red)) }, "it has 1 picture, but no folders"},
		{func(fsys fstest.MapFS) { fsys["test.csv"] = unlabelled() }, "there are pictures to test with in test.csv, but none to train on"},
	} {
		fsys := fstest.MapFS{}
		test.files(fsys)
		if _, err := OpenParts(fsys, Options{}); err == nil || !strings.Contains(err.Error(), test.message) {
			t.Errorf("error %v, want %q", err, test.message)
		}
	}
}

func TestWarnings(t *testing.T) {
	for _, test := range []struct {
		files   func(fsys fstest.MapFS)
		warning string
	}{
		{func(fsys fstest.MapFS) {
			classFolders(t, fsys, "", 4, 4, "cat", "dog/large", "dog/small")
		}, "The class folder dog holds folders: all pictures in them are taken for the class of the outer folder."},
		{func(fsys fstest.MapFS) { classFolders(t, fsys, "", 4, 4, "bus", "train") }, `A class is called "train", like a part of a data set`},
		{func(fsys fstest.MapFS) { classFolders(t, fsys, "", 4, 4, "Cat", "cat") }, `The classes "Cat" and "cat" differ in capitals or spaces alone`},
		{func(fsys fstest.MapFS) {
			classFolders(t, fsys, "", 4, 4, "cat", "dog")
			fsys["cat/1.heic"] = textFile("")
		}, `The class "cat" has 1 picture in formats that are not read (.heic)`},
		{func(fsys fstest.MapFS) {
			classFolders(t, fsys, "", 4, 4, "cat", "dog")
			fsys["1.png"] = pngOf(t, plain(4, 4, red))
		}, "1 picture beside the folders of the classes is of no class and left alone."},
	} {
		fsys := fstest.MapFS{}
		test.files(fsys)
		p, err := OpenParts(fsys, Options{})
		if err != nil || len(p.Warnings) != 1 || !strings.Contains(p.Warnings[0], test.warning) {
			t.Errorf("warnings %q, want %q; %v", p.Warnings, test.warning, err)
		}
	}
}

// Lists as people have them name the same pictures.
func TestListsAsPeopleHaveThem(t *testing.T) {
	fsys := fstest.MapFS{}
	classFolders(t, fsys, "p/", 4, 4, "3", "7")
	rows := func(format string) string { // of path, label and number
		var b strings.Builder
		n := 0
		for _, class := range []string{"3", "7"} {
			for i := range 4 {
				line := strings.NewReplacer("PATH", fmt.Sprintf("p/%s/%02d.png", class, i), "LABEL", class, "N", fmt.Sprint(n), "PART", []string{"train", "train", "val", "test"}[i]).Replace(format)
				b.WriteString(line)
				n++
			}
		}
		return b.String()
	}
	for _, test := range []struct {
		name, text  string
		train, test int
		note        string
	}{
		{"pandas'", "filename,label\n" + rows("PATH,LABEL\n"), 6, 2, "held out"},
		{"an index", ",path,label\n" + rows("N,PATH,LABEL\n"), 6, 2, "held out"},
		{"label first", "label,path\n" + rows("LABEL,PATH\n"), 6, 2, "held out"},
		{"label first, no header", rows("LABEL,PATH\n"), 6, 2, "held out"},
		{"an index, no header", rows("N,PATH,LABEL\n"), 6, 2, "held out"},
		{"semicolons", "image;class\n" + rows("PATH;LABEL\n"), 6, 2, "held out"},
		{"tabs, CRLF and a mark", "\ufeffpath\ttarget\r\n" + rows("PATH\tLABEL\r\n"), 6, 2, "held out"},
		{"quotes", "\"path\",\"label\"\n" + rows("\"PATH\",\"LABEL\"\n"), 6, 2, "held out"},
		{"spaces", rows("PATH LABEL\n"), 6, 2, "held out"},
		{"names that are not known", "Bild,Klasse\n" + rows("PATH,LABEL\n"), 6, 2, `The labels are taken from the column "Klasse".`},
		{"other columns", "id,file_name,width,label\n" + rows("N,PATH,4,LABEL\n"), 6, 2, `the columns "file_name" and "label" are read; "id" and "width" are left alone.`},
		{"a part for each", "path,label,split\n" + rows("PATH,LABEL,PART\n"), 4, 2, "The 2 pictures to validate with (val) are left alone."},
		{"a part for each, no header", rows("PATH,LABEL,PART\n"), 4, 2, "The 2 pictures"},
		{"backslashes", "path,label\n" + strings.ReplaceAll(rows("PATH,LABEL\n"), "/", `\`), 6, 2, "held out"},
		{"another machine", "path,label\n" + rows("C:\\Users\\me\\data/PATH,LABEL\n"), 6, 2, `The path "C:\\Users\\me\\data/p/3/00.png" of list.csv is taken for p/3/00.png`},
		{"from the root", "path,label\n" + rows("/home/me/data/PATH,LABEL\n"), 6, 2, "is taken for p/3/00.png"},
		{"beginning with a dot", "path,label\n" + rows("./PATH,LABEL\n"), 6, 2, "held out"},
		{"no extension", "image_id,label\n" + strings.ReplaceAll(rows("PATH,LABEL\n"), ".png", ""), 6, 2, "is taken for p/3/00.png"},
		{"the folder left out", "image,label\n" + strings.ReplaceAll(rows("PATH,LABEL\n"), "p/", ""), 6, 2, "is taken for p/3/00.png"},
		{"a one at the class", "filename,three,seven\n" + strings.NewReplacer(",7\n", ",0,1\n", ",3\n", ",1,0\n").Replace(rows("PATH,LABEL\n")), 6, 2, `The label of a picture is the column that has a 1: "three" and "seven".`},
	} {
		fsys["list.csv"] = textFile(test.text)
		p, err := OpenFile(fsys, "list.csv", Options{})
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		notes := strings.Join(p.Notes, " ")
		if p.Train.Len() != test.train || p.Test.Len() != test.test || len(p.Train.Classes()) != 2 || p.Form != "list" || !strings.Contains(notes, test.note) {
			t.Errorf("%s: %d and %d pictures of %q, notes %q, want %d, %d and %q", test.name, p.Train.Len(), p.Test.Len(), p.Train.Classes(), notes, test.train, test.test, test.note)
		}
		if _, _, err := p.Train.Example(0); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

func TestListsRefused(t *testing.T) {
	fsys := fstest.MapFS{"a.png": pngOf(t, plain(4, 4, red)), "b.png": pngOf(t, plain(4, 4, blue))}
	for _, test := range []struct{ text, message string }{
		{"path\na.png\n", "line 1 has one field: want a path and a label"},
		{"id,path\n0,a.png\n1,b.png\n", "the columns"},
		{"path,width,height\na.png,4,4\n", "no column is called label or class"},
		{",path\n0,a.png\n1,b.png\n", `it has no labels, so that nothing can be learnt from it or tested with it: its columns are "" and "path"`},
		{"a.png,4,4\nb.png,4,5\n", "line 1 has 3 fields, and nothing says which of them is the label: put a first line above it"},
		{"0\tcaf\xe9 noir\n1\tth\xe9 vert\n", "line 1 is not UTF-8, and none of its columns is called path, filename or image: save the file as UTF-8"},
		{"x,y,z\n1,2,3\n", `line 1 looks like a header ("x", "y" and "z"), but no column is called path, filename or image`},
		{"url,label\nhttp://example.org/a.png,1\n", "is an address, and pictures are not downloaded"},
		{"path,label\na.png,cat\nb.png\n", "line 3 has 1 fields, and line 1 has 2"},
		{"path,one,two\na.png,1,1\n", `a.png has a 1 in the columns "one" and "two"`},
		{"path,label,split\na.png,1,test\nb.png,1,test\n", "list.csv has pictures to test with, but none to train on"},
	} {
		fsys["list.csv"] = textFile(test.text)
		p, err := OpenFile(fsys, "list.csv", Options{})
		if test.message == "the columns" { // id is no index by its name, and what is left is taken and said
			if err == nil && strings.Contains(strings.Join(p.Notes, " "), `The labels are taken from the column "id"`) || err != nil && strings.Contains(err.Error(), "held out") {
				continue
			}
		}
		if err == nil || !strings.Contains(err.Error(), test.message) {
			t.Errorf("%q: error %v, want %q", test.text, err, test.message)
		}
	}
}
