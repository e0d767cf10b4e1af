package main

import (
	"strings"
	"testing"

	"inkling/models/digits"
	"inkling/sketch"
)

// A photographed puzzle is read and solved, also lying on its side.
func TestPhotograph(t *testing.T) {
	judge, err := digits.Judge()
	if err != nil {
		t.Fatal(err)
	}
	reader := &sketch.Reader{Procedure: sketch.EMNIST, Judge: judge, Together: 32}
	grid, turns, err := readFile("testdata/grid.jpg", reader)
	if err != nil || turns != 0 {
		t.Fatalf("turned by %d, %v", turns, err)
	}
	const want = `. 9 . . 8 . . 4 .
7 . . 3 . 9 . . 8
. . 5 . . . 3 . .
. 7 . . . . . 5 .
8 . . . 2 . . . 6
. 1 . . . . . 2 .
. . 9 . . . 7 . .
6 . . 2 . 1 . . 5
. 5 . . 3 . . 8 .
`
	if grid.String() != want {
		t.Errorf("it reads\n%v, want\n%s", grid, want)
	}
	solved, err := grid.Solve()
	if err != nil || !strings.HasPrefix(solved.String(), "3 9 1 6 8 2 5 4 7\n") {
		t.Errorf("the solution is\n%v, %v", solved, err)
	}
}

func TestSolveRefuses(t *testing.T) {
	var twice, none, open Grid
	twice[0][0], twice[0][5] = 3, 3
	none[0] = [9]int{1, 2, 3, 4, 5, 6, 7, 8, 0}
	none[1][8] = 9
	for want, g := range map[string]Grid{"stands twice": twice, "no solution": none, "more than one": open} {
		if _, err := g.Solve(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want an error with %q", g, err, want)
		}
	}
}
