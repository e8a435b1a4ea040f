// Uplink of the LoRaWAN water level gauge, in the shape that the LoRa Alliance
// describes in TS013. Frames on port 2 are six bytes, big-endian:
//
//   0…1  level in millimetres above the gauge's zero, signed
//   2…3  air temperature in hundredths of a degree Celsius, signed
//   4    battery in half percents
//   5    flags: bit 0 set = the sensor saw no echo, the level is not valid

function int16(bytes, at) {
  var value = (bytes[at] << 8) | bytes[at + 1];
  return value > 0x7fff ? value - 0x10000 : value;
}

function decodeUplink(input) {
  if (input.fPort !== 2) {
    return { errors: ["port " + input.fPort + " is not known, readings come on port 2"] };
  }
  if (input.bytes.length !== 6) {
    return { errors: ["a frame has 6 bytes, this one has " + input.bytes.length] };
  }
  var data = {
    temperature: int16(input.bytes, 2) / 100,
    battery: input.bytes[4] / 2,
  };
  var warnings = [];
  if (input.bytes[5] & 1) {
    warnings.push("no echo: level left out");
  } else {
    data.level = int16(input.bytes, 0) / 1000;
  }
  return { data: data, warnings: warnings };
}
