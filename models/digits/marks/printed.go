package main

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"os"
	"path/filepath"
	"strings"

	"inkling/sketch"
)

// printed returns the printed digits of photographed Sudokus, those to train on and
// those to test on, as they are found on the page. What is found where there is no
// digit is none.
func printed(folder string) (train, test *set, err error) {
	train, test = &set{}, &set{name: "printed, 40 photographs"}
	labels, err := os.Open(filepath.Join(folder, "sudoku-photos", "labels.jsonl"))
	if err != nil {
		return nil, nil, err
	}
	defer labels.Close()
	grids := map[string][]string{}
	for lines := bufio.NewScanner(labels); lines.Scan(); {
		var l struct {
			File string
			Grid []string
		}
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", labels.Name(), err)
		}
		grids[l.File] = l.Grid
	}
	file, err := os.Open(filepath.Join(folder, "sudoku-photos", "grids-324px.tar.gz"))
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	unpacked, err := gzip.NewReader(file)
	if err != nil {
		return nil, nil, err
	}
	for members := tar.NewReader(unpacked); ; {
		h, err := members.Next()
		if errors.Is(err, io.EOF) {
			return train, test, nil
		}
		if err != nil {
			return nil, nil, err
		}
		name := strings.TrimPrefix(h.Name, "./")
		grid := grids[name]
		if h.Typeflag != tar.TypeReg || len(grid) != 9 {
			continue
		}
		img, err := jpeg.Decode(members)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", name, err)
		}
		to := train
		if strings.HasPrefix(name, "test/") {
			to = test
		}
		if err := to.cells(img, grid); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", name, err)
		}
	}
}

// cells adds what is found in the cells of a grid.
func (s *set) cells(img image.Image, grid []string) error {
	page, err := (&sketch.Reader{Procedure: sketch.EMNIST}).Picture(img)
	if err != nil {
		return err
	}
	side := float64(img.Bounds().Dx()) / 9
	for _, m := range page.Marks {
		column, row := int((m.Left+m.Right)/2/side), int((m.Top+m.Bottom)/2/side)
		if row > 8 || column > 8 || m.Bottom-m.Top > side {
			continue
		}
		label := grid[row][column] - '0'
		if label == 0 {
			s.add(m.Result.Pixels[:], none)
		} else if h := m.Bottom - m.Top; h > 0.3*side {
			s.add(m.Result.Pixels[:], label)
		}
	}
	return nil
}
