package feedback

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/csv"
	"errors"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"inkling/data/mnist"
	"inkling/sketch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// drawing returns a drawing all of whose fields depend on n.
func drawing(n int) Drawing {
	return Drawing{
		Time:       time.UnixMilli(1_700_000_000_000 + int64(n)).UTC(),
		Strokes:    fmt.Sprintf(`{"strokes":[[[%d,2],[3,4]]],"width":280,"height":280}`, n),
		Picture:    bytes.Repeat([]byte{byte(n)}, Height*Width),
		Preprocess: "emnist", Model: "digits", Prediction: "7",
		Label: fmt.Sprint(n % 10), LabelIndex: n % 10,
	}
}

func openTest(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestKeepsDrawings(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "a folder with # and ?", "drawn.db")
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), "folder") {
		t.Fatalf("a folder that is not there: %v", err)
	}
	if err := os.Mkdir(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	want := []Drawing{drawing(1), drawing(2)}
	want[1].Strokes = "" // a picture
	for i := range want {
		if err := s.Add(ctx, want[i]); err != nil {
			t.Fatal(err)
		}
		want[i].ID = int64(i + 1)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("the file is not where it was asked for: %v", err)
	}

	var got []Drawing
	err = openTest(t, path).Each(ctx, func(d Drawing) error { got = append(got, d); return nil })
	if err != nil {
		t.Fatal(err)
	}
	if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w {
		t.Errorf("got  %s\nwant %s", g, w)
	}
}

