// Uplink of: Flood siren, LoRaWAN. In the shape that the LoRa Alliance describes in TS013.
// Frames on port 2 are 6 bytes, big-endian:
//
//   0…1    water over the road in millimetres
//   2…3    supply voltage in hundredths of a volt
//   4      battery in half percents
//   5      flags:
//            bit 0  the siren sounds
//            bit 1  the barrier is closed
//            bit 2  the float switch says water
//            bit 3  the siren failed its self-test
//            bit 4  the housing is open
//            bit 5  runs on its battery
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
    level: [number(bytes, 0, 2, false, true), 1000],
    supply: [number(bytes, 2, 2, false, true), 100],
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
  data.siren_on = (flags & 1) !== 0;
  data.barrier_closed = (flags & 2) !== 0;
  data.water_present = (flags & 4) !== 0;
  if (flags & 8) {
    warnings.push("the siren failed its self-test");
  }
  if (flags & 16) {
    warnings.push("the housing is open");
  }
  if (flags & 32) {
    warnings.push("runs on its battery");
  }
  return { data: data, warnings: warnings };
}
