// Uplink of: Street light controller, LoRaWAN. In the shape that the LoRa Alliance describes in TS013.
// Frames on port 2 are 12 bytes, big-endian:
//
//   0      output in percent of full light
//   1…2    power in tenths of a watt
//   3…6    energy since installation in watt hours
//   7…8    mains voltage in tenths of a volt
//   9…10   burning hours since installation
//   11     flags:
//            bit 0  the lamp burns
//            bit 1  the lamp draws no power
//            bit 2  the driver is too hot
//            bit 3  the pole leans
//
// A value whose bits are all set (of a signed one: the highest) was not measured
// and is left out.

var PORT = 2;
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
    dimming: [number(bytes, 0, 1, false, false), 1],
    power: [number(bytes, 1, 2, false, true), 10],
    energy: [number(bytes, 3, 4, false, true), 1000],
    voltage: [number(bytes, 7, 2, false, true), 10],
    burning: [number(bytes, 9, 2, false, true), 1],
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
  data.lamp_on = (flags & 1) !== 0;
  if (flags & 2) {
    warnings.push("the lamp draws no power: it is broken");
  }
  if (flags & 4) {
    warnings.push("the driver is too hot");
  }
  if (flags & 8) {
    warnings.push("the pole leans");
  }
  return { data: data, warnings: warnings };
}
