package web

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
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
}

// An editorValue is what Gradio's ImageEditor gives, or a bare file.
type editorValue struct {
	givenFile
	Background *givenFile  `json:"background"`
	Layers     []givenFile `json:"layers"`
	Composite  *givenFile  `json:"composite"`
}

// noDigit is the text for an empty drawing.
const noDigit = "无"

// predict is the function that Gradio's clients call. Its outputs are the
// tutorial's: the drawing, the picture that the network was shown, and a text.
func (g *gradio) predict(ctx context.Context, root string, input json.RawMessage) ([]any, error) {
	files, err := g.inputFiles(input)
	if err != nil {
		return nil, err
	}
	for i, file := range files {
		started, err := g.server.begin(ctx, &drawing{file: file}, g.server.procedure, false)
		if err != nil {
			return nil, err
		}
		if started.prepared.Empty && i < len(files)-1 {
			continue
		}
		answered, err := g.server.finish(ctx, started)
		if err != nil {
			return nil, err
		}
		label := answered.Label
		if answered.Empty {
			label = noDigit
		}
		return []any{g.keep(root, file), g.keep(root, toPNG(started.prepared.Image())), "预测结果: " + label}, nil
	}
	return []any{nil, nil, "预测结果: " + noDigit}, nil
}

// inputFiles returns what may be the drawing, from the likeliest on: the first
// layer, as in the tutorial, else the composite, else the background.
func (g *gradio) inputFiles(input json.RawMessage) ([][]byte, error) {
	var value editorValue
	if len(input) > 0 && input[0] == '"' {
		value.Path = new(string)
		if err := unmarshal(input, value.Path); err != nil {
			return nil, err
		}
	} else if err := unmarshal(input, &value); err != nil {
		return nil, err
	}
	candidates := []*givenFile{&value.givenFile, nil, value.Composite, value.Background}
	if len(value.Layers) > 0 {
		candidates[1] = &value.Layers[0]
	}
	var files [][]byte
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

// open returns the content of a file that was uploaded, or came as a data URL.
// Nothing is fetched from elsewhere.
func (g *gradio) open(given *givenFile) ([]byte, error) {
	for _, place := range []*string{given.Path, given.URL} {
		if place == nil {
			continue
		}
		if strings.HasPrefix(*place, "data:") {
			return fromDataURL(*place)
		}
		path := *place
		if _, after, found := strings.Cut(path, "/file="); found {
			path = after // the URL of a file of this server
		}
		if content := g.store.get(path); content != nil {
			return content, nil
		}
	}
	return nil, problemf(http.StatusUnprocessableEntity, "the image is no file that was uploaded to this server, or it was uploaded too long ago; upload it again")
}

// keep stores a file of the output.
func (g *gradio) keep(root string, content []byte) fileData {
	path := g.store.add(content)
	_, kind := kindOf(content)
	return fileData{
		Path: path, URL: root + gradioPrefix + "/file=" + path, Name: path[strings.LastIndexByte(path, '/')+1:],
		Size: len(content), Kind: kind, Meta: map[string]any{"_type": "gradio.FileData"},
	}
}
