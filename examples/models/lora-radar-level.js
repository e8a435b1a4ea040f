// Uplink of: Radar water level gauge, LoRaWAN. In the shape that the LoRa Alliance describes in TS013.
// Frames on port 3 are 9 bytes, big-endian:
//
//   0…3    level in millimetres above the gauge zero, signed
//   4…5    surface velocity in mm/s, signed, positive downstream
//   6      quality of the echo in percent
//   7      battery in half percents
//   8      flags:
//            bit 0  weak echo
//            bit 1  the mounting moved
//
// A value whose bits are all set (of a signed one: the highest) was not measured
// and is left out.

var PORT = 3;
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
    level: [number(bytes, 0, 4, true, true), 1000],
    velocity: [number(bytes, 4, 2, true, true), 1000],
    echo: [number(bytes, 6, 1, false, false), 1],
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
  if (flags & 1) {
    warnings.push("weak echo: something hangs in the beam");
  }
  if (flags & 2) {
    warnings.push("the mounting moved: measure the zero again");
  }
  return { data: data, warnings: warnings };
}
