// Command sudoku reads the digits of a photographed Sudoku and solves it.
//
//	go run ./examples/sudoku PICTURE
//	go run ./examples/sudoku -labels LABELS FOLDER
//
// PICTURE is the grid of a puzzle, cut out of a photograph along its border and made
// square. The second form tells how many cells are read right of the pictures that LABELS
// has: a line each, such as {"file": "test/image1.jpg", "grid": ["000700080", ...]}, with 0
// for an empty cell.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"strings"

	"inkling/models/digits"
	"inkling/picture"
	"inkling/sketch"
)

// A Grid is the digits of a puzzle, row by row; 0 is an empty cell.
type Grid [9][9]int

func main() {
	labels := flag.String("labels", "", "tell how many cells are read right of the pictures in `FILE`")
	only := flag.String("only", "", "of these only those whose name begins with `PREFIX`")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "sudoku: want one picture, or -labels FILE and a folder")
		os.Exit(2)
	}
	err := error(nil)
	if *labels != "" {
		err = measure(*labels, flag.Arg(0), *only)
	} else {
		err = solvePicture(flag.Arg(0))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "sudoku:", err)
		os.Exit(1)
	}
}

func solvePicture(path string) error {
	judge, err := digits.Judge()
	if err != nil {
		return err
	}
	grid, turns, err := readFile(path, &sketch.Reader{Procedure: sketch.EMNIST, Judge: judge, Together: 32})
	if err != nil {
		return err
	}
	if turns > 0 {
		fmt.Printf("The picture was turned by %d degrees to the right.\n", 90*turns)
	}
	fmt.Printf("The puzzle:\n%v\n", grid)
	solved, err := grid.Solve()
	if err != nil {
		return err
	}
	fmt.Printf("The solution:\n%v", solved)
	return nil
}

// readFile reads the digits of the grid in a file.
func readFile(path string, reader *sketch.Reader) (grid Grid, turns int, err error) {
	file, err := os.ReadFile(path)
	if err != nil {
		return grid, 0, err
	}
	err = picture.Shared().Use(context.Background(), file, func(img image.Image, _ picture.Head) error {
		grid, turns, err = Read(img, reader)
		return err
	})
	if err != nil {
		return grid, 0, fmt.Errorf("%s %w", path, err)
	}
	return grid, turns, nil
}

// Read reads the digits of a grid, which may lie turned in the picture: by how many quarters
// to the right it had to be turned to stand is returned, too. Of the four ways it takes the
// one in which the digits are read surest.
func Read(img image.Image, reader *sketch.Reader) (grid Grid, turns int, err error) {
	const enough = 0.9 // no other way is tried
	best := -1.0
	for n := range 4 {
		g, sure, err := readStanding(turned(img, n), reader)
		if err != nil {
			return grid, 0, err
		}
		if sure > best {
			grid, turns, best = g, n, sure
		}
		if best >= enough {
			break
		}
	}
	return grid, turns, nil
}

// readStanding reads a grid that stands upright, and tells how sure its digits are, 0 to 1.
// It finds the marks on the picture, the grid's lines taken off, and the cell that each lies
// in: a mark that is a digit and as high as one fills the cell.
func readStanding(img image.Image, reader *sketch.Reader) (grid Grid, sure float64, err error) {
	page, err := reader.Picture(img)
	if err != nil {
		return grid, 0, err
	}
	// How high a digit is, for its cell, and how far its middle is from the cell's, at most.
	const low, high, astray = 0.3, 0.95, 0.35
	width, height := float64(img.Bounds().Dx())/9, float64(img.Bounds().Dy())/9
	var best [9][9]float64
	marks := 0
	for _, m := range page.Marks {
		x, y := (m.Left+m.Right)/2/width, (m.Top+m.Bottom)/2/height
		column, row := int(x), int(y)
		tall := (m.Bottom - m.Top) / height
		if row > 8 || column > 8 || tall < low || tall > high ||
			abs(x-float64(column)-0.5) > astray || abs(y-float64(row)-0.5) > astray {
			continue
		}
		likeliest := 1 // there is no 0
		for digit, p := range m.Probabilities {
			if digit > 0 && p > m.Probabilities[likeliest] {
				likeliest = digit
			}
		}
		p := float64(m.Probabilities[likeliest]) * (1 - m.None)
		marks++
		sure += p
		if m.None < digits.NoneFrom && p > best[row][column] {
			best[row][column], grid[row][column] = p, likeliest
		}
	}
	return grid, sure / float64(max(marks, 1)), nil
}

