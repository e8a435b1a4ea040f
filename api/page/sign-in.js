"use strict";
// Sends name and password, and goes to the status page. The link of the first
// set-up carries its token behind the #, which no server is sent.
const texts = document.body.dataset;
const byId = (id) => document.getElementById(id);
const again = byId("again");
const token = location.hash.slice(1);

// home is where somebody came from: the map's address behind the #, else its first page.
function home() {
  return token.startsWith("/?") ? token : texts.home;
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
  const problem = await answer.json();
  return problem.title + ": " + problem.detail;
}

byId("form").addEventListener("submit", async (event) => {
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
});

byId("other").hash = location.hash;
byId("name").focus();
