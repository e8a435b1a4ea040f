package api

import "cityhub/telemetry"

// troubleWords says what is wrong, and what a technician does next.
func troubleWords(t telemetry.Trouble) (text, next Words) {
	w, known := map[telemetry.Trouble][4]string{
		telemetry.Undeployed: {
			"The device stands at no station now.", "Thiết bị hiện chưa được lắp tại trạm nào.",
			"Deploy it at its station.", "Hãy lắp đặt (khai báo) thiết bị vào trạm."},
		telemetry.NeverConnected: {
			"The device has never connected to the hub.", "Thiết bị chưa từng kết nối với hệ thống.",
			"Check its power, its SIM or network, and the broker's address and port in its settings.", "Kiểm tra nguồn điện, SIM hoặc mạng, và địa chỉ, cổng máy chủ MQTT trong cấu hình thiết bị."},
		telemetry.NothingPublished: {
			"The device has connected but sent no reading.", "Thiết bị đã kết nối nhưng chưa gửi số liệu nào.",
			"Wait for one reporting interval; then check that its sensors are plugged in and its sending is switched on.", "Chờ hết một chu kỳ gửi; sau đó kiểm tra cảm biến đã cắm và chức năng gửi đã bật."},
		telemetry.NothingHeard: {
			"Nothing has come from the device. Whether it is connected cannot be seen from here.", "Chưa nhận được gì từ thiết bị. Tại đây không biết được thiết bị có đang kết nối hay không.",
			"Check its power and signal, and look for it at its broker or network server.", "Kiểm tra nguồn và sóng, rồi tìm thiết bị trên máy chủ MQTT hoặc máy chủ mạng LoRaWAN."},
		telemetry.BadLogin: {
			"The device tried to log in and was refused.", "Thiết bị đăng nhập nhưng bị từ chối.",
			"Put its code as client id and user name, and its present secret; rotate the secret when it is lost.", "Đặt mã thiết bị làm client id và tên đăng nhập, nhập đúng khóa hiện tại; nếu mất khóa, hãy cấp khóa mới."},
		telemetry.BadTopic: {
			"The device publishes to a topic from which the hub takes no reading of it.", "Thiết bị gửi lên một topic mà hệ thống không nhận số liệu của nó.",
			"Set its topic to cityhub/v1/CODE/telemetry, with its own code.", "Đặt topic là cityhub/v1/MÃ/telemetry với đúng mã của thiết bị."},
		telemetry.BadSender: {
			"The message names another device than the one that sent it.", "Bản tin ghi tên một thiết bị khác với thiết bị gửi.",
			"Set the device's own code in its payload, or leave it out.", "Ghi đúng mã của thiết bị trong bản tin, hoặc bỏ trường này."},
		telemetry.BadPayload: {
			"Messages come, but they cannot be read as this model writes them.", "Có bản tin nhưng không đọc được theo mẫu thiết bị này.",
			"Check that the device is registered with the right model, and its payload format and firmware.", "Kiểm tra thiết bị đã khai báo đúng mẫu, và định dạng bản tin, phiên bản phần mềm."},
		telemetry.BadValues: {
			"Readings come, but values are outside the range of the model.", "Có số liệu nhưng giá trị nằm ngoài dải đo của mẫu thiết bị.",
			"Check the sensors of the channels that are out of range: plug, cable, protective cap, warm-up.", "Kiểm tra cảm biến của các kênh ngoài dải: giắc cắm, dây, nắp bảo vệ, thời gian làm nóng."},
		telemetry.BadClock: {
			"The device's clock is wrong, or it sends old readings.", "Đồng hồ của thiết bị sai, hoặc thiết bị đang gửi số liệu cũ.",
			"Set its clock and time zone: times are UTC; or let it send no time, then the hub's counts.", "Chỉnh lại giờ và múi giờ: thời gian tính theo UTC; hoặc để thiết bị không gửi thời gian, hệ thống sẽ tự ghi giờ."},
	}[t]
	if !known {
		return Words{string(t), string(t)}, Words{}
	}
	return Words{w[0], w[1]}, Words{w[2], w[3]}
}

// problemWords puts what is wrong into words; nil when nothing is.
func problemWords(p *telemetry.Proof) *ProofProblem {
	if p.Trouble == "" {
		return nil
	}
	out := &ProofProblem{Code: string(p.Trouble), Since: instant(p.Since), Detail: p.Detail}
	out.Text, out.Next = troubleWords(p.Trouble)
	return out
}
