// The board of one ward: subscribes to it, shows what comes, and asks for what it has missed.

/** A board hangs for weeks; older news leave it. */
const MOST_SHOWN = 30;
/** The pause before it connects again, in milliseconds. */
const AGAIN_AFTER = 2000;

const find = (id) => document.getElementById(id);
const [ward, url, state, beds] = ["ward", "url", "state", "beds"].map(find);

let socket = null;
let last = 0; // the id of the last message heard, for ?since=

function connect() {
  const address = new URL(url.value.trim());
  // The subscription is in the address, so that what is told again is narrowed by it as well.
  address.searchParams.set("topics", "wards");
  address.searchParams.set("where", `PV1-3.1 = "${ward.value}"`);
  if (last > 0) address.searchParams.set("since", String(last));

  const mine = new WebSocket(address);
  socket = mine;
  show("connecting", "connecting …");
  mine.addEventListener("open", () => show("open", "connected"));
  mine.addEventListener("message", (event) => {
    const news = JSON.parse(event.data);
    if (news.error) return show("failed", news.error);
    last = news.id;
    list(news);
  });
  mine.addEventListener("close", () => {
    if (socket !== mine) return; // another ward was chosen
    show("failed", "no connection; trying again");
    setTimeout(() => socket === mine && connect(), AGAIN_AFTER);
  });
}

function show(name, text) {
  state.dataset.state = name;
  state.textContent = text;
}

/** What is abnormal, as in "K (HH)"; flags stand at the places of their tests. */
function abnormal({ tests, flags }) {
  const marked = tests.map((test, at) => [test, flags[at]]).filter(([, flag]) => flag && flag !== "N");
  return marked.map(([test, flag]) => `${test} (${flag})`).join(", ");
}

function list(news) {
  const item = document.createElement("li");
  item.dataset.why = news.why;
  const place = document.createElement("strong");
  place.textContent = `Room ${news.room ?? "?"}, bed ${news.bed ?? "?"}`;
  const what = document.createElement("span");
  what.textContent = news.why === "isolation" ? "isolation" : `${news.why}: ${abnormal(news)}`;
  item.append(place, what);
  beds.prepend(item);
  while (beds.childElementCount > MOST_SHOWN) beds.lastElementChild.remove();
}

function begin() {
  last = 0;
  beds.replaceChildren();
  const before = socket;
  socket = null;
  before?.close(1000, "another ward");
  connect();
}

find("choice").addEventListener("submit", (event) => event.preventDefault());
ward.addEventListener("change", begin);
url.addEventListener("change", begin);
begin();
