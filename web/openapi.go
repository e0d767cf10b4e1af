package web

import (
	"encoding/json"
	"net/http"
	"reflect"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"inkling"
	"inkling/sketch"
	"inkling/web/reading"
)

// What stands for strokes and rows of pixels where they are described.
type (
	strokesSchema   struct{}
	pixelRowsSchema struct{}
)

// Schema describes strokes.
func (strokesSchema) Schema(huma.Registry) *huma.Schema {
	point := &huma.Schema{
		Type: "array", MinItems: new(2), MaxItems: new(4), Items: &huma.Schema{Type: "number"},
		Description: "x, y and, if known, milliseconds and pressure from 0 to 1; y runs down",
	}
	return &huma.Schema{
		Type: "array", MaxItems: new(sketch.MaxStrokes), Description: "lines, each drawn without lifting the pen",
		Items:    &huma.Schema{Type: "array", Items: point},
		Examples: []any{[][][]float64{{{140, 40, 0, 0.5}, {139, 230, 410, 0.5}}}},
	}
}

// Schema describes rows of pixels.
func (pixelRowsSchema) Schema(huma.Registry) *huma.Schema {
	pixel := &huma.Schema{Type: "number", Minimum: new(0.0), Maximum: new(255.0)}
	row := &huma.Schema{Type: "array", MinItems: new(sketch.Size), MaxItems: new(sketch.Size), Items: pixel}
	return &huma.Schema{
		Type: "array", MinItems: new(sketch.Size), MaxItems: new(sketch.Size), Items: row,
		Description: "the picture that the network is shown, upright, the ink bright; it is not prepared any more",
	}
}

// Schema describes a label.
func (classLabel) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Description: "what the drawing shows: a class of the model, or the number of one from 0 on; several digits in a text, each of which is kept as a drawing of its own; or \"none\" for none of the classes",
		OneOf:       []*huma.Schema{{Type: "string"}, {Type: "integer", Minimum: new(0.0)}},
	}
}

// describeAPI serves GET /openapi.json.
func (s *Server) describeAPI() http.Handler {
	document := &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info: &huma.Info{
			Title: "Inkling", Version: s.version,
			Description: "Says which character a drawing shows. Gradio's clients can call this server, too: the function /predict with the parameter image.",
		},
		Servers:    []*huma.Server{{URL: "/"}},
		Components: &huma.Components{Schemas: huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)},
	}
	document.Components.Schemas.RegisterTypeAlias(reflect.TypeFor[reading.Strokes](), reflect.TypeFor[strokesSchema]())
	document.Components.Schemas.RegisterTypeAlias(reflect.TypeFor[reading.PixelRows](), reflect.TypeFor[pixelRowsSchema]())
	schema := func(value any) *huma.Schema {
		return document.Components.Schemas.Schema(reflect.TypeOf(value), true, "")
	}
	asJSON := func(schema *huma.Schema) map[string]*huma.MediaType {
		return map[string]*huma.MediaType{"application/json": {Schema: schema}}
	}
	// Which failures an operation has, beside those that any request may have.
	failures := func(o *huma.Operation, statuses ...int) *huma.Operation {
		for _, status := range append(statuses, http.StatusForbidden, http.StatusInternalServerError) {
			response := &huma.Response{
				Description: http.StatusText(status),
				Content:     map[string]*huma.MediaType{"application/problem+json": {Schema: schema(problem{})}},
			}
			if status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests {
				response.Headers = map[string]*huma.Header{"Retry-After": {Schema: &huma.Schema{Type: "integer"}, Description: "seconds to wait"}}
			}
			o.Responses[strconv.Itoa(status)] = response
		}
		return o
	}
	posted := []int{
		http.StatusBadRequest, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge,
		http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity, http.StatusServiceUnavailable,
	}

	if s.kind() != inkling.Pictures {
		document.Info.Description = "Says what one of the " + string(s.kind()) + " is. Gradio's clients can call this server, too: the function /predict."
		request, name, file := asJSON(schema(sampleRequest{})), "text", &huma.Schema{Type: "string"}
		if s.vectors != nil {
			name, file = "vector", &huma.Schema{Type: "string", Description: "its numbers with commas between"}
		}
		if s.recordings != nil {
			name, file = "audio", &huma.Schema{Type: "string", Format: "binary", Description: "a file, WAV or FLAC"}
		}
		request["multipart/form-data"] = &huma.MediaType{Schema: &huma.Schema{Type: "object", Required: []string{name}, Properties: map[string]*huma.Schema{name: file, "details": {Type: "boolean"}}}}
		document.AddOperation(failures(&huma.Operation{
			Method: http.MethodPost, Path: "/api/predict", OperationID: "predict", Summary: "Read a text, a recording or a vector",
			Description: "The model reads " + string(s.kind()) + ".",
			RequestBody: &huma.RequestBody{Required: true, Content: request},
			Responses: map[string]*huma.Response{"200": {
				Description: "What it is; for instances, what each of them is",
				Content:     asJSON(&huma.Schema{OneOf: []*huma.Schema{schema(sampleAnswer{}), schema(sampleAnswers{})}}),
			}},
		}, posted...))
	} else {
		s.describeDrawings(document, schema, asJSON, failures, posted)
	}
	document.AddOperation(failures(&huma.Operation{
		Method: http.MethodGet, Path: "/api/model", OperationID: "model", Summary: "Describe the model",
		Responses: map[string]*huma.Response{"200": {Description: "The model", Content: asJSON(schema(reading.Description{}))}},
	}))
	document.AddOperation(failures(&huma.Operation{
		Method: http.MethodGet, Path: "/api/network", OperationID: "network", Summary: "Describe the network, stage by stage",
		Responses: map[string]*huma.Response{"200": {Description: "The stages and their weights", Content: asJSON(schema(reading.Stages{}))}},
	}, http.StatusNotFound))
	document.AddOperation(failures(&huma.Operation{
		Method: http.MethodPost, Path: "/api/train", OperationID: "train", Summary: "Train a network",
		Description: "The tutorial's network learns from scratch, for some seconds, while the answer tells of it line by line. One network at a time; the last one answers at /api/trained/predict, as /api/predict, and is told at /api/trained/network.",
		RequestBody: &huma.RequestBody{Required: true, Content: asJSON(schema(trainingRequest{}))},
		Responses: map[string]*huma.Response{"200": {
			Description: "Lines of JSON", Content: map[string]*huma.MediaType{"application/x-ndjson": {Schema: schema(trainingLine{})}},
		}},
	}, append(posted, http.StatusNotFound)...))
	for path, summary := range map[string]string{
		"/healthz": "Tell whether the server lives", "/readyz": "Tell whether the server takes requests",
		"/metrics": "Metrics in Prometheus' text format",
	} {
		text := map[string]*huma.MediaType{"text/plain": {Schema: &huma.Schema{Type: "string"}}}
		o := &huma.Operation{
			Method: http.MethodGet, Path: path, OperationID: path[1:], Summary: summary,
			Responses: map[string]*huma.Response{"200": {Description: "Yes", Content: text}},
		}
		if path == "/readyz" {
			o.Responses["503"] = &huma.Response{Description: "It is being stopped", Content: text}
		}
		document.AddOperation(failures(o))
	}
	text, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		panic("web: " + err.Error()) // it is all made here
	}
	return staticFile("openapi.json", text)
}

