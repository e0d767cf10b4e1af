package safetensors

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"

	"inkling/weights/internal/hostile"
)

// craft makes a file of a header and data.
func craft(header, data string) []byte {
	file := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(file, header...), data...)
}

// tensor is a header's member.
func tensor(name, dtype, shape, offsets string) string {
	return fmt.Sprintf(`%q:{"dtype":%q,"shape":[%s],"data_offsets":[%s]}`, name, dtype, shape, offsets)
}

func TestCraftedIsFine(t *testing.T) {
	a, b := tensor("a", "F32", "1", "0,4"), tensor("b", "U8", "2,2", "4,8")
	for _, header := range []string{
		"{" + a + "," + b + "}",
		"{" + b + "," + a + "}",
		"{" + a + "," + b + "}   ",
		" { "[1:] + a + " ,\t\n" + b + " } ",
		"{" + tensor("e", "F32", "0", "0,0") + "," + a + "," + tensor("f", "F32", "5,0", "4,4") + "," + b + "," + tensor("g", "U8", "0", "8,8") + "}",
		`{"__metadata__":{},` + a + "," + b + "}",
		`{` + a + "," + b + `,"__metadata__":{"\u0061":"\"x"}}`,
		`{"a":{"data_offsets" : [ 0 , 8 ] , "shape":[], "dtype":"I64"}}`,
	} {
		if _, err := readBytes(craft(header, "12345678")); err != nil {
			t.Errorf("%s: %v", header, err)
		}
	}
}

