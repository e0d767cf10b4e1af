package main

import (
	"context"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
	points "github.com/NimbleMarkets/ntcharts/v2/canvas"
	"github.com/NimbleMarkets/ntcharts/v2/linechart"

	"inkling/train/runs"
)

// board is the page that shows a training in a terminal.
type board struct {
	record        *runs.Record
	every         time.Duration
	width, height int
	err           error
}

// looked is what a look at the files has brought.
type looked struct {
	record *runs.Record
	err    error
}

// watchBoard shows a training on a page of its own until a key ends it.
func watchBoard(ctx context.Context, in io.Reader, out io.Writer, record *runs.Record, every time.Duration) error {
	program := tea.NewProgram(board{record: record, every: every, width: 80, height: 24}, tea.WithContext(ctx), tea.WithInput(in), tea.WithOutput(out), tea.WithoutSignalHandler())
	end, err := program.Run()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if b, ok := end.(board); ok && b.err != nil {
		return b.err
	}
	return err
}

// Init begins to look at the files.
func (b board) Init() tea.Cmd { return b.look() }

func (b board) look() tea.Cmd {
	path := b.record.Path
	return tea.Tick(b.every, func(time.Time) tea.Msg {
		record, err := runs.Read(path)
		return looked{record, err}
	})
}

// Update takes in what has happened.
func (b board) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		b.width, b.height = msg.Width, msg.Height
	case tea.KeyPressMsg:
		switch msg.String() {
		case "q", "esc", "ctrl+c":
			return b, tea.Quit
		}
	case looked:
		if b.err = msg.err; b.err != nil {
			return b, tea.Quit
		}
		b.record = msg.record
		return b, b.look()
	}
	return b, nil
}

// View draws the page.
func (b board) View() tea.View {
	view := tea.NewView(b.draw())
	view.AltScreen = true
	return view
}

// draw is the page as text: how the training stands, and curves in the room that is left.
func (b board) draw() string {
	head := summary(b.record)
	const foot = "q leaves; the training goes on"
	room := b.height - strings.Count(head, "\n") - 2
	var curves []curve
	loss := curve{title: "loss: training (blue), validation (orange)"}
	accuracy := curve{title: "accuracy of the validation"}
	within := slices.ContainsFunc(b.record.Rows, func(row runs.Row) bool { return row.Loss != nil && !row.EpochEnd })
	for i := range b.record.Rows {
		row := &b.record.Rows[i]
		x := float64(row.Step)
		if row.Loss != nil && row.EpochEnd != within { // those within epochs, or those of epochs if there are no others
			loss.lines[0] = append(loss.lines[0], points.Float64Point{X: x, Y: *row.Loss})
		}
		if row.ValidationLoss != nil {
			loss.lines[1] = append(loss.lines[1], points.Float64Point{X: x, Y: *row.ValidationLoss})
		}
		if score := row.Score(); score != nil {
			if row.ValidationR2 != nil {
				accuracy.title = "R² of the validation"
			}
			accuracy.lines[0] = append(accuracy.lines[0], points.Float64Point{X: x, Y: *score})
		}
	}
	for _, c := range []curve{loss, accuracy} {
		if len(c.lines[0])+len(c.lines[1]) > 1 {
			curves = append(curves, c)
		}
	}
	for _, c := range curves {
		if each := room / len(curves); each >= 6 {
			head += c.title + "\n" + c.draw(max(b.width, 20), each-2) + "\n"
		}
	}
	return head + foot
}

// curve is one chart of up to two lines.
type curve struct {
	title string
	lines [2][]points.Float64Point
}

var curveStyles = [2]lipgloss.Style{lipgloss.NewStyle().Foreground(lipgloss.Color("#56B4E9")), lipgloss.NewStyle().Foreground(lipgloss.Color("#E69F00"))}

func (c curve) draw(width, height int) string {
	low, high := points.Float64Point{X: 0, Y: c.first().Y}, c.first()
	for _, line := range c.lines {
		for _, p := range line {
			low.Y = min(low.Y, p.Y)
			high.X, high.Y = max(high.X, p.X), max(high.Y, p.Y)
		}
	}
	if high.Y == low.Y {
		high.Y++
	}
	chart := linechart.New(width, height, low.X, max(high.X, 1), low.Y, high.Y, linechart.WithXYSteps(max(width/20, 1), 2),
		linechart.WithYLabelFormatter(func(_ int, v float64) string { return strconv.FormatFloat(v, 'g', 3, 64) }))
	chart.DrawXYAxisAndLabel()
	for n, line := range c.lines {
		for i := range line {
			chart.DrawBrailleLineWithStyle(line[max(i-1, 0)], line[i], curveStyles[n])
		}
	}
	return chart.View()
}

func (c curve) first() points.Float64Point {
	for _, line := range c.lines {
		if len(line) > 0 {
			return line[0]
		}
	}
	return points.Float64Point{}
}
