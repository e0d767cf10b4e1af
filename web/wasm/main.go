//go:build js && wasm

// Command wasm is the engine for pages without a server: the built-in network, which answers
// as the server does. scripts/page-wasm builds it.
//
// It sets the global inkling, with two functions of JSON: describe() returns what
// GET /api/model and GET /api/network answer, and predict(request) what POST /api/predict
// does; or what is wrong, as {"problem": ...}.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"syscall/js"
	"time"

	"inkling/web/engine"
	"inkling/web/reading"
)

func main() {
	r, err := engine.BuiltIn()
	functions := map[string]any{}
	for name, f := range map[string]func(request string) (any, error){
		"describe": func(string) (any, error) { return engine.Describe(r), nil },
		"predict": func(request string) (any, error) {
			started := time.Now()
			p, err := r.Predict(context.Background(), []byte(request))
			if err == nil {
				p.Milliseconds = float64(time.Since(started).Microseconds()) / 1000
			}
			return p, err
		},
	} {
		functions[name] = js.FuncOf(func(_ js.Value, given []js.Value) any {
			if err != nil {
				return answer(nil, err)
			}
			return answer(guarded(func() (any, error) { return f(given[0].String()) }))
		})
	}
	js.Global().Set("inkling", functions)
	select {}
}

// guarded makes an error of a bug, which would end the engine.
func guarded(f func() (any, error)) (value any, err error) {
	defer func() {
		if bug := recover(); bug != nil {
			err = fmt.Errorf("the engine failed: %v", bug)
		}
	}()
	return f()
}

// answer is a value in JSON, or what is wrong.
func answer(value any, err error) string {
	if err != nil {
		var p *reading.Problem
		if !errors.As(err, &p) {
			p = &reading.Problem{Detail: err.Error()}
		}
		value = map[string]any{"problem": p}
	}
	text, err := json.Marshal(value)
	if err != nil {
		return `{"problem": {"detail": "the answer cannot be told"}}`
	}
	return string(text)
}
