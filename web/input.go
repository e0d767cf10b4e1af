package web

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"strconv"

	"inkling/web/reading"
)

// parseJSON reads a JSON body into value.
func parseJSON(r *http.Request, body []byte, value any) error {
	if name, _ := mediaType(r); name != "application/json" {
		return problemf(http.StatusUnsupportedMediaType, "the request's Content-Type is %.60q, want application/json", r.Header.Get("Content-Type"))
	}
	return reading.Unmarshal(body, value)
}

// parsePredict reads a request to predict: JSON, or a form with a file.
func parsePredict(r *http.Request, body []byte) (*reading.Request, error) {
	request := &reading.Request{}
	if name, parameters := mediaType(r); name == "multipart/form-data" {
		return request, parsePredictForm(request, body, parameters["boundary"])
	}
	if err := parseJSON(r, body, request); err != nil {
		return nil, err
	}
	if request.Instances != nil {
		switch {
		case request.Given() != "":
			return nil, problemf(http.StatusUnprocessableEntity, "the request has %s beside instances, want one of them", request.Given())
		case request.Details:
			return nil, problemf(http.StatusUnprocessableEntity, "details are told of one drawing only, not of instances")
		case len(request.Instances) == 0 || len(request.Instances) > reading.MaxInstances:
			return nil, problemf(http.StatusUnprocessableEntity, "instances has %d drawings, want 1 to %d", len(request.Instances), reading.MaxInstances)
		}
	}
	return request, nil
}

func parsePredictForm(request *reading.Request, body []byte, boundary string) error {
	form, err := parseForm(body, boundary)
	if err != nil {
		return err
	}
	for _, part := range form {
		switch part.name {
		case "image":
			if request.File != nil {
				return problemf(http.StatusUnprocessableEntity, "the form has more than one field image")
			}
			request.File = part.content
		case "preprocess":
			request.Preprocess = string(part.content)
		case "details":
			if request.Details, err = strconv.ParseBool(string(part.content)); err != nil {
				return problemf(http.StatusUnprocessableEntity, "details is %.20q, want true or false", part.content)
			}
		}
	}
	if request.File == nil {
		return problemf(http.StatusUnprocessableEntity, "the form has no field image, which the picture must be in")
	}
	return nil
}

// A formPart is a field of a form, with its file if it has one.
type formPart struct {
	name, fileName, mediaType string
	content                   []byte
}

// maxParts is how many fields a form may have.
const maxParts = 32

func parseForm(body []byte, boundary string) ([]formPart, error) {
	reader := multipart.NewReader(bytes.NewReader(body), boundary)
	var form []formPart
	for {
		part, err := reader.NextPart()
		if err == io.EOF {
			return form, nil
		}
		if err != nil {
			return nil, problemf(http.StatusBadRequest, "the form is damaged: %w", err)
		}
		if len(form) == maxParts {
			return nil, problemf(http.StatusRequestEntityTooLarge, "the form has more than the %d fields that are taken", maxParts)
		}
		content, err := io.ReadAll(part)
		if err != nil {
			return nil, problemf(http.StatusBadRequest, "the form is damaged: %w", err)
		}
		if content == nil {
			content = []byte{}
		}
		form = append(form, formPart{part.FormName(), part.FileName(), part.Header.Get("Content-Type"), content})
	}
}
