package transform

import "fmt"

// Lambda lets a function of the caller change a picture.
type Lambda struct {
	// Name is what messages call the step. "" means "Lambda".
	Name string

	// Func changes the samples of p in place; their number stays. It may be
	// called from several goroutines at once, with pictures of their own.
	Func func(p *Picture)
}

// Format takes every picture and keeps its format.
func (t Lambda) Format(in Format) (Format, error) {
	if t.Func == nil {
		return Format{}, fmt.Errorf("the step %s has no Func: set the function to apply", t)
	}
	return in, nil
}

// Apply copies src and gives the copy to Func.
func (t Lambda) Apply(dst, src *Picture) {
	Compose{}.Apply(dst, src)
	t.Func(dst)
}

// String returns the name.
func (t Lambda) String() string {
	if t.Name == "" {
		return "Lambda"
	}
	return t.Name
}
