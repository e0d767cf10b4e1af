package onnx

import (
	"fmt"
	"io"
	"math"
	"os"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"inkling/weights"
	"inkling/weights/graph"
	"inkling/weights/internal/untrusted"
	"inkling/weights/structure"
)

// Contents is what a .onnx file holds, as far as it is read: its weights, and
// what they are for.
type Contents struct {
	// Tensors are the graph's initializers: the weights, in the order of the
	// file and under the names that it gives them.
	Tensors []weights.Tensor
	// Others are initializers that normalise pictures in a file that this
	// package wrote with Pixels.
	Others []weights.Tensor
	// Metadata is the file's metadata_props, nil if there are none.
	Metadata map[string]string
	// Inputs and Outputs are the graph's, without the weights.
	Inputs, Outputs []Port
	// Operators counts the graph's operations by their kind: "Conv".
	Operators map[string]int
	// OperatorSet is the version of the standard operators, 0 if none is said.
	OperatorSet int
	// Structure tells what the graph computes, as far as it is a chain of layers.
	Structure *structure.Network
	// Producer is the program that wrote the file, and its version.
	Producer string

	graph func() (*graph.Graph, error)
}

// Graph reads the nodes, to be run. What is too much for the file's size is left out,
// and said as the graph's Obstacle.
func (c *Contents) Graph() (*graph.Graph, error) { return c.graph() }

// Port is an input or an output of a graph.
type Port struct {
	Name string
	// DType is the type of the elements: "float32", "uint8"; it is empty if the
	// file does not say or if it is one that is not known here.
	DType string
	// Shape holds the dimensions, a number or a name for one of any size.
	Shape []string
}

func init() {
	weights.RegisterFormat(weights.Format{
		Name:    "onnx",
		Endings: []string{".onnx"},
		Sniff:   sniff,
		Read: func(r io.ReaderAt, size int64) (*weights.File, map[string]string, error) {
			c, err := Read(r, size)
			if err != nil {
				return nil, nil, err
			}
			return &weights.File{Tensors: c.Tensors, Others: c.Others, Structure: c.Structure, Graph: func() (any, error) { return c.Graph() }}, c.Metadata, nil
		},
	})
}

// sniff knows a model by its first field, the small number of the format's
// version, and the field after it.
func sniff(head []byte) bool {
	return len(head) > 2 && head[0] == 8 && head[1] > 0 && head[1] < 32 && strings.IndexByte("\x12\x1a\x22\x28\x32\x3a\x42\x72", head[2]) >= 0
}

