package payload

import (
	"encoding/base64"
	"errors"
	"math"

	"github.com/fxamacker/cbor/v2"

	"cityhub/telemetry"
)

// senMLLabels are the integer labels of RFC 8428, table 4.
var senMLLabels = map[int64]string{
	-1: "bver", -2: "bn", -3: "bt", -4: "bu", -5: "bv", -6: "bs",
	0: "n", 1: "u", 2: "v", 3: "vs", 4: "vb", 5: "s", 6: "t", 7: "ut", 8: "vd",
}

// cborReader holds CBOR to the limits that JSON has here.
var cborReader = func() cbor.DecMode {
	mode, err := cbor.DecOptions{
		DupMapKey:        cbor.DupMapKeyEnforcedAPF,
		MaxNestedLevels:  MaxDepth,
		MaxArrayElements: 16384,
		MaxMapPairs:      64,
		IntDec:           cbor.IntDecConvertSignedOrBigInt,
		TagsMd:           cbor.TagsForbidden,
	}.DecMode()
	if err != nil {
		panic(err) // the options above are constants
	}
	return mode
}()

// decodeSenMLCBOR reads the CBOR form of RFC 8428; see decodeSenML.
func decodeSenMLCBOR(in Input) (Decoded, error) {
	if err := checkSize(in.Payload); err != nil {
		return Decoded{}, err
	}
	var records []map[any]any
	if err := cborReader.Unmarshal(in.Payload, &records); err != nil {
		return Decoded{}, cborRefusal(err)
	}
	p := newPack(in)
	for i, members := range records {
		r, err := cborRecord(members)
		if err == nil {
			err = p.add(r)
		}
		if err != nil {
			return Decoded{}, inRecord(i, err)
		}
	}
	return p.decoded()
}

// cborRefusal finds the reason in the library's error.
func cborRefusal(err error) error {
	var twice *cbor.DupMapKeyError
	var deep *cbor.MaxNestedLevelError
	var other *cbor.UnmarshalTypeError
	switch {
	case errors.As(err, &twice):
		return refuse(telemetry.DuplicateKey, "label %v is named twice in one record: keep one", twice.Key)
	case errors.As(err, &deep):
		return refuse(telemetry.TooDeep, "nested deeper than %d: send flatter records", MaxDepth)
	case errors.As(err, &other):
		return undecodable("a SenML pack is an array of maps: there is a CBOR %s where one of these should be", other.CBORType)
	}
	return undecodable("not a SenML pack in CBOR: %v", err)
}

func cborRecord(members map[any]any) (record, error) {
	var r record
	for key, member := range members {
		label, err := cborLabel(key)
		if err != nil {
			return r, err
		}
		n, err := cborNode(label, member)
		if err == nil {
			err = r.set(label, n)
		}
		if err != nil {
			return r, err
		}
	}
	return r, nil
}

// cborLabel gives the JSON label of a CBOR one; other integers are unknown.
func cborLabel(key any) (string, error) {
	switch k := key.(type) {
	case int64:
		return senMLLabels[k], nil
	case string:
		return k, nil
	}
	return "", undecodable("a label is an integer or a text, not a %T", key)
}

// cborNode turns a member into what the JSON form would have had.
func cborNode(label string, member any) (node, error) {
	switch v := member.(type) {
	case int64:
		return node{kind: number, num: float64(v)}, nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return node{}, refuse(telemetry.NotANumber, "label %s: %v is no reading: leave the record out when there is none", label, v)
		}
		return node{kind: number, num: v}, nil
	case bool:
		if v {
			return node{kind: boolean, num: 1}, nil
		}
		return node{kind: boolean}, nil
	case string:
		return node{kind: text, text: v}, nil
	case []byte:
		return node{kind: text, text: base64.RawURLEncoding.EncodeToString(v)}, nil
	}
	return node{kind: null}, nil
}
