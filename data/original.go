package data

// Original is a [Dataset] whose examples are less than what they were made of, as the
// tokens of a text are, of which rare ones are all one.
type Original interface {
	Dataset

	// Original returns what example i was made of, 0 <= i < Len(). It must not be modified.
	Original(i int) []byte

	// Where says where it was found: "train.tsv, line 7".
	Where(i int) string
}

// Whole returns what tells example i of d from others: its bytes, or, if d or what it is a
// part of is an [Original], what they were made of.
func Whole(d Dataset, i int) ([]byte, error) {
	if origin, at := Origin(d, i); origin != nil {
		if o, ok := origin.(Original); ok {
			return o.Original(at), nil
		}
	}
	example, _, err := d.Example(i)
	return example, err
}
