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

// Font returns the font. It is unpacked, 2 MB, when it is first asked for.
var Font = sync.OnceValue(func() *opentype.Font {
	font, err := unpack()
	if err != nil {
		panic(fmt.Sprintf("microhei: the font is damaged: %v", err)) // it is part of the program
	}
	return font
})

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
