package inkling

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"

	"inkling/data"
	"inkling/models"
	"inkling/nn"
	"inkling/sound"
	"inkling/text"
	"inkling/train"
	"inkling/transform"
	"inkling/vector"
)

// A Kind is what a model reads.
type Kind string

// The kinds. What is more than pictures want stands in the model's file under the key of
// the kind: a [text.Input], a [sound.Input] or a [vector.Input] as JSON.
const (
	Pictures   Kind = "pictures"
	Texts      Kind = "texts"
	Recordings Kind = "recordings"
	Vectors    Kind = "vectors" // rows of numbers, as of a table
)

// One names a sample of the kind.
func (k Kind) One() string {
	switch k {
	case Texts:
		return "text"
	case Recordings:
		return "recording"
	case Vectors:
		return "vector"
	}
	return "picture"
}

// An input makes what the network reads of samples, which data sets hold as bytes of one
// shape; [text.Input], [sound.Input] and [vector.Input] are such.
type input interface {
	Shape() (channels, height, width int)
	Transform() transform.Transform
}

// input is nil for pictures.
func (m *Classifier) input() input {
	switch {
	case m.Text != nil:
		return m.Text
	case m.Sound != nil:
		return m.Sound
	case m.Vector != nil:
		return m.Vector
	}
	return nil
}

// Kind is what the model reads.
func (m *Classifier) Kind() Kind {
	switch {
	case m.Text != nil:
		return Texts
	case m.Sound != nil:
		return Recordings
	case m.Vector != nil:
		return Vectors
	}
	return Pictures
}

// SampleShape is the shape of the bytes that data sets hold of a sample: of a picture that
// of the network's input, of others that of its Text, Sound or Vector.
func (m *Classifier) SampleShape() (channels, height, width int) {
	if in := m.input(); in != nil {
		return in.Shape()
	}
	return m.Network.Input()
}

// readKind reads what metadata say of the kind.
func (m *Classifier) readKind() (err error) {
	if file := m.About.Extra[string(Texts)]; file != "" {
		if m.Text, err = text.ParseInput(file); err != nil {
			return fmt.Errorf("the metadata's %s: %w", Texts, err)
		}
	}
	if file := m.About.Extra[string(Recordings)]; file != "" {
		if m.Sound, err = sound.ParseInput(file); err != nil {
			return fmt.Errorf("the metadata's %s: %w", Recordings, err)
		}
	}
	if file := m.About.Extra[string(Vectors)]; file != "" {
		if m.Vector, err = vector.ParseInput(file); err != nil {
			return fmt.Errorf("the metadata's %s: %w", Vectors, err)
		}
	}
	kinds := 0
	for _, has := range []bool{m.Text != nil, m.Sound != nil, m.Vector != nil} {
		if has {
			kinds++
		}
	}
	if kinds > 1 {
		return errors.New("the metadata say that it reads several of texts, recordings and vectors, want one")
	}
	if file := m.About.Extra[targetKey]; file != "" {
		if m.Target, err = parseTarget(file); err != nil {
			return fmt.Errorf("the metadata's %s: %w", targetKey, err)
		}
	}
	return nil
}

// noteKind writes it into the metadata.
func (m *Classifier) noteKind() error {
	if m.Target != nil {
		file, err := json.Marshal(m.Target)
		if err != nil {
			return err
		}
		m.SetExtra(targetKey, string(file))
	}
	in := m.input()
	if in == nil {
		return nil
	}
	file, err := json.Marshal(in)
	if err != nil {
		return err
	}
	m.SetExtra(string(m.Kind()), string(file))
	return nil
}

// refuseForPictures refuses options that are for pictures alone.
func (o *Options) refuseForPictures(kind Kind) error {
	if kind == Pictures {
		return nil
	}
	if len(o.Mean)+len(o.Std)+o.Channels+o.Height+len(o.Padding)+len(o.Orientation) > 0 {
		return fmt.Errorf("it reads %s, which have no mean and deviation, size, padding or orientation to be chosen: leave these options out", kind)
	}
	return nil
}

// configure sets what follows from the kind of what a network is for.
func (m *Classifier) configure(c *models.Config) {
	switch {
	case m.Text != nil:
		c.Channels, c.Height, c.Width, c.Tokens = 1, m.Text.Rows(), m.Text.Length, m.Text.Vocabulary.Len()
		m.configurePieces(c)
	case m.Sound != nil:
		c.Channels, c.Height, c.Width = 1, m.Sound.Mels, m.Sound.Columns
	case m.Vector != nil:
		c.Channels, c.Height, c.Width = 1, 1, len(m.Vector.Columns)
	}
}

