package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"image"
	"image/png"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"inkling/data/idx"
	"inkling/data/mnist/embedded"
	"inkling/models"
	"inkling/nn"
	"inkling/weights"
)

// runAsCommand makes the test program be the command, for tests that need more
// than a script can do.
const runAsCommand = "INKLING_TEST_RUN_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(runAsCommand) != "" {
		main()
	}
	testscript.Main(m, map[string]func(){"inkling": main})
}

// The scripts in testdata/script run the command as a user does. Beside the
// commands of testscript they have those of scriptCommands.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(env *testscript.Env) error {
			// Nobody's real cache, and the same everywhere.
			for _, name := range []string{"HOME", "XDG_CACHE_HOME", "LocalAppData", "USERPROFILE"} {
				env.Setenv(name, filepath.Join(env.WorkDir, ".home"))
			}
			cases, err := filepath.Abs(filepath.Join("testdata", "cases"))
			env.Setenv("CASES", cases) // files that strangers have written
			return err
		},
		Cmds: scriptCommands,
	})
}

var scriptCommands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	// exits STATUS PROGRAM ARGS... runs a program that must end with a status.
	"exits": func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) < 2 {
			ts.Fatalf("usage: exits STATUS PROGRAM ARGS...")
		}
		status := 0
		var exit *exec.ExitError
		if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
			status = exit.ExitCode()
		} else {
			ts.Check(err)
		}
		if strconv.Itoa(status) != args[0] {
			ts.Fatalf("%s ended with status %d, want %s", strings.Join(args[1:], " "), status, args[0])
		}
		// A panic would also be a failure, but not one for a person to read.
		if strings.Contains(ts.ReadFile("stderr"), "goroutine ") {
			ts.Fatalf("%s panicked", strings.Join(args[1:], " "))
		}
	},

	// idx DIR TRAIN TEST [LABELS [SIZE]] writes files of MNIST's names with so
	// many pictures to train on and to test with. The labels are below LABELS.
	"idx": func(ts *testscript.TestScript, neg bool, args []string) {
		number := func(i, otherwise int) int {
			if i >= len(args) {
				return otherwise
			}
			n, err := strconv.Atoi(args[i])
			ts.Check(err)
			return n
		}
		dir := ts.MkAbs(args[0])
		ts.Check(os.MkdirAll(dir, 0o755))
		r := rand.New(rand.NewPCG(1, 1))
		for i, set := range []string{"train", "t10k"} {
			pictures, labels := stripes(r, number(1+i, 0), number(3, 10), number(4, 28))
			ts.Check(writeWith(filepath.Join(dir, set+"-images-idx3-ubyte"), func(w io.Writer) error { return idx.WriteImages(w, pictures) }))
			ts.Check(writeWith(filepath.Join(dir, set+"-labels-idx1-ubyte"), func(w io.Writer) error { return idx.WriteLabels(w, labels) }))
		}
	},

	// pngs DIR COUNT [SIZE [colour]] writes so many pictures as PNG files, gray if
	// not told otherwise, those of a label from 0 to 9 in a folder of its name.
	"pngs": func(ts *testscript.TestScript, neg bool, args []string) {
		n, err := strconv.Atoi(args[1])
		ts.Check(err)
		size := 28
		if len(args) > 2 {
			size, err = strconv.Atoi(args[2])
			ts.Check(err)
		}
		pictures, labels := stripes(rand.New(rand.NewPCG(1, uint64(n))), n, 10, size)
		for i, label := range labels {
			gray := &image.Gray{Pix: pictures.Pixels[i*size*size : (i+1)*size*size], Stride: size, Rect: image.Rect(0, 0, size, size)}
			img := image.Image(gray)
			if len(args) > 3 {
				img = coloured(gray, 25*label)
			}
			path := ts.MkAbs(filepath.Join(args[0], strconv.Itoa(int(label)), strconv.Itoa(i)+".png"))
			ts.Check(os.MkdirAll(filepath.Dir(path), 0o755))
			ts.Check(writeWith(path, func(w io.Writer) error { return png.Encode(w, img) }))
		}
	},

	// serve DIR VARIABLE starts a web server that has the files of DIR, also as
	// a proxy of any other server, and puts its address into a variable.
	"serve": func(ts *testscript.TestScript, neg bool, args []string) {
		server := httptest.NewServer(http.FileServer(http.Dir(ts.MkAbs(args[0]))))
		ts.Defer(server.Close)
		ts.Setenv(args[1], server.URL)
	},

	// cut FILE BYTES cuts so many bytes off the end of a file.
	"cut": func(ts *testscript.TestScript, neg bool, args []string) {
		path := ts.MkAbs(args[0])
		info, err := os.Stat(path)
		ts.Check(err)
		n, err := strconv.ParseInt(args[1], 10, 64)
		ts.Check(err)
		ts.Check(os.Truncate(path, info.Size()-n))
	},

	// digit FILE INDEX [SCALE] draws a test picture of MNIST as it is, or
	// larger, dark on light, in a frame of paper that makes it wide.
	"digit": func(ts *testscript.TestScript, neg bool, args []string) {
		d, err := embedded.Test()
		ts.Check(err)
		index, err := strconv.Atoi(args[1])
		ts.Check(err)
		pixels, _, err := d.Example(index)
		ts.Check(err)
		img := &image.Gray{Pix: pixels, Stride: 28, Rect: image.Rect(0, 0, 28, 28)}
		if len(args) > 2 {
			scale, err := strconv.Atoi(args[2])
			ts.Check(err)
			img = onPaper(img, scale)
		}
		f, err := os.Create(ts.MkAbs(args[0]))
		ts.Check(err)
		ts.Check(png.Encode(f, img))
		ts.Check(f.Close())
	},

	// model FILE CLASSES [nan] saves an untrained model without metadata, whose
	// weights are not numbers if so wanted.
	"model": func(ts *testscript.TestScript, neg bool, args []string) {
		classes, err := strconv.Atoi(args[1])
		ts.Check(err)
		state := nn.State(models.NewLeNet(classes, 1))
		if len(args) > 2 {
			bias := make([]float32, classes)
			bias[0] = float32(math.NaN())
			state[len(state)-1].Write(bias)
		}
		ts.Check(weights.Save(ts.MkAbs(args[0]), state))
	},

	// emnistcache DIR puts the files of DIR, which have MNIST's names, into the
	// cache as those of EMNIST's split mnist.
	"emnistcache": func(ts *testscript.TestScript, neg bool, args []string) {
		for from, to := range map[string]string{
			"train-images-idx3-ubyte": "emnist-mnist-train-images-idx3-ubyte",
			"train-labels-idx1-ubyte": "emnist-mnist-train-labels-idx1-ubyte",
			"t10k-images-idx3-ubyte":  "emnist-mnist-test-images-idx3-ubyte",
			"t10k-labels-idx1-ubyte":  "emnist-mnist-test-labels-idx1-ubyte",
		} {
			dir := filepath.Join(ts.Getenv("XDG_CACHE_HOME"), "inkling", "emnist")
			ts.Check(os.MkdirAll(dir, 0o755))
			content, err := os.ReadFile(filepath.Join(ts.MkAbs(args[0]), from))
			ts.Check(err)
			var b bytes.Buffer
			z := gzip.NewWriter(&b)
			z.Write(content)
			ts.Check(z.Close())
			ts.Check(os.WriteFile(filepath.Join(dir, to+".gz"), b.Bytes(), 0o644))
		}
	},
}

