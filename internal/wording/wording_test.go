package wording

import "testing"

func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{"conv1.weight": "conv1.weight", "é": "é", "a\x1b[2Jb": `"a\x1b[2Jb"`, "two\nlines": `"two\nlines"`} {
		if got := Printable(text); got != want {
			t.Errorf("%q became %s, want %s", text, got, want)
		}
	}
}

func TestNumbers(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 44426: "44,426", 1234567: "1,234,567", -1000: "-1,000"} {
		if got := Thousands(n); got != want {
			t.Errorf("Thousands(%d) = %s, want %s", n, got, want)
		}
	}
	if got := Count(1, "epoch") + ", " + Count(2000, "epoch"); got != "1 epoch, 2,000 epochs" {
		t.Error(got)
	}
	if got := Number(1, "class") + ", " + Number(int64(20000), "batch") + ", " + Number(byte(2), "box"); got != "1 class, 20000 batches, 2 boxes" {
		t.Error(got)
	}
	if got := Percent(0.98574); got != "98.57%" {
		t.Error(got)
	}
}

func TestMeasured(t *testing.T) {
	for _, labels := range [][]string{nil, {"1", "two"}, {"cat"}, {"1.5", ""}} {
		if got := Measured(labels); got != "" {
			t.Errorf("%q: %q", labels, got)
		}
	}
	for _, labels := range [][]string{{"1.5", "-2", " 3e4 "}, {"7"}} {
		if got := Measured(labels); got == "" {
			t.Errorf("%q are not taken for numbers", labels)
		}
	}
}
