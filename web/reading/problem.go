package reading

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// The statuses of problems with what was asked, as HTTP has them.
const (
	BadRequest    = 400
	TooLarge      = 413
	Unprocessable = 422
	Unavailable   = 503
)

// A Problem is an answer that says why there is no other one, in the form of
// RFC 9457 (application/problem+json).
type Problem struct {
	Title  string `json:"title" doc:"what the status means" example:"Bad Request"`
	Status int    `json:"status" doc:"the HTTP status" example:"400"`
	Detail string `json:"detail" doc:"a sentence for a person: what is wrong, and what is wanted"`

	Cause error         `json:"-"` // for the log
	Wait  time.Duration `json:"-"` // until it makes sense to try again, 0 for what is usual
}

// Error is the detail, a sentence for people.
func (p *Problem) Error() string { return p.Detail }

// Unwrap returns the cause.
func (p *Problem) Unwrap() error { return p.Cause }

// Problemf returns a problem with a status of HTTP. Its detail is made as by fmt.Errorf, and
// what that wraps is its cause.
func Problemf(status int, format string, values ...any) *Problem {
	wrapped := fmt.Errorf(format, values...)
	return &Problem{Status: status, Detail: wrapped.Error(), Cause: errors.Unwrap(wrapped)}
}

// Within says in which of several drawings a problem is.
func Within(i int, err error) error {
	var p *Problem
	if !errors.As(err, &p) {
		return err
	}
	return &Problem{Title: p.Title, Status: p.Status, Detail: fmt.Sprintf("instances[%d]: %s", i, p.Detail), Cause: p.Cause}
}

// Unmarshal reads JSON into value. What is wrong with it is a Problem.
func Unmarshal(text []byte, value any) error {
	if !utf8.Valid(text) { // else what does not belong there would be read as another sign
		return Problemf(BadRequest, "the request is no JSON: it is not UTF-8")
	}
	err := json.Unmarshal(text, value)
	var known *Problem
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return known
	case errors.As(err, &syntax):
		if strings.HasPrefix(syntax.Error(), "unexpected end") {
			return Problemf(BadRequest, "the request is no JSON: it ends in the middle")
		}
		return Problemf(BadRequest, "the request is no JSON: byte %d does not belong there", syntax.Offset)
	case errors.As(err, &kind):
		return Problemf(Unprocessable, "%s is a JSON %s, which it cannot be", orRequest(kind.Field), kind.Value)
	}
	return Problemf(BadRequest, "the request cannot be read: %w", err)
}

func orRequest(field string) string {
	if field == "" {
		return "the request"
	}
	return field
}