// configurePieces sets what its texts' pieces are, which the weights alone do not tell.
func (m *Classifier) configurePieces(c *models.Config) {
	if m.Text != nil && m.Text.PieceRows() > 0 {
		c.Pieces, c.PieceRows = m.Text.Pieces.Count, m.Text.PieceRows()
	}
}

// checkKind refuses a network that does not suit what its file says of its kind.
func (m *Classifier) checkKind() error {
	explainer, reads := m.Network.(models.Explainer)
	var wanted models.Config
	m.configure(&wanted)
	switch {
	case reads && m.Text == nil:
		return errors.New("its network reads texts, and the file does not say how these become numbers: it has no vocabulary")
	case !reads && m.Text != nil:
		return fmt.Errorf("its file says how texts become numbers, but its network, %s, reads pictures", m.Architecture())
	case reads && explainer.TokenCount() != wanted.Tokens:
		return fmt.Errorf("its vocabulary has %d tokens, but its network knows %d", wanted.Tokens, explainer.TokenCount())
	}
	if shape := []int{wanted.Channels, wanted.Height, wanted.Width}; m.input() != nil && !slices.Equal(m.Input(), shape) {
		return fmt.Errorf("its %s become %v, but its network reads %v", m.Kind(), nn.Shape(shape), nn.Shape(m.Input()))
	}
	if n := len(m.About.Classes); m.Target != nil && n > 1 {
		return fmt.Errorf("its file says that it tells the number %s, but it has %d classes", m.Target.Name, n)
	}
	return nil
}

// suitsKind is Suits for what are no pictures.
func (m *Classifier) suitsKind(d data.Dataset, title string) error {
	channels, height, width := d.Shape()
	if c, h, w := m.SampleShape(); c != channels || h != height || w != width {
		return fmt.Errorf("%s is no set of %s as the network reads them", title, m.Kind())
	}
	return nil
}

// PredictText says what a text is. It fails if the model reads no texts, and as
// [text.Input.Read] does. It may be called by several goroutines; they take turns.
func (m *Classifier) PredictText(sentence string) (Prediction, error) {
	if m.Text == nil {
		return Prediction{}, fmt.Errorf("the model reads %s, no texts", m.Kind())
	}
	s, err := m.Text.Read(sentence)
	if err != nil {
		return Prediction{}, err
	}
	return m.predictSample(m.Text.Bytes(s))
}

// PredictClip says what is heard in a recording. It fails if the model reads no
// recordings, and as [sound.Input.Take] does. It may be called by several goroutines.
func (m *Classifier) PredictClip(clip *sound.Clip) (Prediction, error) {
	if m.Sound == nil {
		return Prediction{}, fmt.Errorf("the model reads %s, no recordings", m.Kind())
	}
	samples, err := m.Sound.Take(clip)
	if err != nil {
		return Prediction{}, err
	}
	return m.predictSample(m.Sound.Bytes(samples))
}

// PredictClipFile is PredictClip for the recording in a file, WAV or FLAC.
func (m *Classifier) PredictClipFile(path string) (Prediction, error) {
	f, err := os.Open(path)
	if err != nil {
		return Prediction{}, fmt.Errorf("the recording cannot be opened: %w", err)
	}
	defer f.Close()
	clip, err := sound.Decode(context.Background(), f, sound.Own)
	if err != nil {
		return Prediction{}, fmt.Errorf("%s: %w", path, err)
	}
	return m.PredictClip(clip)
}

func (m *Classifier) predictSample(sample []byte) (Prediction, error) {
	m.reading.Lock()
	defer m.reading.Unlock()
	reader, err := m.reading.reader(m, 1)
	if err != nil {
		return Prediction{}, err
	}
	own, err := reader.Read(sample)
	if err != nil {
		return Prediction{}, err
	}
	return m.predictionOf(own), nil
}

// predictionOf is what a reader's answer says.
func (m *Classifier) predictionOf(own []float32) Prediction {
	if m.Target != nil {
		return Prediction{Class: m.Target.Name, Number: m.Target.Number(own[0])}
	}
	best := train.Argmax(own)
	return Prediction{Class: m.About.Classes[best], Index: best, Probability: float64(own[best]), Probabilities: own}
}

// PredictVector says what a row of numbers is, one for each column of the model's Vector. It
// fails if the model reads no vectors, or if the row has another number of numbers, or one
// that is none. It may be called by several goroutines; they take turns.
func (m *Classifier) PredictVector(row []float64) (Prediction, error) {
	if m.Vector == nil {
		return Prediction{}, fmt.Errorf("the model reads %s, no vectors", m.Kind())
	}
	sample, err := m.Vector.Bytes(row)
	if err != nil {
		return Prediction{}, err
	}
	return m.predictSample(sample)
}
