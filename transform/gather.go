package transform

// A gather takes its row y from row rows[y] of the source, and its column x from
// column columns[x]; -1 stands for the fill. Every step that moves whole rows and
// columns is one: flips, crops, pads, and resizing to the nearest sample.
type gather struct {
	rows, columns []int
	fill          []float32 // one value a channel, one for all, or none for 0
}

// Format returns the format with as many rows and columns as are gathered.
func (g gather) Format(in Format) (Format, error) {
	in.Height, in.Width = len(g.rows), len(g.columns)
	return in, nil
}

// Apply gathers every channel.
func (g gather) Apply(dst, src *Picture) {
	from, to := src.Height*src.Width, len(g.rows)*len(g.columns)
	for c := range src.Channels {
		fill := fillOf(g.fill, c)
		if src.Float {
			gatherPlane(dst.Floats[c*to:(c+1)*to], src.Floats[c*from:(c+1)*from], src.Width, g.rows, g.columns, fill)
		} else {
			gatherPlane(dst.Bytes[c*to:(c+1)*to], src.Bytes[c*from:(c+1)*from], src.Width, g.rows, g.columns, byte(fill))
		}
	}
}

func gatherPlane[T byte | float32](dst, src []T, width int, rows, columns []int, fill T) {
	for y, from := range rows {
		out := dst[y*len(columns):][:len(columns)]
		if from < 0 {
			for x := range out {
				out[x] = fill
			}
			continue
		}
		row := src[from*width : (from+1)*width]
		for x, column := range columns {
			if uint(column) < uint(len(row)) {
				out[x] = row[column]
			} else {
				out[x] = fill
			}
		}
	}
}

// window returns the n numbers from first on, with -1 for those outside 0 to
// size-1.
func window(first, n, size int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = first + i
		if out[i] < 0 || out[i] >= size {
			out[i] = -1
		}
	}
	return out
}

// backwards returns the numbers from n-1 down to 0.
func backwards(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = n - 1 - i
	}
	return out
}
