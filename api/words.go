package api

// words are the texts of the pages; the templates ask for them by name.
func words(l lang) map[string]string {
	all := map[string][2]string{
		"pages":        {"Pages", "Các trang"},
		"language":     {"Language", "Ngôn ngữ"},
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
		"registry":     {"Registered", "Đã đăng ký"},
		"someStations": {"stations", "trạm"},
		"someDevices":  {"devices", "thiết bị"},
		"asking":       {"One moment…", "Xin chờ…"},
		"api":          {"Programming interface", "Giao diện lập trình"},
		"skip":         {"Skip to content", "Đến nội dung chính"},
		"map":          {"Map", "Bản đồ"},
		"notBuilt":     {"The map was not built into this program", "Chương trình này chưa có bản đồ"},
		"howToBuild":   {"Build it with Node.js 20 and build the program again:", "Hãy dựng bằng Node.js 20 rồi biên dịch lại chương trình:"},
		"status":       {"System status", "Tình trạng hệ thống"},
		"version":      {"Version", "Phiên bản"},
		"missing":      {"There is no such page", "Không có trang này"},
		"missingWhy":   {"The address may be mistyped, or the page has moved.", "Địa chỉ có thể bị gõ sai, hoặc trang đã được chuyển đi."},
		"toMap":        {"To the map", "Về bản đồ"},
	}
	i, out := 0, make(map[string]string, len(all))
	out["lang"] = string(english)
	if l == vietnamese {
		i = 1
		out["lang"] = string(vietnamese)
	}
	for _, some := range []map[string][2]string{all, accountWords(), signOnWords(), apiWords()} {
		for name, texts := range some {
			out[name] = texts[i]
		}
	}
	return out
}

// accountWords are those for signing in.
func accountWords() map[string][2]string {
	return map[string][2]string{
		"closed":       {"Sign in to see the system's status.", "Hãy đăng nhập để xem tình trạng hệ thống."},
		"signIn":       {"Sign in", "Đăng nhập"},
		"signOut":      {"Sign out", "Đăng xuất"},
		"setUp":        {"Set up the hub", "Thiết lập hệ thống"},
		"setUpWhy":     {"Make the first account. It looks after the whole hub and can make others.", "Tạo tài khoản đầu tiên. Tài khoản này quản trị toàn hệ thống và tạo các tài khoản khác."},
		"setUpDone":    {"This hub is set up already.", "Hệ thống đã được thiết lập."},
		"fresh":        {"Nobody has an account yet. The hub printed a link for the first one when it started; open that.", "Chưa có tài khoản nào. Khi khởi động, hệ thống đã in ra liên kết để tạo tài khoản đầu tiên; hãy mở liên kết đó."},
		"make":         {"Make the account", "Tạo tài khoản"},
		"name":         {"User name", "Tên đăng nhập"},
		"password":     {"Password", "Mật khẩu"},
		"again":        {"The password again", "Nhập lại mật khẩu"},
		"passwordRule": {"At least 12 characters; a few words in a row are easy to keep in mind.", "Ít nhất 12 ký tự; một cụm vài từ sẽ dễ nhớ."},
		"different":    {"The two passwords differ.", "Hai mật khẩu không giống nhau."},
		"noLink":       {"The link is not whole. Open it as the hub printed it when it started.", "Liên kết không đầy đủ. Hãy mở đúng liên kết mà hệ thống in ra khi khởi động."},
		"wrong":        {"Name and password do not fit together.", "Tên đăng nhập hoặc mật khẩu không đúng."},
		"linkOver":     {"The link has been used or has expired. Sign in, or start the hub again for a new one.", "Liên kết đã được dùng hoặc đã hết hạn. Hãy đăng nhập, hoặc khởi động lại hệ thống để có liên kết mới."},
		"tooOften":     {"Too many tries. Wait a little, then try again.", "Thử quá nhiều lần. Hãy chờ một lát rồi thử lại."},
		"busy":         {"One moment…", "Xin chờ…"},
		"noScript":     {"This page needs JavaScript.", "Trang này cần JavaScript."},
	}
}

// apiWords are those of the page about the programming interface.
func apiWords() map[string][2]string {
	return map[string][2]string{
		"apiIs":       {"Everything that the pages show, and more, for programs.", "Mọi thứ các trang hiển thị, và nhiều hơn thế, dành cho chương trình."},
		"description": {"The OpenAPI description", "Mô tả OpenAPI"},
		"apiPublic":   {"What has been published needs no key:", "Dữ liệu đã công bố không cần khóa:"},
		"apiKey":      {"For everything else an administrator makes a key; send it with each request:", "Với dữ liệu khác, quản trị viên cấp khóa; hãy gửi khóa trong mỗi yêu cầu:"},
		"apiPaged":    {"Lists come in pages; the address of the next one is in", "Danh sách được chia trang; địa chỉ trang sau nằm ở"},
		"apiProblem":  {"Every error names the field at fault and how to mend it, as", "Mỗi lỗi nêu trường bị sai và cách sửa, theo kiểu"},
		"apiRate":     {"How much may still be asked, and when to come again:", "Còn được hỏi bao nhiêu, và khi nào hỏi lại:"},
		"calls":       {"Calls", "Các lệnh gọi"},
		"parameters":  {"Parameters", "Tham số"},
		"answers":     {"Answers", "Trả lời"},
	}
}
