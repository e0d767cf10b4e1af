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
	return write(w, tensors, nil, metadata)
}

// WriteCheckpoint writes a state dict and the state of an optimizer as Write
// writes a state dict alone, in one dict under the keys of PyTorch's tutorials:
// {"model_state_dict": ..., "optimizer_state_dict": ...}. Settings of the
// optimizer may be of the types that ParameterGroup names.
//
// torch.load reads it, with weights_only=True too; but PyTorch 1.13 refuses
// every float then, in its own checkpoints as well.
func WriteCheckpoint(w io.Writer, tensors []Tensor, optimizer *Optimizer, metadata map[string]string) error {
	return write(w, tensors, optimizer, metadata)
}

func write(w io.Writer, tensors []Tensor, optimizer *Optimizer, metadata map[string]string) error {
	p := pickler{memo: map[string]int{}}
	p.op(opProto, 2)
	if optimizer == nil {
		if err := p.state(tensors); err != nil {
			return err
		}
	} else {
		p.op(opEmptyDict, opMark)
		p.text(modelKey)
		if err := p.state(tensors); err != nil {
			return err
		}
		p.text(optimizerKey)
		if err := p.optimizer(optimizer); err != nil {
			return err
		}
		if len(optimizer.Average) > 0 {
			p.text(averageKey)
			if err := p.state(optimizer.Average); err != nil {
				return err
			}
		}
		p.op(opSetItems)
	}
	p.op(opStop)
	text, err := p.metadataText(metadata)
	if err != nil {
		return err
	}
	z := archive.NewWriter(w)
	record := func(name string, data []byte) {
		if err == nil {
			err = z.Record(archiveFolder+"/"+name, data)
		}
	}
	record("data.pkl", p.out)
	record("byteorder", []byte("little"))
	for i, content := range p.contents {
		record("data/"+strconv.Itoa(i), content)
	}
	if text != nil {
		record(metadataRecord, text)
	}
	// PyTorch's reader wants the version of the container, last as it writes it.
	record("version", []byte("3\n"))
	if err != nil {
		return err
	}
	return z.Close()
}

// metadataText returns the metadata record, nil for none, unless it would not be
// read again.
func (p *pickler) metadataText(metadata map[string]string) ([]byte, error) {
	if len(metadata) == 0 {
		return nil, nil
	}
	// Maps are marshalled in the order of their keys.
	text, err := json.MarshalIndent(metadata, "", "  ")
	if err != nil {
		return nil, err
	}
	size := int64(len(p.out) + len(text))
	cost := untrusted.MetadataCost(text) + 4*int64(p.elements)
	for _, content := range p.contents {
		size += int64(len(content))
	}
	if cost > newBudget(size).All() {
		return nil, fmt.Errorf("metadata of %d bytes is too much for a file of %d bytes; shorten it", len(text), size)
	}
	return append(text, '\n'), nil
}

// state writes an OrderedDict of tensors.
func (p *pickler) state(tensors []Tensor) error {
	p.global("collections", "OrderedDict")
	p.op(opEmptyTuple, opReduce)
	p.op(opMark)
	names := map[string]bool{}
	for i := range tensors {
		t := &tensors[i]
		if names[t.Name] {
			return fmt.Errorf("two tensors have the name %s; a state dict wants different names", shorten(t.Name))
		}
		names[t.Name] = true
		if err := p.name(t.Name); err != nil {
			return err
		}
		if err := p.tensor(t); err != nil {
			return err
		}
	}
	p.op(opSetItems)
	return nil
}

// pickler writes the opcodes of protocol 2. Names that come again are taken
// from the memo, as Python's pickler does.
type pickler struct {
	out  []byte
	memo map[string]int
	// contents are the storages' elements; the pickle names them 0, 1, 2, ...
	contents [][]byte
	elements int // of all tensors
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

// name writes a text that was not made here.
func (p *pickler) name(s string) error {
	if !utf8.ValidString(s) {
		return fmt.Errorf("the name %s is not UTF-8, which Python could not read", shorten(s))
	}
	p.text(s)
	return nil
}

// setting writes a setting of an optimizer.
func (p *pickler) setting(name string, value any) error {
	switch value := value.(type) {
	case nil:
		p.op(opNone)
	case bool:
		p.op(map[bool]byte{true: opNewTrue, false: opNewFalse}[value])
	case int64:
		p.int(int(value))
	case float64:
		p.float(value)
	case string:
		return p.name(value)
	case []float64:
		p.op(opMark)
		for _, v := range value {
			p.float(v)
		}
		p.op(opTuple)
	default:
		return fmt.Errorf("the optimizer's setting %s is a %T; wanted float64, int64, bool, string, []float64 or nil", shorten(name), value)
	}
	return nil
}

func (p *pickler) float(value float64) {
	p.op(opBinFloat)
	p.out = binary.BigEndian.AppendUint64(p.out, math.Float64bits(value))
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

// tensor writes a call of torch._utils._rebuild_tensor_v2 with a storage of its
// own, all of which the tensor takes. The newer types have no storage class: as
// PyTorch does since version 2.1, a call of _rebuild_tensor_v3 names the type
// beside a storage of bytes.
func (p *pickler) tensor(t *Tensor) error {
	content, err := t.Bytes()
	if err != nil {
		return err
	}
	if !t.DType.plain() {
		return fmt.Errorf("tensor %s is of %s, which can be read and not written; convert it", shorten(t.Name), t.DType)
	}
	key := strconv.Itoa(len(p.contents))
	p.contents = append(p.contents, content)
	p.elements += t.Elements()
	function, module, class, count := "_rebuild_tensor_v2", "torch", dtypes[t.DType].storage, t.Elements()
	typed := class == ""
	if typed {
		function, module, class, count = "_rebuild_tensor_v3", "torch.storage", "UntypedStorage", len(content)
	}
	p.global("torch._utils", function)
	p.op(opMark)
	p.op(opMark)
	p.once("text storage", func() { p.text("storage") })
	p.global(module, class)
	p.text(key)
	p.once("text cpu", func() { p.text("cpu") })
	p.int(count)
	p.op(opTuple, opBinPersID)
	p.int(0) // storage_offset
	p.ints(t.Shape)
	p.ints(rowMajor(t.Shape))
	p.op(opNewFalse) // requires_grad
	p.global("collections", "OrderedDict")
	p.op(opEmptyTuple, opReduce) // backward_hooks
	if typed {
		p.global("torch", dtypes[t.DType].name)
	}
	p.op(opTuple, opReduce)
	return nil
}