func TestHostileHeaders(t *testing.T) {
	ok := tensor("a", "F32", "2", "0,8")
	tests := []struct{ name, header, says string }{
		{"empty header", "", "does not start with {"},
		{"leading space", " {" + ok + "}", "does not start with {"},
		{"a list", "[]", "does not start with {"},
		{"an open object", "{", "byte 9: the header ends where"},
		{"an open string", `{"a`, "ends within a string"},
		{"an open escape", `{"a\`, "ends within a string"},
		{"no value", `{"a":`, "the header ends where { was wanted"},
		{"no colon", `{"a"}`, "byte 12: the header has '}' where : was wanted"},
		{"a comma at the end", "{" + ok + ",}", "where a string was wanted"},
		{"a number for a name", `{1:{}}`, "where a string was wanted"},
		{"a list for a tensor", `{"a":[]}`, "where { was wanted"},
		{"null for a tensor", `{"a":null}`, "where { was wanted"},
		{"a control character", "{\"a\n\":{}}", "control character"},
		{"not UTF-8", "{\"\xff\":{}}", "not UTF-8"},
		{"half an UTF-8", "{\"\xe4\xb8\":{}}", "not UTF-8"},
		{"a wrong escape", `{"\x":{}}`, "wrong escape"},
		{"a NUL", "{\x00}", "where a string was wanted"},
		{"bytes after the brace", "{" + ok + "} x", "1 byte follows"},
		{"a tab after the brace", "{" + ok + "}\t", "1 byte follows"},
		{"two objects", "{" + ok + "}{}", "2 bytes follow"},
		{"a name twice", "{" + tensor("a", "F32", "1", "0,4") + "," + tensor("a", "F32", "1", "4,8") + "}", "the name a twice"},
		{"a name twice, escaped", "{" + tensor("a", "F32", "1", "0,4") + `,"\u0061":` + tensor("", "F32", "1", "4,8")[3:] + "}", "the name a twice"},
		{"two lone surrogates", `{"\ud800":` + tensor("", "F32", "1", "0,4")[3:] + `,"\udfff":` + tensor("", "F32", "1", "4,8")[3:] + "}", "twice"},
		{"metadata twice", `{"__metadata__":{},"__metadata__":{},` + ok + "}", "the name __metadata__ twice"},
		{"a metadata name twice", `{"__metadata__":{"k":"1","k":"2"},` + ok + "}", "metadata has the name k twice"},
		{"metadata of numbers", `{"__metadata__":{"k":1},` + ok + "}", "where a string was wanted"},
		{"metadata of objects", `{"__metadata__":{"k":{}},` + ok + "}", "where a string was wanted"},
		{"metadata that is a text", `{"__metadata__":"x",` + ok + "}", "where { was wanted"},
		{"metadata alone", `{"__metadata__":{"k":"v"}}`, "the tensors end at byte 0 of the data, which has 8 bytes"},
		{"no tensors", `{}`, "the tensors end at byte 0 of the data, which has 8 bytes"},
		{"dtype twice", `{"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, "dtype twice"},
		{"no dtype", `{"a":{"shape":[2],"data_offsets":[0,8]}}`, "no dtype"},
		{"no shape", `{"a":{"dtype":"F32","data_offsets":[0,8]}}`, "no shape"},
		{"no offsets", `{"a":{"dtype":"F32","shape":[2]}}`, "no data_offsets"},
		{"an unknown field", `{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"strides":[1]}}`, "has strides"},
		{"an unknown type", "{" + tensor("a", "F31", "2", "0,8") + "}", "type F31"},
		{"a complex type", "{" + tensor("a", "C64", "1", "0,8") + "}", "type C64"},
		{"a type that is a number", `{"a":{"dtype":4,"shape":[2],"data_offsets":[0,8]}}`, "where a string was wanted"},
		{"a shape that is a number", `{"a":{"dtype":"F32","shape":2,"data_offsets":[0,8]}}`, "where [ was wanted"},
		{"a shape of texts", `{"a":{"dtype":"F32","shape":["2"],"data_offsets":[0,8]}}`, "where a number was wanted"},
		{"a nested shape", `{"a":{"dtype":"F32","shape":[[2]],"data_offsets":[0,8]}}`, "where a number was wanted"},
		{"a negative dimension", "{" + tensor("a", "F32", "-2", "0,8") + "}", "is -2; wanted a whole number"},
		{"two negative dimensions", "{" + tensor("a", "F32", "-1,-2", "0,8") + "}", "is -1; wanted a whole number"},
		{"a fraction", "{" + tensor("a", "F32", "2.0", "0,8") + "}", "is 2.0"},
		{"an exponent", "{" + tensor("a", "F32", "2e0", "0,8") + "}", "is 2e0"},
		{"a zero in front", "{" + tensor("a", "F32", "02", "0,8") + "}", "is 02"},
		{"a dimension of 2^64", "{" + tensor("a", "F32", "18446744073709551616", "0,8") + "}", "is 18446744073709551616"},
		{"an overflowing shape", "{" + tensor("a", "F32", "4294967296,4294967296,2", "0,8") + "}", "too large"},
		{"an overflowing size", "{" + tensor("a", "F64", "2305843009213693953", "0,8") + "}", "too large"},
		{"an overflow behind a 0", "{" + tensor("a", "F32", "0,9223372036854775807", "0,0") + "," + tensor("b", "U8", "8", "0,8") + "}", "too large"},
		{"65 dimensions", "{" + tensor("a", "F32", strings.TrimSuffix(strings.Repeat("1,", 65), ","), "0,8") + "}", "more than 64"},
		{"a comma too many", "{" + tensor("a", "F32", "2,", "0,8") + "}", "where a number was wanted"},
		{"too many elements", "{" + tensor("a", "F32", "3", "0,8") + "}", "takes 12 bytes, and data_offsets for 8"},
		{"too few elements", "{" + tensor("a", "F32", "1", "0,8") + "}", "takes 4 bytes, and data_offsets for 8"},
		{"no dimensions", "{" + tensor("a", "F32", "", "0,8") + "}", "takes 4 bytes, and data_offsets for 8"},
		{"one offset", "{" + tensor("a", "F32", "2", "0") + "}", "1 data_offsets"},
		{"three offsets", "{" + tensor("a", "F32", "2", "0,8,8") + "}", "more than 2"},
		{"offsets the wrong way", "{" + tensor("a", "F32", "2", "8,0") + "}", "bytes 8 to 0"},
		{"a negative offset", "{" + tensor("a", "F32", "2", "-8,0") + "}", "is -8"},
		{"past the end", "{" + tensor("a", "F32", "3", "0,12") + "}", "bytes 0 to 12 of the data, which has 8"},
		{"far past the end", "{" + tensor("a", "U8", "1", "9223372036854775806,9223372036854775807") + "}", "the data, which has 8"},
		{"an overlap", "{" + tensor("a", "F32", "2", "0,8") + "," + tensor("b", "F32", "1", "4,8") + "}", "tensor b starts at byte 4 of the data, within"},
		{"the same bytes", "{" + ok + "," + tensor("b", "F32", "2", "0,8") + "}", "within the one before"},
		{"nothing within a tensor", "{" + ok + "," + tensor("b", "F32", "0", "4,4") + "}", "within the one before"},
		{"a hole", "{" + tensor("a", "U8", "2", "0,2") + "," + tensor("b", "U8", "2", "6,8") + "}", "belong to none"},
		{"a hole at the start", "{" + tensor("a", "F32", "1", "4,8") + "}", "belong to none"},
		{"trailing bytes", "{" + tensor("a", "F32", "1", "0,4") + "}", "end at byte 4 of the data, which has 8"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			hostile.Refused(t, readAll, craft(test.header, "12345678"), test.says)
		})
	}
}

func TestHostileFiles(t *testing.T) {
	length := func(n uint64, rest string) []byte {
		return append(binary.LittleEndian.AppendUint64(nil, n), rest...)
	}
	for _, test := range []struct {
		name string
		data []byte
		says string
	}{
		{"nothing", nil, "ends after 0 bytes"},
		{"7 bytes", make([]byte, 7), "ends after 7 bytes"},
		{"a length alone", length(2, ""), "said to have 2 bytes, the file has 0"},
		{"longer than the file", length(100, "{}"), "said to have 100 bytes, the file has 2"},
		{"over 100 MB", length(100_000_001, "{}"), "at most 100000000"},
		{"an endless header", length(1<<64-1, "{}"), "at most 100000000"},
		{"length 0", length(0, "{}"), "does not start with {"},
		{"shorter than the header", length(1, "{}"), "the header ends where"},
		{"a web page", []byte("<!DOCTYPE html><html>"), "web page"},
		{"a Git LFS pointer", []byte("version https://git-lfs.github.com/spec/v1\n"), "at most 100000000"},
	} {
		t.Run(test.name, func(t *testing.T) { hostile.Refused(t, readAll, test.data, test.says) })
	}
	// The size that Read is told need not be true.
	data := craft("{"+tensor("a", "F32", "2", "0,8")+"}", "12345678")
	for _, size := range []int64{-1, int64(len(data)) + 1, 1 << 40} {
		var format *FormatError
		if _, err := Read(bytes.NewReader(data), size); !errors.As(err, &format) {
			t.Errorf("size %d: %v", size, err)
		}
	}
	broken := errors.New("broken disk")
	for n := range 4 {
		disk := &hostile.BrokenDisk{ReaderAt: bytes.NewReader(data), Reads: n, Err: broken}
		if _, err := Read(disk, int64(len(data))); !errors.Is(err, broken) {
			t.Errorf("a disk that breaks at read %d: %v", n, err)
		}
	}
}

func readAll(data []byte) error {
	_, err := readBytes(data)
	return err
}

func same(t testing.TB, a, b *File) {
	t.Helper()
	if !reflect.DeepEqual(a, b) {
		t.Errorf("got %+v", a)
	}
}

// TestDamage cuts a file at every byte and changes every byte of it. Where
// another program has left out the checksums, the elements are free.
func TestDamage(t *testing.T) {
	tensors, metadata := small()
	hostile.EveryByteCounts(t, mustWrite(t, tensors[:4], metadata), readBytes, same, hostile.NoneFree)
	hostile.EveryByteCounts(t, mustWrite(t, tensors[:1], nil), readBytes, same, hostile.NoneFree)
	header := `{"ab":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`
	foreign := craft(header, "12345678")
	for n := range foreign {
		hostile.Refused(t, readAll, foreign[:n], "")
	}
	hostile.Refused(t, readAll, append(foreign, 0), "which has")
}

// TestChecksums has files that another program wrote anew with our metadata.
func TestChecksums(t *testing.T) {
	tensors, metadata := small()
	data := string(mustWrite(t, tensors[:1], metadata))
	text, elements := data[8:len(data)-24], data[len(data)-24:]
	for _, test := range []struct{ name, header, data, says string }{
		{"as it is", text, elements, ""},
		{"other elements under another header", strings.Replace(text, "{", "{ ", 1), "x" + elements[1:], ""},
		{"other elements under the same header", text, "x" + elements[1:], "the tensors' data does not fit its checksum"},
		{"the same elements under another header", strings.Replace(text, "{", "{ ", 1), elements, "the header does not fit its checksum"},
		{"one checksum", strings.Replace(text, dataChecksum, "inkling_crc32_date", 1), elements, "one checksum"},
		{"no checksums", strings.Replace(strings.Replace(text, dataChecksum, "a", 1), headerChecksum, "b", 1), "x" + elements[1:], ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			file := craft(test.header, test.data)
			if test.says != "" {
				hostile.Refused(t, readAll, file, test.says)
			} else if f := mustRead(t, file); f.Metadata[headerChecksum]+f.Metadata[dataChecksum] != "" || f.Metadata["architecture"] != "LeNet" {
				t.Errorf("metadata %q", f.Metadata)
			}
		})
	}
}

// TestBombs has files made to take more memory than they should.
func TestBombs(t *testing.T) {
	if hostile.RaceEnabled {
		t.Skip("memory cannot be measured under the race detector")
	}
	const n = 20_000
	var names, shapes, pairs, large strings.Builder
	for i := range n {
		fmt.Fprintf(&names, `"%x":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},`, i)
		fmt.Fprintf(&shapes, `"%x":{"dtype":"U8","shape":[0,1,1,1,1,1,1,1,1],"data_offsets":[0,0]},`, i)
		fmt.Fprintf(&pairs, `"%x":"",`, i)
		fmt.Fprintf(&large, `"%x":{"dtype":"F32","shape":[25],"data_offsets":[%d,%d]},`, i, 100*i, 100*i+100)
	}
	cut := func(b *strings.Builder) string { return strings.TrimSuffix(b.String(), ",") }
	for name, data := range map[string][]byte{
		"names":      craft("{"+cut(&names)+"}", ""),
		"shapes":     craft("{"+cut(&shapes)+"}", ""),
		"metadata":   craft(`{"__metadata__":{`+cut(&pairs)+"}}", ""),
		"large":      craft("{"+cut(&large)+"}", strings.Repeat("x", 100*n)),
		"bytes":      craft("{"+tensor("a", "U8", "2000000", "0,2000000")+"}", strings.Repeat("x", 2_000_000)),
		"braces":     craft(strings.Repeat("{", 1_000_000), ""),
		"offsets":    craft("{"+strings.Repeat(`"data_offsets",`, n)+"}", ""),
		"escapes":    craft(`{"__metadata__":{"a":"`+strings.Repeat(`\u0001`, 100*n)+`"}}`, ""),
		"long name":  craft("{"+tensor(strings.Repeat("x", 2_000_000), "U8", "0", "0,0")+"}", ""),
		"long dtype": craft("{"+tensor("a", strings.Repeat("x", 2_000_000), "0", "0,0")+"}", ""),
		"digits":     craft("{"+tensor("a", "U8", strings.Repeat("1", 2_000_000), "0,0")+"}", ""),
	} {
		t.Run(name, func(t *testing.T) {
			if err := hostile.InMemory(t, readAll, data); (err == nil) != (slices.Contains([]string{"names", "shapes", "large", "bytes", "long name"}, name)) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func FuzzRead(f *testing.F) {
	tensors, metadata := small()
	f.Add(mustWrite(f, tensors[:4], metadata))
	f.Add(craft("{"+tensor("a", "F32", "1", "0,4")+","+tensor("b", "U8", "2,2", "4,8")+"}", "12345678"))
	f.Add(craft(`{"__metadata__":{"\u0061":"\"x"}} `, ""))
	f.Fuzz(func(t *testing.T, data []byte) {
		read := func(r io.ReaderAt, size int64) error { _, err := Read(r, size); return err }
		if err := hostile.Bounded(t, read, data); err != nil {
			hostile.Refused(t, readAll, data, "")
			return
		}
		file := mustRead(t, data)
		// What was read can be written, and is the same then.
		again := mustRead(t, mustWrite(t, file.Tensors, file.Metadata))
		if len(again.Tensors) != len(file.Tensors) || fmt.Sprint(again.Metadata) != fmt.Sprint(file.Metadata) {
			t.Fatalf("%+v became %+v", file, again)
		}
		for i, tensor := range again.Tensors {
			want := file.Tensors[i]
			if tensor.Name != want.Name || fmt.Sprint(tensor.Shape, tensor.Float32s()) != fmt.Sprint(want.Shape, want.Float32s()) {
				t.Errorf("%+v became %+v", want, tensor)
			}
		}
	})
}