// ReadFile reads the file at path, as Read does.
func ReadFile(path string) (*Contents, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	c, err := Read(weights.InFolder(f, path), info.Size())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// Read reads the weights of a .onnx file of size bytes, and what there is to know
// of the network. The network itself is not made. Weights that are kept in other
// files are read if r is a [weights.Beside], from files of plain names in the same
// folder and from nowhere else. Sizes are checked before they are believed, and
// reading takes at most 8 times the size of the files and 1 MB of memory. A file that is damaged or of a wrong kind gives a
// *FormatError. The format has no checksum: a changed weight goes unnoticed.
func Read(r io.ReaderAt, size int64) (*Contents, error) {
	if size <= 0 || size > math.MaxInt32 {
		return nil, untrusted.Fault(0, "the file has %d bytes; an ONNX file has at least one and less than 2 GiB", size)
	}
	// A size that is not true must not cost memory.
	if n, err := r.ReadAt(make([]byte, 1), size-1); n == 0 && err == io.EOF {
		return nil, untrusted.Fault(size-1, "the file is shorter than the %d bytes it is said to have", size)
	} else if n == 0 {
		return nil, err
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(io.NewSectionReader(r, 0, size), data); err != nil {
		return nil, err
	}
	if !sniff(data) {
		return nil, untrusted.Fault(0, "this is no ONNX file: it starts with %q", data[:min(len(data), 8)])
	}
	p := &parser{data: data, budget: untrusted.NewBudget(size), contents: &Contents{Operators: map[string]int{}}, names: map[string]bool{}, beside: besideOf(r)}
	if err := p.model(); err != nil {
		return nil, err
	}
	return p.contents, nil
}

// FormatError tells why a file was refused and where in it: its fields are the
// Offset in the file and the Reason.
type FormatError = untrusted.FormatError

// parser reads the messages of a file. It keeps to the few fields of onnx.proto
// that it needs, and passes over all others.
type parser struct {
	data     []byte
	budget   *untrusted.Budget
	contents *Contents
	names    map[string]bool // of the initializers
	nodes    []message
	graphs   int
	version  string // of the producer
	beside   weights.Beside
	opened   map[string]bool // files beside this one
}

// message is a part of the file, from..to.
type message struct{ from, to int }

// field is a field of a message: a number, or the part of the file that holds
// its bytes.
type field struct {
	number protowire.Number
	kind   protowire.Type
	value  uint64
	message
}

func (p *parser) fault(at int, format string, arguments ...any) error {
	return untrusted.Fault(int64(at), format, arguments...)
}

func (p *parser) spend(at int, bytes int64) error {
	if !p.budget.Spend(bytes) {
		return p.fault(at, "the network would take more than the %d bytes of memory that a file of this size may take", p.budget.All())
	}
	return nil
}

// each calls visit for every field of a message.
func (p *parser) each(m message, visit func(f field) error) error {
	for at := m.from; at < m.to; {
		number, kind, n := protowire.ConsumeTag(p.data[at:m.to])
		if n < 0 {
			return p.fault(at, "the file is damaged or cut short: no field starts here (%v)", protowire.ParseError(n))
		}
		start := at
		at += n
		f := field{number: number, kind: kind}
		switch kind {
		case protowire.VarintType:
			f.value, n = protowire.ConsumeVarint(p.data[at:m.to])
		case protowire.Fixed32Type:
			n = len("1234")
		case protowire.Fixed64Type:
			n = len("12345678")
		case protowire.BytesType:
			var length uint64
			length, n = protowire.ConsumeVarint(p.data[at:m.to])
			if n >= 0 && length > uint64(m.to-at-n) {
				return p.fault(start, "field %d is said to hold %d bytes, %d are left; the file is damaged or cut short", number, length, m.to-at-n)
			}
			if n >= 0 {
				at += n
				n = int(length)
			}
		default:
			return p.fault(start, "field %d has the wire type %d, which ONNX does not use", number, kind)
		}
		if n < 0 || n > m.to-at {
			return p.fault(start, "field %d is damaged or cut short", number)
		}
		f.message = message{at, at + n}
		at += n
		if err := visit(f); err != nil {
			return err
		}
	}
	return nil
}

// bytes returns what a field of bytes holds, and whether it is one.
func (p *parser) bytes(f field) ([]byte, error) {
	if f.kind != protowire.BytesType {
		return nil, p.fault(f.from, "field %d is of the wrong wire type %d", f.number, f.kind)
	}
	return p.data[f.from:f.to], nil
}

// text returns what a field of text holds, paid for.
func (p *parser) text(f field) (string, error) {
	b, err := p.bytes(f)
	if err != nil {
		return "", err
	}
	if err := p.spend(f.from, int64(len(b))); err != nil {
		return "", err
	}
	return string(b), nil
}

// The numbers of the fields, as onnx.proto has them.
const (
	modelProducerName    = 2
	modelProducerVersion = 3
	modelGraph           = 7
	modelOperatorSet     = 8
	modelMetadata        = 14

	graphNode        = 1
	graphInitializer = 5
	graphInput       = 11
	graphOutput      = 12
	graphSparse      = 15

	nodeKind = 4
)

func (p *parser) model() error {
	c := p.contents
	err := p.each(message{0, len(p.data)}, func(f field) (err error) {
		switch f.number {
		case modelProducerName:
			c.Producer, err = p.text(f)
		case modelProducerVersion:
			p.version, err = p.text(f)
		case modelGraph:
			if p.graphs++; p.graphs > 1 {
				return p.fault(f.from, "the file has two graphs")
			}
			if _, err = p.bytes(f); err == nil {
				err = p.graph(f.message)
			}
		case modelOperatorSet:
			err = p.operatorSet(f)
		case modelMetadata:
			err = p.metadata(f)
		}
		return err
	})
	if err != nil {
		return err
	}
	if p.graphs == 0 {
		return p.fault(0, "the file has no graph; it is no network")
	}
	p.separate()
	c.Structure = p.describe()
	c.graph = p.decodeGraph
	if p.version != "" {
		c.Producer += " " + p.version
	}
	return nil
}

// separate takes the constants of Pixels from the weights, and the weights from
// the inputs, among which the format's older versions list them.
func (p *parser) separate() {
	c := p.contents
	all := c.Tensors
	c.Tensors = make([]weights.Tensor, 0, len(all))
	for _, t := range all {
		if c.Producer == producerName && (strings.HasPrefix(t.Name, toTensorPrefix) || strings.HasPrefix(t.Name, normalizePrefix)) {
			c.Others = append(c.Others, t)
		} else {
			c.Tensors = append(c.Tensors, t)
		}
	}
	inputs := c.Inputs[:0]
	for _, in := range c.Inputs {
		if !p.names[in.Name] {
			inputs = append(inputs, in)
		}
	}
	c.Inputs = inputs
}

// pair reads a message of a text and a text or number, the fields 1 and 2.
func (p *parser) pair(f field) (first, second string, number uint64, err error) {
	if _, err := p.bytes(f); err != nil {
		return "", "", 0, err
	}
	err = p.each(f.message, func(f field) (err error) {
		switch {
		case f.number == 1:
			first, err = p.text(f)
		case f.number == 2 && f.kind == protowire.BytesType:
			second, err = p.text(f)
		case f.number == 2:
			number = f.value
		}
		return err
	})
	return first, second, number, err
}

func (p *parser) operatorSet(f field) error {
	domain, _, version, err := p.pair(f)
	if (domain == "" || domain == "ai.onnx") && version < math.MaxInt32 {
		p.contents.OperatorSet = int(version)
	}
	return err
}

func (p *parser) metadata(f field) error {
	// What metadata may take until its user has made lists of its texts.
	const cost, pairCost = 10, 300
	if err := p.spend(f.from, pairCost+cost*int64(f.to-f.from)); err != nil {
		return err
	}
	key, value, _, err := p.pair(f)
	if err != nil {
		return err
	}
	if _, twice := p.contents.Metadata[key]; twice {
		return p.fault(f.from, "the metadata has the name %s twice", untrusted.Shorten(key))
	}
	if p.contents.Metadata == nil {
		p.contents.Metadata = map[string]string{}
	}
	p.contents.Metadata[key] = value
	return nil
}

func (p *parser) graph(m message) error {
	c := p.contents
	return p.each(m, func(f field) (err error) {
		switch f.number {
		case graphNode, graphInitializer, graphInput, graphOutput, graphSparse:
			if _, err := p.bytes(f); err != nil {
				return err
			}
		}
		switch f.number {
		case graphNode:
			err = p.node(f.message)
		case graphInitializer:
			err = p.initializer(f.message)
		case graphInput:
			c.Inputs, err = p.port(c.Inputs, f.message)
		case graphOutput:
			c.Outputs, err = p.port(c.Outputs, f.message)
		case graphSparse:
			err = p.fault(f.from, "the graph has sparse weights, which are not read; export the network with dense ones")
		}
		return err
	})
}

func (p *parser) node(m message) error {
	if len(p.nodes) <= mostNodes { // one more tells that there are too many
		p.nodes = append(p.nodes, m)
	}
	return p.each(m, func(f field) error {
		if f.number != nodeKind {
			return nil
		}
		kind, err := p.text(f)
		if err != nil {
			return err
		}
		if p.contents.Operators[kind] == 0 {
			const cost = 200 // a place in the map
			if err := p.spend(f.from, cost); err != nil {
				return err
			}
		}
		p.contents.Operators[kind]++
		return nil
	})
}

// port reads a ValueInfoProto: a name, and a type that is a tensor's.
func (p *parser) port(list []Port, m message) ([]Port, error) {
	const cost = 300 // in a growing list
	if err := p.spend(m.from, cost); err != nil {
		return nil, err
	}
	var port Port
	err := p.each(m, func(f field) (err error) {
		switch f.number {
		case 1:
			port.Name, err = p.text(f)
		case 2: // TypeProto
			err = p.within(f, 1, func(f field) error { return p.tensorType(&port, f) })
		}
		return err
	})
	return append(list, port), err
}

// within calls visit for the fields of a number in a field that is a message.
func (p *parser) within(f field, number protowire.Number, visit func(f field) error) error {
	if _, err := p.bytes(f); err != nil {
		return err
	}
	return p.each(f.message, func(f field) error {
		if f.number != number {
			return nil
		}
		return visit(f)
	})
}

// tensorType reads a TypeProto.Tensor: the type of the elements and a shape.
func (p *parser) tensorType(port *Port, f field) error {
	if _, err := p.bytes(f); err != nil {
		return err
	}
	return p.each(f.message, func(f field) error {
		switch f.number {
		case 1:
			port.DType = dtypes[f.value]
		case 2: // TensorShapeProto
			if port.Shape == nil {
				port.Shape = []string{}
			}
			return p.within(f, 1, func(f field) error {
				const cost = 100 // in a growing list, with the text of a number
				if err := p.spend(f.from, cost); err != nil {
					return err
				}
				size, err := p.dimension(f)
				port.Shape = append(port.Shape, size)
				return err
			})
		}
		return nil
	})
}

func (p *parser) dimension(f field) (size string, err error) {
	size = "?"
	if _, err := p.bytes(f); err != nil {
		return "", err
	}
	err = p.each(f.message, func(f field) (err error) {
		switch {
		case f.number == 1 && f.kind == protowire.VarintType:
			size = fmt.Sprint(int64(f.value))
		case f.number == 2:
			size, err = p.text(f)
		}
		return err
	})
	return size, err
}
