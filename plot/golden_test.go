package plot

import (
	"encoding/json"
	"errors"
	"image"
	"image/png"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/sbinet/npyio"
)

const goldens = "../../shared/golden"

// readNPY reads an array in NumPy's format: its values and its shape.
func readNPY(t *testing.T, path string) (values []float32, shape []int) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := npyio.NewReader(f)
	if err == nil {
		err = r.Read(&values)
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return values, r.Header.Descr.Shape
}

// byteImage makes an image of levels from 0 to 1 as torchvision.utils.save_image
// does. They lie channel after channel, or channels last.
func byteImage(levels []float32, height, width int, last bool) image.Image {
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	plane := height * width
	for i := range plane {
		for c := range 3 {
			at := c*plane + i
			if last {
				at = 3*i + c
			}
			img.Pix[4*i+c] = byte(min(max(float32(levels[at]*255)+0.5, 0), 255))
		}
		img.Pix[4*i+3] = 255
	}
	return img
}

// Every grid of the goldens beside the project. A list of pictures and a single
// one without a batch are batches here.
func TestGoldenGrids(t *testing.T) {
	content, err := os.ReadFile(filepath.Join(goldens, "image", "index.json"))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("the larger pictures of torchvision beside the project are not there; those in testdata are of every kind that they are")
	} else if err != nil {
		t.Fatal(err)
	}
	var index struct {
		MakeGrid []struct {
			Input, Out string
			Args       arguments
		} `json:"make_grid"`
	}
	if err := json.Unmarshal(content, &index); err != nil {
		t.Fatal(err)
	}
	if len(index.MakeGrid) != 36 {
		t.Errorf("%d grids, want 36", len(index.MakeGrid))
	}
	draw := func(g Grid, input string) image.Image {
		t.Helper()
		samples, shape := readNPY(t, filepath.Join(goldens, input))
		for len(shape) < 3 {
			shape = append([]int{1}, shape...)
		}
		n := len(shape)
		img, err := g.Floats(samples, shape[n-3], shape[n-2], shape[n-1])
		if err != nil {
			t.Fatal(err)
		}
		return img
	}
	for _, c := range index.MakeGrid {
		t.Run(filepath.Base(c.Out), func(t *testing.T) {
			want, shape := readNPY(t, filepath.Join(goldens, c.Out))
			sameImage(t, draw(c.Args.grid(), c.Input), byteImage(want, shape[1], shape[2], false))
		})
	}

	f, err := os.Open(filepath.Join(goldens, "image", "save_image_b4.png"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	saved, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	const b4 = "image/grid_in_b4_1x28.npy"
	sameImage(t, draw(Grid{Columns: 2, Normalize: true}, b4), saved)

	// The tutorial shows make_grid(images) / 2 + 0.5, frame and all.
	shown, shape := readNPY(t, filepath.Join(goldens, "image", "imshow_b4.npy"))
	sameImage(t, draw(Grid{Low: -1, High: 1, PadValue: 0.5}, b4), byteImage(shown, shape[0], shape[1], true))
}
