// Uplink of: Manhole sensor, LoRaWAN. In the shape that the LoRa Alliance describes in TS013.
// Frames on port 2 are 9 bytes, big-endian:
//
//   0…1    water above the bottom in millimetres
//   2…3    hydrogen sulphide in tenths of a ppm
//   4      methane in percent of the lower explosive limit
//   5…6    temperature in tenths of a degree Celsius, signed
//   7      battery in half percents
//   8      flags:
//            bit 0  the cover is open or tilted
//            bit 1  the sensor is under water
//            bit 2  the gas sensor is due for calibration
//
// A value whose bits are all set (of a signed one: the highest) was not measured
// and is left out.

var PORT = 2;
var LENGTH = 9;

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
    level: [number(bytes, 0, 2, false, true), 1000],
    h2s: [number(bytes, 2, 2, false, true), 10],
    ch4: [number(bytes, 4, 1, false, true), 1],
    temperature: [number(bytes, 5, 2, true, true), 10],
    battery: [number(bytes, 7, 1, false, true), 2],
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
  var flags = bytes[8];
  data.cover_open = (flags & 1) !== 0;
  if (flags & 2) {
    warnings.push("the sensor is under water: gas is not measured");
  }
  if (flags & 4) {
    warnings.push("the gas sensor is due for calibration");
  }
  return { data: data, warnings: warnings };
}
