// Command photo prints a request to /api/predict with a photograph of 12 megapixels, whose
// pixels follow from a formula.
package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	"image/jpeg"
	"log"
	"math"
)

func main() {
	const width, height = 4000, 3000
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	for i := 0; i < len(img.Pix); i += 4 {
		x, y := float64(i/4%width), float64(i/4/width)
		img.Pix[i] = uint8(128 + 100*math.Sin(x/37)*math.Cos(y/53))
		img.Pix[i+1] = uint8(128 + 100*math.Sin(x/11+y/17))
		img.Pix[i+2], img.Pix[i+3] = uint8(i/4*2654435761>>24), 255
	}
	var file bytes.Buffer
	if err := jpeg.Encode(&file, img, nil); err != nil {
		log.Fatal(err)
	}
	fmt.Printf(`{"image": "data:image/jpeg;base64,%s"}`, base64.StdEncoding.EncodeToString(file.Bytes()))
}
