package transform

// HorizontalFlip mirrors left and right.
type HorizontalFlip struct{}

// Format takes every picture and keeps its format.
func (HorizontalFlip) Format(in Format) (Format, error) { return in, nil }

// Apply mirrors every row.
func (t HorizontalFlip) Apply(dst, src *Picture) { applyAll(t.expand(src.Format), dst, src) }

func (HorizontalFlip) expand(in Format) []Transform {
	return []Transform{gather{rows: window(0, in.Height, in.Height), columns: backwards(in.Width)}}
}

// String returns "HorizontalFlip".
func (HorizontalFlip) String() string { return "HorizontalFlip" }

// VerticalFlip mirrors top and bottom.
type VerticalFlip struct{}

// Format takes every picture and keeps its format.
func (VerticalFlip) Format(in Format) (Format, error) { return in, nil }

// Apply mirrors every column.
func (t VerticalFlip) Apply(dst, src *Picture) { applyAll(t.expand(src.Format), dst, src) }

func (VerticalFlip) expand(in Format) []Transform {
	return []Transform{gather{rows: backwards(in.Height), columns: window(0, in.Width, in.Width)}}
}

// String returns "VerticalFlip".
func (VerticalFlip) String() string { return "VerticalFlip" }
