"use strict";
// Sends name and password, and goes on to where somebody came from. The link of
// the first set-up carries its token behind the #, which no server is sent.
const texts = document.body.dataset;
const byId = (id) => document.getElementById(id);
const again = byId("again");
const token = location.hash.slice(1);

// home is where somebody came from: the address of a page behind the #, else the map.
function home() {
  return /^\/(status)?\?/.test(token) ? token : texts.home;
}

function say(text) {
  byId("said").textContent = text;
  if (text !== "" && text !== texts.busy) {
    byId("said").focus();
  }
}

async function send() {
  if (again && !token) {
    return texts.nolink;
  }
  if (again && [...byId("password").value].length < 12) {
    return texts.short;
  }
  if (again && again.value !== byId("password").value) {
    return texts.different;
  }
  const body = { name: byId("name").value, password: byId("password").value };
  if (again) {
    body.token = token;
  }
  const answer = await fetch(texts.send, {
    method: "POST",
    headers: { "Content-Type": "application/json", "Accept-Language": document.documentElement.lang },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(30000),
  });
  if (answer.ok) {
    location.replace(home());
    return texts.busy;
  }
  const words = { 401: texts.refused, 429: texts.slow }[answer.status];
  if (words) {
    return words;
  }
  const problem = await answer.json();
  return problem.title + ": " + problem.detail;
}

async function submit(event) {
  event.preventDefault();
  const button = byId("form").querySelector("button");
  button.disabled = true;
  say(texts.busy);
  try {
    say(await send());
  } catch {
    say(texts.lost);
  }
  button.disabled = false;
}

byId("other").hash = location.hash;
if (byId("form")) {
  byId("form").addEventListener("submit", submit);
  byId("name").focus();
  if (again && !token) {
    say(texts.nolink);
  }
}
