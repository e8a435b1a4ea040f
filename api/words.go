package api

// words are the texts of the pages; the templates ask for them by name.
func words(l lang) map[string]string {
	all := map[string][2]string{
		"title":        {"cityhub – status", "cityhub – tình trạng"},
		"heading":      {"The city's sensors", "Cảm biến của thành phố"},
		"parts":        {"The hub's parts", "Các bộ phận"},
		"broker":       {"MQTT broker", "Máy chủ MQTT"},
		"archive":      {"Archive", "Kho lưu trữ"},
		"spool":        {"Waiting for the archive", "Chờ ghi vào kho"},
		"intake":       {"Intake", "Tiếp nhận"},
		"ok":           {"works", "hoạt động"},
		"down":         {"does not answer", "không phản hồi"},
		"failing":      {"does not keep readings", "không ghi được dữ liệu"},
		"readings":     {"readings", "số đo"},
		"counters":     {"Readings since the start", "Số đo từ khi khởi động"},
		"received":     {"received", "đã nhận"},
		"accepted":     {"accepted", "đã tiếp nhận"},
		"stored":       {"stored", "đã lưu"},
		"queued":       {"queued", "đang chờ"},
		"duplicates":   {"duplicates", "trùng lặp"},
		"quarantined":  {"quarantined", "cách ly"},
		"rejected":     {"rejected", "từ chối"},
		"dropped":      {"dropped", "bỏ"},
		"properties":   {"What is measured", "Các đại lượng đo"},
		"property":     {"Property", "Đại lượng"},
		"stations":     {"Stations with a value", "Trạm có số liệu"},
		"noProperties": {"No reading has arrived yet.", "Chưa có số đo nào."},
		"lost":         {"The hub does not answer; trying again.", "Không kết nối được; đang thử lại."},
		"registry":     {"Registered: stations, devices", "Đã đăng ký: trạm, thiết bị"},
		"api":          {"Programming interface", "Giao diện lập trình"},
		"other":        {"Tiếng Việt", "English"},
		"skip":         {"Skip to content", "Đến nội dung chính"},
		"map":          {"The map", "Bản đồ"},
		"notBuilt":     {"The map was not built into this program", "Chương trình này chưa có bản đồ"},
		"howToBuild":   {"Build it with Node.js 20 and build the program again:", "Hãy dựng bằng Node.js 20 rồi biên dịch lại chương trình:"},
		"status":       {"How the hub fares", "Tình trạng hệ thống"},
		"version":      {"Version", "Phiên bản"},
		"parameters":   {"Parameters", "Tham số"},
		"answers":      {"Answers", "Trả lời"},
		"description":  {"The OpenAPI description", "Mô tả OpenAPI"},
	}
	i, out := 0, make(map[string]string, len(all))
	out["lang"], out["otherLang"] = string(english), string(vietnamese)
	if l == vietnamese {
		i = 1
		out["lang"], out["otherLang"] = string(vietnamese), string(english)
	}
	for _, some := range []map[string][2]string{all, accountWords(), signOnWords()} {
		for name, texts := range some {
			out[name] = texts[i]
		}
	}
	return out
}

// accountWords are those for signing in.
func accountWords() map[string][2]string {
	return map[string][2]string{
		"closed":       {"Sign in to see how the hub fares.", "Hãy đăng nhập để xem tình trạng hệ thống."},
		"signIn":       {"Sign in", "Đăng nhập"},
		"signOut":      {"Sign out", "Đăng xuất"},
		"setUp":        {"Set the hub up", "Thiết lập hệ thống"},
		"setUpWhy":     {"Make the first account. It looks after the whole hub and can make others.", "Tạo tài khoản đầu tiên. Tài khoản này quản trị toàn hệ thống và tạo các tài khoản khác."},
		"make":         {"Make the account", "Tạo tài khoản"},
		"name":         {"Name to sign in with", "Tên đăng nhập"},
		"password":     {"Password", "Mật khẩu"},
		"again":        {"The password again", "Nhập lại mật khẩu"},
		"passwordRule": {"At least 12 letters; a few words in a row are easy to keep in mind.", "Ít nhất 12 ký tự; một cụm vài từ sẽ dễ nhớ."},
		"different":    {"The two passwords differ.", "Hai mật khẩu không giống nhau."},
		"noLink":       {"The link is not whole. Open it as the hub printed it when it started.", "Liên kết không đầy đủ. Hãy mở đúng liên kết mà hệ thống in ra khi khởi động."},
		"busy":         {"One moment…", "Xin chờ…"},
		"noScript":     {"This page needs JavaScript.", "Trang này cần JavaScript."},
	}
}
