// Uplink of: Electricity meter, LoRaWAN. In the shape that the LoRa Alliance describes in TS013.
// Frames on port 2 are 16 bytes, big-endian:
//
//   0…3    meter reading in tens of watt hours
//   4…7    active power in watts, signed; negative feeds in
//   8…9    voltage of phase 1 in tenths of a volt
//   10…11  current of phase 1 in hundredths of an ampere
//   12…13  frequency in hundredths of a hertz
//   14     power factor in hundredths
//   15     flags:
//            bit 0  a phase is missing
//            bit 1  the cover was opened
//
// A value whose bits are all set (of a signed one: the highest) was not measured
// and is left out.

var PORT = 2;
var LENGTH = 16;

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
    energy: [number(bytes, 0, 4, false, true), 100],
    power: [number(bytes, 4, 4, true, true), 1000],
    voltage: [number(bytes, 8, 2, false, true), 10],
    current: [number(bytes, 10, 2, false, true), 100],
    frequency: [number(bytes, 12, 2, false, true), 100],
    power_factor: [number(bytes, 14, 1, false, true), 100],
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
  var flags = bytes[15];
  if (flags & 1) {
    warnings.push("a phase is missing");
  }
  if (flags & 2) {
    warnings.push("the cover was opened");
  }
  return { data: data, warnings: warnings };
}
