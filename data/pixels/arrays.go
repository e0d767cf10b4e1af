package pixels

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"inkling/data/parts"
	"inkling/internal/wording"
	"inkling/weights/npy"
)

// labelWords are words in the names of arrays of labels.
var labelWords = []string{"y", "label", "labels", "target", "targets", "class", "classes", "lbl", "ys", "category", "categories"}

// ReadArrays reads pictures and labels from arrays, such as x_train, y_train,
// x_test and y_test; train_images, train_labels and so on; images and labels, or
// X and y; or arr_0 to arr_3, as numpy.savez calls what it is given no names for.
// Arrays of three dimensions are pictures, rows and columns; those of four have
// the channels behind or before these. The arrays without a word for a part are
// those of parts.None. Size is that of the files, which may not unpack to far more.
func ReadArrays(arrays []*npy.Stream, size int64, o Options) (map[parts.Part]*Samples, []string, error) {
	pairs, notes, err := pairUp(arrays)
	if err != nil {
		return nil, nil, err
	}
	// What unpacks to so much more than it is packed, are no pictures.
	const most, free = 64, 16 << 20
	total := int64(0)
	for _, p := range pairs {
		if p.pictures.Len() > mostSamples {
			return nil, nil, fmt.Errorf("the array %s has %s, and %d are taken at most", p.pictures.Name, wording.Number(p.pictures.Len(), "sample"), mostSamples)
		}
		total += int64(p.pictures.Len())
	}
	if total > most*size+free {
		return nil, nil, fmt.Errorf("its arrays have %s, more than a file of %s can be trusted with: save it with numpy.savez, uncompressed", wording.Number(total, "sample"), wording.Number(size, "byte"))
	}
	values := newRange()
	for _, p := range pairs { // all pictures have the same range
		r := newRange()
		if err := p.pictures.Each(func(_ int, v float32) { r.add(float64(v)) }); err != nil {
			return nil, nil, fmt.Errorf("the array %s: %w", p.pictures.Name, err)
		}
		values.join(r)
	}
	if values.least > values.most && !values.nan {
		return nil, nil, errors.New("it has no pictures")
	}
	common, err := values.scale()
	if err != nil {
		return nil, nil, err
	}
	if common.note != "" {
		notes = append(notes, common.note)
	}
	all := map[parts.Part]*Samples{}
	for _, p := range pairs {
		if all[p.part], err = p.read(common, o); err != nil {
			return nil, nil, err
		}
	}
	for _, s := range all {
		for _, n := range s.Notes {
			if !slices.Contains(notes, n) {
				notes = append(notes, n)
			}
		}
	}
	return all, notes, nil
}

// pair is an array of pictures and that of their labels.
type pair struct {
	part     parts.Part
	pictures *npy.Stream
	labels   *npy.Stream // nil if there is none
}

func describe(a *npy.Stream) string { return fmt.Sprintf("%.40s %v", a.Name, a.Shape) }

func describeAll(arrays []*npy.Stream) string {
	var all []string
	for _, a := range arrays[:min(len(arrays), 12)] {
		all = append(all, describe(a))
	}
	return strings.Join(all, ", ")
}

func hasLabelName(name string) bool {
	_, frame := parts.Of(name)
	return slices.ContainsFunc(strings.Fields(frame), func(w string) bool { return slices.Contains(labelWords, w) })
}

// isLabels tells whether an array is one of labels: a number or text for each
// picture, or a row for each that has a 1 at the class.
func isLabels(a *npy.Stream) bool {
	switch len(a.Shape) {
	case 1:
		return true
	case 2:
		return a.Shape[1] == 1 || hasLabelName(a.Name)
	}
	return false
}

// pairUp finds out which arrays are pictures and which are their labels.
func pairUp(arrays []*npy.Stream) (pairs []pair, notes []string, err error) {
	const most = 4096
	if len(arrays) > most {
		return nil, nil, fmt.Errorf("it has %d arrays, too many for a data set", len(arrays))
	}
	pictures, labels := map[parts.Part][]*npy.Stream{}, map[parts.Part][]*npy.Stream{}
	for _, a := range arrays {
		part, _ := parts.Of(a.Name)
		switch {
		case isLabels(a):
			labels[part] = append(labels[part], a)
		case len(a.Shape) >= 2 && len(a.Shape) <= 4 && !a.IsText():
			pictures[part] = append(pictures[part], a)
		}
	}
	if len(pictures[parts.Train])+len(pictures[parts.Test])+len(pictures[parts.Validation]) == 0 {
		pairs, notes, err = pairUnnamed(pictures[parts.None], labels[parts.None])
	} else {
		for _, part := range []parts.Part{parts.Train, parts.Validation, parts.Test} {
			if len(pictures[part]) == 0 {
				continue
			}
			var p pair
			if p, err = pairOne(part, pictures[part], labels[part]); err != nil {
				break
			}
			pairs = append(pairs, p)
		}
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%w; its arrays are %s", err, describeAll(arrays))
	}
	return pairs, notes, nil
}

var errNoPictures = errors.New("no array in it holds pictures: want x_train, y_train, x_test and y_test, or images and labels, where pictures are count x height x width")

