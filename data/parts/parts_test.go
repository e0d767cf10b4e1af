package parts

import (
	"fmt"
	"testing"
)

func TestOf(t *testing.T) {
	for _, test := range []struct {
		part  Part
		frame string
		names []string
	}{
		{Train, "", []string{"train", "Train", "TRAIN", "training", "Training", "trn", "train_set", "train-images", "Training Data", "trainset", "TrainingSet", "train.data", "TrainImages"}},
		{Validation, "", []string{"val", "valid", "Validation", "dev", "val_images", "ValidationSet", "valid_set"}},
		{Test, "", []string{"test", "Testing", "tst", "eval", "evaluation", "test_set", "TestImages", "t10k", "T10k-images", "PublicTest", "PrivateTest"}},
		{Train, "mnist", []string{"mnist_train", "mnist-training", "MNISTTrain", "mnist.train", "train_mnist"}},
		{Test, "seg", []string{"seg_test"}},
		{Train, "2017", []string{"train2017"}},
		{Test, "x", []string{"x_test", "test_x", "X_test"}},
		{None, "contest", []string{"contest"}},
		{None, "constrain", []string{"constrain"}},
		{None, "value", []string{"value"}},
		{None, "device", []string{"device"}},
		{None, "train test", []string{"train_test", "train-test"}},
		{None, "7", []string{"7"}},
		{None, "strain", []string{"strain"}},
		{None, "", []string{"", "images", "..."}},
	} {
		for _, name := range test.names {
			if part, frame := Of(name); part != test.part || frame != test.frame {
				t.Errorf("%q is %v with the frame %q, want %v with %q", name, part, frame, test.part, test.frame)
			}
		}
	}
}

func TestChoose(t *testing.T) {
	for _, test := range []struct {
		names []string
		alone bool
		want  string
	}{
		{[]string{"Testing", "Training", "about"}, false, "[{Training train } {Testing test }]"},
		{[]string{"eval", "test", "train", "val", "dev"}, false, "[{train train } {val val } {dev val } {test test } {eval test }]"},
		{[]string{"seg_pred", "seg_test", "seg_train"}, false, "[{seg_train train seg} {seg_test test seg}]"},
		{[]string{"bus", "bullet_train", "test_tube"}, false, "[]"},
		{[]string{"mnist_train"}, true, "[{mnist_train train mnist}]"},
		{[]string{"a_test", "a_train", "b_train", "b_val"}, false, "[{a_train train a} {b_train train b} {b_val val b} {a_test test a}]"},
	} {
		if got := fmt.Sprint(Choose(test.names, test.alone)); got != test.want {
			t.Errorf("%q: %s, want %s", test.names, got, test.want)
		}
	}
}