// stripes returns pictures whose label is the row at which a bright stripe
// lies, which is learnt in a moment.
func stripes(r *rand.Rand, n, labels, size int) (*idx.Images, []byte) {
	pictures := &idx.Images{Count: n, Height: size, Width: size, Pixels: make([]byte, n*size*size)}
	named := make([]byte, n)
	for i := range n {
		named[i] = byte(i % labels)
		for y := range size {
			for x := range size {
				v := r.IntN(60)
				if y/2 == 2+int(named[i]) {
					v += 190
				}
				pictures.Pixels[(i*size+y)*size+x] = byte(v)
			}
		}
	}
	return pictures, named
}

// coloured is blue where a picture is dark, and the redder the brighter it is.
func coloured(gray *image.Gray, blue byte) image.Image {
	img := image.NewNRGBA(gray.Rect)
	for i, v := range gray.Pix {
		copy(img.Pix[4*i:], []byte{v, 0, blue, 255})
	}
	return img
}

func writeWith(path string, write func(w io.Writer) error) error {
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return err
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}

// onPaper draws white on black as ink on a wide sheet of light paper.
func onPaper(img *image.Gray, scale int) *image.Gray {
	side := 28 * scale
	sheet := image.NewGray(image.Rect(0, 0, side+side/2, side))
	for i := range sheet.Pix {
		sheet.Pix[i] = 240
	}
	for y := range side {
		for x := range side {
			sheet.Pix[y*sheet.Stride+side/4+x] = 240 - uint8(int(img.GrayAt(x/scale, y/scale).Y)*220/255)
		}
	}
	return sheet
}
