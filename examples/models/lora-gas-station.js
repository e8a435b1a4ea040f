// Uplink of: Gas station, LoRaWAN. In the shape that the LoRa Alliance describes in TS013.
// Frames on port 4 are 12 bytes, big-endian:
//
//   0…1    nitrogen dioxide in tenths of µg/m³
//   2…3    ozone in tenths of µg/m³
//   4…5    sulphur dioxide in tenths of µg/m³
//   6…7    carbon monoxide in hundredths of mg/m³
//   8…9    cell temperature in hundredths of a degree Celsius, signed
//   10     battery in half percents
//   11     flags:
//            bit 0  the cells warm up
//            bit 1  a cell is past its life
//
// A value whose bits are all set (of a signed one: the highest) was not measured
// and is left out.

var PORT = 4;
var LENGTH = 12;

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
    no2: [number(bytes, 0, 2, false, true), 10],
    o3: [number(bytes, 2, 2, false, true), 10],
    so2: [number(bytes, 4, 2, false, true), 10],
    co: [number(bytes, 6, 2, false, true), 100],
    temperature: [number(bytes, 8, 2, true, true), 100],
    battery: [number(bytes, 10, 1, false, true), 2],
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
  var flags = bytes[11];
  if (flags & 1) {
    warnings.push("the cells warm up: values are not settled");
  }
  if (flags & 2) {
    warnings.push("a cell is past its life: replace it");
  }
  return { data: data, warnings: warnings };
}