func TestSeveralWriters(t *testing.T) {
	const writers, each = 8, 20
	path := filepath.Join(t.TempDir(), "drawn.db")
	stores := []*Store{openTest(t, path), openTest(t, path)}
	var wait sync.WaitGroup
	for w := range writers {
		wait.Go(func() {
			for i := range each {
				if err := stores[w%2].Add(context.Background(), drawing(w*each+i)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wait.Wait()
	seen := map[string]bool{}
	if err := stores[0].Each(context.Background(), func(d Drawing) error { seen[d.Strokes] = true; return nil }); err != nil {
		t.Fatal(err)
	}
	if len(seen) != writers*each {
		t.Errorf("%d of %d drawings were kept", len(seen), writers*each)
	}
}

func TestRefuses(t *testing.T) {
	ctx := context.Background()
	s := openTest(t, filepath.Join(t.TempDir(), "drawn.db"))
	short := drawing(1)
	short.Picture = short.Picture[1:]
	large := drawing(1)
	large.LabelIndex = 256
	for name, d := range map[string]Drawing{"want 784": short, "want 0 to 255": large} {
		if err := s.Add(ctx, d); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, want an error that says %q", err, name)
		}
	}
	stopped, cancel := context.WithCancel(ctx)
	cancel()
	if err := s.Add(stopped, drawing(1)); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled context: %v", err)
	}
}

func TestOpensNoOtherFile(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte(strings.Repeat("no database at all\n", 100)), 0o644); err != nil {
		t.Fatal(err)
	}
	foreign, newer := filepath.Join(dir, "foreign.db"), filepath.Join(dir, "newer.db")
	for path, statements := range map[string]string{
		foreign: "CREATE TABLE t (x)",
		newer:   fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = 99", applicationID),
	} {
		db, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec(statements); err != nil {
			t.Fatal(err)
		}
		db.Close()
	}
	for path, want := range map[string]string{
		text: "no SQLite database", foreign: "another program", newer: "version 99", dir: "writable",
	} {
		before, _ := os.ReadFile(path)
		if _, err := Open(path); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got %v, want an error that says %q", path, err, want)
		}
		if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
			t.Errorf("%s was changed", path)
		}
	}
	if _, err := OpenExisting(filepath.Join(dir, "none.db")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestExport(t *testing.T) {
	ctx := context.Background()
	s := openTest(t, filepath.Join(t.TempDir(), "drawn.db"))
	dir := filepath.Join(t.TempDir(), "new", "set")
	if _, err := s.Export(ctx, dir); !errors.Is(err, ErrEmpty) {
		t.Errorf("an empty store: %v", err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("an empty store made a folder")
	}
	for n := range 12 {
		if err := s.Add(ctx, drawing(n)); err != nil {
			t.Fatal(err)
		}
	}
	picture := drawing(12)
	picture.Strokes, picture.Preprocess = "", "mnist"
	if err := s.Add(ctx, picture); err != nil {
		t.Fatal(err)
	}
	want := &Exported{Drawings: 13, WithStrokes: 12, Preprocess: []string{"emnist", "mnist"}}
	if got, err := s.Export(ctx, dir); err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("exported %+v, %v", got, err)
	}

	set, err := mnist.Open(os.DirFS(dir), true)
	if err != nil {
		t.Fatal(err)
	}
	if set.Len() != 13 {
		t.Fatalf("the data set has %d pictures, want 13", set.Len())
	}
	for i := range 13 {
		pixels, label, err := set.Example(i)
		if err != nil {
			t.Fatal(err)
		}
		if label != i%10 || !bytes.Equal(pixels, drawing(i).Picture) {
			t.Errorf("picture %d has label %d and pixels %d", i, label, pixels[0])
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, TableFile))
	if err != nil {
		t.Fatal(err)
	}
	table, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	row := []string{"12", "2023-11-14T22:13:20.011Z", "1", "1", "7", "digits", "emnist", drawing(11).Strokes}
	if len(table) != 14 || fmt.Sprint(table[12]) != fmt.Sprint(row) {
		t.Errorf("the table has %d lines, one of them %q, want %q", len(table), table[12], row)
	}
	file, err := os.Open(filepath.Join(dir, StrokesFile))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := sketch.NewLines(file)
	n := 0
	for ; lines.Next(); n++ {
		if d := lines.Drawing(); d.Label != drawing(n).Label || len(d.Strokes) == 0 {
			t.Errorf("line %d: %+v", d.Line, d)
		}
	}
	if n != 12 || lines.Err() != nil {
		t.Errorf("the strokes of %d drawings, %v", n, lines.Err())
	}

	other := drawing(3)
	other.Label = "d"
	if err := s.Add(ctx, other); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Export(ctx, dir); err == nil || !strings.Contains(err.Error(), `"3"`) || !strings.Contains(err.Error(), `"d"`) {
		t.Errorf("one index for two labels: %v", err)
	}
}

func BenchmarkAdd(b *testing.B) {
	s, err := Open(filepath.Join(b.TempDir(), "drawn.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	for i := 0; b.Loop(); i++ {
		if err := s.Add(context.Background(), drawing(i)); err != nil {
			b.Fatal(err)
		}
	}
}

// Beyond its limits, a store keeps what it has and takes nothing more.
func TestLimits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "drawn.db")
	s := openTest(t, path)
	if err := s.Limit(Limits{Drawings: 2}); err != nil {
		t.Fatal(err)
	}
	for i, want := range []error{nil, nil, ErrFull, ErrFull} {
		if err := s.Add(t.Context(), drawing(i)); !errors.Is(err, want) {
			t.Errorf("drawing %d: %v, want %v", i, err, want)
		}
	}
	again := openTest(t, path)
	if err := again.Limit(Limits{Drawings: 3, Bytes: 1 << 20}); err != nil {
		t.Fatal(err)
	}
	if err := again.Add(t.Context(), drawing(3)); err != nil {
		t.Errorf("with a higher limit: %v", err)
	}
	if err := again.Add(t.Context(), drawing(4)); !errors.Is(err, ErrFull) || !strings.Contains(err.Error(), "3 drawings") {
		t.Errorf("beyond that: %v", err)
	}
	if err := again.Limit(Limits{Bytes: 100_000}); err != nil {
		t.Fatal(err)
	}
	large := drawing(5)
	large.Strokes = strings.Repeat(" ", 50_000) + large.Strokes
	added := 0
	var err error
	for err = again.Add(t.Context(), large); err == nil; err = again.Add(t.Context(), large) {
		added++
	}
	if !errors.Is(err, ErrFull) || added < 1 || added > 2 {
		t.Errorf("%d drawings of 50,000 bytes were kept in 100,000: %v", added, err)
	}
}

// Labels that idx files cannot name become folders.
func TestExportsOtherLabels(t *testing.T) {
	s := openTest(t, filepath.Join(t.TempDir(), "drawn.db"))
	for i, label := range []string{"A", "b/c", "..", "A"} {
		d := drawing(i)
		d.Label, d.LabelIndex = label, 10+int(label[0])
		if err := s.Add(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	dir := filepath.Join(t.TempDir(), "out")
	result, err := s.Export(t.Context(), dir)
	if err != nil || result.Drawings != 4 {
		t.Fatalf("%+v, %v", result, err)
	}
	for i, name := range []string{"A/000001.png", "b%2Fc/000002.png", "%2E%2E/000003.png", "A/000004.png"} {
		f, err := os.Open(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			t.Error(err)
			continue
		}
		img, err := png.Decode(f)
		f.Close()
		if gray, ok := img.(*image.Gray); err != nil || !ok || !bytes.Equal(gray.Pix, drawing(i).Picture) {
			t.Errorf("%s: another picture, %v", name, err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, ImagesFile)); err == nil {
		t.Error("there is an idx file, too")
	}
}
