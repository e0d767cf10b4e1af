package safetensors

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"inkling/weights/internal/untrusted"
)

const metadataKey = "__metadata__"

// entry is what the header says of a tensor.
type entry struct {
	name       string
	element    untrusted.Element
	shape      []int
	count      int   // elements, the product of shape
	begin, end int64 // of its bytes in the data
	at         int   // where in the header it stands
}

type header struct {
	entries  []entry
	metadata map[string]string
}

// parseHeader reads and checks the header of a file whose data has size bytes.
// Offsets in its errors count from the start of the header.
func parseHeader(text []byte, size int64, b *untrusted.Budget) (*header, error) {
	if len(text) == 0 || text[0] != '{' {
		return nil, fault(0, "the header does not start with {; this is no safetensors file or a damaged one")
	}
	s := &scanner{text: text, budget: b}
	// Room for all at once keeps growing lists from being copied. A tensor takes
	// at least this much text:
	const least = len(`"":{"dtype":"U8","shape":[],"data_offsets":[0,1]}`)
	room := min(bytes.Count(text, []byte("data_offsets")), len(text)/least)
	h := &header{entries: make([]entry, 0, room)}
	names := make(map[string]bool, room)
	err := s.object(func(name string, at int) error {
		if names[name] {
			return fault(int64(at), "the header has the name %s twice", shorten(name))
		}
		const cost = 300 // an entry, a tensor with its shape, a place in the map
		if !b.Spend(cost + 2*int64(len(name))) {
			return s.tooMuch(at)
		}
		names[name] = true
		if name == metadataKey {
			return s.metadata(h)
		}
		e := entry{name: name, at: at}
		if err := s.entry(&e, size); err != nil {
			return err
		}
		h.entries = append(h.entries, e)
		return nil
	})
	if err != nil {
		return nil, err
	}
	// The header may be padded with spaces, and nothing else.
	if rest := bytes.TrimLeft(text[s.at:], " "); len(rest) > 0 {
		return nil, fault(int64(len(text)-len(rest)), "%d bytes follow the header's closing brace", len(rest))
	}
	return h, checkLayout(h.entries, int64(len(text)), size)
}

// checkLayout wants the tensors to cover the data, which starts at dataStart,
// without overlap or hole.
func checkLayout(entries []entry, dataStart, size int64) error {
	order := make([]*entry, len(entries))
	for i := range entries {
		order[i] = &entries[i]
	}
	slices.SortStableFunc(order, func(a, b *entry) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end))
	})
	end := int64(0)
	for _, e := range order {
		switch {
		case e.begin < end:
			return fault(int64(e.at), "tensor %s starts at byte %d of the data, within the one before it, which ends at %d", shorten(e.name), e.begin, end)
		case e.begin > end:
			return fault(int64(e.at), "tensor %s starts at byte %d of the data and the one before it ends at %d: the bytes between them belong to none", shorten(e.name), e.begin, end)
		}
		end = e.end
	}
	if end < size {
		return fault(dataStart+end, "the tensors end at byte %d of the data, which has %d bytes; the file was changed after it was written", end, size)
	}
	return nil
}

var entryKeys = [...]string{"dtype", "shape", "data_offsets"}

// entry reads {"dtype": ..., "shape": ..., "data_offsets": ...}, in any order.
func (s *scanner) entry(e *entry, size int64) error {
	var dtype string
	var offsets []int
	var seen [len(entryKeys)]bool
	err := s.object(func(key string, at int) (err error) {
		i := slices.Index(entryKeys[:], key)
		if i < 0 {
			return fault(int64(at), "tensor %s has %s; wanted dtype, shape and data_offsets alone", shorten(e.name), shorten(key))
		}
		if seen[i] {
			return fault(int64(at), "tensor %s has %s twice", shorten(e.name), key)
		}
		seen[i] = true
		switch key {
		case "dtype":
			if dtype, err = s.string(); err != nil {
				return err
			}
			element, known := dtypes[dtype]
			if !known {
				return fault(int64(at), "tensor %s has elements of the type %s; wanted one of F64, F32, F16, BF16, F8_E5M2, F8_E4M3, I8 to I64, U8 to U64, BOOL", shorten(e.name), shorten(dtype))
			}
			e.element = element
		case "shape":
			e.shape, err = s.numbers(64, "shape", e.name)
		case "data_offsets":
			offsets, err = s.numbers(2, "data_offsets", e.name)
		}
		return err
	})
	if err != nil {
		return err
	}
	for i, key := range entryKeys {
		if !seen[i] {
			return fault(int64(e.at), "tensor %s has no %s", shorten(e.name), key)
		}
	}
	if len(offsets) != 2 {
		return fault(int64(e.at), "tensor %s has %d data_offsets, wanted 2", shorten(e.name), len(offsets))
	}
	e.begin, e.end = int64(offsets[0]), int64(offsets[1])
	if e.begin > e.end || e.end > size {
		return fault(int64(e.at), "tensor %s is said to lie at bytes %d to %d of the data, which has %d; the file was cut short or is damaged", shorten(e.name), e.begin, e.end, size)
	}
	count, ok := untrusted.Count(e.shape)
	if !ok {
		return fault(int64(e.at), "tensor %s has the shape %v, which is too large", shorten(e.name), e.shape)
	}
	if want := int64(count) * int64(e.element.Size); e.end-e.begin != want {
		return fault(int64(e.at), "tensor %s has the shape %v of %s, which takes %d bytes, and data_offsets for %d", shorten(e.name), e.shape, dtype, want, e.end-e.begin)
	}
	e.count = count
	// The values in memory may be larger than in the file.
	if !s.budget.Spend(8*int64(len(e.shape)) + 4*int64(count)) {
		return s.tooMuch(e.at)
	}
	return nil
}

