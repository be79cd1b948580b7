// The article in headless Chromium: opens the page, connects, drops a file, sees the text, closes.
//
//   node article.mjs PAGE_URL IN_FOLDER [--url WS_URL] [--file HL7_FILE] [--text TEXT]
//                    [--count N] [--screenshot PNG] [--dark] [--deadline MS]
//
// Prints one JSON line for each step, {"step": ..., "ms": since the start}. Ends with 0 when every
// step was seen, else with 1 and a last line {"failed": ..., "step": ...} that says why; 2 for wrong
// usage. CHROMIUM names another browser than /usr/bin/chromium.

import { copyFile, rename, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const BROWSER_ARGS = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
];
const MESSAGE = [
  "MSH|^~\\&|WARD|HOSPITAL|ORRIS|HOSPITAL|20261123101500||ADT^A01^ADT_A01|BROWSER-1|P|2.5",
  "EVN|A01|20261123101500",
  "PID|1||4711^^^HOSPITAL^MR||Blume^Iris||19700101|F",
  "PV1|1|I|WARD^1^1",
].join("\r") + "\r";

const begun = performance.now();
let step = "usage";

function say(what, more = {}) {
  step = what;
  console.log(JSON.stringify({ step: what, ms: Math.round(performance.now() - begun), ...more }));
}

function options() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      url: { type: "string" },
      file: { type: "string" },
      text: { type: "string", default: "Something has change!" },
      count: { type: "string", default: "1" },
      screenshot: { type: "string" },
      dark: { type: "boolean", default: false },
      deadline: { type: "string", default: "30000" },
    },
  });
  if (positionals.length !== 2) {
    throw new Error("expected PAGE_URL and IN_FOLDER");
  }
  return { ...values, page: positionals[0], folder: positionals[1], count: Number(values.count), deadline: Number(values.deadline) };
}

/** Puts a file into the folder as careful senders do: written under another name, then renamed. */
async function drop(asked) {
  const name = `browser-${process.pid}.hl7`;
  const aside = join(asked.folder, `.${name}.part`);
  if (asked.file) {
    await copyFile(asked.file, aside);
  } else {
    await writeFile(aside, MESSAGE);
  }
  await rename(aside, join(asked.folder, name));
  return name;
}

async function run(asked) {
  if (!(await stat(asked.folder)).isDirectory()) {
    throw new Error(`${asked.folder} is no folder`);
  }
  const { chromium } = await import("playwright-core");
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: BROWSER_ARGS });
  try {
    say("browser started", { version: browser.version() });
    const page = await browser.newPage({
      viewport: { width: 820, height: 720 },
      colorScheme: asked.dark ? "dark" : "light",
    });
    page.setDefaultTimeout(asked.deadline);
    const troubles = [];
    page.on("pageerror", (error) => troubles.push(error.message));
    page.on("console", (line) => line.type() === "error" && troubles.push(line.text()));
    const sent = [];
    page.on("websocket", (socket) => socket.on("framesent", ({ payload }) => sent.push(String(payload))));

    await page.goto(asked.page);
    say("page open", { title: await page.title() });
    if (asked.url) {
      await page.locator("#url").fill(asked.url);
    }
    const state = (name) => page.locator(`#state[data-state="${name}"]`).waitFor();
    const either = (...names) => Promise.race([state("failed").then(() => "failed"), ...names.map((name) => state(name).then(() => name))]);

    await page.locator("#connect").click();
    if ((await either("open", "authenticated")) === "failed") {
      throw new Error(`the page says: ${await page.locator("#state").textContent()} ${troubles.join("; ")}`);
    }
    say("connected");
    await state("authenticated");
    if (!sent.includes('{"User":"_SYSTEM","Password":"SYS"}')) {
      throw new Error(`the login was not sent; sent were ${sent.length} messages`);
    }
    say("authentication sent");

    say("file dropped", { file: await drop(asked) });
    const dropped = performance.now();
    const item = page.locator("#messages li span", { hasText: asked.text });
    await item.nth(asked.count - 1).waitFor();
    const texts = await page.locator("#messages li span").allTextContents();
    say("message seen", { after_ms: Math.round(performance.now() - dropped), texts });

    if (asked.screenshot) {
      await page.screenshot({ path: asked.screenshot, animations: "disabled" });
      say("screenshot taken", { file: asked.screenshot });
    }
    await page.locator("#close").click();
    await state("closed");
    say("closed", { state: await page.locator("#state").textContent() });
    if (troubles.length > 0) {
      throw new Error(`the page has errors: ${troubles.join("; ")}`);
    }
    say("done");
  } finally {
    await browser.close();
  }
}

let asked;
try {
  asked = options();
} catch (error) {
  console.error(`${error.message}\nusage: node article.mjs PAGE_URL IN_FOLDER [--url WS_URL] [--file HL7_FILE] [--text TEXT] [--count N] [--screenshot PNG] [--dark] [--deadline MS]`);
  process.exit(2);
}
try {
  await run(asked);
} catch (error) {
  console.log(JSON.stringify({ failed: error.message.split("\n")[0], step }));
  process.exit(1);
}
