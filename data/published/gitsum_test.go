package published

import (
	"archive/zip"
	"bytes"
	"strings"
	"testing"
)

// packed makes a zip archive of files, those with a star at the end of their name with
// the permission to be run.
func packed(t testing.TB, files ...[2]string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range files {
		name, run := strings.CutSuffix(f[0], "*")
		h := &zip.FileHeader{Name: name, Method: zip.Deflate}
		h.SetMode(0o644)
		if run {
			h.SetMode(0o755)
		}
		w, err := z.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		w.Write([]byte(f[1]))
	}
	z.Close()
	return b.String()
}

// TestCompare compares with sums that git 2.39 gave: of "hello\n" by hash-object, and by
// write-tree of a folder with 0_x_1.wav (bb, which may be run) and 1_x_0.wav (a\n).
func TestCompare(t *testing.T) {
	blob := File{Git: "ce013625030ba8dba906f756967f9e9ca394464a"}
	tree := File{Git: "f0f166c0e7f3434bd5aa79d73cf0b9948bbfb7aa", Folder: "folder"}
	one, zero := [2]string{"top/folder/1_x_0.wav", "a\n"}, [2]string{"top/folder/0_x_1.wav*", "bb"}
	readme := [2]string{"top/README.md", "about"}
	for name, test := range map[string]struct {
		file    File
		content string
		want    string
	}{
		"a file":           {blob, "hello\n", ""},
		"another file":     {blob, "hello!\n", "it has the sum of Git "},
		"md5":              {File{MD5: "5d41402abc4b2a76b9719d911017c592"}, "hello", ""},
		"another md5":      {File{MD5: "5d41402abc4b2a76b9719d911017c592"}, "", "it has the md5 d41d8cd98f00b204e9800998ecf8427e, published is 5d41402abc4b2a76b9719d911017c592: delete it and get it again"},
		"no sum":           {File{}, "anything", ""},
		"a folder":         {tree, packed(t, one, zero), ""},
		"its order":        {tree, packed(t, readme, zero, one), ""},
		"nothing around":   {tree, packed(t, [2]string{"folder/1_x_0.wav", "a\n"}, [2]string{"folder/0_x_1.wav*", "bb"}), ""},
		"a file is gone":   {tree, packed(t, one), "it has the sum of Git for its folder folder "},
		"other rights":     {tree, packed(t, one, [2]string{"top/folder/0_x_1.wav", "bb"}), "it has the sum of Git"},
		"another content":  {tree, packed(t, zero, [2]string{"top/folder/1_x_0.wav", "a"}), "it has the sum of Git"},
		"a folder in it":   {tree, packed(t, zero, one, [2]string{"top/folder/more/2.wav", ""}), "its folder folder has folders in it, such as that of more/2.wav"},
		"no such folder":   {tree, packed(t, readme), "it has no folder folder"},
		"no archive":       {tree, "<html>", "it is no zip archive"},
		"an empty archive": {tree, packed(t), "it has no folder folder"},
	} {
		err := test.file.Compare(strings.NewReader(test.content))
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.HasPrefix(err.Error(), test.want)) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}

// FuzzCompare compares any bytes with the sum of a folder: there is an answer.
func FuzzCompare(f *testing.F) {
	f.Add([]byte(packed(f, [2]string{"folder/a", "1"})))
	f.Add([]byte("PK\x05\x06"))
	f.Fuzz(func(t *testing.T, content []byte) {
		if (File{Git: "0000000000000000000000000000000000000000", Folder: "folder"}).Compare(bytes.NewReader(content)) == nil {
			t.Error("a sum of zeros was found")
		}
	})
}
