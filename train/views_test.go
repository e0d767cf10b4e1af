package train

import (
	"math"
	"slices"
	"testing"

	"inkling/nn"
)

func TestViews(t *testing.T) {
	picture := []float32{1, 2, 3, 4, 5, 6, 10, 20, 30, 40, 50, 60} // two planes of 2x3
	for _, test := range []struct {
		view View
		want []float32
	}{
		{View{}, picture},
		{View{Mirror: true}, []float32{3, 2, 1, 6, 5, 4, 30, 20, 10, 60, 50, 40}},
		{View{Right: 1}, []float32{1, 1, 2, 4, 4, 5, 10, 10, 20, 40, 40, 50}},
		{View{Right: -2, Down: 1}, []float32{3, 3, 3, 3, 3, 3, 30, 30, 30, 30, 30, 30}},
		{View{Mirror: true, Right: 1, Down: -1}, []float32{6, 6, 5, 6, 6, 5, 60, 60, 50, 60, 60, 50}},
	} {
		got := make([]float32, len(picture))
		test.view.apply(got, picture, 2, 3)
		if !slices.Equal(got, test.want) {
			t.Errorf("%+v is %v, want %v", test.view, got, test.want)
		}
	}
}

// TestEvaluateViews checks the mean of views: of equal ones it is the evaluation without.
func TestEvaluateViews(t *testing.T) {
	c := config(t, 60)
	d, transform := c.Loader.Dataset, c.Loader.Transform
	plain, err := Evaluate(t.Context(), c.Network, d, transform, 2)
	if err != nil {
		t.Fatal(err)
	}
	same, err := EvaluateBy(t.Context(), c.Network, nn.ExactConvolutions, d, transform, 1, View{}, View{})
	if err != nil {
		t.Fatal(err)
	}
	if same.Correct() != plain.Correct() || math.Abs(same.Loss-plain.Loss) > 1e-5 {
		t.Errorf("twice the same view: %d right, loss %v; without views %d, %v", same.Correct(), same.Loss, plain.Correct(), plain.Loss)
	}
	other, err := EvaluateBy(t.Context(), c.Network, nn.ExactConvolutions, d, transform, 1, View{Mirror: true})
	if err != nil || math.Abs(other.Loss-plain.Loss) < 1e-6 {
		t.Errorf("mirrored pictures have the loss %v, %v", other.Loss, err)
	}
	for _, views := range [][]View{{{Right: 28}}, {{Down: -28}}} {
		if _, err := EvaluateBy(t.Context(), c.Network, nn.ExactConvolutions, d, transform, 1, views...); err == nil {
			t.Errorf("views %v are taken", views)
		}
	}
}
