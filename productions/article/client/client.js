// One WebSocket to the production: opens it, says who it is, and lists what comes.

/** Sent as the first message, some time after the socket is open. */
const LOGIN = { User: "_SYSTEM", Password: "SYS" };
const LOGIN_AFTER_MS = 1000;
/** Older messages leave the list; a page that stays open for weeks must not grow. */
const MOST_SHOWN = 500;

const find = (id) => document.getElementById(id);
const [form, url, state, connect, close, clear, messages, count, nothing] =
  ["connection", "url", "state", "connect", "close", "clear", "messages", "count", "nothing"].map(find);

let socket = null;
let heard = 0;

/** Shows where the connection stands; `name` is for styles and tests, `text` for people. */
function show(name, text) {
  state.dataset.state = name;
  state.textContent = text;
  const open = socket !== null;
  connect.disabled = open;
  url.readOnly = open;
  close.disabled = !open || name === "closing";
}

function open() {
  try {
    socket = new WebSocket(url.value.trim());
  } catch (error) {
    show("failed", `this is no WebSocket address: ${error.message}`);
    return;
  }
  const mine = socket;
  let login = 0;
  let wasOpen = false;
  show("connecting", "connecting …");

  mine.addEventListener("open", () => {
    wasOpen = true;
    show("open", "connected");
    login = setTimeout(() => {
      mine.send(JSON.stringify(LOGIN));
      show("authenticated", "connected, login sent");
    }, LOGIN_AFTER_MS);
  });
  mine.addEventListener("message", (event) => list(event.data));
  mine.addEventListener("close", (event) => {
    clearTimeout(login);
    socket = null;
    const why = event.reason ? `: ${event.reason}` : "";
    if (wasOpen) {
      show("closed", `closed (${event.code}${why})`);
    } else {
      show("failed", "no connection; is the production running at this address?");
    }
  });
}

/** Puts one message on top of the list. */
function list(data) {
  const now = new Date();
  const time = document.createElement("time");
  time.dateTime = now.toISOString();
  time.textContent = now.toLocaleTimeString([], { hour12: false });
  const text = document.createElement("span");
  text.textContent = typeof data === "string" ? data : `${data.size} bytes`;
  const item = document.createElement("li");
  item.append(time, text);
  messages.prepend(item);
  while (messages.childElementCount > MOST_SHOWN) {
    messages.lastElementChild.remove();
  }
  heard += 1;
  tell();
}

function tell() {
  count.textContent = String(heard);
  nothing.hidden = messages.childElementCount > 0;
  clear.disabled = messages.childElementCount === 0;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (socket === null) {
    open();
  }
});
close.addEventListener("click", () => {
  show("closing", "closing …");
  socket?.close(1000, "closed by the user");
});
clear.addEventListener("click", () => {
  messages.replaceChildren();
  heard = 0;
  tell();
});
