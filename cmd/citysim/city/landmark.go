package city

// landmark is a place that people know by name.
type landmark struct {
	name     string
	lon, lat float64
	water    waterKind
}

type waterKind int

const (
	street waterKind = iota // a street that floods; the gauge reads 0 when dry
	lake
	river
)

// waters are where the first gauges stand; further ones watch streets.
func waters() []landmark {
	return []landmark{
		{"Sông Hồng – cầu Long Biên", 105.8622, 21.0436, river},
		{"Hồ Tây", 105.8230, 21.0560, lake},
		{"Hồ Hoàn Kiếm", 105.8524, 21.0287, lake},
		{"Sông Hồng – cầu Chương Dương", 105.8640, 21.0370, river},
		{"Hồ Trúc Bạch", 105.8385, 21.0460, lake},
		{"Hồ Bảy Mẫu", 105.8408, 21.0118, lake},
		{"Sông Tô Lịch – Cầu Giấy", 105.8035, 21.0300, river},
		{"Hồ Thiền Quang", 105.8448, 21.0190, lake},
		{"Hồ Linh Đàm", 105.8310, 20.9665, lake},
		{"Hồ Yên Sở", 105.8570, 20.9680, lake},
		{"Sông Tô Lịch – Ngã Tư Sở", 105.8175, 21.0020, river},
		{"Sông Nhuệ – Hà Đông", 105.7800, 20.9720, river},
		{"Sông Đuống – cầu Đuống", 105.9090, 21.0800, river},
		{"Hồ Thành Công", 105.8125, 21.0205, lake},
		{"Hồ Giảng Võ", 105.8180, 21.0275, lake},
		{"Hồ Thủ Lệ", 105.8070, 21.0310, lake},
		{"Hồ Văn Quán", 105.7895, 20.9785, lake},
		{"Hồ Nghĩa Tân", 105.7915, 21.0445, lake},
		{"Sông Hồng – cầu Thanh Trì", 105.9000, 20.9950, river},
		{"Sông Hồng – cầu Nhật Tân", 105.8220, 21.0920, river},
		{"Hồ Định Công", 105.8270, 20.9830, lake},
		{"Hồ Đền Lừ", 105.8595, 20.9855, lake},
	}
}

// junctions are where the first traffic counters stand.
func junctions() []landmark {
	return []landmark{
		{name: "Ngã Tư Sở", lon: 105.8203, lat: 21.0034},
		{name: "Ngã tư Vọng", lon: 105.8412, lat: 20.9970},
		{name: "Cầu Giấy – Láng", lon: 105.8020, lat: 21.0295},
		{name: "Cầu Chương Dương", lon: 105.8610, lat: 21.0350},
		{name: "Cầu Vĩnh Tuy", lon: 105.8760, lat: 21.0010},
		{name: "Kim Mã – Nguyễn Chí Thanh", lon: 105.8100, lat: 21.0290},
		{name: "Trần Duy Hưng – Khuất Duy Tiến", lon: 105.7930, lat: 21.0070},
		{name: "Phạm Hùng – Mỹ Đình", lon: 105.7790, lat: 21.0285},
		{name: "Nguyễn Trãi – Khuất Duy Tiến", lon: 105.7995, lat: 20.9920},
		{name: "Giải Phóng – Pháp Vân", lon: 105.8410, lat: 20.9640},
		{name: "Ô Chợ Dừa", lon: 105.8255, lat: 21.0195},
		{name: "Xã Đàn – Phạm Ngọc Thạch", lon: 105.8340, lat: 21.0105},
		{name: "Tràng Tiền – Hàng Bài", lon: 105.8540, lat: 21.0248},
		{name: "Đại Cồ Việt – Phố Huế", lon: 105.8515, lat: 21.0090},
		{name: "Hoàng Quốc Việt – Phạm Văn Đồng", lon: 105.7825, lat: 21.0465},
		{name: "Cầu Nhật Tân", lon: 105.8235, lat: 21.0790},
		{name: "Quang Trung – Hà Đông", lon: 105.7755, lat: 20.9690},
		{name: "Nguyễn Văn Cừ – Long Biên", lon: 105.8785, lat: 21.0460},
	}
}
