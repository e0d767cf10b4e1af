package web

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
)

// segments calls see with the marker and the content of every segment of a JPEG
// file up to the first scan, until it returns false (ITU-T T.81, annex B).
func segments(file []byte, see func(marker byte, content []byte) bool) {
	const startOfScan = 0xda
	if len(file) < 2 {
		return
	}
	for at := 2; at+4 <= len(file); { // after the start of the image
		if file[at] != 0xff {
			return
		}
		marker := file[at+1]
		if marker == 0xff { // fill
			at++
			continue
		}
		end := at + 2 + int(binary.BigEndian.Uint16(file[at+2:]))
		if marker == startOfScan || end < at+4 || end > len(file) || !see(marker, file[at+4:end]) {
			return
		}
		at = end
	}
}

// progressive tells whether a JPEG file comes in several scans, for which all of
// its coefficients must be kept.
func progressive(file []byte) (found bool) {
	segments(file, func(marker byte, _ []byte) bool {
		found = marker == 0xc2 // start of frame, progressive DCT
		return !found
	})
	return found
}

// orientation returns how a JPEG file says that its picture is to be turned: the
// tag Orientation of Exif (JEITA CP-3451), 1 to 8, 1 if it says nothing.
func orientation(file []byte) int {
	value := 1
	segments(file, func(marker byte, content []byte) bool {
		exif, found := bytes.CutPrefix(content, []byte("Exif\x00\x00"))
		if marker != 0xe1 || !found {
			return true
		}
		if v := orientationTag(exif); v >= 1 && v <= 8 {
			value = v
		}
		return false
	})
	return value
}

// orientationTag returns the tag from the first directory of Exif data, which
// is laid out as a TIFF file; 0 if it is not there.
func orientationTag(exif []byte) int {
	if len(exif) < 8 {
		return 0
	}
	var order binary.ByteOrder = binary.BigEndian
	if string(exif[:2]) == "II" {
		order = binary.LittleEndian
	}
	start := int64(order.Uint32(exif[4:]))
	if start+2 > int64(len(exif)) {
		return 0
	}
	directory := exif[start:]
	const entry = 12 // bytes: tag, type, count, value
	for i := range int(order.Uint16(directory)) {
		at := 2 + i*entry
		if at+entry > len(directory) {
			return 0
		}
		const tagOrientation, typeShort = 0x0112, 3
		if order.Uint16(directory[at:]) == tagOrientation && order.Uint16(directory[at+2:]) == typeShort {
			return int(order.Uint16(directory[at+8:]))
		}
	}
	return 0
}

// turn turns a picture as Exif's orientation says, and makes it gray.
func turn(img image.Image, orientation int) image.Image {
	if orientation == 1 {
		return img
	}
	b := img.Bounds()
	width, height := b.Dx(), b.Dy()
	if orientation >= 5 {
		width, height = height, width
	}
	turned := image.NewGray(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			fromX, fromY := x, y
			if orientation >= 5 { // rows and columns are exchanged
				fromX, fromY = y, x
			}
			switch orientation {
			case 2, 3, 7, 8:
				fromX = b.Dx() - 1 - fromX
			}
			switch orientation {
			case 3, 4, 6, 7:
				fromY = b.Dy() - 1 - fromY
			}
			turned.Pix[y*turned.Stride+x] = gray(img, b.Min.X+fromX, b.Min.Y+fromY)
		}
	}
	return turned
}

func gray(img image.Image, x, y int) byte {
	switch img := img.(type) {
	case *image.YCbCr:
		return img.Y[img.YOffset(x, y)] // is ITU-R 601's gray
	case *image.Gray:
		return img.Pix[img.PixOffset(x, y)]
	}
	return color.GrayModel.Convert(img.At(x, y)).(color.Gray).Y
}