// pairOne pairs the pictures of a part with their labels.
func pairOne(part parts.Part, pictures, labels []*npy.Stream) (pair, error) {
	if len(pictures) > 1 {
		return pair{}, fmt.Errorf("%s and %s may both be the pictures of the part %s: take one away", pictures[0].Name, pictures[1].Name, part)
	}
	p := pair{part: part, pictures: pictures[0]}
	if len(labels) > 1 {
		labels = slices.DeleteFunc(slices.Clone(labels), func(a *npy.Stream) bool { return !hasLabelName(a.Name) })
	}
	switch len(labels) {
	case 0:
	case 1:
		p.labels = labels[0]
	default:
		return pair{}, fmt.Errorf("%s and %s may both be the labels of %s: take one away", labels[0].Name, labels[1].Name, p.pictures.Name)
	}
	return p, nil
}

// pairUnnamed pairs arrays whose names tell no part: one array of pictures, or two,
// of which the first is to train on.
func pairUnnamed(pictures, labels []*npy.Stream) ([]pair, []string, error) {
	switch len(pictures) {
	case 0:
		return nil, nil, errNoPictures
	case 1:
		p, err := pairOne(parts.None, pictures, labels)
		return []pair{p}, nil, err
	case 2:
		if len(labels) == 2 && pictures[0].Shape[0] == labels[0].Shape[0] && pictures[1].Shape[0] == labels[1].Shape[0] {
			note := fmt.Sprintf("%s with %s is taken to train on, %s with %s to test with.", pictures[0].Name, labels[0].Name, pictures[1].Name, labels[1].Name)
			return []pair{{parts.Train, pictures[0], labels[0]}, {parts.Test, pictures[1], labels[1]}}, []string{note}, nil
		}
	}
	return nil, nil, errors.New("it has several arrays that may be pictures, and their names do not tell which are to train on: call them x_train, y_train, x_test and y_test")
}

// layoutOf tells how an array's pictures lie.
func layoutOf(a *npy.Stream) (layout, error) {
	s := a.Shape
	if s[0] == 0 {
		return layout{}, fmt.Errorf("the array %s is empty", describe(a))
	}
	switch len(s) {
	case 2:
		if l, ok := square(s[1]); ok {
			return l, nil
		}
		return layout{}, fmt.Errorf("the array %s has %s for each picture, which are no square: want count x height x width", describe(a), wording.Number(s[1], "sample"))
	case 3:
		if s[1] > 0 && s[2] > 0 {
			return layout{1, s[1], s[2], false}, nil
		}
	case 4:
		isChannels := func(n int) bool { return n == 1 || n == 3 }
		switch {
		case s[1] == 0 || s[2] == 0 || s[3] == 0:
		case isChannels(s[3]):
			return layout{s[3], s[1], s[2], true}, nil
		case isChannels(s[1]):
			return layout{s[1], s[2], s[3], false}, nil
		}
	}
	return layout{}, fmt.Errorf("the array %s is no pictures: want count x height x width, or that with 1 or 3 channels behind or before height and width", describe(a))
}

// read reads the pictures and the labels.
func (p pair) read(common scale, o Options) (*Samples, error) {
	l, err := layoutOf(p.pictures)
	if err != nil {
		return nil, err
	}
	s := &Samples{Channels: l.channels, Height: l.height, Width: l.width, scale: common}
	n := p.pictures.Shape[0]
	if p.labels != nil && p.labels.Shape[0] != n {
		return nil, fmt.Errorf("the arrays %s and %s do not belong together: want a label for every picture, and the pictures' number first", describe(p.pictures), describe(p.labels))
	}
	if len(p.pictures.Shape) == 2 && l.last {
		s.note("Red, green and blue of a pixel are taken to stand beside each other.")
	}
	s.Pixels = make([]byte, p.pictures.Len())
	places, size := l.places(), l.size()
	err = p.pictures.Each(func(i int, v float32) {
		if places != nil {
			i = i/size*size + places[i%size]
		}
		s.Pixels[i] = common.sample(float64(v))
	})
	if err != nil {
		return nil, fmt.Errorf("the array %s: %w", p.pictures.Name, err)
	}
	if p.labels != nil {
		labels, err := readLabels(p.labels)
		if err != nil {
			return nil, fmt.Errorf("the array %s: %w", describe(p.labels), err)
		}
		s.setLabels(labels)
	}
	return s, s.fit(o)
}

// readLabels returns the labels as texts.
func readLabels(a *npy.Stream) ([]string, error) {
	labels := make([]string, a.Shape[0])
	if a.IsText() {
		if a.Len() != len(labels) {
			return nil, errors.New("want one text for every picture")
		}
		known := map[string]string{}
		return labels, a.EachText(func(i int, text string) {
			if known[text] == "" {
				known[text] = text
			}
			labels[i] = known[text]
		})
	}
	if a.Len() == len(labels) {
		fault := error(nil)
		known := map[float32]string{}
		err := a.Each(func(i int, v float32) {
			if v-v != 0 {
				fault = fmt.Errorf("label %d is %v, want a finite number", i, v)
				return
			}
			if known[v] == "" {
				known[v] = strconv.FormatFloat(float64(v), 'f', -1, 32)
			}
			labels[i] = known[v]
		})
		return labels, cmp.Or(err, fault)
	}
	// A row for every picture, with a 1 at its class.
	width := a.Shape[1]
	ones := make([]int, len(labels))
	fault := error(nil)
	err := a.Each(func(i int, v float32) {
		switch v {
		case 0:
		case 1:
			ones[i/width]++
			labels[i/width] = strconv.Itoa(i % width)
		default:
			fault = fmt.Errorf("row %d has the value %v, want a 1 at the class and 0 else", i/width, v)
		}
	})
	for i, n := range ones {
		if n != 1 && fault == nil && err == nil {
			fault = fmt.Errorf("row %d has %d ones, want one at the class of the picture", i, n)
		}
	}
	return labels, cmp.Or(err, fault)
}