// metadata reads the object of strings under __metadata__.
func (s *scanner) metadata(h *header) error {
	start := s.at
	if err := s.object(func(string, int) error { return s.skipString() }); err != nil {
		return err
	}
	// It was walked once without keeping anything, now its size is known.
	text := s.text[start:s.at]
	if !s.budget.Spend(untrusted.MetadataCost(text)) {
		return fault(int64(start), "metadata of %d bytes is too much for a file of this size", len(text))
	}
	s.at = start
	h.metadata = map[string]string{}
	err := s.object(func(key string, at int) error {
		if _, twice := h.metadata[key]; twice {
			return fault(int64(at), "the metadata has the name %s twice", shorten(key))
		}
		value, err := s.string()
		h.metadata[key] = value
		return err
	})
	if len(h.metadata) == 0 {
		h.metadata = nil
	}
	return err
}

// formatHeader returns the header, padded to a multiple of 8 bytes so that the
// data is aligned, and the size of the data.
func formatHeader(tensors []Tensor, metadata map[string]string) (text []byte, size int64, err error) {
	text = []byte{'{'}
	if len(metadata) > 0 {
		for key, value := range metadata {
			if !utf8.ValidString(key) || !utf8.ValidString(value) {
				return nil, 0, fmt.Errorf("the metadata %s is not UTF-8", shorten(key))
			}
		}
		// Maps are marshalled in the order of their keys.
		pairs, err := json.Marshal(metadata)
		if err != nil {
			return nil, 0, err
		}
		text = fmt.Appendf(text, "%q:%s,", metadataKey, pairs)
	}
	names := map[string]bool{metadataKey: true}
	for _, t := range tensors {
		switch {
		case t.Name == metadataKey:
			return nil, 0, fmt.Errorf("a tensor has the name %s, which a safetensors file needs for its metadata; rename it", metadataKey)
		case names[t.Name]:
			return nil, 0, fmt.Errorf("two tensors have the name %s; a file wants different names", shorten(t.Name))
		case !utf8.ValidString(t.Name):
			return nil, 0, fmt.Errorf("the tensor name %s is not UTF-8", shorten(t.Name))
		}
		names[t.Name] = true
		count, ok := untrusted.Count(t.Shape)
		element := dtypes[dtypeNames[t.DType]]
		if element.Size == 0 {
			return nil, 0, fmt.Errorf("tensor %s has elements of the type %s, for which a safetensors file has no name; convert it to float32", shorten(t.Name), shorten(t.DType))
		}
		if !ok || slices.ContainsFunc(t.Shape, func(n int) bool { return n < 0 }) || len(t.Data) != count*element.Size {
			return nil, 0, fmt.Errorf("tensor %s has %d bytes for the shape %v of %s", shorten(t.Name), len(t.Data), t.Shape, t.DType)
		}
		name, err := json.Marshal(t.Name)
		if err != nil {
			return nil, 0, err
		}
		end := size + int64(len(t.Data))
		shape := strings.ReplaceAll(strings.Trim(fmt.Sprint(t.Shape), "[]"), " ", ",")
		text = fmt.Appendf(text, `%s:{"dtype":"%s","shape":[%s],"data_offsets":[%d,%d]},`, name, dtypeNames[t.DType], shape, size, end)
		size = end
	}
	text = append(bytes.TrimSuffix(text, []byte{','}), '}')
	for len(text)%8 != 0 {
		text = append(text, ' ')
	}
	if len(text) > maxHeader {
		return nil, 0, fmt.Errorf("the header would have %d bytes, at most %d are allowed; save less metadata or fewer tensors", len(text), maxHeader)
	}
	return text, size, nil
}
