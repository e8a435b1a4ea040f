// Uplink of: Indoor air sensor, LoRaWAN. In the shape that the LoRa Alliance describes in TS013.
// Frames on port 2 are 11 bytes, big-endian:
//
//   0…1    carbon dioxide in ppm
//   2…3    temperature in hundredths of a degree Celsius, signed
//   4      relative humidity in half percents
//   5…6    volatile organic compounds in ppb
//   7…8    illuminance in lux
//   9      battery in half percents
//   10     flags:
//            bit 0  somebody moved in the interval
//            bit 1  the carbon dioxide sensor calibrates itself
//            bit 2  the sensor was taken from the wall
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
    co2: [number(bytes, 0, 2, false, true), 1],
    temperature: [number(bytes, 2, 2, true, true), 100],
    humidity: [number(bytes, 4, 1, false, true), 2],
    tvoc: [number(bytes, 5, 2, false, true), 1],
    light: [number(bytes, 7, 2, false, true), 1],
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
  data.presence = (flags & 1) !== 0;
  if (flags & 2) {
    warnings.push("the carbon dioxide sensor calibrates itself");
  }
  if (flags & 4) {
    warnings.push("the sensor was taken from the wall");
  }
  return { data: data, warnings: warnings };
}
