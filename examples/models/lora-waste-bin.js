// Uplink of: Waste bin sensor, LoRaWAN. In the shape that the LoRa Alliance describes in TS013.
// Frames on port 2 are 9 bytes, big-endian:
//
//   0      fill level in percent
//   1…2    distance to the waste in millimetres
//   3…4    temperature in tenths of a degree Celsius, signed
//   5…6    how often it was emptied since installation
//   7      battery in half percents
//   8      flags:
//            bit 0  the bin lies on its side
//            bit 1  hot
//            bit 2  the sensor is covered
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
    fill: [number(bytes, 0, 1, false, true), 1],
    distance: [number(bytes, 1, 2, false, true), 1000],
    temperature: [number(bytes, 3, 2, true, true), 10],
    emptied: [number(bytes, 5, 2, false, true), 1],
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
    warnings.push("the bin lies on its side");
  }
  if (flags & 2) {
    warnings.push("hot: it may burn");
  }
  if (flags & 4) {
    warnings.push("the sensor is covered");
  }
  return { data: data, warnings: warnings };
}
