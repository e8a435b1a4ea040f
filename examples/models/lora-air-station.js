// Uplink of: Air quality station, LoRaWAN. In the shape that the LoRa Alliance describes in TS013.
// Frames on port 2 are 11 bytes, big-endian:
//
//   0…1    PM1 in tenths of µg/m³
//   2…3    PM2.5 in tenths of µg/m³
//   4…5    PM10 in tenths of µg/m³
//   6…7    air temperature in hundredths of a degree Celsius, signed
//   8      relative humidity in half percents
//   9      battery in half percents
//   10     flags:
//            bit 0  the fan is blocked
//            bit 1  the laser ages
//
// A value whose bits are all set (of a signed one: the highest) was not measured
// and is left out.

var PORT = 2;
var LENGTH = 11;

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
    pm1: [number(bytes, 0, 2, false, true), 10],
    pm25: [number(bytes, 2, 2, false, true), 10],
    pm10: [number(bytes, 4, 2, false, true), 10],
    temperature: [number(bytes, 6, 2, true, true), 100],
    humidity: [number(bytes, 8, 1, false, true), 2],
    battery: [number(bytes, 9, 1, false, true), 2],
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
  var flags = bytes[10];
  if (flags & 1) {
    warnings.push("the fan is blocked: clean the inlet");
  }
  if (flags & 2) {
    warnings.push("the laser ages: plan a replacement");
  }
  return { data: data, warnings: warnings };
}
