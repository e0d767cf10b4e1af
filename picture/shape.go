package picture

import (
	"image"
	"image/color"
	"image/draw"
	"math"
)

// onScreen puts a frame on the screen of its animation, which is transparent where
// the frame does not lie.
func onScreen(frame image.Image, screen image.Rectangle) image.Image {
	if frame.Bounds() == screen {
		return frame
	}
	whole := image.NewNRGBA(screen)
	draw.Draw(whole, frame.Bounds(), frame, frame.Bounds().Min, draw.Src)
	return whole
}

// A plane is samples of an image that lie one beside the other, size bytes each.
type plane struct {
	pix                         []byte
	stride, width, height, size int
}

func newPlane(width, height, size int) plane {
	return plane{make([]byte, width*height*size), width * size, width, height, size}
}

// turn turns an image as EXIF's orientation says.
func turn(img image.Image, orientation int) image.Image {
	if orientation <= 1 {
		return img
	}
	b := img.Bounds()
	across := orientation >= 5 // rows and columns are exchanged
	width, height := b.Dx(), b.Dy()
	if across {
		width, height = height, width
	}
	to := image.Rect(0, 0, width, height)
	one := func(pix []byte, stride, size int) plane {
		return plane{pix, stride, b.Dx(), b.Dy(), size}.turned(orientation)
	}
	switch img := img.(type) {
	case *image.Gray:
		p := one(img.Pix, img.Stride, 1)
		return &image.Gray{Pix: p.pix, Stride: p.stride, Rect: to}
	case *image.Gray16:
		p := one(img.Pix, img.Stride, 2)
		return &image.Gray16{Pix: p.pix, Stride: p.stride, Rect: to}
	case *image.Paletted:
		p := one(img.Pix, img.Stride, 1)
		return &image.Paletted{Pix: p.pix, Stride: p.stride, Rect: to, Palette: img.Palette}
	case *image.RGBA:
		p := one(img.Pix, img.Stride, 4)
		return &image.RGBA{Pix: p.pix, Stride: p.stride, Rect: to}
	case *image.NRGBA:
		p := one(img.Pix, img.Stride, 4)
		return &image.NRGBA{Pix: p.pix, Stride: p.stride, Rect: to}
	case *image.CMYK:
		p := one(img.Pix, img.Stride, 4)
		return &image.CMYK{Pix: p.pix, Stride: p.stride, Rect: to}
	case *image.RGBA64:
		p := one(img.Pix, img.Stride, 8)
		return &image.RGBA64{Pix: p.pix, Stride: p.stride, Rect: to}
	case *image.NRGBA64:
		p := one(img.Pix, img.Stride, 8)
		return &image.NRGBA64{Pix: p.pix, Stride: p.stride, Rect: to}
	case *image.YCbCr:
		if turned := turnYCbCr(img, orientation, to); turned != nil {
			return turned
		}
	}
	whole := image.NewNRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	draw.Draw(whole, whole.Rect, img, b.Min, draw.Src)
	return turn(whole, orientation)
}

// turned returns the samples turned.
func (p plane) turned(orientation int) plane {
	across := orientation >= 5
	t := newPlane(p.width, p.height, p.size)
	if across {
		t = newPlane(p.height, p.width, p.size)
	}
	right := orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8
	bottom := orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7
	const tile = 32 // so that rows of the one and columns of the other stay in the cache
	for top := 0; top < t.height; top += tile {
		for left := 0; left < t.width; left += tile {
			for y := top; y < min(top+tile, t.height); y++ {
				row := t.pix[y*t.stride:]
				for x := left; x < min(left+tile, t.width); x++ {
					fromX, fromY := x, y
					if across {
						fromX, fromY = y, x
					}
					if right {
						fromX = p.width - 1 - fromX
					}
					if bottom {
						fromY = p.height - 1 - fromY
					}
					if p.size == 1 {
						row[x] = p.pix[fromY*p.stride+fromX]
						continue
					}
					copy(row[x*p.size:][:p.size], p.pix[fromY*p.stride+fromX*p.size:])
				}
			}
		}
	}
	return t
}

