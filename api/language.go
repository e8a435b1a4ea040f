package api

import (
	"net/http"

	"golang.org/x/text/language"
)

// lang is a language that the hub speaks.
type lang string

const (
	english    lang = "en"
	vietnamese lang = "vi"
)

// langOf picks the language that an Accept-Language header prefers.
func langOf(header string) lang {
	wanted, _, err := language.ParseAcceptLanguage(header)
	if err != nil || len(wanted) == 0 {
		return english
	}
	known := []language.Tag{language.English, language.Vietnamese}
	if _, i, _ := language.NewMatcher(known).Match(wanted...); i == 1 {
		return vietnamese
	}
	return english
}

// kind is what a status stands for, in a program's and in people's words.
type kind struct{ slug, en, vi string }

func kindOf(status int) kind {
	k, ok := map[int]kind{
		http.StatusBadRequest:                  {"bad-request", "The request cannot be read", "Không đọc được yêu cầu"},
		http.StatusUnauthorized:                {"unauthorized", "Sign in first", "Cần đăng nhập"},
		http.StatusForbidden:                   {"forbidden", "Not allowed", "Không được phép"},
		http.StatusNotFound:                    {"not-found", "Not found", "Không tìm thấy"},
		http.StatusMethodNotAllowed:            {"method-not-allowed", "The address does not take this method", "Địa chỉ không nhận phương thức này"},
		http.StatusRequestTimeout:              {"timeout", "The request took too long to arrive", "Yêu cầu đến quá chậm"},
		http.StatusConflict:                    {"conflict", "Conflicts with what exists", "Xung đột với dữ liệu hiện có"},
		http.StatusPreconditionFailed:          {"precondition-failed", "Somebody was faster", "Đã có người thay đổi trước"},
		http.StatusRequestEntityTooLarge:       {"too-large", "The body is too large", "Nội dung quá lớn"},
		http.StatusUnsupportedMediaType:        {"unsupported-media-type", "This media type is not read here", "Không hỗ trợ kiểu nội dung này"},
		http.StatusUnprocessableEntity:         {"invalid", "The content is refused", "Nội dung không hợp lệ"},
		http.StatusTooManyRequests:             {"too-many-requests", "Too many requests", "Quá nhiều yêu cầu"},
		http.StatusRequestHeaderFieldsTooLarge: {"header-too-large", "The header is too large", "Phần đầu yêu cầu quá lớn"},
		http.StatusInternalServerError:         {"internal", "The hub failed", "Lỗi nội bộ của hệ thống"},
		http.StatusServiceUnavailable:          {"unavailable", "Not available at the moment", "Tạm thời không sẵn sàng"},
	}[status]
	if !ok {
		return kind{"error", http.StatusText(status), http.StatusText(status)}
	}
	return k
}

func slug(status int) string { return kindOf(status).slug }

func title(status int, l lang) string {
	if l == vietnamese {
		return kindOf(status).vi
	}
	return kindOf(status).en
}
