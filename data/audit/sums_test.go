package audit

import (
	"context"
	"errors"
	"testing"

	"inkling/data"
)

func dataset(t *testing.T, labels []byte, pictures ...string) *data.Memory {
	t.Helper()
	var pixels []byte
	for _, p := range pictures {
		pixels = append(pixels, p...)
	}
	m, err := data.NewMemory(pixels, labels, []string{"a", "b", "c"}, 1, 1, len(pictures[0]))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestSums(t *testing.T) {
	sum := func(d data.Dataset) string {
		s, err := NewSums(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		return s.String()
	}
	// Python: sha256(b"".join(sha256(p).digest() + label.to_bytes(8, "little") for p, label in
	// [(b"one", 2), (b"two", 0), (b"...", 1)])).hexdigest()
	const want = "29446d40760bd13fa75e2fcfe5c8845cf8d419e571844e04a876f467f96d62ac"
	first := dataset(t, []byte{2, 0, 1}, "one", "two", "...")
	if got := sum(first); got != want {
		t.Errorf("the sum is %s, want %s", got, want)
	}
	part, err := data.NewSubset(dataset(t, []byte{1, 1, 0, 2}, "...", "xxx", "two", "one"), []int{3, 2, 0})
	if err != nil {
		t.Fatal(err)
	}
	if got := sum(part); got != want {
		t.Errorf("of the same examples in another data set the sum is %s, want %s", got, want)
	}
	for name, other := range map[string]data.Dataset{
		"another label":   dataset(t, []byte{2, 1, 1}, "one", "two", "..."),
		"another order":   dataset(t, []byte{0, 2, 1}, "two", "one", "..."),
		"another picture": dataset(t, []byte{2, 0, 1}, "one", "twO", "..."),
		"one more":        dataset(t, []byte{2, 0, 1, 1}, "one", "two", "...", "..."),
	} {
		if sum(other) == want {
			t.Errorf("%s: the same sum", name)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := NewSums(ctx, first); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that is done: %v", err)
	}
}
