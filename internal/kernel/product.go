package kernel

// Products of matrices by panels: some columns of the right one are put one row behind
// another, so that they stay in a cache while all rows of the left one pass.

const (
	// panelDepth is how many rows of a panel all rows of the left matrix go through before
	// the next ones: those of a block of columns stay in the first cache, those of the
	// widest panel in the second.
	panelDepth  = 256
	panelFloats = panelDepth * mostPanelColumns
	// mostPanelColumns is as many as a panel of any set has.
	mostPanelColumns = 4 * TileColumns
	// ProductRoom is how many floats Product works in.
	ProductRoom = panelFloats + TileRows*TileColumns
	// fewRows are not worth a panel.
	fewRows = 12
)

// PanelColumns is how many columns a panel has: as many as a tile of the set in use.
func PanelColumns() int { return TileColumns * TileBlocks() }

// Product computes a matrix product, or adds it to c:
//
//	c[m*cRow+j] = (accumulate ? c[m*cRow+j] : 0) + Σ_k a[m*aRow+k*aColumn] * b[k*bRow+j*bColumn]
//
// for m < rows, j < columns, k < depth. One of bRow and bColumn is 1. The sum is in the
// order of k, whatever the sizes. Zeros of a may be left out, even where b is not finite.
// room has ProductRoom floats; nothing overlaps.
func Product(c, a, b []float32, rows, columns, depth, cRow, aRow, aColumn, bRow, bColumn int, accumulate bool, room []float32) {
	if rows == 0 || columns == 0 {
		return
	}
	if depth == 0 {
		for m := range rows {
			if !accumulate {
				clear(c[m*cRow:][:columns])
			}
		}
		return
	}
	if bColumn == 1 && columns%8 == 0 && rows < fewRows {
		MatMul(c, a, b, rows, columns, depth, cRow, aRow, aColumn, bRow, accumulate)
		return
	}
	panelColumns := PanelColumns()
	for first := 0; first < depth; first += panelDepth {
		deep := min(panelDepth, depth-first)
		for j := 0; j < columns; j += panelColumns {
			width := min(panelColumns, columns-j)
			packPanel(room, b[first*bRow+j*bColumn:], deep, width, bRow, bColumn)
			MultiplyPanel(c[j:], a[first*aColumn:], room, rows, width, deep, cRow, aRow, aColumn, accumulate || first > 0, room[panelFloats:])
		}
	}
}

// packPanel sets panel[k*PanelColumns()+j] to b[k*bRow+j*bColumn], and to 0 for j >= width
// up to a multiple of TileColumns.
func packPanel(panel, b []float32, depth, width, bRow, bColumn int) {
	for j := 0; j < width; j += TileColumns {
		packBlock(panel[j:], b[j*bColumn:], depth, min(TileColumns, width-j), PanelColumns(), bRow, bColumn)
	}
}

// packBlock is packPanel for TileColumns columns of a panel, or fewer.
func packBlock(panel, b []float32, depth, width, columns, bRow, bColumn int) {
	switch {
	case width == TileColumns && bColumn == 1:
		CopyRows(panel, b, depth, TileColumns, columns, bRow)
		return
	case width == TileColumns && bRow == 1 && depth >= 8:
		for k := 0; k < depth; k += 8 {
			at := min(k, depth-8) // the last eight may overlap those before
			for j := 0; j < TileColumns; j += 8 {
				Transpose8(panel[at*columns+j:], b[j*bColumn+at:], columns, bColumn)
			}
		}
		return
	}
	for k := range depth {
		row := panel[k*columns:][:TileColumns]
		clear(row[width:])
		for j := range row[:width] {
			row[j] = b[k*bRow+j*bColumn]
		}
	}
}

// MultiplyPanel is Product for one panel of any depth, of which width columns are wanted.
// room has TileRows x TileColumns floats where these are no multiple of TileColumns.
func MultiplyPanel(c, a, panel []float32, rows, width, depth, cRow, aRow, aColumn int, accumulate bool, room []float32) {
	for ; depth > panelDepth; depth -= panelDepth {
		multiplyPanel(c, a, panel, rows, width, panelDepth, cRow, aRow, aColumn, accumulate, room)
		a, panel, accumulate = a[panelDepth*aColumn:], panel[panelDepth*PanelColumns():], true
	}
	multiplyPanel(c, a, panel, rows, width, depth, cRow, aRow, aColumn, accumulate, room)
}

func multiplyPanel(c, a, panel []float32, rows, width, depth, cRow, aRow, aColumn int, accumulate bool, room []float32) {
	columns := PanelColumns()
	whole := width / TileColumns * TileColumns
	if whole > 0 {
		MatMul(c, a, panel, rows, whole, depth, cRow, aRow, aColumn, columns, accumulate)
	}
	if width -= whole; width == 0 {
		return
	}
	c, panel = c[whole:], panel[whole:]
	for m := 0; m < rows; m += TileRows {
		some := min(TileRows, rows-m)
		for r := range some {
			copy(room[r*TileColumns:], c[(m+r)*cRow:][:width])
		}
		MatMul(room, a[m*aRow:], panel, some, TileColumns, depth, TileColumns, aRow, aColumn, columns, accumulate)
		for r := range some {
			copy(c[(m+r)*cRow:][:width], room[r*TileColumns:])
		}
	}
}

// PackColumns puts rows from..to-1, multiples of 8, of a matrix of depth columns, a multiple
// of 8, into panels of its transpose, PanelColumns() wide:
// panels[r/width*depth*width + k*width + r%width] = matrix[r*depth+k].
func PackColumns(panels, matrix []float32, depth, from, to int) {
	width := PanelColumns()
	for r := from; r < to; r += 8 {
		panel := panels[r/width*depth*width+r%width:]
		for k := 0; k < depth; k += 8 {
			Transpose8(panel[k*width:], matrix[r*depth+k:], width, depth)
		}
	}
}

func transpose8Plain(to, from []float32, toStep, fromStep int) {
	for i := range 8 {
		for j, v := range from[i*fromStep:][:8] {
			to[j*toStep+i] = v
		}
	}
}
