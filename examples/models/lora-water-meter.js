// Uplink of: Water meter, LoRaWAN. In the shape that the LoRa Alliance describes in TS013.
// Frames on port 2 are 10 bytes, big-endian:
//
//   0…3    meter reading in litres
//   4…5    present flow in litres an hour, signed; negative flows back
//   6…7    water temperature in tenths of a degree Celsius, signed
//   8      battery in half percents
//   9      flags:
//            bit 0  water flowed without a pause for a day
//            bit 1  water flows back
//            bit 2  the pipe is empty
//            bit 3  somebody tampered with the meter
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
    volume: [number(bytes, 0, 4, false, true), 1000],
    flow: [number(bytes, 4, 2, true, true), 1000],
    temperature: [number(bytes, 6, 2, true, true), 10],
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
  data.leak = (flags & 1) !== 0;
  if (flags & 2) {
    warnings.push("water flows back");
  }
  if (flags & 4) {
    warnings.push("the pipe is empty");
  }
  if (flags & 8) {
    warnings.push("somebody tampered with the meter");
  }
  return { data: data, warnings: warnings };
}
