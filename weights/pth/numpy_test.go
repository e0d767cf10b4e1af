package pth

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// pickledArray is a pickle of a 2x2 array, as NumPy and Python 2 write it.
func pickledArray(dtype, order, content string) string {
	return "cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R" +
		"(K\x01K\x02K\x02\x86cnumpy\ndtype\n" + fmt.Sprintf("U%c%s", len(dtype), dtype) + "K\x00K\x01\x87R" +
		"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb" + order + fmt.Sprintf("U%c%s", len(content), content) + "tb"
}

func TestReadArrays(t *testing.T) {
	values, err := ReadArrays([]byte("\x80\x02}q\x01(" +
		"U\x05bytesq\x02" + pickledArray("u1", "\x89", "\x00\xff\x80A") +
		"U\x05asciiq\x03" + pickledArray("u1", "\x89", "abcd") +
		"U\x05agreeh\x03" + // a text of the memo
		"U\x06labels](K\x01K\x05e" +
		"U\x05names](U\x01xU\x01ye" +
		"U\x05mixed](K\x01U\x01ye" +
		"U\x04noneN" +
		"K\x07K\x08u."))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"bytes": &Array{[]int{2, 2}, []byte("\x00\xff\x80A")}, "ascii": &Array{[]int{2, 2}, []byte("abcd")},
		"agree": "ascii", "labels": []int64{1, 5}, "names": []string{"x", "y"},
	}
	if !reflect.DeepEqual(values, want) {
		t.Errorf("%v, want %v", values, want)
	}
}

func TestReadArraysRefuses(t *testing.T) {
	dict := func(value string) string { return "\x80\x02}U\x01a" + value + "s." }
	for message, content := range map[string]string{
		"the pickle holds a list, wanted a dict":                         "\x80\x02].",
		"only bytes (u1) are read":                                       dict(pickledArray("<f4", "\x89", "abcd")),
		"is stored by columns":                                           dict(pickledArray("u1", "\x88", "abcd")),
		"an array of shape [2 2] has 8 bytes":                            dict(pickledArray("u1", "\x89", "abcdefgh")),
		"dimension 1 of an array of 2 bytes is 2":                        dict(pickledArray("u1", "\x89", "ab")),
		"the array a has no content":                                     dict("cnumpy.core.multiarray\n_reconstruct\n)R"),
		"an array is made of an int":                                     dict("cnumpy.core.multiarray\n_reconstruct\n)RK\x01b"),
		"numpy.dtype wants the name of a type, got 0":                    dict("cnumpy\ndtype\n)R"),
		`_codecs.encode wants a text and "latin1"`:                       dict("c_codecs\nencode\nX\x01\x00\x00\x00aX\x04\x00\x00\x00utf8\x86R"),
		"is given the letter 'Ā', which latin1 has not":                  dict("c_codecs\nencode\nX\x02\x00\x00\x00\xc4\x80X\x06\x00\x00\x00latin1\x86R"),
		"the pickle refers to something outside of it":                   dict("U\x01xQ"),
		"the pickle names the Python object os.system":                   dict("cos\nsystem\nU\x02ls\x85R"),
		"the pickle names the Python object torch._utils._rebuild_tenso": dict("ctorch._utils\n_rebuild_tensor_v2\n"),
		"which is no function":                                           dict("cnumpy\nndarray\n)R"),
		"1 byte follows the end of the pickle":                           dict("N") + "x",
		"the pickle stores value 2 in its memo":                          "\x80\x02}q\x02.",
	} {
		if _, err := ReadArrays([]byte(content)); err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("error %v, want %q", err, message)
		}
	}
	// In PyTorch's files an array is something to be left out.
	p, err := unpickle([]byte(dict(pickledArray("u1", "\x89", "abcd"))), 0, newBudget(1000), nil)
	if err != nil {
		t.Fatal(err)
	}
	w := walker{budget: newBudget(1000), seen: map[any]bool{}, names: map[string]bool{}}
	if err := w.walk(p.value, "", 0); err != nil || len(w.leftOut) != 1 || w.leftOut[0].What != "a NumPy array" {
		t.Errorf("an array of NumPy in a .pth file: %+v, %v", w.leftOut, err)
	}
}
