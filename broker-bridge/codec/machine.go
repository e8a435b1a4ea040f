package codec

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"modernc.org/quickjs"
)

//go:embed prelude.js
var prelude string

// declared collects the decoders that a source declared with const or let,
// which are not properties of the global object.
const declared = `({
	decodeUplink: typeof decodeUplink === "function" ? decodeUplink : undefined,
	Decoder: typeof Decoder === "function" ? Decoder : undefined,
	Decode: typeof Decode === "function" ? Decode : undefined,
})`

// maxStack is the number of nested calls that a source may make.
const maxStack = 2000

// machine is an engine with the prelude and without a source. Every call gets
// a new one, so nothing that a source does to its globals outlives the call.
type machine struct {
	vm  *quickjs.VM
	run quickjs.Value // the prelude's entry, out of the source's reach
}

// bytecodes are what is compiled once a worker rather than once a call.
type bytecodes struct{ prelude, declared []byte }

func compileOwn() (bytecodes, error) {
	vm, err := quickjs.NewVM()
	if err != nil {
		return bytecodes{}, err
	}
	defer vm.Close()
	var own bytecodes
	if own.prelude, err = vm.Compile(prelude, quickjs.EvalGlobal); err == nil {
		own.declared, err = vm.Compile(declared, quickjs.EvalGlobal)
	}
	return own, err
}

func newMachine(own bytecodes, memory int) (*machine, error) {
	vm, err := quickjs.NewVM()
	if err != nil {
		return nil, err
	}
	vm.SetMemoryLimit(uintptr(memory))
	vm.SetMaxStackSize(maxStack)
	run, err := vm.EvalBytecodeValue(own.prelude)
	if err != nil {
		return nil, errors.Join(err, vm.Close())
	}
	return &machine{vm: vm, run: run}, nil
}

func (m *machine) close() {
	m.run.Free()
	_ = m.vm.Close() // nothing is left to be told
}

// product is what the prelude answers.
type product struct {
	Values   []value  `json:"values"`
	Warnings []string `json:"warnings"`
	Unknown  int      `json:"unknown"`
	NaN      *string  `json:"nan"`
	Time     *float64 `json:"time"`
	Detail   *string  `json:"detail"`
}

// call runs a compiled source on a request. The caller watches the time.
func (m *machine) call(own bytecodes, source []byte, req request) (product, error) {
	loaded, err := m.vm.EvalBytecodeValue(source)
	if err != nil {
		return product{}, err
	}
	loaded.Free()
	decoders, err := m.vm.EvalBytecodeValue(own.declared)
	if err != nil {
		return product{}, err
	}
	defer decoders.Free()
	input, err := json.Marshal(inputOf(req))
	if err != nil {
		return product{}, err
	}
	answer, err := m.run.Call(quickjs.UndefinedValue, string(input), decoders)
	if err != nil {
		return product{}, err
	}
	var p product
	text, ok := answer.(string)
	if !ok || json.Unmarshal([]byte(text), &p) != nil {
		return product{}, errors.New("the source changed the built-ins that its result is read with")
	}
	return p, nil
}

// input is a request as the prelude reads it.
type input struct {
	Bytes     []int             `json:"bytes"`
	FPort     int               `json:"fPort"`
	Recv      int64             `json:"recv"`
	Variables map[string]string `json:"variables,omitempty"`
	Check     bool              `json:"check,omitempty"`
}

func inputOf(req request) input {
	in := input{Bytes: make([]int, len(req.Bytes)), FPort: req.FPort, Recv: req.Recv, Variables: req.Variables, Check: req.CheckOnly}
	for i, b := range req.Bytes {
		in.Bytes[i] = int(b)
	}
	return in
}

// exhausted says of the engine's error that it is a limit's.
func exhausted(err error) bool {
	var thrown *quickjs.Error
	if !errors.As(err, &thrown) {
		return false
	}
	if thrown.Name == "" && thrown.Error() == "null" {
		return true // what the engine throws when not even an error fits into memory
	}
	for _, sign := range [...]string{"out of memory", "stack overflow", "interrupted", "string too long"} {
		if strings.Contains(thrown.Message, sign) || strings.Contains(thrown.Error(), sign) {
			return true
		}
	}
	return false
}

// explain words an error of the source for whoever wrote it.
func explain(err error) string {
	var thrown *quickjs.Error
	if !errors.As(err, &thrown) {
		return err.Error()
	}
	text := thrown.Error()
	if thrown.LineNumber > 0 {
		text = fmt.Sprintf("%s (line %d, column %d)", text, thrown.LineNumber, thrown.ColumnNumber)
	} else if frame, _, _ := strings.Cut(strings.TrimSpace(thrown.Stack), "\n"); frame != "" {
		text += " (" + strings.TrimSpace(frame) + ")"
	}
	const most = 500
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}
