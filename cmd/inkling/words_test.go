package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

func TestSentence(t *testing.T) {
	_, numberErr := strconv.Atoi("two")
	_, rangeErr := strconv.ParseInt("99999999999999999999", 10, 64)
	noFile := &fs.PathError{Op: "open", Path: "a.png", Err: syscall.ENOENT}
	noHost := &net.DNSError{Err: "no such host", Name: "x.example", Server: "10.0.0.1:53", IsNotFound: true}
	var v any
	cut, wrong := json.Unmarshal([]byte(`{"a":`), &v), json.Unmarshal([]byte(`{]`), &v)
	for want, err := range map[string]error{
		"plain":                                                        errors.New("plain"),
		"cannot be read: a.png: " + enoent():                           fmt.Errorf("cannot be read: %w", noFile),
		"a.png cannot be read: " + enoent():                            fmt.Errorf("a.png cannot be read: %w", noFile),
		"one\na.png: " + enoent():                                      errors.Join(errors.New("one"), noFile),
		"new: " + enoent():                                             &os.LinkError{Op: "rename", Old: "old", New: "new", Err: syscall.ENOENT},
		`size: "two" is no number`:                                     fmt.Errorf("size: %w", numberErr),
		"size: 99999999999999999999 is out of range":                   fmt.Errorf("size: %w", rangeErr),
		"line 1: it ends in the middle":                                fmt.Errorf("line 1: %w", cut),
		"line 1: byte 2 does not belong there":                         fmt.Errorf("line 1: %w", wrong),
		"header: it ends too early":                                    fmt.Errorf("header: %w", io.ErrUnexpectedEOF),
		"no answer: http://x.example/a: there is no host of that name": fmt.Errorf("no answer: %w", &url.Error{Op: "Get", URL: "http://x.example/a", Err: &net.OpError{Op: "dial", Net: "tcp", Err: noHost}}),
	} {
		if got := sentence(err); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func enoent() string { return syscall.ENOENT.Error() }

// goWords are how errors of Go's packages read, and what a mistake in ours leaves.
var goWords = regexp.MustCompile(`strconv\.|\bParse(Int|Float|Uint|Bool)\b|\b(open|stat|lstat|mkdir|read|readdirent) [^ ]+: |listen tcp|dial tcp|lookup |parse "|unexpected EOF|end of JSON|invalid character|%!|goroutine |\.go:\d|<nil>|runtime error|invalid argument "`)

// TestNoGoWords runs commands that cannot work, and wants sentences.
func TestNoGoWords(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts the command many times")
	}
	t.Chdir(t.TempDir())
	for _, name := range []string{"XDG_CACHE_HOME", "HOME", "LocalAppData"} {
		t.Setenv(name, filepath.Join(t.TempDir(), "none"))
	}
	t.Setenv("INKLING_MIRRORS", "%zz")
	for name, content := range map[string]string{
		"empty.pth": "", "junk.pth": "junk", "junk.safetensors": "junkjunkjunk", "junk.npz": "PK", "junk.npy": "\x93NUMPY", "junk.onnx": "\x08", "page.pth": "<html>",
		"empty.png": "", "cut.png": "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00", "junk.png": "junk", "junk.jsonl": `{"label"`, "junk2.jsonl": "\xff", "empty.jsonl": "",
		"empty.csv": "", "quote.csv": `"a`, "short.csv": "a.png,1\nb.png\n", "missing.csv": "a.png,1\nb.png,2\n", "junk.db": "junk junk junk",
		"idx/train-images-idx3-ubyte": "", "idx/train-labels-idx1-ubyte": "junk", "pictures/a/1.png": "junk", "pictures/b/2.png": "", "cifar/data_batch_1.bin": "junk",
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var lines []string
	for _, model := range []string{"empty.pth", "junk.pth", "junk.safetensors", "junk.npz", "junk.npy", "junk.onnx", "page.pth", "none.pth", "idx", "junk.pth/x.pth", ""} {
		lines = append(lines, "info "+model, "test "+model+" --data mnist", "predict "+model+" junk.png", "convert "+model+" out.pth", "serve "+model+" --addr x:99999", "eval-strokes junk.jsonl --model "+model)
	}
	for _, data := range []string{"empty.csv", "quote.csv", "short.csv", "missing.csv", "none.csv", "none", "idx", "pictures", "cifar", "junk.pth", "kmnist"} {
		lines = append(lines, "train --data "+data, "data info "+data, "show --data "+data)
	}
	for _, strokes := range []string{"junk.jsonl", "junk2.jsonl", "empty.jsonl", "none.jsonl", "idx"} {
		lines = append(lines, "eval-strokes "+strokes)
	}
	lines = append(lines,
		"train --epochs two", "train --epochs 1.5", "train --lr fast", "train --seed -1", "train --epochs 99999999999999999999", "train --test=maybe", "train --lr", "train --size 3x", "train --size 99999999999999999999",
		"train --augment crop=x", "train --augment crop=1e999", "train --out none/model.pth", "train --out idx", "train --out idx.pth/model.pth", "train --nosuch", "train -x", "train --download --data kmnist", "bench --runs x", "bench --length 5", "show --graphics x", "show --count x",
		"show --out none/x.png", "serve --addr x", "serve --addr :99999", "serve --addr 1.2.3.4:x", "serve --addr 256.1.1.1:80", "serve --feedback idx", "serve --feedback none/x.db", "serve --feedback junk.db", "serve --log-level x", "serve --workers x",
		"feedback export --feedback none --out o", "feedback export --feedback junk.db --out o", "data get x", "data get kmnist --mirror %zz", "data get kmnist --mirror \"a", "data get kmnist", "data verify kmnist --root junk.pth",
		"data path kmnist", "data get kmnist --offline", "help nosuch", "data nosuch", "nosuch", "--nosuch", "convert junk.pth out.x", "predict",
	)
	for _, line := range lines {
		var out, stderr bytes.Buffer
		if status := run(strings.Fields(line), strings.NewReader(""), &out, &stderr); status != statusFailed && status != statusUsage {
			t.Errorf("inkling %s: status %d, want 1 or 2", line, status)
		}
		text := stderr.String()
		if found := goWords.FindString(text); found != "" || strings.TrimSpace(text) == "" {
			t.Errorf("inkling %s: %q is in %q", line, found, text)
		}
	}
}
