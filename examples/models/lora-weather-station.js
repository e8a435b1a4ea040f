// Uplink of: Weather station, LoRaWAN. In the shape that the LoRa Alliance describes in TS013.
// Frames on port 5 are 17 bytes, big-endian:
//
//   0…1    air temperature in hundredths of a degree Celsius, signed
//   2      relative humidity in half percents
//   3…4    pressure in tenths of hPa
//   5…6    mean wind in hundredths of m/s
//   7…8    gust in hundredths of m/s
//   9…10   direction of the wind in degrees
//   11…12  intensity of rain in tenths of mm/h
//   13…14  global radiation in W/m²
//   15     battery in half percents
//   16     flags:
//            bit 0  the wind sensor is blocked
//            bit 1  the heating is on
//
// A value whose bits are all set (of a signed one: the highest) was not measured
// and is left out.

var PORT = 5;
var LENGTH = 17;

// number reads size bytes, and answers undefined for "not measured".
function number(bytes, at, size, signed, optional) {
  var value = 0;
  for (var i = 0; i < size; i++) {
    value = value * 256 + bytes[at + i];
  }
  var span = Math.pow(256, size);
  if (optional && value === (signed ? span / 2 : span) - 1) {
    return undefined;
  }
  return signed && value >= span / 2 ? value - span : value;
}

function decodeUplink(input) {
  var bytes = input.bytes;
  if (input.fPort !== PORT) {
    return { errors: ["port " + input.fPort + " is not known, readings come on port " + PORT] };
  }
  if (bytes.length !== LENGTH) {
    return { errors: ["a frame has " + LENGTH + " bytes, this one has " + bytes.length] };
  }
  var raw = {
    temperature: [number(bytes, 0, 2, true, true), 100],
    humidity: [number(bytes, 2, 1, false, true), 2],
    pressure: [number(bytes, 3, 2, false, true), 10],
    wind_speed: [number(bytes, 5, 2, false, true), 100],
    wind_gust: [number(bytes, 7, 2, false, true), 100],
    wind_direction: [number(bytes, 9, 2, false, true), 1],
    rain_rate: [number(bytes, 11, 2, false, true), 10],
    radiation: [number(bytes, 13, 2, false, true), 1],
    battery: [number(bytes, 15, 1, false, true), 2],
  };
  var data = {};
  var warnings = [];
  for (var key in raw) {
    if (raw[key][0] === undefined) {
      warnings.push(key + " was not measured");
    } else {
      data[key] = raw[key][0] / raw[key][1];
    }
  }
  var flags = bytes[16];
  if (flags & 1) {
    warnings.push("the wind sensor is blocked");
  }
  if (flags & 2) {
    warnings.push("the heating is on");
  }
  return { data: data, warnings: warnings };
}
