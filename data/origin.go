package data

// A View is a [Dataset] that shows the examples of another one in its own way.
type View interface {
	Dataset

	// Viewed returns the other data set, whose examples have the same numbers.
	Viewed() Dataset
}

// Origin returns where picture i of d comes from: the data set that d is a part or a [View] of,
// however often it was divided, and the picture's number there.
func Origin(d Dataset, i int) (Dataset, int) {
	return originUntil(d, i, func(Dataset) bool { return false })
}

// originUntil goes no farther than to the first data set of which stop is true.
func originUntil(d Dataset, i int, stop func(Dataset) bool) (Dataset, int) {
	for !stop(d) {
		switch part := d.(type) {
		case *Subset:
			d, i = part.Dataset, part.indices[i]
		case *kept:
			d = part.Dataset
		case View:
			d = part.Viewed()
		default:
			return d, i
		}
	}
	return d, i
}