// turned returns a picture turned to the right by so many quarters.
func turned(img image.Image, quarters int) image.Image {
	for range quarters {
		b := img.Bounds()
		to := image.NewNRGBA(image.Rect(0, 0, b.Dy(), b.Dx()))
		for y := range b.Dy() {
			for x := range b.Dx() {
				to.Set(b.Dy()-1-y, x, img.At(b.Min.X+x, b.Min.Y+y))
			}
		}
		img = to
	}
	return img
}

func abs(v float64) float64 { return max(v, -v) }

func (g Grid) String() string {
	var text strings.Builder
	for _, row := range g {
		for column, digit := range row {
			if column > 0 {
				text.WriteByte(' ')
			}
			if digit == 0 {
				text.WriteByte('.')
			} else {
				fmt.Fprint(&text, digit)
			}
		}
		text.WriteByte('\n')
	}
	return text.String()
}

// Solve fills the empty cells. It fails if the digits contradict each other, and if there is
// no solution or more than one: then a digit was misread or missed.
func (g Grid) Solve() (Grid, error) {
	for row := range 9 {
		for column := range 9 {
			if digit := g[row][column]; digit != 0 {
				g[row][column] = 0
				if !g.allows(row, column, digit) {
					return g, fmt.Errorf("the %d in row %d, column %d stands twice in its row, column or block: it, or the other, was misread", digit, row+1, column+1)
				}
				g[row][column] = digit
			}
		}
	}
	var found []Grid
	const most = 20_000 // cells that are filled; puzzles for people take some hundreds
	steps := 0
	g.search(&found, &steps, most)
	switch {
	case steps > most:
		return g, fmt.Errorf("no solution was found within %d steps: a digit was misread", most)
	case len(found) == 0:
		return g, fmt.Errorf("the puzzle has no solution: a digit was misread")
	case len(found) == 1:
		return found[0], nil
	}
	return g, fmt.Errorf("the puzzle has more than one solution: a digit was missed")
}

// search collects solutions until there are two. It fills the cell with the fewest digits
// to choose from first.
func (g *Grid) search(found *[]Grid, steps *int, most int) {
	if *steps++; *steps > most {
		return
	}
	best, at := 10, [2]int{}
	for row := range 9 {
		for column := range 9 {
			if g[row][column] != 0 {
				continue
			}
			n := 0
			for digit := 1; digit <= 9; digit++ {
				if g.allows(row, column, digit) {
					n++
				}
			}
			if n < best {
				best, at = n, [2]int{row, column}
			}
		}
	}
	if best == 10 {
		*found = append(*found, *g)
		return
	}
	for digit := 1; digit <= 9 && len(*found) < 2; digit++ {
		if g.allows(at[0], at[1], digit) {
			g[at[0]][at[1]] = digit
			g.search(found, steps, most)
			g[at[0]][at[1]] = 0
		}
	}
}

// allows tells whether a digit may stand in an empty cell.
func (g *Grid) allows(row, column, digit int) bool {
	for i := range 9 {
		if g[row][i] == digit || g[i][column] == digit || g[row/3*3+i/3][column/3*3+i%3] == digit {
			return false
		}
	}
	return true
}

// measure tells how the pictures of a list are read.
func measure(labels, folder, prefix string) error {
	judge, err := digits.Judge()
	if err != nil {
		return err
	}
	reader := &sketch.Reader{Procedure: sketch.EMNIST, Judge: judge, Together: 32}
	f, err := os.Open(labels)
	if err != nil {
		return err
	}
	defer f.Close()
	grids, whole, cells, wrong, missed, invented, solved := 0, 0, 0, 0, 0, 0, 0
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var l struct {
			File string
			Grid []string
		}
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			return fmt.Errorf("%s: %w", labels, err)
		}
		if !strings.HasPrefix(l.File, prefix) {
			continue
		}
		grid, turns, err := readFile(filepath.Join(folder, l.File), reader)
		if err != nil {
			return err
		}
		bad := 0
		for row := range min(len(l.Grid), 9) {
			for column := range min(len(l.Grid[row]), 9) {
				want, got := int(l.Grid[row][column]-'0'), grid[row][column]
				cells++
				switch {
				case want == got:
					continue
				case want == 0:
					invented++
				case got == 0:
					missed++
				default:
					wrong++
				}
				bad++
			}
		}
		if grids++; bad == 0 {
			whole++
		} else {
			fmt.Printf("%s: %d cells are misread; turned by %d\n", l.File, bad, 90*turns)
		}
		if _, err := grid.Solve(); err == nil {
			solved++
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	if cells == 0 {
		return fmt.Errorf("%s names no pictures that begin with %q", labels, prefix)
	}
	fmt.Printf("%d cells of %d grids: %.2f %% right; %d misread, %d missed, %d empty ones taken for digits; %d grids all right, %d solved\n",
		cells, grids, 100*float64(cells-wrong-missed-invented)/float64(cells), wrong, missed, invented, whole, solved)
	return nil
}
