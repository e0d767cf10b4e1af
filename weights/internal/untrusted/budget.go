package untrusted

// Budget bounds the memory that reading a file may take, so that a small file
// cannot ask for a large amount. Everything whose size the file decides is
// paid for before it is allocated.
type Budget struct{ left, all int64 }

// NewBudget gives a file of size bytes 6 times its size and half a megabyte.
// The file's own bytes may be held once on top of that, which stays below the
// promised 8 times and 1 MB with room for what is not counted.
func NewBudget(size int64) *Budget {
	all := 6*size + 512<<10
	return &Budget{left: all, all: all}
}

// Grow adds what another file of size bytes gives, that the first one names.
func (b *Budget) Grow(size int64) {
	b.left += 6 * size
	b.all += 6 * size
}

// All returns what the budget was at first, in bytes.
func (b *Budget) All() int64 { return b.all }

// Spend takes bytes from the budget and tells whether there were as many.
func (b *Budget) Spend(bytes int64) bool {
	if bytes < 0 || bytes > b.left {
		return false
	}
	b.left -= bytes
	return true
}
