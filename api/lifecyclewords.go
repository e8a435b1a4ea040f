package api

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"cityhub/devices"
)

// WiredDifference is one property that does not simply go on.
type WiredDifference struct {
	Property string `json:"property"`
	Change   string `json:"change" enum:"missing,added,other-unit"`
	Was      string `json:"was,omitempty" doc:"Unit until now"`
	Now      string `json:"now,omitempty" doc:"Unit from now on"`
}

func wiredDifferences(all []devices.Difference) []WiredDifference {
	var wired []WiredDifference
	for _, d := range all {
		wired = append(wired, WiredDifference{d.Property, string(d.Change), d.Was, d.Now})
	}
	return wired
}

// moveVi is what people in Hanoi call a move.
func moveVi(m devices.Move) string {
	return map[devices.Move]string{devices.Register: "đăng ký", devices.Claim: "nhận thiết bị", devices.Deploy: "lắp đặt",
		devices.Replace: "thay thế", devices.Recall: "thu hồi", devices.BeginMaintenance: "bắt đầu bảo trì",
		devices.EndMaintenance: "kết thúc bảo trì", devices.HandOver: "bàn giao", devices.Retire: "thanh lý"}[m]
}

// stateVi is what they call a state.
func stateVi(s devices.State) string {
	return map[devices.State]string{devices.Stock: "trong kho", devices.Claimed: "đã nhận", devices.Deployed: "đang lắp đặt",
		devices.Maintenance: "đang bảo trì", devices.Recalled: "đã thu hồi", devices.Retired: "đã thanh lý"}[s]
}

// transitionProblem tells which moves are legal, for people and for programs.
func transitionProblem(e *devices.TransitionError) *Problem {
	p := problem(http.StatusConflict, e.Error())
	p.Legal = []string{}
	names := make([]string, len(e.Legal))
	for i, m := range e.Legal {
		p.Legal = append(p.Legal, string(m))
		names[i] = moveVi(m)
	}
	text := fmt.Sprintf("thiết bị %q %s", e.Device, stateVi(e.State))
	if e.Thing != "" {
		text += " tại " + e.Thing
	}
	if e.Last != nil {
		text += fmt.Sprintf(" từ %s, do %s", e.Last.Time.UTC().Format(time.RFC3339), e.Last.Actor.Name)
	}
	text += "; không thể " + moveVi(e.Move)
	if len(names) == 0 {
		text += "; không còn thao tác nào khác"
	} else {
		text += "; có thể: " + strings.Join(names, ", ")
	}
	p.vi = text
	return p
}

// differencesProblem lists what would not go on.
func differencesProblem(e *devices.DifferencesError) *Problem {
	p := problem(http.StatusConflict, e.Error())
	p.Differences = wiredDifferences(e.Differences)
	texts := make([]string, len(e.Differences))
	for i, d := range e.Differences {
		switch d.Change {
		case devices.Missing:
			texts[i] = d.Property + " không còn được đo"
		case devices.Added:
			texts[i] = d.Property + " là đại lượng mới"
		default:
			texts[i] = fmt.Sprintf("%s có đơn vị %q thay vì %q", d.Property, d.Now, d.Was)
		}
	}
	p.vi = "thiết bị mới không đo giống thiết bị cũ: " + strings.Join(texts, "; ") +
		". Hãy chọn thiết bị khác, hoặc chấp nhận khác biệt (acceptDifferences: true)"
	return p
}
