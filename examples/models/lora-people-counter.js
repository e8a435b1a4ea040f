// Uplink of: People counter, LoRaWAN. In the shape that the LoRa Alliance describes in TS013.
// Frames on port 2 are 10 bytes, big-endian:
//
//   0…1    people who went in during the interval
//   2…3    people who went out during the interval
//   4…7    people who went in since installation
//   8      battery in half percents
//   9      flags:
//            bit 0  the view is covered
//            bit 1  too dark to count
//
// A value whose bits are all set (of a signed one: the highest) was not measured
// and is left out.

var PORT = 2;
var LENGTH = 10;

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
    people_in: [number(bytes, 0, 2, false, true), 1],
    people_out: [number(bytes, 2, 2, false, true), 1],
    people_total: [number(bytes, 4, 4, false, true), 1],
    battery: [number(bytes, 8, 1, false, true), 2],
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
  var flags = bytes[9];
  if (flags & 1) {
    warnings.push("the view is covered");
  }
  if (flags & 2) {
    warnings.push("too dark to count");
  }
  return { data: data, warnings: warnings };
}
