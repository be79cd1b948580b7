// The hospital's boards in headless Chromium: opens pages and looks at them, as it is told.
//
//   node board.mjs PAGE_URL WS_URL [--deadline MS] < orders
//
// Each line of its input is an order in JSON, each line of its output an answer to one, in their order:
//
//   {"open": "ICU"}                        the board of a ward in a page of its own
//   {"ward": "ICU", "state": "open"}       waits until the page says so
//   {"ward": "ICU", "beds": ["3 B: ..."]}  waits until the board shows these beds and no others
//   {"ward": "ICU", "picture": "x.png"}    takes a picture of the page
//   {"close": "ICU"}                       closes the page
//
// An answer is {"ok": order, "ms": since the start}, or {"failed": why, "found": what the page shows}.
// Ends with 0 when its input ends and every order was done, else with 1. CHROMIUM names another
// browser than /usr/bin/chromium.

import { createInterface } from "node:readline";
import { isDeepStrictEqual, parseArgs } from "node:util";
import { chromium } from "playwright-core";

const BROWSER_ARGS = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
];
const begun = performance.now();
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { deadline: { type: "string", default: "30000" } },
});
const [pageUrl, serverUrl] = positionals;
const deadline = Number(values.deadline);

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: BROWSER_ARGS });
const pages = new Map();
const troubles = [];

async function open(ward) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 720 } });
  page.setDefaultTimeout(deadline);
  page.on("pageerror", (error) => troubles.push(error.message));
  const address = new URL(pageUrl);
  address.search = new URLSearchParams({ ward, server: serverUrl });
  await page.goto(address.href);
  pages.set(ward, page);
}

/** The cards as texts, in the order of the page: "3 B: K critically high, Contact isolation", without times. */
const shown = (page) => page.locator("#beds > li").evaluateAll((cards) => cards.map((card) => {
  const copy = card.cloneNode(true);
  copy.querySelectorAll("time").forEach((time) => time.remove());
  const text = (element) => element.textContent.replace(/\s+/g, " ").trim();
  return `${text(copy.querySelector(".place"))}: ${[...copy.querySelectorAll(".what p")].map(text).join(", ")}`;
}));

/** Looks until the board is as it should be; the page itself says when something has changed. */
async function see(page, beds) {
  const end = performance.now() + deadline;
  for (;;) {
    const before = await page.evaluate(() => document.getElementById("beds").innerHTML);
    if (isDeepStrictEqual(await shown(page), beds)) return;
    const changed = (old) => document.getElementById("beds").innerHTML !== old;
    await page.waitForFunction(changed, before, { timeout: Math.max(1, end - performance.now()) });
  }
}

async function follow(order) {
  if (order.open) return open(order.open);
  const page = pages.get(order.ward ?? order.close);
  if (order.close) return page.close();
  if (order.state) return page.locator(`#state[data-state="${order.state}"]`).waitFor();
  if (order.picture) return page.screenshot({ path: order.picture, animations: "disabled" });
  return see(page, order.beds);
}

let failed = false;
for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line);
  try {
    await follow(order);
    if (troubles.length > 0) throw new Error(`the page has errors: ${troubles.join("; ")}`);
    console.log(JSON.stringify({ ok: order, ms: Math.round(performance.now() - begun) }));
  } catch (error) {
    failed = true;
    const page = pages.get(order.ward);
    const found = page && { state: await page.locator("#state").textContent(), beds: await shown(page) };
    console.log(JSON.stringify({ failed: error.message.split("\n")[0], order, found }));
    break;
  }
}
await browser.close();
process.exit(failed ? 1 : 0);
