// What vendor files expect around them, and the way into them. The last
// expression is the function that the hub calls; it is kept out of the reach of
// the source, as are the built-ins it uses.
(function (global) {
  "use strict";

  const parse = JSON.parse, stringify = JSON.stringify, isArray = Array.isArray;
  const keysOf = Object.keys, isFinite = Number.isFinite, text = String, toNumber = Number;
  const DateOf = Date, millis = Date.prototype.getTime, iso = Date.prototype.toISOString;
  const push = Function.prototype.call.bind(Array.prototype.push);
  const fromCode = String.fromCharCode, codeAt = Function.prototype.call.bind(String.prototype.charCodeAt);

  const silent = function () {};
  global.console = { log: silent, debug: silent, info: silent, warn: silent, error: silent, trace: silent };
  global.exports = {};
  global.module = { exports: global.exports };
  global.require = function (name) {
    if (name === "buffer" || name === "node:buffer") return { Buffer: Buffer };
    throw new Error("require('" + name + "') is not available: put the codec into one file");
  };

  // Buffer: the part of Node's that codecs use, over Uint8Array.
  const base64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

  function fromBase64(s) {
    const out = [];
    let bits = 0, have = 0;
    for (let i = 0; i < s.length; i++) {
      let c = s[i];
      if (c === "-") c = "+";
      if (c === "_") c = "/";
      const v = base64.indexOf(c);
      if (v < 0) continue;
      bits = (bits << 6) | v;
      if ((have += 6) >= 8) out.push((bits >> (have -= 8)) & 255);
      bits &= 0xfff;
    }
    return out;
  }

  function toBase64(b) {
    let out = "";
    for (let i = 0; i < b.length; i += 3) {
      const n = (b[i] << 16) | ((b[i + 1] || 0) << 8) | (b[i + 2] || 0);
      out += base64[n >> 18] + base64[(n >> 12) & 63];
      out += i + 1 < b.length ? base64[(n >> 6) & 63] : "=";
      out += i + 2 < b.length ? base64[n & 63] : "=";
    }
    return out;
  }

  function fromUtf8(s) {
    const out = [];
    for (const ch of s) {
      const c = ch.codePointAt(0);
      if (c < 0x80) out.push(c);
      else if (c < 0x800) out.push(0xc0 | (c >> 6), 0x80 | (c & 63));
      else if (c < 0x10000) out.push(0xe0 | (c >> 12), 0x80 | ((c >> 6) & 63), 0x80 | (c & 63));
      else out.push(0xf0 | (c >> 18), 0x80 | ((c >> 12) & 63), 0x80 | ((c >> 6) & 63), 0x80 | (c & 63));
    }
    return out;
  }

  function toUtf8(b) {
    let out = "";
    for (let i = 0; i < b.length; ) {
      const c = b[i];
      const more = c < 0x80 ? 0 : c >= 0xc2 && c < 0xe0 ? 1 : c >= 0xe0 && c < 0xf0 ? 2 : c >= 0xf0 && c < 0xf5 ? 3 : -1;
      let point = more === 0 ? c : c & (63 >> more);
      let n = 1;
      for (; n <= more && (b[i + n] & 0xc0) === 0x80; n++) point = (point << 6) | (b[i + n] & 63);
      const whole = more >= 0 && n === more + 1 && point < 0x110000 && (point < 0xd800 || point > 0xdfff) &&
        !(more === 2 && point < 0x800) && !(more === 3 && point < 0x10000);
      out += whole ? String.fromCodePoint(point) : "\ufffd";
      i += whole ? n : 1;
    }
    return out;
  }

  function fromText(s, encoding) {
    switch (String(encoding || "utf8").toLowerCase()) {
      case "hex": {
        const out = [];
        for (let i = 0; i + 1 < s.length; i += 2) {
          const v = parseInt(s.slice(i, i + 2), 16);
          if (!(v >= 0)) break;
          out.push(v);
        }
        return out;
      }
      case "base64": case "base64url": return fromBase64(s);
      case "ascii": case "latin1": case "binary": return Array.from(s, function (c) { return c.charCodeAt(0) & 255; });
      case "utf8": case "utf-8": return fromUtf8(s);
    }
    throw new TypeError("Buffer knows hex, base64, ascii, latin1 and utf8, not " + encoding);
  }

  class Buffer extends Uint8Array {
    static from(source, encoding, length) {
      if (typeof source === "string") source = fromText(source, encoding);
      else if (source instanceof ArrayBuffer) return new Buffer(source, encoding, length);
      else if (source && source.type === "Buffer" && isArray(source.data)) source = source.data;
      const out = new Buffer(source.length);
      for (let i = 0; i < source.length; i++) out[i] = source[i];
      return out;
    }
    static alloc(size, fill) { return new Buffer(size).fill(typeof fill === "number" ? fill : 0); }
    static allocUnsafe(size) { return new Buffer(size); }
    static isBuffer(b) { return b instanceof Buffer; }
    static byteLength(s, encoding) { return Buffer.from(s, encoding).length; }
    static concat(list) {
      const out = [];
      for (const b of list) for (let i = 0; i < b.length; i++) out.push(b[i]);
      return Buffer.from(out);
    }
    slice(start, end) { return this.subarray(start, end); }
    equals(other) { return this.length === other.length && this.every(function (v, i) { return v === other[i]; }); }
    copy(target, at, start, end) {
      const part = this.subarray(start || 0, end === undefined ? this.length : end);
      target.set(part, at || 0);
      return part.length;
    }
    toJSON() { return { type: "Buffer", data: Array.from(this) }; }
    toString(encoding, start, end) {
      const b = this.subarray(start || 0, end === undefined ? this.length : end);
      switch (String(encoding || "utf8").toLowerCase()) {
        case "hex": return Array.from(b, function (v) { return (v < 16 ? "0" : "") + v.toString(16); }).join("");
        case "base64": return toBase64(b);
        case "base64url": return toBase64(b).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
        case "ascii": return Array.from(b, function (v) { return fromCode(v & 127); }).join("");
        case "latin1": case "binary": return Array.from(b, function (v) { return fromCode(v); }).join("");
        case "utf8": case "utf-8": return toUtf8(b);
      }
      throw new TypeError("Buffer knows hex, base64, ascii, latin1 and utf8, not " + encoding);
    }
    readUIntBE(at, n) { let v = 0; check(this, at, n); for (let i = 0; i < n; i++) v = v * 256 + this[at + i]; return v; }
    readUIntLE(at, n) { let v = 0; check(this, at, n); for (let i = n - 1; i >= 0; i--) v = v * 256 + this[at + i]; return v; }
    readIntBE(at, n) { return signed(this.readUIntBE(at, n), n); }
    readIntLE(at, n) { return signed(this.readUIntLE(at, n), n); }
  }

  function check(b, at, n) {
    if (!(at >= 0 && at + n <= b.length))
      throw new RangeError("reading " + n + " bytes at " + at + " of a buffer of " + b.length);
  }

  function signed(v, n) {
    const limit = Math.pow(2, 8 * n - 1);
    return v >= limit ? v - 2 * limit : v;
  }

  // The fixed widths, by the DataView methods that read and write them.
  const widths = { UInt8: ["Uint8", 1], Int8: ["Int8", 1], UInt16: ["Uint16", 2], Int16: ["Int16", 2], UInt32: ["Uint32", 4],
    Int32: ["Int32", 4], Float: ["Float32", 4], Double: ["Float64", 8], BigUInt64: ["BigUint64", 8], BigInt64: ["BigInt64", 8] };
  for (const name of keysOf(widths)) {
    const view = widths[name][0], n = widths[name][1];
    for (const order of n === 1 ? [""] : ["LE", "BE"]) {
      const read = function (at) {
        check(this, at = at || 0, n);
        return new DataView(this.buffer, this.byteOffset, this.length)["get" + view](at, order === "LE");
      };
      const write = function (v, at) {
        check(this, at = at || 0, n);
        new DataView(this.buffer, this.byteOffset, this.length)["set" + view](at, v, order === "LE");
        return at + n;
      };
      Buffer.prototype["read" + name + order] = read;
      Buffer.prototype["write" + name + order] = write;
      if (name.indexOf("UInt") >= 0) {
        Buffer.prototype["read" + name.replace("UInt", "Uint") + order] = read;
        Buffer.prototype["write" + name.replace("UInt", "Uint") + order] = write;
      }
    }
  }
  global.Buffer = Buffer;

  // Results. A list of [key, value] is all that leaves, so that no toJSON and
  // no NaN turned to null can change what was meant.
  const maxValues = 1024, maxDepth = 16, maxText = 4096;

  function flatten(path, v, out, depth) {
    if (path === "" && depth > 0) throw new Error("the result has an empty key");
    if (out.values.length >= maxValues) throw new Error("the result has more than " + maxValues + " values");
    switch (typeof v) {
      case "bigint": v = toNumber(v); // falls
      case "number":
        if (!isFinite(v) && out.nan === null) out.nan = path;
        push(out.values, { k: path, n: v });
        return;
      case "boolean": push(out.values, { k: path, b: v }); return;
      case "string":
        if (v.length > maxText) throw new Error("the text of " + path + " is longer than " + maxText);
        push(out.values, { k: path, t: v });
        return;
      case "object":
        if (v !== null) break; // else falls
      default:
        out.unknown++;
        return;
    }
    if (v instanceof DateOf) { push(out.values, { k: path, t: iso.call(v) }); return; }
    if (depth >= maxDepth) throw new Error("the result is nested deeper than " + maxDepth + " at " + path);
    const keys = keysOf(v);
    for (let i = 0; i < keys.length; i++) flatten(path === "" ? keys[i] : path + "." + keys[i], v[keys[i]], out, depth + 1);
  }

  function texts(list) {
    const out = [];
    if (list === undefined || list === null || list === "") return out;
    if (!isArray(list)) list = [list];
    for (let i = 0; i < list.length && i < 20; i++) push(out, (typeof list[i] === "string" ? list[i] : text(stringify(list[i]))).slice(0, 300));
    return out;
  }

  // find looks where the conventions put a decoder; declared ones are passed
  // in, because those made with const are no properties of global.
  function find(declared) {
    const from = global.module && global.module.exports;
    const places = [declared, from, global.exports, from && from.default];
    for (const name of ["decodeUplink", "Decoder", "Decode"])
      for (const place of places)
        if (place && typeof place[name] === "function") return [name, place[name]];
    if (typeof from === "function") return ["decodeUplink", from];
    return null;
  }

  function call(found, input) {
    const bytes = input.bytes, port = input.fPort;
    const at = new DateOf(input.recv), variables = input.variables || {};
    switch (found[0]) {
      case "decodeUplink": return found[1]({ bytes: bytes, fPort: port, recvTime: at, variables: variables });
      case "Decoder": return found[1](bytes, port, variables);
    }
    return found[1](port, bytes, variables);
  }

  // run answers one request, as JSON.
  return function (request, declared) {
    const input = parse(request), found = find(declared), out = { values: [], warnings: [], unknown: 0, nan: null, time: null, detail: null };
    if (found === null) {
      out.detail = "the source defines none of decodeUplink({bytes, fPort}), Decoder(bytes, port), Decode(fPort, bytes)";
      return stringify(out);
    }
    if (input.check) return stringify(out);
    const result = call(found, input);
    if (result === null || typeof result !== "object" || typeof result.then === "function") {
      out.detail = found[0] + " returned " + (result === null ? "null" : typeof result === "object" ? "a promise" : typeof result) + ": return an object";
      return stringify(out);
    }
    const errors = texts(result.errors);
    if (errors.length > 0) {
      out.detail = errors.join("; ");
      return stringify(out);
    }
    let data = result;
    if (found[0] === "decodeUplink") {
      data = result.data === undefined || result.data === null ? result.object : result.data;
      if (data === null || typeof data !== "object") {
        out.detail = "decodeUplink returned neither data nor errors: return {data: {…}}";
        return stringify(out);
      }
      out.warnings = texts(result.warnings);
      if (result.time !== undefined && result.time !== null) out.time = toNumber(new DateOf(result.time));
    }
    flatten("", data, out, 0);
    return stringify(out);
  };
})(globalThis);
