package idx

import (
	"encoding/binary"
	"fmt"
	"io"

	"inkling/internal/wording"
)

// Table is the content of an idx file of 32-bit integers in two dimensions, as
// QMNIST's labels are: Rows rows of Columns numbers, one after another in
// Values.
type Table struct {
	Rows, Columns int
	Values        []int32
}

// ReadTable reads an idx file of 32-bit integers (type 12) in two dimensions,
// gzipped or not, to its end. It fails when the file is not exactly what its
// header declares.
func ReadTable(r io.Reader) (*Table, error) {
	r, size, err := measure(r)
	if err != nil {
		return nil, err
	}
	content, packed, err := unpack(r)
	if err != nil {
		return nil, err
	}
	dims, n, err := readHeader(content, tableRank)
	if err != nil {
		return nil, err
	}
	const width = 4 // bytes of an element
	most := (size - int64(headerSize(tableRank))) / width
	if packed {
		most = maxUnpacked(size) / width
	}
	if int64(n) > most {
		return nil, fmt.Errorf("it declares %s = %s, more than the %d that its %s can be trusted with: it is cut off or its header is damaged", times(dims), wording.Number(n, "element"), most, wording.Number(size, "byte"))
	}
	table := &Table{Rows: dims[0], Columns: dims[1], Values: make([]int32, n)}
	buffer := make([]byte, 8<<10)
	for done := 0; done < n; {
		piece := buffer[:min(len(buffer), width*(n-done))]
		if got, err := io.ReadFull(content, piece); err != nil {
			return nil, readError(dims, n, int64(done+got/width), err)
		}
		for ; len(piece) > 0; piece = piece[width:] {
			table.Values[done] = int32(binary.BigEndian.Uint32(piece))
			done++
		}
	}
	return table, expectEnd(content, dims, n)
}
