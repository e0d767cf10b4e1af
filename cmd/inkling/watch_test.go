package main

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	tea "charm.land/bubbletea/v2"

	"inkling/train/runs"
)

// TestBoard draws the page of a training, in rooms of several sizes.
func TestBoard(t *testing.T) {
	r := &runs.Record{Path: "runs/x", Settings: map[string]any{"model": "lenet", "data": "mnist", "epochs": uint64(4)}, PID: 7}
	for step := 1; step <= 20; step++ {
		loss, accuracy := 2/float64(step), float64(step)/25
		row := runs.Row{Epoch: 1 + (step-1)/10, Step: step, Images: 4 * step, Seconds: float64(step), Loss: &loss}
		if row.EpochEnd = step%10 == 0; row.EpochEnd {
			row.ValidationAccuracy, row.ValidationLoss = &accuracy, &loss
		}
		r.Rows = append(r.Rows, row)
	}
	var b tea.Model = board{record: r}
	for _, test := range []struct {
		width, height int
		curves        bool
	}{{100, 40, true}, {60, 24, true}, {40, 8, false}, {10, 3, false}} {
		b, _ = b.Update(tea.WindowSizeMsg{Width: test.width, Height: test.height})
		text := ansi.Strip(b.View().Content)
		for _, want := range []string{"Process 7 trains here.", "Epoch 2 of 4, step 20, 80 images in 20 s, 4 images/s; about 20s left", "Best validation: 80.00% right after epoch 2."} {
			if !strings.Contains(text, want) {
				t.Errorf("%dx%d: %q is not on the page:\n%s", test.width, test.height, want, text)
			}
		}
		if got := strings.Contains(text, "loss: training"); got != test.curves {
			t.Errorf("%dx%d: there are curves: %v", test.width, test.height, got)
		}
		if lines := strings.Count(text, "\n") + 1; test.curves && lines > test.height {
			t.Errorf("%dx%d: the page has %d lines", test.width, test.height, lines)
		}
	}
	if _, command := b.Update(tea.KeyPressMsg{Code: 'q', Text: "q"}); command == nil {
		t.Error("q does not leave")
	}
	empty := board{record: &runs.Record{Path: "runs/y"}, width: 80, height: 24}
	if text := empty.View().Content; !strings.Contains(text, "Nothing has been measured yet.") {
		t.Errorf("the page of a training that has measured nothing is %q", text)
	}
}
