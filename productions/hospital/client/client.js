// The board of one ward: asks for all that was told of its beds, shows how they stand, and listens on.
// Which ward, and whose server, stands in the page's address: ?ward=ICU&server=ws://…

/** The pause before it connects again, in milliseconds. */
const AGAIN_AFTER = 2000;
/** A bed shows its latest dangerous results; older ones leave it. */
const MOST_RESULTS = 3;
const ISOLATION = { C: "Contact isolation", D: "Droplet isolation", A: "Airborne isolation" };
const FLAGS = { HH: "critically high", LL: "critically low", AA: "critical", H: "high", L: "low", A: "abnormal" };
/** What the server says when it has more to tell again than it tells at once. */
const MORE = /messages after (\d+) were left out/;

const find = (id) => document.getElementById(id);
const [title, state, list, nothing, ward, server] = ["title", "state", "beds", "nothing", "ward", "server"].map(find);

let socket = null;
let last = 0; // the id of the last message heard, for ?since=; 0 asks for all there is
let beds = new Map(); // by room and bed: {room, bed, isolation, results}

function connect() {
  const address = new URL(server.value.trim());
  // The subscription is in the address, so that what is told again is narrowed by it as well.
  // PV1-3 is where a patient is, PV1-6 where one was before: a bed that is left is news as well.
  address.searchParams.set("topics", "wards");
  address.searchParams.set("where", `PV1-3.1 = "${ward.value}" or PV1-6.1 = "${ward.value}"`);
  const since = last;
  address.searchParams.set("since", String(since));

  const mine = new WebSocket(address);
  socket = mine;
  mine.addEventListener("open", () => socket === mine && show("open", "connected"));
  mine.addEventListener("message", (event) => socket === mine && hear(JSON.parse(event.data), since));
  mine.addEventListener("close", () => socket === mine && lost());
}

/** What is shown stays, dimmed and with the time from which on it may be wrong. */
function lost() {
  socket?.close();
  socket = null;
  const since = new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  if (state.dataset.state !== "failed") show("failed", `NO CONNECTION since ${since}: may be out of date`);
  setTimeout(() => socket ?? connect(), AGAIN_AFTER);
}

function show(name, text) {
  document.body.dataset.state = state.dataset.state = name;
  state.textContent = text;
}

/** News, or an error; `since` is what this connection asked for. */
function hear(news, since) {
  if (news.error) {
    const more = MORE.exec(news.error);
    // A server that leaves all out would be asked for ever.
    if (!more || Number(more[1]) <= since) return show("failed", news.error);
    last = Number(more[1]);
    socket.close();
    return connect();
  }
  // Told twice, as may be after a crash of the server, does no harm: a bed is as it was last told.
  last = Math.max(last, news.id);
  change(news);
  draw();
}

const place = ({ ward, room, bed }) => `${ward}^${room}^${bed}`;

function change(news) {
  const here = place(news);
  if (news.event === "ADT_A03") return beds.delete(here);
  const before = place(news.from);
  const known = beds.get(news.event === "ADT_A02" ? before : here);
  const bed = { ward: news.ward, room: news.room, bed: news.bed, isolation: "", results: [] };
  if (news.event === "ADT_A01" || news.event === "ADT_A02") {
    // Who moves within the ward takes the results along.
    bed.results = news.event === "ADT_A02" ? (known?.results ?? []) : [];
    bed.isolation = news.isolation;
    if (news.event === "ADT_A02") beds.delete(before);
  } else {
    bed.isolation = known?.isolation;
    const others = (known?.results ?? []).filter(({ id }) => id !== news.id);
    bed.results = [news, ...others].slice(0, MOST_RESULTS);
  }
  const shown = news.ward === ward.value && (bed.isolation in ISOLATION || bed.results.length > 0);
  if (shown) beds.set(here, bed);
  else beds.delete(here);
}

/** What is abnormal, the worst first, as in "K critically high"; flags stand at the places of their tests. */
function abnormal({ tests, flags }) {
  const marked = tests.map((test, at) => [test, FLAGS[flags[at]]]).filter(([, flag]) => flag);
  const worst = ([, flag]) => flag.startsWith("critical");
  return marked.sort((one, other) => worst(other) - worst(one)).map((both) => both.join(" ")).join(", ");
}

function element(name, className, text) {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

function card({ room, bed, isolation, results }) {
  const item = document.createElement("li");
  item.append(element("strong", "place", `${room}\u2009${bed}`));
  const what = element("div", "what", "");
  for (const result of results) {
    const time = String(result.time ?? "").replace(/^\d{8}(\d\d)(\d\d).*$/, "$1:$2");
    const line = element("p", "result", `${abnormal(result)} `);
    line.append(element("time", "", time));
    what.append(line);
  }
  if (isolation in ISOLATION) what.append(element("p", "isolation", ISOLATION[isolation]));
  item.append(what);
  return item;
}

/** Dangerous results first, then by rooms. */
function draw() {
  const name = ({ room, bed }) => `${room} ${bed}`;
  const sorted = [...beds.values()].sort((one, other) =>
    (other.results.length > 0) - (one.results.length > 0) || name(one).localeCompare(name(other), "en", { numeric: true }));
  list.replaceChildren(...sorted.map(card));
  nothing.hidden = sorted.length > 0;
}

function begin() {
  const address = new URL(location);
  address.searchParams.set("ward", ward.value);
  address.searchParams.set("server", server.value);
  history.replaceState(null, "", address);
  title.textContent = document.title = ward.selectedOptions[0].textContent;
  const before = socket;
  [socket, last, beds] = [null, 0, new Map()];
  before?.close(1000, "another ward");
  draw();
  show("connecting", "connecting …");
  connect();
}

const asked = new URLSearchParams(location.search);
if ([...ward.options].some(({ value }) => value === asked.get("ward"))) ward.value = asked.get("ward");
server.value = asked.get("server") ?? server.value;
find("choice").addEventListener("submit", (event) => event.preventDefault());
for (const field of [ward, server]) field.addEventListener("change", begin);
// A cable that is pulled here is known at once; else the socket would seem open for a while.
addEventListener("offline", () => socket && lost());
begin();