// describeDrawings describes what is asked of models that read pictures.
func (s *Server) describeDrawings(document *huma.OpenAPI, schema func(any) *huma.Schema, asJSON func(*huma.Schema) map[string]*huma.MediaType, failures func(*huma.Operation, ...int) *huma.Operation, posted []int) {
	request := asJSON(schema(reading.Request{}))
	request["multipart/form-data"] = &huma.MediaType{Schema: &huma.Schema{
		Type: "object", Required: []string{"image"}, Properties: map[string]*huma.Schema{
			"image":      {Type: "string", Format: "binary", Description: "the file of a picture"},
			"preprocess": {Type: "string", Enum: []any{"auto", "emnist", "mnist", "tutorial", "fit", "resize"}},
			"details":    {Type: "boolean"},
		},
	}}
	document.AddOperation(failures(&huma.Operation{
		Method: http.MethodPost, Path: "/api/predict", OperationID: "predict", Summary: "Read a drawing",
		Description: "The drawing comes as exactly one of strokes, image and pixels, or there are several in instances.",
		RequestBody: &huma.RequestBody{Required: true, Content: request},
		Responses: map[string]*huma.Response{"200": {
			Description: "What the drawing shows; for instances, what each of them shows",
			Content:     asJSON(&huma.Schema{OneOf: []*huma.Schema{schema(prediction{}), schema(batchPrediction{})}}),
		}},
	}, posted...))
	document.AddOperation(failures(&huma.Operation{
		Method: http.MethodPost, Path: "/api/feedback", OperationID: "feedback", Summary: "Say what a drawing shows",
		Description: "The drawing is kept to be trained on. The server must have been started with --feedback.",
		RequestBody: &huma.RequestBody{Required: true, Content: asJSON(schema(feedbackRequest{}))},
		Responses:   map[string]*huma.Response{"204": {Description: "It was kept"}},
	}, append(posted, http.StatusNotFound, http.StatusTooManyRequests, http.StatusInsufficientStorage)...))
}
