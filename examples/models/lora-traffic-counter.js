// Uplink of: Traffic counter, LoRaWAN. In the shape that the LoRa Alliance describes in TS013.
// Frames on port 2 are 11 bytes, big-endian:
//
//   0…1    motorbikes in the interval
//   2…3    cars in the interval
//   4…5    lorries and buses in the interval
//   6…7    mean speed in tenths of km/h
//   8      how long the lane was covered, in half percents of the interval
//   9      battery in half percents
//   10     flags:
//            bit 0  the radar was turned
//            bit 1  jam
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
    motorbikes: [number(bytes, 0, 2, false, true), 1],
    cars: [number(bytes, 2, 2, false, true), 1],
    trucks: [number(bytes, 4, 2, false, true), 1],
    speed: [number(bytes, 6, 2, false, true), 10],
    occupancy: [number(bytes, 8, 1, false, true), 2],
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
    warnings.push("the radar was turned: aim it again");
  }
  if (flags & 2) {
    warnings.push("jam: the classes are uncertain");
  }
  return { data: data, warnings: warnings };
}
