package reading

import (
	"context"
	"image"

	"inkling/models"
	"inkling/nn"
	"inkling/picture"
	"inkling/transform"
)

// MaxFile is how large a picture's file may be, in bytes.
const MaxFile = 8 << 20

// PictureLimits are those for pictures from the public. Formats are those that
// browsers show.
var PictureLimits = picture.Limits{
	Bytes:   MaxFile,
	Pixels:  50_000_000, // of a good telephone, if it fits into the memory
	Memory:  96 << 20,   // of all pictures that are being decoded
	Formats: []string{"png", "jpeg", "gif", "webp", "bmp"},
}

// A Reader answers requests one after another, on the goroutine that asks.
type Reader struct {
	*Network
	programs *Programs
}

// NewReader compiles a network that was described, and makes its Read and Decode. By t it
// makes the network's input of the bytes of a picture.
func NewReader(network models.Network, convolutions nn.Convolutions, t transform.Transform, n *Network) (*Reader, error) {
	r := &Reader{Network: n}
	var err error
	if r.programs, err = Compile(network, convolutions, t, [3]int{n.Input[0], n.Input[1], n.Input[2]}, len(n.About.Classes), 1, n); err != nil {
		return nil, err
	}
	decoder := picture.NewDecoder(PictureLimits)
	n.Decode = func(ctx context.Context, file []byte, see func(image.Image) error) error {
		return Decode(ctx, decoder, file, see)
	}
	n.Read = func(_ context.Context, pictures [][]byte) ([][]float32, error) {
		all := make([][]float32, len(pictures))
		for i, pixels := range pictures {
			o, err := r.see(pixels, false)
			if err != nil {
				return nil, err
			}
			all[i] = o.Probabilities
		}
		return all, nil
	}
	return r, nil
}

// see shows the network one picture.
func (r *Reader) see(pixels []byte, details bool) (*Outcome, error) {
	a := &Ask{Pixels: pixels, Details: details}
	r.programs.Read([]*Ask{a})
	return &a.Outcome, a.Err
}

// Predict answers a request for one drawing, in JSON. What is wrong with that is a
// [Problem].
func (r *Reader) Predict(ctx context.Context, body []byte) (*Prediction, error) {
	var request Request
	if err := Unmarshal(body, &request); err != nil {
		return nil, err
	}
	if request.Instances != nil {
		return nil, Problemf(Unprocessable, "there are instances, want one drawing")
	}
	p, err := r.PreparationFor(request.Preprocess)
	if err != nil {
		return nil, err
	}
	prepared, err := r.Prepare(ctx, &request.Drawing, request.Details, r.Preparations(&request.Drawing, p, request.Details)...)
	if err != nil {
		return nil, err
	}
	outcomes := make([]*Outcome, len(prepared))
	for i, shown := range prepared {
		if shown.Empty {
			continue
		}
		if outcomes[i], err = r.see(shown.Pixels, request.Details && i == 0); err != nil {
			return nil, err
		}
	}
	return r.Answer(prepared, outcomes, request.Details), nil
}
