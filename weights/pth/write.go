package pth

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"unicode/utf8"

	"inkling/weights/internal/archive"
	"inkling/weights/internal/untrusted"
)

const archiveFolder = "archive"

// Write writes a state dict as torch.save writes it: an OrderedDict of the
// tensors in their order, each with a storage of its own, in the zip format
// with pickle protocol 2. torch.load reads it, with weights_only=True too.
//
// Metadata, unless empty, becomes the additional record extra/inkling.json,
// which torch.load ignores. The same tensors and metadata give the same bytes.
//
// It is an error if two tensors have the same name, if a tensor holds no data,
// if the metadata is so much larger than the tensors that Read would refuse it,
// or if the file would exceed 4 GiB.
func Write(w io.Writer, tensors []Tensor, metadata map[string]string) error {
	z := archive.NewWriter(w)
	pickle, contents, err := pickleState(tensors)
	if err != nil {
		return err
	}
	text, err := metadataText(metadata, tensors, pickle, contents)
	if err != nil {
		return err
	}
	if err := z.Record(archiveFolder+"/data.pkl", pickle); err != nil {
		return err
	}
	if err := z.Record(archiveFolder+"/byteorder", []byte("little")); err != nil {
		return err
	}
	for i, content := range contents {
		if err := z.Record(archiveFolder+"/data/"+strconv.Itoa(i), content); err != nil {
			return err
		}
	}
	if text != nil {
		if err := z.Record(archiveFolder+"/"+metadataRecord, text); err != nil {
			return err
		}
	}
	// PyTorch's reader wants the version of the container, last as it writes it.
	if err := z.Record(archiveFolder+"/version", []byte("3\n")); err != nil {
		return err
	}
	return z.Close()
}

// metadataText returns the metadata record, nil for none, unless it would not be
// read again.
func metadataText(metadata map[string]string, tensors []Tensor, pickle []byte, contents [][]byte) ([]byte, error) {
	if len(metadata) == 0 {
		return nil, nil
	}
	// Maps are marshalled in the order of their keys.
	text, err := json.MarshalIndent(metadata, "", "  ")
	if err != nil {
		return nil, err
	}
	size := int64(len(pickle) + len(text))
	cost := untrusted.MetadataCost(text)
	for i := range tensors {
		size += int64(len(contents[i]))
		cost += 4 * int64(tensors[i].Elements())
	}
	if cost > newBudget(size).All() {
		return nil, fmt.Errorf("metadata of %d bytes is too much for a file of %d bytes; shorten it", len(text), size)
	}
	return append(text, '\n'), nil
}

// pickleState returns the pickle of the state dict and the content of the
// storages it names 0, 1, 2, ...
func pickleState(tensors []Tensor) (pickle []byte, contents [][]byte, err error) {
	p := pickler{memo: map[string]int{}}
	p.op(opProto, 2)
	p.global("collections", "OrderedDict")
	p.op(opEmptyTuple, opReduce)
	p.op(opMark)
	names := map[string]bool{}
	for i := range tensors {
		t := &tensors[i]
		if names[t.Name] {
			return nil, nil, fmt.Errorf("two tensors have the name %s; a state dict wants different names", shorten(t.Name))
		}
		names[t.Name] = true
		if !utf8.ValidString(t.Name) {
			return nil, nil, fmt.Errorf("the tensor name %s is not UTF-8, which Python could not read", shorten(t.Name))
		}
		content, err := t.Bytes()
		if err != nil {
			return nil, nil, err
		}
		contents = append(contents, content)
		p.text(t.Name)
		p.tensor(t, strconv.Itoa(i))
	}
	p.op(opSetItems, opStop)
	return p.out, contents, nil
}

// pickler writes the opcodes of protocol 2. Names that come again are taken
// from the memo, as Python's pickler does.
type pickler struct {
	out  []byte
	memo map[string]int
}

func (p *pickler) op(codes ...byte) { p.out = append(p.out, codes...) }

// once writes what write writes and stores it in the memo, or fetches it from
// there when it was written before.
func (p *pickler) once(key string, write func()) {
	number, known := p.memo[key]
	if !known {
		write()
		number = len(p.memo)
		p.memo[key] = number
	}
	short, long := byte(opBinPut), byte(opLongBinPut)
	if known {
		short, long = opBinGet, opLongBinGet
	}
	if number < 256 {
		p.op(short, byte(number))
		return
	}
	p.op(long)
	p.out = binary.LittleEndian.AppendUint32(p.out, uint32(number))
}

func (p *pickler) global(module, name string) {
	p.once("global "+module+" "+name, func() {
		p.op(opGlobal)
		p.out = append(p.out, module+"\n"+name+"\n"...)
	})
}

func (p *pickler) text(s string) {
	p.op(opBinUnicode)
	p.out = binary.LittleEndian.AppendUint32(p.out, uint32(len(s)))
	p.out = append(p.out, s...)
}

func (p *pickler) int(n int) {
	switch {
	case n >= 0 && n < 1<<8:
		p.op(opBinInt1, byte(n))
	case n >= 0 && n < 1<<16:
		p.op(opBinInt2)
		p.out = binary.LittleEndian.AppendUint16(p.out, uint16(n))
	case n >= math.MinInt32 && n <= math.MaxInt32:
		p.op(opBinInt)
		p.out = binary.LittleEndian.AppendUint32(p.out, uint32(n))
	default:
		p.op(opLong1, 8)
		p.out = binary.LittleEndian.AppendUint64(p.out, uint64(n))
	}
}

func (p *pickler) ints(numbers []int) {
	p.op(opMark)
	for _, n := range numbers {
		p.int(n)
	}
	p.op(opTuple)
}

// tensor writes a call of torch._utils._rebuild_tensor_v2 with the storage of
// the given key, all of which the tensor takes.
func (p *pickler) tensor(t *Tensor, key string) {
	p.global("torch._utils", "_rebuild_tensor_v2")
	p.op(opMark)
	p.op(opMark)
	p.once("text storage", func() { p.text("storage") })
	p.global("torch", dtypes[t.DType].storage)
	p.text(key)
	p.once("text cpu", func() { p.text("cpu") })
	p.int(t.Elements())
	p.op(opTuple, opBinPersID)
	p.int(0) // storage_offset
	p.ints(t.Shape)
	p.ints(rowMajor(t.Shape))
	p.op(opNewFalse) // requires_grad
	p.global("collections", "OrderedDict")
	p.op(opEmptyTuple, opReduce) // backward_hooks
	p.op(opTuple, opReduce)
}
