package transform

import (
	"slices"
	"testing"
)

// TestAlternateHorizontalFlip checks that a picture is mirrored in every other epoch,
// whatever its place, and that about half of them are in each.
func TestAlternateHorizontalFlip(t *testing.T) {
	p, err := Compile(Compose{AlternateHorizontalFlip{}, ToTensor{}}, 1, 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	if !p.Random() {
		t.Error("the pipeline is said to do the same in every epoch")
	}
	apply := func(epoch, place, picture int) bool {
		p.SeedPicture(7, epoch, place, picture)
		var got [2]float32
		p.Apply(got[:], []byte{0, 255})
		return slices.Equal(got[:], []float32{1, 0})
	}
	mirrored := 0
	for picture := range 1000 {
		first := apply(0, picture, picture)
		if first {
			mirrored++
		}
		for epoch := 1; epoch < 4; epoch++ {
			if apply(epoch, 999-picture, picture) != (first != (epoch%2 == 1)) {
				t.Fatalf("picture %d is not mirrored in turns: epoch %d", picture, epoch)
			}
		}
	}
	if mirrored < 450 || mirrored > 550 {
		t.Errorf("%d of 1000 pictures are mirrored in the first epoch", mirrored)
	}
}
