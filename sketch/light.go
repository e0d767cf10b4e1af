package sketch

import (
	"image"
	"slices"
)

// evenLight takes uneven light off a photograph: a shadow on it, a lamp at its side.
// What is light or dark over a fifth of the picture is ground, whatever else is ink
// (a closing of the picture, or an opening for light ink: Serra 1982); every pixel is
// then compared with the ground where it lies. It does so, and returns true, only if
// the ground at the border differs from its median by more than the share of the
// contrast that passes for ground, in the direction of the ink.
func evenLight(gray *image.Gray, ground, contrast int, dark bool, forgiven float64) bool {
	const least = 64 // pixels that a photograph's shorter side has
	width, height := gray.Rect.Dx(), gray.Rect.Dy()
	uneven := func(border []byte) bool {
		off := ground - int(border[len(border)/20])
		if !dark {
			off = int(border[len(border)-1-len(border)/20]) - ground
		}
		return float64(off) > forgiven*float64(contrast)
	}
	// Most pictures are drawings, whose border tells at once.
	if min(width, height) < least || !uneven(borderOf(gray)) {
		return false
	}
	small := groundOf(gray, dark)
	if !uneven(borderOf(small)) {
		return false
	}
	divideByGround(gray, small, dark)
	return true
}

// groundOf returns what a picture is drawn on, a small picture: what is light, or dark
// for light ink, over a fifth of the longer side.
func groundOf(gray *image.Gray, dark bool) *image.Gray {
	const detailed = 96 // pixels that the longer side is looked at with
	width, height := gray.Rect.Dx(), gray.Rect.Dy()
	longer := max(width, height)
	side := min(longer, detailed)
	small := shrunk(gray, max(width*side/longer, 1), max(height*side/longer, 1))
	reach := side / 10
	first, second := slices.Max[[]byte], slices.Min[[]byte]
	if !dark {
		first, second = second, first
	}
	return extreme(extreme(small, reach, first), reach, second)
}

// divideByGround compares every pixel with the ground where it lies.
func divideByGround(gray, small *image.Gray, dark bool) {
	width, height := gray.Rect.Dx(), gray.Rect.Dy()
	across, down := between(width, small.Rect.Dx()), between(height, small.Rect.Dy())
	for y, v := range down {
		upper, lower := small.Pix[v.index*small.Stride:], small.Pix[v.next*small.Stride:]
		row := gray.Pix[y*gray.Stride:][:width]
		for x, u := range across {
			here := (float32(upper[u.index])*(1-u.share)+float32(upper[u.next])*u.share)*(1-v.share) +
				(float32(lower[u.index])*(1-u.share)+float32(lower[u.next])*u.share)*v.share
			if dark {
				// Ink takes a share of the light that there is.
				row[x] = level(float32(row[x]) / max(here, 1))
			} else {
				row[x] = level((float32(row[x]) - here) / 255)
			}
		}
	}
}

// extreme returns the picture of which every pixel is what pick chooses of those so
// near, across and then down.
func extreme(gray *image.Gray, reach int, pick func([]byte) byte) *image.Gray {
	width, height := gray.Rect.Dx(), gray.Rect.Dy()
	across, both := image.NewGray(gray.Rect), image.NewGray(gray.Rect)
	for y := range height {
		row := gray.Pix[y*gray.Stride:][:width]
		for x := range width {
			across.Pix[y*across.Stride+x] = pick(row[max(x-reach, 0):min(x+reach+1, width)])
		}
	}
	column := make([]byte, height)
	for x := range width {
		for y := range height {
			column[y] = across.Pix[y*across.Stride+x]
		}
		for y := range height {
			both.Pix[y*both.Stride+x] = pick(column[max(y-reach, 0):min(y+reach+1, height)])
		}
	}
	return both
}

// A neighbour is the sample at or before a place, the one behind it, and how far the
// place is from the first to the second.
type neighbour struct {
	index, next int
	share       float32
}

// between places n pixels between fewer samples.
func between(n, samples int) []neighbour {
	all := make([]neighbour, n)
	for i := range all {
		at := (float32(i)+0.5)*float32(samples)/float32(n) - 0.5
		index := min(max(int(at), 0), samples-1)
		all[i] = neighbour{index, min(index+1, samples-1), min(max(at-float32(index), 0), 1)}
	}
	return all
}
