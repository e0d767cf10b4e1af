// Package liberationsansitalic has Go Regular in place of the font that it is named after.
package liberationsansitalic

import "golang.org/x/image/font/gofont/goregular"

// TTF is a font.
var TTF = goregular.TTF
