package files

import (
	"bytes"
	"strings"
)

// kinds are the beginnings of files that people take for data sets, or that are
// some but in a form that is not read.
var kinds = []struct{ magic, what string }{
	{"PK\x03\x04", "a zip archive"},
	{"PK\x05\x06", "an empty zip archive"},
	{"\x1f\x8b", "a gzip archive: unpack it first"},
	{"BZh", "a bzip2 archive: unpack it first"},
	{"\xfd7zXZ\x00", "an xz archive: unpack it first"},
	{"7z\xbc\xaf\x27\x1c", "a 7-Zip archive: unpack it first"},
	{"Rar!", "a RAR archive: unpack it first"},
	{"\x28\xb5\x2f\xfd", "a Zstandard archive: unpack it first"},
	{"\x93NUMPY", "an array of NumPy (.npy)"},
	{"\x89HDF\r\n\x1a\n", "an HDF5 file (.h5, .hdf5, new .mat), which is not read: save the arrays with numpy.savez as x_train, y_train, x_test and y_test"},
	{"PAR1", "a Parquet file, which is not read: save it as CSV, or the pictures as files"},
	{"ARROW1", "an Arrow file, which is not read: save it as CSV, or the pictures as files"},
	{"MATLAB 5.0", "a MAT-file, which is read only of SVHN: save the arrays with numpy.savez as x_train, y_train, x_test and y_test"},
	{"SQLite format 3\x00", "an SQLite database, which is not read: save the table as CSV"},
	{"\x80\x02", "a Python pickle, which could run anything as it is loaded and is not read: save the arrays with numpy.savez"},
	{"\x80\x03", "a Python pickle, which could run anything as it is loaded and is not read: save the arrays with numpy.savez"},
	{"\x80\x04", "a Python pickle, which could run anything as it is loaded and is not read: save the arrays with numpy.savez"},
	{"\x80\x05", "a Python pickle, which could run anything as it is loaded and is not read: save the arrays with numpy.savez"},
	{"\x89PNG", "a single picture: give the folder that holds a folder of pictures for every class"},
	{"\xff\xd8\xff", "a single picture: give the folder that holds a folder of pictures for every class"},
	{"GIF8", "a single picture: give the folder that holds a folder of pictures for every class"},
	{"\x00\x00\x08\x03", "a file of pictures as MNIST's are (idx): give the folder that holds it and the file of the labels"},
	{"\x00\x00\x08\x01", "a file of labels as MNIST's are (idx): give the folder that holds it and the file of the pictures"},
	{"%PDF", "a PDF document"},
	{"{", "JSON, which is not read: save it as CSV with the columns path and label"},
	{"<", "a web page: look at it to see what the server had to say, then download the file again"},
}

// Kind returns what a file is that begins so, in words for people, and "" if that
// is not known.
func Kind(first []byte) string {
	if len(first) > 262 && string(first[257:262]) == "ustar" {
		return "a tar archive: unpack it first"
	}
	first = bytes.TrimPrefix(first, []byte("\ufeff"))
	for _, k := range kinds {
		if strings.HasPrefix(string(first), k.magic) {
			return k.what
		}
	}
	return ""
}
