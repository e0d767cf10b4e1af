package transform

// Transpose swaps rows and columns: what was at (row, column) comes to
// (column, row). The published files of EMNIST hold pictures that are lying so
// and need it to be upright; undoing it is the same step again.
type Transpose struct{}

// Format takes every picture and swaps its height and width.
func (Transpose) Format(in Format) (Format, error) {
	in.Height, in.Width = in.Width, in.Height
	return in, nil
}

// Apply transposes every channel.
func (Transpose) Apply(dst, src *Picture) {
	plane := src.Height * src.Width
	for c := range src.Channels {
		from, to := c*plane, (c+1)*plane
		if src.Float {
			transpose(dst.Floats[from:to], src.Floats[from:to], src.Height, src.Width)
		} else {
			transpose(dst.Bytes[from:to], src.Bytes[from:to], src.Height, src.Width)
		}
	}
}

// String returns "Transpose".
func (Transpose) String() string { return "Transpose" }

func transpose[T byte | float32](dst, src []T, height, width int) {
	for y := range height {
		row := src[y*width : (y+1)*width]
		for x, v := range row {
			dst[x*height+y] = v
		}
	}
}
