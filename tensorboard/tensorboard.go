// Package tensorboard writes the files that TensorBoard shows: numbers over the
// steps of a training, pictures and texts.
//
//	w, err := tensorboard.Create("runs/first")
//	defer w.Close()
//	w.Scalar("loss/train", step, 0.25)
//
// Then tensorboard --logdir runs. The format is TensorFlow's: records of events
// (https://www.tensorflow.org/tutorials/load_data/tfrecord,
// tensorflow/core/util/event.proto, framework/summary.proto).
package tensorboard

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// Writer writes one file of events. Its methods may not be called at the same
// time. What they wrote is in the file after Flush or Close; the first error of
// the disk is kept, and returned by all calls behind it.
type Writer struct {
	path   string
	file   *os.File
	buffer *bufio.Writer
	err    error
	now    func() time.Time
	record []byte
}

// Create starts a file of events in a folder, which is made if there is none. Its
// name has the time, the computer and the process in it, as TensorBoard wants
// it, and is new: a folder may have several files, which TensorBoard shows as one.
func Create(folder string) (*Writer, error) { return create(folder, time.Now) }

func create(folder string, now func() time.Time) (*Writer, error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, fmt.Errorf("tensorboard: the folder for events cannot be made: %w", err)
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	w := &Writer{now: now}
	for number := 0; w.file == nil; number++ {
		w.path = filepath.Join(folder, fmt.Sprintf("events.out.tfevents.%d.%s.%d.%d", now().Unix(), host, os.Getpid(), number))
		w.file, err = os.OpenFile(w.path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
		if err != nil && !os.IsExist(err) {
			return nil, fmt.Errorf("tensorboard: the file for events cannot be made: %w", err)
		}
	}
	w.buffer = bufio.NewWriter(w.file)
	version := protowire.AppendTag(nil, 3, protowire.BytesType)
	w.event(0, protowire.AppendString(version, "brain.Event:2"))
	return w, w.Flush()
}

// Path returns where the file is.
func (w *Writer) Path() string { return w.path }

// Scalar writes a number of a step. Names with a slash are shown in groups: the
// part before the slash is the group's.
func (w *Writer) Scalar(name string, step int, value float64) error {
	v := protowire.AppendTag(nil, 2, protowire.Fixed32Type) // simple_value
	v = protowire.AppendFixed32(v, math.Float32bits(float32(value)))
	return w.summary(name, step, v)
}

// Image writes a picture of a step.
func (w *Writer) Image(name string, step int, picture image.Image) error {
	var encoded bytes.Buffer
	if err := png.Encode(&encoded, picture); err != nil {
		return fmt.Errorf("tensorboard: the picture %q cannot be written: %w", name, err)
	}
	return w.PNG(name, step, picture.Bounds().Size(), encoded.Bytes())
}

// PNG writes a picture of a step that is so large and encoded as a PNG already.
func (w *Writer) PNG(name string, step int, size image.Point, file []byte) error {
	const colours = 3 // RGB, as the PNG is shown
	var i []byte
	for field, value := range []int{size.Y, size.X, colours} {
		i = protowire.AppendTag(i, protowire.Number(field+1), protowire.VarintType)
		i = protowire.AppendVarint(i, uint64(value))
	}
	i = protowire.AppendTag(i, 4, protowire.BytesType)
	i = protowire.AppendBytes(i, file)
	return w.summary(name, step, appendMessage(nil, 4, i))
}

// Text writes a text of a step, which TensorBoard shows as Markdown.
func (w *Writer) Text(name string, step int, markdown string) error {
	const stringType = 7 // DT_STRING
	var tensor []byte
	tensor = protowire.AppendTag(tensor, 1, protowire.VarintType)
	tensor = protowire.AppendVarint(tensor, stringType)
	one := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 1)
	tensor = appendMessage(tensor, 2, appendMessage(nil, 2, one)) // shape: one dimension of 1
	tensor = appendMessage(tensor, 8, []byte(markdown))
	plugin := appendMessage(nil, 1, []byte("text"))
	v := appendMessage(nil, 9, appendMessage(nil, 1, plugin)) // metadata: plugin_data: plugin_name
	return w.summary(name, step, appendMessage(v, 8, tensor))
}

// Flush puts into the file what was written.
func (w *Writer) Flush() error {
	w.keep(w.buffer.Flush())
	return w.err
}

// Close flushes and closes the file.
func (w *Writer) Close() error {
	w.keep(w.buffer.Flush())
	w.keep(w.file.Close())
	return w.err
}

func (w *Writer) keep(err error) {
	if w.err == nil && err != nil {
		w.err = fmt.Errorf("tensorboard: %s cannot be written: %w", w.path, err)
	}
}

// summary writes an event with a Summary of one Value, of which the name is still
// to be added.
func (w *Writer) summary(name string, step int, value []byte) error {
	value = appendMessage(value, 1, []byte(name))
	return w.event(step, appendMessage(nil, 5, appendMessage(nil, 1, value)))
}

// event writes a record with an Event that has the time, the step and more.
func (w *Writer) event(step int, more []byte) error {
	if w.err != nil {
		return w.err
	}
	e := protowire.AppendTag(w.record[:0], 1, protowire.Fixed64Type)
	e = protowire.AppendFixed64(e, math.Float64bits(float64(w.now().UnixMicro())/1e6))
	e = protowire.AppendTag(e, 2, protowire.VarintType)
	e = protowire.AppendVarint(e, uint64(step))
	w.record = append(e, more...)

	// A record is the length, its checksum, the data, their checksum.
	var head [12]byte
	binary.LittleEndian.PutUint64(head[:], uint64(len(w.record)))
	binary.LittleEndian.PutUint32(head[8:], maskedChecksum(head[:8]))
	var tail [4]byte
	binary.LittleEndian.PutUint32(tail[:], maskedChecksum(w.record))
	for _, part := range [][]byte{head[:], w.record, tail[:]} {
		_, err := w.buffer.Write(part)
		w.keep(err)
	}
	return w.err
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// maskedChecksum is TensorFlow's: a CRC-32C, turned and shifted, so that the
// checksum of data that hold checksums is no trivial one.
func maskedChecksum(data []byte) uint32 {
	c := crc32.Checksum(data, castagnoli)
	return (c>>15 | c<<17) + 0xa282ead8
}

func appendMessage(to []byte, field protowire.Number, message []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(to, field, protowire.BytesType), message)
}
