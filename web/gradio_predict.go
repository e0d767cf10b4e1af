package web

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"inkling"
	"inkling/web/reading"
)

// A fileData is a file in Gradio's protocol.
type fileData struct {
	Path     string         `json:"path"`
	URL      string         `json:"url"`
	Name     string         `json:"orig_name"`
	Size     int            `json:"size"`
	Kind     string         `json:"mime_type"`
	IsStream bool           `json:"is_stream"`
	Meta     map[string]any `json:"meta"`
}

// A givenFile is a file that a client sends: what counts of a fileData, whose
// fields clients leave out or set to null.
type givenFile struct {
	Path *string `json:"path"`
	URL  *string `json:"url"`
	Name *string `json:"orig_name"`
}

// An editorValue is what Gradio's ImageEditor gives, or a bare file.
type editorValue struct {
	givenFile
	Background *givenFile  `json:"background"`
	Layers     []givenFile `json:"layers"`
	Composite  *givenFile  `json:"composite"`
}

// A caller is who calls a function: where the client sees the server, and who it
// is.
type caller struct {
	root   string
	client client
}

func callerOf(r *http.Request) caller { return caller{rootURL(r), clientOf(r)} }

// An inputFile is a file that a function is called with; the name is "" if the
// client has given none.
type inputFile struct {
	name    string
	content []byte
}

// noDigit is the text for an empty drawing.
const noDigit = "无"

// noneOfThese is the text for a drawing that is no digit.
const noneOfThese = "都不是"

// predict is the function that Gradio's clients call. Its outputs are the
// tutorial's: the drawing, the picture that the network was shown, and a text.
func (g *gradio) predict(ctx context.Context, from caller, input json.RawMessage) ([]any, error) {
	if g.server.kind() != inkling.Pictures {
		return g.predictSample(ctx, input)
	}
	files, err := g.inputFiles(input)
	if err != nil {
		return nil, err
	}
	for i, file := range files {
		started, err := g.server.begin(ctx, &drawing{File: file.content}, g.server.reads.Preparation, false)
		if err != nil {
			return nil, err
		}
		if started.prepared[0].Empty && i < len(files)-1 {
			continue
		}
		answered, err := g.server.finish(ctx, started)
		if err != nil {
			return nil, err
		}
		label := strings.ReplaceAll(answered.Label, "\n", " ")
		switch {
		case answered.Empty:
			label = noDigit
		case answered.Number != nil:
			label = shownNumber(*answered.Number)
		case answered.None >= reading.NoneFrom && len(answered.Digits) == 0:
			label = noneOfThese
		}
		return []any{g.keep(from, file.name, file.content), g.keep(from, "", reading.ToPNG(started.prepared[0].Image())), "预测结果: " + label}, nil
	}
	return []any{nil, nil, "预测结果: " + noDigit}, nil
}

// inputFiles returns what may be the drawing, from the likeliest on: the first
// layer, as in the tutorial, else the composite, else the background.
func (g *gradio) inputFiles(input json.RawMessage) ([]inputFile, error) {
	var value editorValue
	if len(input) > 0 && input[0] == '"' {
		value.Path = new(string)
		if err := reading.Unmarshal(input, value.Path); err != nil {
			return nil, err
		}
	} else if err := reading.Unmarshal(input, &value); err != nil {
		return nil, err
	}
	candidates := []*givenFile{&value.givenFile, nil, value.Composite, value.Background}
	if len(value.Layers) > 0 {
		candidates[1] = &value.Layers[0]
	}
	var files []inputFile
	for _, candidate := range candidates {
		if candidate == nil || candidate.Path == nil && candidate.URL == nil {
			continue
		}
		file, err := g.open(candidate)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	return files, nil
}

// open returns a file that was uploaded, or came as a data URL. Nothing is fetched
// from elsewhere.
func (g *gradio) open(given *givenFile) (inputFile, error) {
	var name string
	if given.Name != nil {
		name = *given.Name
	}
	for _, place := range []*string{given.Path, given.URL} {
		if place == nil {
			continue
		}
		if strings.HasPrefix(*place, "data:") {
			content, err := reading.FromDataURL(*place)
			return inputFile{name, content}, err
		}
		path := *place
		if _, after, found := strings.Cut(path, "/"+gradioFile); found {
			path = after // the URL of a file of this server
		}
		if file, found := g.store.get(path); found {
			if name == "" {
				name = file.name
			}
			return inputFile{name, file.content}, nil
		}
	}
	return inputFile{}, problemf(http.StatusUnprocessableEntity, "the image is no file that was uploaded to this server, or it was uploaded too long ago; upload it again")
}

// keep stores a file of the output.
func (g *gradio) keep(from caller, name string, content []byte) fileData {
	file := g.store.add(from.client, name, content)
	_, kind := kindOf(content)
	return fileData{
		Path: file.path, URL: from.root + gradioPrefix + "/" + gradioFile + file.path, Name: file.name,
		Size: len(content), Kind: kind, Meta: map[string]any{"_type": "gradio.FileData"},
	}
}
