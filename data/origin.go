package data

// Origin returns where picture i of d comes from: the data set that d is a part of,
// however often it was divided, and the picture's number there.
func Origin(d Dataset, i int) (Dataset, int) {
	for {
		switch part := d.(type) {
		case *Subset:
			d, i = part.Dataset, part.indices[i]
		case *kept:
			d = part.Dataset
		default:
			return d, i
		}
	}
}