// turnYCbCr turns luminance and colours each for itself. It returns nil where the
// colours would no longer lie where they did: of an odd number of columns the last
// one shares its colour with none, and the first one does when turned.
func turnYCbCr(img *image.YCbCr, orientation int, to image.Rectangle) image.Image {
	b := img.Rect
	across, down := 1, 1
	ratio := img.SubsampleRatio
	switch ratio {
	case image.YCbCrSubsampleRatio444:
	case image.YCbCrSubsampleRatio422:
		across = 2
	case image.YCbCrSubsampleRatio440:
		down = 2
	case image.YCbCrSubsampleRatio420:
		across, down = 2, 2
	default:
		return nil
	}
	if b.Dx()%across != 0 || b.Dy()%down != 0 || b.Min != (image.Point{}) {
		return nil
	}
	if orientation >= 5 && across != down {
		ratio = image.YCbCrSubsampleRatio422 + image.YCbCrSubsampleRatio440 - ratio
	}
	y := plane{img.Y, img.YStride, b.Dx(), b.Dy(), 1}.turned(orientation)
	cb := plane{img.Cb, img.CStride, b.Dx() / across, b.Dy() / down, 1}.turned(orientation)
	cr := plane{img.Cr, img.CStride, b.Dx() / across, b.Dy() / down, 1}.turned(orientation)
	return &image.YCbCr{Y: y.pix, Cb: cb.pix, Cr: cr.pix, YStride: y.stride, CStride: cb.stride, SubsampleRatio: ratio, Rect: to}
}

// factor is by how much a picture is made smaller: 1 for one that is kept as it is.
func factor(width, height int) int {
	pixels := width * height
	if pixels <= MostKept {
		return 1
	}
	return max(int(math.Ceil(math.Sqrt(2*float64(pixels)/MostKept))), 2) // to half of the most
}

// reduce makes an image smaller by a whole number: every pixel is the mean of those
// it stands for.
func reduce(img image.Image, by int) image.Image {
	b := img.Bounds()
	width, height := (b.Dx()+by-1)/by, (b.Dy()+by-1)/by
	to := image.Rect(0, 0, width, height)
	switch img := img.(type) {
	case *image.Gray:
		return &image.Gray{Pix: means(img.Pix, img.Stride, b.Dx(), b.Dy(), 1, 1, by, width, height), Stride: width, Rect: to}
	case *image.YCbCr:
		if b.Min != (image.Point{}) {
			break
		}
		across, down := 1, 1
		switch img.SubsampleRatio {
		case image.YCbCrSubsampleRatio422:
			across = 2
		case image.YCbCrSubsampleRatio420:
			across, down = 2, 2
		case image.YCbCrSubsampleRatio440:
			down = 2
		case image.YCbCrSubsampleRatio411:
			across = 4
		case image.YCbCrSubsampleRatio410:
			across, down = 4, 2
		}
		chroma := func(pix []byte) []byte {
			return means(pix, img.CStride, (b.Dx()+across-1)/across, (b.Dy()+down-1)/down, across, down, by, width, height)
		}
		return &image.YCbCr{
			Y:  means(img.Y, img.YStride, b.Dx(), b.Dy(), 1, 1, by, width, height),
			Cb: chroma(img.Cb), Cr: chroma(img.Cr),
			YStride: width, CStride: width, SubsampleRatio: image.YCbCrSubsampleRatio444, Rect: to,
		}
	}
	at := rgba64(img)
	small := image.NewRGBA(to)
	sums := make([][4]uint64, width)
	for y := range height {
		clear(sums)
		last := min((y+1)*by, b.Dy())
		for fromY := y * by; fromY < last; fromY++ {
			for fromX := range b.Dx() {
				c := at(b.Min.X+fromX, b.Min.Y+fromY)
				sum := &sums[fromX/by]
				sum[0] += uint64(c.R)
				sum[1] += uint64(c.G)
				sum[2] += uint64(c.B)
				sum[3] += uint64(c.A)
			}
		}
		for x, sum := range sums {
			n := uint64((min((x+1)*by, b.Dx()) - x*by) * (last - y*by))
			for c := range sum {
				small.Pix[y*small.Stride+4*x+c] = byte((sum[c] + n*0x101/2) / (n * 0x101))
			}
		}
	}
	return small
}

// means returns the means of a plane of samples that stand for across x down pixels
// each, for every square of by x by pixels.
func means(pix []byte, stride, columns, rows, across, down, by, width, height int) []byte {
	small := make([]byte, width*height)
	for y := range height {
		top, bottom := y*by/down, min(((y+1)*by-1)/down+1, rows)
		for x := range width {
			left, right := x*by/across, min(((x+1)*by-1)/across+1, columns)
			sum := 0
			for fromY := top; fromY < bottom; fromY++ {
				for _, v := range pix[fromY*stride+left : fromY*stride+right] {
					sum += int(v)
				}
			}
			n := (bottom - top) * (right - left)
			small[y*width+x] = byte((sum + n/2) / n)
		}
	}
	return small
}

// rgba64 returns how pixels are got of an image without an allocation for each, if
// that can be.
func rgba64(img image.Image) func(x, y int) color.RGBA64 {
	if direct, ok := img.(image.RGBA64Image); ok {
		return direct.RGBA64At
	}
	return func(x, y int) color.RGBA64 {
		r, g, b, a := img.At(x, y).RGBA()
		return color.RGBA64{R: uint16(r), G: uint16(g), B: uint16(b), A: uint16(a)}
	}
}
