// Uplink of: Parking spot sensor, LoRaWAN. In the shape that the LoRa Alliance describes in TS013.
// Frames on port 2 are 6 bytes, big-endian:
//
//   0…1    minutes since the last change
//   2…3    temperature of the road in tenths of a degree Celsius, signed
//   4      battery in half percents
//   5      flags:
//            bit 0  a vehicle stands on the spot
//            bit 1  magnetometer and radar disagree
//            bit 2  calibrated anew
//
// A value whose bits are all set (of a signed one: the highest) was not measured
// and is left out.

var PORT = 2;
var LENGTH = 6;

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
    parked: [number(bytes, 0, 2, false, true), 1],
    temperature: [number(bytes, 2, 2, true, true), 10],
    battery: [number(bytes, 4, 1, false, true), 2],
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
  var flags = bytes[5];
  data.occupied = (flags & 1) !== 0;
  if (flags & 2) {
    warnings.push("magnetometer and radar disagree: the spot may be dirty");
  }
  if (flags & 4) {
    warnings.push("calibrated anew: the state counts from now");
  }
  return { data: data, warnings: warnings };
}
