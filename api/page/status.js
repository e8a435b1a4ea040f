"use strict";
// Asks the hub how it fares, every few seconds, and writes it into the page.
const texts = document.body.dataset;
const numbers = new Intl.NumberFormat(document.documentElement.lang);
let csrf = "";
const byId = (id) => document.getElementById(id);
const sum = (counts) => Object.values(counts || {}).reduce((a, b) => a + b, 0);

function part(id, good, text) {
  const cell = byId(id);
  cell.textContent = (good ? "✓ " : "✗ ") + text;
  cell.className = good ? "good" : "bad";
}

function number(id, value) {
  byId(id).textContent = numbers.format(value);
}

function rows(properties) {
  const names = Object.keys(properties).sort();
  if (names.length === 0) {
    return;
  }
  byId("properties").replaceChildren(...names.map((name) => {
    const row = document.createElement("tr");
    const link = document.createElement("a");
    link.href = texts.map + encodeURIComponent(name);
    link.textContent = name;
    row.insertCell().append(link);
    row.insertCell().textContent = numbers.format(properties[name]);
    return row;
  }));
}

function show(status) {
  part("broker", status.broker.connected, status.broker.connected ? texts.ok : texts.down);
  part("archive", status.archive.up, status.archive.up ? texts.ok : texts.down + (status.archive.fault ? ": " + status.archive.fault : ""));
  part("intake", !status.intake.failing, status.intake.failing ? texts.failing + ": " + status.intake.failing : texts.ok);
  byId("spool").textContent = numbers.format(status.spool.readings) + " " + texts.readings;
  byId("registry").textContent = numbers.format(status.registry.stations) + " " + texts.stations + ", " + numbers.format(status.registry.devices) + " " + texts.devices;
  byId("version").textContent = status.version;
  const c = status.counters;
  number("received", sum(c.received));
  number("accepted", c.accepted);
  number("stored", c.stored);
  number("queued", c.queued);
  number("duplicates", c.duplicates);
  number("quarantined", sum(c.quarantined) + sum(c.quarantinedLate));
  number("rejected", sum(c.rejected));
  number("dropped", sum(c.dropped));
  rows(status.properties);
  byId("fares").hidden = false;
}

async function poll() {
  try {
    const answer = await fetch("/api/v1/status", { signal: AbortSignal.timeout(10000) });
    if (answer.status === 401 || answer.status === 403) {
      byId("lost").textContent = texts.closed;
      byId("fares").hidden = true;
      await greet();
      return;
    }
    if (!answer.ok) {
      throw new Error(String(answer.status));
    }
    show(await answer.json());
    byId("lost").textContent = "";
  } catch {
    byId("lost").textContent = texts.lost;
  }
  setTimeout(poll, 5000);
}

// greet shows who has signed in, and lets that person out again.
async function greet() {
  const answer = await fetch("/api/v1/session", { signal: AbortSignal.timeout(10000) });
  const session = answer.ok ? await answer.json() : null;
  byId("who").textContent = session ? session.name : "";
  byId("sign-in").hidden = session !== null;
  byId("sign-out").hidden = session === null;
  csrf = session ? session.csrf : "";
}

byId("sign-out").addEventListener("click", async () => {
  await fetch("/api/v1/session", { method: "DELETE", headers: { "X-CSRF-Token": csrf } });
  location.reload();
});

greet().catch(() => {}); // poll tells that the hub does not answer
poll();
