package corpora

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"inkling/data/download"
	"inkling/data/parts"
	"inkling/data/samples"
)

// small has a few lines of each set, as the published files have them.
var small = map[string]string{
	"TREC.train.all": "0 What is ozone ?\n1 Which city has a sister\xf0city ?\n\n2 What does NASA mean ?\n", "TREC.test.all": "5 Where is it ?\n",
	"stsa.binary.train": "1 a moving film .\n0 dull .\n", "stsa.binary.dev": "0 long\n", "stsa.binary.test": "1 short\n",
	"rt-polarity.neg": "silly and tedious . \nlong\n", "rt-polarity.pos": "a joy\nh\xe9ro\n",
	"subj.all": "0 she meets him\n1 it is fun\n", "custrev.all": "0 \n1 great player\n0 it broke\n",
	"SMSSpamCollection": "Label\tSMS\nham\tOk lar... Joking\nspam\tWINNER!! \"Call\" 0906\n",
	"train.txt":         "体验2D巅峰\t8\n铁树开花\t5\n", "dev.txt": "股票\t2\n", "test.txt": "大学\t3\n",
	"waimai_10k.csv":           "label,review\n1,很快，好吃\n0,\"等了\"\"很久\"\"，凉了\"\n",
	"ChnSentiCorp_htl_all.csv": "label,review\n1,\"距离川沙公路较近,好\"\n0,房间小\n",
}

func recordings(t testing.TB, folder string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range []string{"README.md", "recordings/0_theo_0.wav", "recordings/0_theo_7.wav", "recordings/1_lucas_2.wav"} {
		w, err := z.Create(folder + name)
		if err != nil {
			t.Fatal(err)
		}
		w.Write([]byte("RIFF"))
	}
	z.Close()
	return b.String()
}

// files has the small files of a set, with those that are changed.
func files(t testing.TB, s *Set, changed map[string]string) fstest.MapFS {
	t.Helper()
	fsys := fstest.MapFS{}
	for _, f := range s.Files {
		content := small[f.Name]
		if s.Kind == samples.Recordings {
			content = recordings(t, "free-spoken-digit-dataset-26eb9aaf/")
		}
		if other, is := changed[f.Name]; is {
			content = other
		}
		fsys[f.Name] = &fstest.MapFile{Data: []byte(content)}
	}
	return fsys
}

func find(t testing.TB, name string) *Set {
	t.Helper()
	for _, s := range Sets() {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("there is no set %s", name)
	return nil
}

// TestOpen opens a little of every set.
func TestOpen(t *testing.T) {
	want := map[string]string{
		"trec":        "description What is ozone ? train|entity Which city has a sisterðcity ? train|abbreviation What does NASA mean ? train|location Where is it ? test",
		"sst2":        "positive a moving film . train|negative dull . train|negative long val|positive short test",
		"mr":          "negative silly and tedious . none|negative long none|positive a joy none|positive héro none",
		"subj":        "objective she meets him none|subjective it is fun none",
		"cr":          "positive great player none|negative it broke none",
		"sms-spam":    "ham Ok lar... Joking none|spam WINNER!! \"Call\" 0906 none",
		"zh-thucnews": "game 体验2D巅峰 train|society 铁树开花 train|stocks 股票 val|education 大学 test",
		"zh-waimai":   "positive 很快，好吃 none|negative 等了\"很久\"，凉了 none",
		"zh-hotel":    "positive 距离川沙公路较近,好 none|negative 房间小 none",
		"fsdd":        "0 0_theo_0.wav none|0 0_theo_7.wav none|1 1_lucas_2.wav none",
	}
	for _, s := range Sets() {
		fsys := files(t, s, nil)
		if !s.Holds(fsys) {
			t.Errorf("%s is not in its folder", s.Name)
		}
		found, err := s.Open(fsys)
		if err != nil {
			t.Errorf("%s: %v", s.Name, err)
			continue
		}
		var got []string
		for _, item := range found.Items {
			got = append(got, fmt.Sprintf("%s %s%s %v", item.Label, item.Text, item.File, item.Part))
		}
		if found.Kind != s.Kind || strings.Join(got, "|") != want[s.Name] {
			t.Errorf("%s is %s", s.Name, strings.Join(got, "|"))
		}
		for _, item := range found.Items {
			if _, err := fs.Stat(found.FS, path.Base(item.File)); item.File != "" && err != nil {
				t.Errorf("%s: %v", s.Name, err)
			}
		}
	}
	if len(want) != len(Sets()) {
		t.Errorf("there are %d sets", len(Sets()))
	}
	if found, err := find(t, "fsdd").Open(files(t, find(t, "fsdd"), nil)); err == nil {
		if d, err := found.Divide(samples.Options{}); err == nil || !strings.Contains(err.Error(), `all recordings are of the class "0"`) {
			t.Errorf("the digits with numbers below 5 do not test: %v, %v", d, err)
		}
	}
}

// TestOpenRefuses opens what is not as it was published.
func TestOpenRefuses(t *testing.T) {
	for _, test := range []struct{ set, file, content, want string }{
		{"trec", "TREC.test.all", "Where is it ?\n", `TREC.test.all, line 1: want a text and the number of a class from 0 to 5, got "is it ?" and "Where"`},
		{"trec", "TREC.train.all", "0 What ?\n6 Who ?\n", `TREC.train.all, line 2: want a text and the number of a class from 0 to 5`},
		{"mr", "rt-polarity.pos", "\x89PNG\r\n\x1a\n\x00\x00", "rt-polarity.pos, line 3: it is no text"},
		{"cr", "custrev.all", "\n", "there is nothing in it: get it again"},
		{"subj", "subj.all", strings.Repeat("x", 2<<20), "subj.all, line 1: bufio.Scanner: token too long"},
		{"sms-spam", "SMSSpamCollection", "Label\tSMS\nham\tOk\neggs\tno\n", `SMSSpamCollection, line 3: want the number of a class from 0 to 1, got "eggs"`},
		{"zh-thucnews", "dev.txt", "8 game\n", `dev.txt, line 1: there is no tab in it: "8 game"`},
		{"zh-waimai", "waimai_10k.csv", "label,review\n1,\"很快\n", "line "},
		{"fsdd", "26eb9aaf76e81b692f806f9140c2d2777410d7a1.zip", "PK", "26eb9aaf76e81b692f806f9140c2d2777410d7a1.zip: "},
	} {
		s := find(t, test.set)
		if _, err := s.Open(files(t, s, map[string]string{test.file: test.content})); err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.set, err, test.want)
		}
	}
	s := find(t, "fsdd")
	without := fstest.MapFS{s.Files[0].Name: {Data: []byte(packed(t))}}
	if _, err := s.Open(without); err == nil || !strings.HasSuffix(err.Error(), "there is no folder recordings in it") {
		t.Errorf("an archive without recordings: %v", err)
	}
}

