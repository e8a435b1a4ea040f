package city

// Kind is what a station is there for; each has one device model.
type Kind int

// The kinds.
const (
	Air Kind = iota
	Noise
	Water
	LoraWater
	Rain
	Weather
	Parking
	Light
	Bin
	Traffic
)

// mixOfKinds is the make-up of the city, and the order in which a plan goes
// through the kinds, so that a small plan has something of everything.
var mixOfKinds = [20]Kind{
	Air, Noise, Water, Traffic, Air, Parking, Rain, Light, Air, Noise,
	Bin, LoraWater, Air, Weather, Noise, Traffic, Air, Parking, Water, Light,
}

// about is what all stations of a kind share.
type about struct {
	model        string
	prefix       string // of device codes
	serial       string // prefix of serial numbers
	title        string // of station names
	organisation string
	seconds      float64 // between two reports in a compressed day
	channels     []channel
	measure      func(*device, Sky, moment) []Reading
	landmarks    func() []landmark // nil: none
	senml        int               // every nth device speaks SenML; 0: none
	object       int               // every nth device speaks through ChirpStack; 0: none
	bytes        bool              // all speak bytes through ChirpStack
}

// channel is a number's valid range, as in the model's file; booleans and
// texts have none.
type channel struct {
	key    string
	lo, hi float64
}

func (a about) format(nth int) Format {
	switch {
	case a.bytes:
		return ChirpStackBytes
	case a.object > 0 && nth%a.object == a.object-1:
		return ChirpStackObject
	case a.senml > 0 && nth%a.senml == a.senml-1:
		return SenML
	}
	return Native
}

var (
	battery     = channel{"battery", 0, 100}
	temperature = channel{"temperature", -10, 60}
	humidity    = channel{"humidity", 0, 100}
	rainRate    = channel{"rain_rate", 0, 300}
	level       = channel{"level", -5, 20}
)

var kinds = [...]about{
	Air: {model: "air-station", prefix: "air", serial: "AQ", title: "Không khí", organisation: "so-nn-mt", seconds: 40,
		channels: []channel{{"pm25", 0, 1000}, {"pm10", 0, 2000}, temperature, humidity, battery}, measure: measureAir, senml: 8},
	Noise: {model: "noise-meter", prefix: "noise", serial: "NM", title: "Tiếng ồn", organisation: "so-nn-mt", seconds: 30,
		channels: []channel{{"laeq", 20, 140}, battery}, measure: measureNoise, object: 3},
	Water: {model: "water-level", prefix: "water", serial: "WL", title: "Mực nước", organisation: "thoat-nuoc", seconds: 40,
		channels: []channel{level, battery}, measure: measureWater, landmarks: waters, senml: 3},
	LoraWater: {model: "lora-water-level", prefix: "lora-water", serial: "LW", title: "Điểm ngập", organisation: "thoat-nuoc", seconds: 50,
		channels: []channel{level, temperature, battery}, measure: measureLoraWater, bytes: true},
	Rain: {model: "rain-gauge", prefix: "rain", serial: "RG", title: "Đo mưa", organisation: "thoat-nuoc", seconds: 30,
		channels: []channel{rainRate, {"rain_hour", 0, 300}, battery}, measure: measureRain, senml: 2},
	Weather: {model: "weather-station", prefix: "weather", serial: "WS", title: "Thời tiết", organisation: "khi-tuong", seconds: 60,
		channels: []channel{temperature, humidity, {"pressure", 900, 1100}, {"wind_speed", 0, 75}, {"wind_direction", 0, 360}, rainRate},
		measure:  measureWeather, senml: 3},
	Parking: {model: "parking-spot", prefix: "parking", serial: "PS", title: "Chỗ đỗ xe", organisation: "so-xay-dung", seconds: 60,
		channels: []channel{battery}, measure: measureParking, object: 4},
	Light: {model: "street-light", prefix: "light", serial: "SL", title: "Đèn đường", organisation: "chieu-sang", seconds: 60,
		channels: []channel{{"power", 0, 400}}, measure: measureLight},
	Bin: {model: "waste-bin", prefix: "bin", serial: "WB", title: "Thùng rác", organisation: "urenco", seconds: 60,
		channels: []channel{{"fill", 0, 100}, temperature, battery}, measure: measureBin, object: 1},
	Traffic: {model: "traffic-counter", prefix: "traffic", serial: "TC", title: "Đếm xe", organisation: "so-xay-dung", seconds: 30,
		channels: []channel{{"vehicles", 0, 600}, {"speed", 0, 160}}, measure: measureTraffic, landmarks: junctions},
}

// Model is the code of the kind's device model.
func (k Kind) Model() string { return kinds[k].model }
