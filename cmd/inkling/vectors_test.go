package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"inkling"
)

// writeHomes writes a table of homes whose price follows from rooms and area, and whose kind
// from the area; some columns are of no use.
func writeHomes(t *testing.T, path string, n int) {
	t.Helper()
	r := rand.New(rand.NewPCG(uint64(n), 2))
	var b strings.Builder
	b.WriteString("id,town,rooms,area,price,kind\n")
	for i := range n {
		rooms, area := 1+r.IntN(5), 30+r.Float64()*100
		kind := "small"
		if area > 80 {
			kind = "large"
		}
		fmt.Fprintf(&b, "%d,Rome,%d,%.2f,%.1f,%s\n", i+1, rooms, area, 5000+3000.5*area+200*float64(rooms), kind)
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// contains checks that a text has some parts.
func contains(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not in:\n%s", part, text)
		}
	}
}

// From a table to a network that tells a number or a class of its rows, by the command alone.
func TestVectors(t *testing.T) {
	t.Chdir(t.TempDir())
	writeHomes(t, "homes.csv", 400)
	writeHomes(t, "more.csv", 60)

	out, _ := runLine(t, 0, "", "train", "--data", "homes.csv", "--label-column", "price", "--workers", "1", "--run", "price", "--val-split", "0.1", "--out", "price.pth")
	contains(t, out, "288 vectors that tell a number (price)", "The labels (price) measure something", "2 columns without numbers are left out: town, kind.", "The column id numbers the lines and is left out",
		"recipe table was chosen", "Network: mlp", "vectors of 2 numbers (rooms, area)", "validation: off by", "Mean absolute error of price on the 80 test vectors: ")
	m, err := inkling.Open("price.pth")
	if err != nil || m.Kind() != inkling.Vectors || m.Target == nil || m.Target.Name != "price" || m.Vector.Label != "price" {
		t.Fatalf("%+v, %v", m, err)
	}
	answer, err := m.PredictVector([]float64{2, 100})
	if err != nil || answer.Number < 290_000 || answer.Number > 320_000 {
		t.Errorf("2 rooms and an area of 100 cost %v, want about 305,450: %v", answer.Number, err)
	}
	log, err := os.ReadFile("runs/price/metrics.csv")
	if err != nil {
		t.Fatal(err)
	}
	contains(t, string(log), "val_r2\n", ",,0.9")
	out, _ = runLine(t, 0, "", "watch", "runs/price", "--once")
	contains(t, out, "validation: R² 0.9", "the mean absolute error was")
	out, _ = runLine(t, 0, "", "compare", "runs/price", "runs/price")
	contains(t, out, "R² 0.99")

	out, _ = runLine(t, 0, "", "test", "price.pth", "--data", "more.csv", "--out", "report")
	contains(t, out, "All 60 of the file test.", "Mean absolute error of price on the 60 test vectors", "Farthest off:")
	report, err := os.ReadFile("report/report.html")
	if err != nil {
		t.Fatal(err)
	}
	contains(t, string(report), "mean absolute error of price", "R²")
	var tested struct {
		R2     float64
		Images int
		Target string
	}
	out, _ = runLine(t, 0, "", "test", "price.pth", "--data", "more.csv", "--json")
	if err := json.Unmarshal([]byte(out), &tested); err != nil || tested.R2 < 0.98 || tested.Images != 60 || tested.Target != "price" {
		t.Errorf("%+v, %v: %s", tested, err, out)
	}

	out, _ = runLine(t, 0, "", "predict", "price.pth", "2,100", "more.csv")
	contains(t, out, "2,100: price ", "more.csv, line 61: price ")
	var predicted []struct {
		Vector []float64
		Number float64
		Target string
		Class  *string
	}
	out, _ = runLine(t, 0, "{\"area\": 100, \"rooms\": 2}\n2 100\n", "predict", "price.pth", "-", "--json")
	if err := json.Unmarshal([]byte(out), &predicted); err != nil || len(predicted) != 2 || predicted[0].Number != predicted[1].Number || predicted[0].Target != "price" || predicted[0].Class != nil || len(predicted[0].Vector) != 2 {
		t.Errorf("%+v, %v: %s", predicted, err, out)
	}
	out, _ = runLine(t, 0, "", "info", "price.pth")
	contains(t, out, "vectors of 2 numbers (rooms, area)", "target")
	out, _ = runLine(t, 0, "", "show", "--data", "homes.csv", "--label-column", "price", "--columns", "area,rooms", "--count", "3")
	contains(t, out, "vectors of 2 numbers (area, rooms)")
	if lines := strings.Split(strings.TrimSpace(out), "\n"); !strings.Contains(lines[len(lines)-1], "\t") {
		t.Errorf("the last line of what is shown is %q", lines[len(lines)-1])
	}

	// What it has learnt helps with another question: its head is new.
	out, _ = runLine(t, 0, "", "train", "--from", "price.pth", "--data", "homes.csv", "--label-column", "kind", "--epochs", "20", "--lr", "0.01", "--batch", "20", "--optimizer", "adamw", "--workers", "1", "--out", "kind.pth")
	contains(t, out, "320 vectors of 2 classes", "its head is replaced by a new one, for 2 classes in place of 1")
	out, _ = runLine(t, 0, "", "predict", "kind.pth", "2,120")
	contains(t, out, "2,120: large (")
	out, _ = runLine(t, 0, "", "test", "kind.pth", "--data", "more.csv")
	contains(t, out, "Accuracy of the network on the 60 test vectors: ")
}

