package untrusted

// Budget bounds the memory that reading a file may take, and the work, so that a
// small file cannot ask for a large amount. Everything whose size the file decides
// is paid for before it is allocated. Work that does not grow with what was paid
// for, such as looking through the same list again and again, is counted.
type Budget struct {
	left, all int64
	work      int64 // that may still be done, in steps of about a nanosecond
}

// workPerByte is how many steps of counted work a byte of a file gives.
const workPerByte = 100

// NewBudget gives a file of size bytes 6 times its size and half a megabyte.
// The file's own bytes may be held once on top of that, which stays below the
// promised 8 times and 1 MB with room for what is not counted.
func NewBudget(size int64) *Budget {
	all := 6*size + 512<<10
	return &Budget{left: all, all: all, work: workPerByte*size + 1<<20}
}

// Grow adds what another file of size bytes gives, that the first one names.
func (b *Budget) Grow(size int64) {
	b.left += 6 * size
	b.all += 6 * size
	b.work += workPerByte * size
}

// All returns what the budget was at first, in bytes.
func (b *Budget) All() int64 { return b.all }

// Work counts steps. When there were more than the file gives, nothing can be
// spent any more.
func (b *Budget) Work(steps int) {
	if b == nil {
		return
	}
	if b.work -= int64(steps); b.work < 0 {
		b.left = -1
	}
}

// Exhausted tells that there was more work than the file gives.
func (b *Budget) Exhausted() bool { return b.work < 0 }

// Spend takes bytes from the budget and tells whether there were as many.
func (b *Budget) Spend(bytes int64) bool {
	if bytes < 0 || bytes > b.left {
		return false
	}
	b.left -= bytes
	return true
}
