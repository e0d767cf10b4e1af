// Package microhei holds the font WenQuanYi Micro Hei, what plots are lettered in:
// European letters, Japanese syllables and the Chinese signs of GB 2312 and of
// Big5's first level, cut out by subset.py. See NOTICE for its source and licence.
package microhei

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"fmt"
	"io"
	"sync"

	"golang.org/x/image/font/opentype"
)

//go:embed wqy-microhei.ttf.gz
var compressed []byte

//go:embed latin.ttf
var latin []byte

// Font returns the font. It is unpacked, 2 MB, when it is first asked for.
var Font = sync.OnceValue(func() *opentype.Font { return must(unpack()) })

// Latin returns the glyphs of Western and Central European languages alone. They are those
// of Font, and need not be unpacked.
var Latin = sync.OnceValue(func() *opentype.Font { return must(opentype.Parse(latin)) })

// IsLatin tells whether Latin writes a text as Font does.
func IsLatin(text string) bool {
	for _, letter := range text {
		if (letter < 0x20 || letter >= 0x180) && (letter < 0x2010 || letter >= 0x2050) {
			return false
		}
	}
	return true
}

func must(font *opentype.Font, err error) *opentype.Font {
	if err != nil {
		panic(fmt.Sprintf("microhei: the font is damaged: %v", err)) // it is part of the program
	}
	return font
}

func unpack() (*opentype.Font, error) {
	r, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	return opentype.Parse(data)
}
