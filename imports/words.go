package imports

import "fmt"

// Lang is a language in which results are told.
type Lang string

// The languages.
const (
	English    Lang = "en"
	Vietnamese Lang = "vi"
)

// Text says in a language why a row failed; "" for one that did not.
func (r *Result) Text(l Lang) string { return Text(l, r.Code, r.Args, r.Detail) }

// Text says in a language what a code with its arguments stands for; detail is
// the same in English. What has no words of its own is told by its kind, with
// the detail as it is.
func Text(l Lang, code string, args []string, detail string) string {
	if l != Vietnamese || code == "" {
		return detail
	}
	words, ok := vietnamese()[code]
	if !ok {
		return detail
	}
	if len(args) == 0 {
		if general(code) {
			return words + ": " + detail
		}
		return words
	}
	anys := make([]any, len(args))
	for i, a := range args {
		anys[i] = a
	}
	return fmt.Sprintf(words, anys...)
}

// general says that a code stands for many refusals.
func general(code string) bool {
	return code == invalid || code == conflict || code == notFound || code == forbidden
}

// vietnamese are the words of all codes, made with the same arguments as the
// English ones.
func vietnamese() map[string]string {
	return map[string]string{
		"empty-file":         "tệp trống",
		"file-type":          "không phải CSV hay bảng tính; hãy lưu lại dưới dạng CSV UTF-8 hoặc .xlsx",
		"old-spreadsheet":    "là bảng tính kiểu cũ hoặc có mật khẩu; hãy lưu lại dưới dạng .xlsx không mật khẩu, hoặc CSV UTF-8",
		"broken-spreadsheet": "không đọc được bảng tính (%s); hãy mở, lưu lại dưới dạng .xlsx rồi gửi lại",
		"too-large-unzipped": "khi giải nén, bảng tính lớn hơn mức cho phép (%s MiB); hãy chia nhỏ và bỏ hình ảnh",
		"too-many-rows":      "có hơn %s dòng; hãy chia thành nhiều tệp",
		"too-many-columns":   "dòng có %s ô, nhiều hơn %s",
		"quotes":             "dấu ngoặc kép đặt sai ở dòng %s; trong ô có ngoặc kép, hãy viết đôi dấu ngoặc kép",
		"encoding":           "chữ không phải UTF-8; hãy lưu tệp dưới dạng CSV UTF-8",

		"header-missing": "tệp cần một dòng tiêu đề với các cột trong số: %s",
		"column-missing": "thiếu cột bắt buộc này",
		"column-unknown": "cột không được biết; các cột được biết là: %s",
		"column-twice":   "cột xuất hiện hai lần trong dòng tiêu đề",
		"cells":          "dòng có nhiều ô hơn số cột của tiêu đề; hãy đặt chữ có dấu phân cách trong ngoặc kép, hoặc viết dấu chấm thập phân thay dấu phẩy",

		"device-twice":    "%s đã có ở dòng %s; hãy bỏ một trong hai",
		"dev-eui-twice":   "%s đã có ở dòng %s; mỗi thiết bị có một mã riêng",
		"station-differs": "trạm %s được ghi khác ở dòng %s; hãy ghi hai dòng giống nhau",

		"required":        "là bắt buộc",
		"code-format":     "%s phải có từ 1 đến 64 ký tự trong A-Z, a-z, 0-9, _ và -",
		"dev-eui-format":  "%s phải có 16 chữ số thập lục phân; trong bảng tính, hãy định dạng ô là văn bản",
		"from-format":     "%s không phải là thời điểm như 2025-07-01T00:00:00+07:00 hay ngày như 2025-07-01",
		"degrees-missing": "còn thiếu; hãy ghi cả kinh độ và vĩ độ, hoặc bỏ trống cả hai",
		"degrees-format":  "%s không phải là số độ như 105.85",
		"position-range":  "%s %s không phải là vị trí trên Trái Đất; lon (kinh độ) trước, -180 đến 180, rồi lat (vĩ độ), -90 đến 90",
		"station-missing": "là bắt buộc khi có tên hoặc vị trí của trạm: mã trạm",
		"secret-format":   "mã bí mật của thiết bị có từ 22 đến 128 ký tự ASCII nhìn thấy được; bỏ trống nếu không đặt",
		"model-unknown":   "%s không được biết; hãy nhập mẫu thiết bị trước: cityhub import models FILE",
		"model-fixed":     "thiết bị đã từng lắp đặt giữ nguyên mẫu; hãy đăng ký thiết bị mới riêng",
		"name-taken":      "%s là mã hoặc DevEUI của một thiết bị khác; hãy chọn mã khác",
		"install-only":    "chỉ quản trị viên mới chuyển thiết bị sang đơn vị khác",

		"organisation-unknown":    "%s không được biết; hãy ghi đơn vị của bạn",
		"organisation-missing":    "là bắt buộc: mã đơn vị sở hữu thiết bị",
		"device-unavailable":      "%s không dùng được; hãy chọn mã khác",
		"station-unavailable":     "%s không dùng được; hãy chọn mã khác",
		"deployed-elsewhere":      "thiết bị đang ở trạm %s từ %s; hãy thu hồi thiết bị ở đó trước",
		"credentials-unavailable": "hệ thống này không giữ mã bí mật của thiết bị; hãy bỏ cột này",

		invalid:   "không hợp lệ",
		conflict:  "xung đột với dữ liệu hiện có",
		notFound:  "không tìm thấy",
		forbidden: "không được phép",
		internal:  "hệ thống gặp lỗi, nhật ký của hệ thống ghi lý do; hãy gửi lại dòng này",
	}
}