func packed(t testing.TB) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, _ := z.Create("top/README.md")
	w.Write([]byte("about"))
	z.Close()
	return b.String()
}

// TestDownload gets a set from a server that breaks off, lies, and at last has it.
func TestDownload(t *testing.T) {
	s := *find(t, "cr")
	s.Files = append(s.Files[:0:0], s.Files...)
	s.Files[0].Git = "d9d0ab4d2c2f1f1e0e3d3a0b5b0b3c0f3f6f0000"
	content := small["custrev.all"]
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch asked.Add(1) {
		case 1:
			w.Header().Set("Content-Length", fmt.Sprint(len(content)))
			w.Write([]byte(content[:7]))
		default:
			http.ServeContent(w, r, "custrev.all", time.Time{}, strings.NewReader(content))
		}
	}))
	defer server.Close()
	s.Mirrors = []string{server.URL + "/"}
	dir := t.TempDir()
	quick := download.Options{Attempts: 3, Wait: time.Millisecond}
	err := s.Download(context.Background(), dir, quick)
	if err == nil || !strings.Contains(err.Error(), "custrev.all of Customer reviews: what came from "+server.URL) || !strings.Contains(err.Error(), "published is d9d0") {
		t.Fatalf("another file than the published one: %v", err)
	}
	if s.Holds(os.DirFS(dir)) {
		t.Error("it is kept")
	}
	s.Files[0].Git = "6dbdc6478994ca5b98bdf3c853b8049ebd7ae58f"
	if err := s.Download(context.Background(), dir, quick); err != nil {
		t.Fatal(err)
	}
	before := asked.Load()
	if err := s.Download(context.Background(), dir, quick); err != nil || asked.Load() != before {
		t.Errorf("what is there is asked for again: %v", err)
	}
	if found, err := s.Open(os.DirFS(dir)); err != nil || len(found.Items) != 2 {
		t.Errorf("%v, %v", found, err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.part*")); len(left) > 0 {
		t.Errorf("%q are left over", left)
	}
}

// FuzzOpen opens any bytes as each kind of file.
func FuzzOpen(f *testing.F) {
	for _, content := range small {
		f.Add([]byte(content))
	}
	f.Add([]byte(recordings(f, "")))
	f.Fuzz(func(t *testing.T, content []byte) {
		for _, name := range []string{"trec", "mr", "zh-thucnews", "sms-spam", "zh-waimai", "fsdd"} {
			s := find(t, name)
			fsys := fstest.MapFS{}
			for _, file := range s.Files {
				fsys[file.Name] = &fstest.MapFile{Data: content}
			}
			found, err := s.Open(fsys)
			if err != nil {
				continue
			}
			for _, item := range found.Items {
				if item.Text == "" && item.File == "" || item.Label == "" || item.Part < parts.None || item.Part > parts.Test {
					t.Errorf("%s: %+v", name, item)
				}
			}
		}
	})
}
