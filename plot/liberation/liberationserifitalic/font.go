// Package liberationserifitalic has Go Regular in place of the font that it is named after.
package liberationserifitalic

import "golang.org/x/image/font/gofont/goregular"

// TTF is a font.
var TTF = goregular.TTF
