package api

import (
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// call is one operation as the API's page shows it.
type call struct {
	ID, Method, Path, Summary, Description string
	Parameters                             []*huma.Param
	Answers                                []string
}

// callGroup is the operations of one tag.
type callGroup struct {
	Name  string
	Calls []call
}

// callGroups are all operations, by their first tag and then by their address.
func (s *Server) callGroups() []callGroup {
	byTag := map[string][]call{}
	for address, item := range s.api.OpenAPI().Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if op == nil {
				continue
			}
			tag := "other"
			if len(op.Tags) > 0 {
				tag = op.Tags[0]
			}
			byTag[tag] = append(byTag[tag], describeCall(address, op))
		}
	}
	var groups []callGroup
	for tag, calls := range byTag {
		slices.SortFunc(calls, func(a, b call) int { return strings.Compare(a.Path+" "+a.Method, b.Path+" "+b.Method) })
		groups = append(groups, callGroup{tag, calls})
	}
	slices.SortFunc(groups, func(a, b callGroup) int { return strings.Compare(a.Name, b.Name) })
	return groups
}

func describeCall(address string, op *huma.Operation) call {
	one := call{ID: op.OperationID, Method: op.Method, Path: address, Summary: op.Summary, Description: op.Description, Parameters: op.Parameters}
	for status := range op.Responses {
		one.Answers = append(one.Answers, status)
	}
	slices.Sort(one.Answers)
	return one
}
