// Uplink of: Noise level meter, LoRaWAN. In the shape that the LoRa Alliance describes in TS013.
// Frames on port 2 are 8 bytes, big-endian:
//
//   0…1    equivalent level LAeq in tenths of dB
//   2…3    highest level LAFmax in tenths of dB
//   4…5    background level LA90 in tenths of dB
//   6      battery in half percents
//   7      flags:
//            bit 0  the microphone failed its self-test
//            bit 1  wind at the microphone
//
// A value whose bits are all set (of a signed one: the highest) was not measured
// and is left out.

var PORT = 2;
var LENGTH = 8;

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
    laeq: [number(bytes, 0, 2, false, true), 10],
    lamax: [number(bytes, 2, 2, false, true), 10],
    la90: [number(bytes, 4, 2, false, true), 10],
    battery: [number(bytes, 6, 1, false, true), 2],
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
  var flags = bytes[7];
  if (flags & 1) {
    warnings.push("the microphone failed its self-test");
  }
  if (flags & 2) {
    warnings.push("wind at the microphone: the levels are too high");
  }
  return { data: data, warnings: warnings };
}