// What a table lacks, and what does not suit it, is said.
func TestVectorsRefused(t *testing.T) {
	t.Chdir(t.TempDir())
	writeHomes(t, "homes.csv", 60)
	homes, err := os.ReadFile("homes.csv")
	if err != nil {
		t.Fatal(err)
	}
	holes := strings.Replace(string(homes), "\n2,Rome,", "\n2,Rome,?", 1)
	holes = strings.Replace(holes, "Rome,?", "Rome,", 1)
	lines := strings.Split(holes, "\n")
	fields := strings.Split(lines[3], ",")
	fields[2] = "NA"
	lines[3] = strings.Join(fields, ",")
	if err := os.WriteFile("holes.csv", []byte(strings.Join(lines, "\n")), 0o644); err != nil {
		t.Fatal(err)
	}
	out, _ := runLine(t, 0, "", "train", "--data", "holes.csv", "--label-column", "kind", "--epochs", "1", "--skip-bad", "--out", "m.pth")
	contains(t, out, "1 vector could not be used and was left out: holes.csv, line 4: rooms is missing")
	for _, test := range []struct {
		status int
		want   string
		args   []string
	}{
		{1, "holes.csv, line 4: rooms is missing (--skip-bad leaves out what cannot be read)", []string{"train", "--data", "holes.csv", "--label-column", "kind"}},
		{1, `there is no column "garden", there are id, town, rooms, area, price, kind`, []string{"train", "--data", "homes.csv", "--columns", "garden", "--label-column", "kind"}},
		{2, `--labels is "words", want auto, classes or numbers`, []string{"train", "--data", "homes.csv", "--labels", "words"}},
		{2, "--columns is for vectors", []string{"train", "--data", "mnist", "--columns", "a"}},
		{2, "--labels numbers is for data of one's own", []string{"train", "--data", "mnist", "--labels", "numbers"}},
		{2, "--label-smoothing spreads labels over classes, and these are numbers", []string{"train", "--data", "homes.csv", "--label-column", "price", "--label-smoothing", "0.1", "--out", "n.pth"}},
		{2, `there is no step "flip" for vectors`, []string{"train", "--data", "homes.csv", "--label-column", "kind", "--augment", "flip"}},
		{1, "reads sentences, and these are vectors", []string{"train", "--data", "homes.csv", "--label-column", "kind", "--model", "textcnn"}},
		{1, "the model reads pictures, and vectors of homes.csv are none", []string{"test", "lenet", "--data", "homes.csv", "--label-column", "kind"}},
		{2, "the model reads vectors, and", []string{"test", "m.pth", "--data", "mnist"}},
		{2, "--tta looks at pictures from several sides", []string{"test", "m.pth", "--data", "homes.csv", "--tta"}},
		{1, "there are 2 numbers, want 3: rooms, area, price", []string{"predict", "m.pth", "1,2"}},
		{1, "there is no such file, and as numbers", []string{"predict", "m.pth", "nothing.csv"}},
		{1, "it is a folder, want a table or numbers", []string{"predict", "m.pth", "."}},
	} {
		_, errOut := runLine(t, test.status, "", test.args...)
		contains(t, errOut, test.want)
	}
	if _, err := os.Stat("model.pth"); err == nil {
		t.Error("a model was saved")
	}
	if matches, _ := filepath.Glob("*.pth"); len(matches) != 1 {
		t.Errorf("the models are %v", matches)
	}
}
