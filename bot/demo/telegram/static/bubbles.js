// Draws messages. Whatever people or the bot wrote is set as text: no markup is ever made from it.

export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "class") node.className = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export const hue = (id) => Math.abs(Number(id) || 0) % 7;
export const initial = (name) => ([...(name || "?").trim()][0] || "?").toUpperCase();
export const avatar = (id, name) => el("span", { class: `avatar hue-${hue(id)}`, "aria-hidden": "true" }, initial(name));
export const clock = (seconds) => new Date(seconds * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false });
export const day = (seconds) => new Date(seconds * 1000).toLocaleDateString([], { day: "numeric", month: "long" });

const UNITS = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
const relative = new Intl.RelativeTimeFormat("en", { numeric: "always" });

// "3 minutes ago", as a phone counts it: of the largest unit that fits, rounded down.
function ago(seconds) {
  const passed = Math.round(Date.now() / 1000 - seconds);
  const [unit, length] = UNITS.find((one) => Math.abs(passed) >= one[1]) || UNITS.at(-1);
  return relative.format(-Math.trunc(passed / length), unit);
}

// Times that the page shows as an age grow older by themselves.
export const age = () => { for (const node of document.querySelectorAll("time.ago")) node.textContent = ago(Number(node.dataset.unix)); };

function size(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1048576 ? `${(bytes / 1024).toFixed(1)} KB` : `${(bytes / 1048576).toFixed(1)} MB`;
}

// Entities are nested spans, counted in UTF-16 units, as JavaScript counts.
export function rich(text, entities, act) {
  const build = (start, end, list) => {
    const out = [];
    let at = start;
    let after = false;
    for (let i = 0; i < list.length; ) {
      const entity = list[i];
      const stop = Math.min(entity.offset + entity.length, end);
      const inner = [];
      let next = i + 1;
      while (next < list.length && list[next].offset < stop) inner.push(list[next++]);
      const block = BLOCKS.has(entity.type);
      if (entity.offset > at) out.push(trim(text.slice(at, entity.offset), after, block));
      out.push(wrap(entity, text.slice(entity.offset, stop), build(entity.offset, stop, inner), act));
      at = stop;
      after = block;
      i = next;
    }
    if (at < end) out.push(trim(text.slice(at, end), after, false));
    return out;
  };
  return build(0, text.length, entities || []);
}

// A block begins and ends a line by itself: the line break beside it is not shown twice.
const BLOCKS = new Set(["pre", "blockquote", "expandable_blockquote"]);
const trim = (text, after, before) => text.slice(after && text.startsWith("\n") ? 1 : 0, before && text.endsWith("\n") && !(after && text === "\n") ? -1 : undefined);

const SIMPLE = { bold: "strong", italic: "em", underline: "u", strikethrough: "s" };

function wrap(entity, raw, children, act) {
  switch (entity.type) {
    case "bold": case "italic": case "underline": case "strikethrough":
      return el(SIMPLE[entity.type], {}, ...children);
    case "code":
      return el("code", { title: "Copy", onclick: () => act.copy(raw) }, ...children);
    case "pre":
      return el("pre", { title: "Copy", onclick: () => act.copy(raw) }, ...children);
    case "blockquote":
      return el("blockquote", {}, ...children);
    case "expandable_blockquote": {
      const mark = el("button", { class: "fold-mark", type: "button", "aria-label": "Unfold", "aria-expanded": "false" }, "⌄");
      const quote = el("blockquote", { class: "fold", "data-testid": "folded" }, el("div", { class: "inner" }, ...children), mark);
      quote.addEventListener("click", () => mark.setAttribute("aria-expanded", String(quote.classList.toggle("open"))));
      return quote;
    }
    case "date_time":
      if (entity.date_time_format !== "r") return el("span", { class: "mark" }, ...children);
      return el("time", { class: "ago", "data-testid": "ago", "data-unix": entity.unix_time, datetime: new Date(entity.unix_time * 1000).toISOString(), title: raw }, ago(entity.unix_time));
    case "spoiler":
      return el("span", { class: "spoiler", onclick: (event) => event.currentTarget.classList.add("shown") }, ...children);
    case "bot_command":
      return el("button", { class: "command", type: "button", onclick: () => act.say(raw) }, ...children);
    case "text_link": case "url":
      return link(entity.url || raw, children, act);
    default:
      return el("span", { class: "mark" }, ...children);
  }
}

function link(address, children, act) {
  const url = /^[a-z]+:/i.test(address) ? address : `http://${address}`;
  const payload = act.deepLink(url);
  if (payload !== null) return el("button", { class: "command", type: "button", onclick: () => act.say(`/start ${payload}`) }, ...children);
  if (!/^https?:\/\//i.test(url)) return el("span", { class: "mark" }, ...children);
  return el("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, ...children);
}

export function bubble(message, context, act) {
  if (message.service) return el("li", { class: "service", "data-testid": "service", "data-id": message.id }, `${message.name} ${message.service}`);
  const mine = !message.bot && message.from !== null && (!context.group || message.from === context.speaker);
  const faced = context.group && !mine;
  const keyed = message.keyboard.length > 0;
  const inside = [];
  if (faced && !context.follows) inside.push(el("span", { class: `author ink-${hue(message.from)}` }, message.name));
  const to = message.reply_to && context.find(message.reply_to);
  if (to) inside.push(el("button", { class: "reply", type: "button", "data-testid": "reply", onclick: () => act.jump(to.id) }, el("b", {}, to.name), to.text.slice(0, 80) || "…"));
  else if (message.reply_to) inside.push(el("div", { class: "reply gone", "data-testid": "reply" }, "deleted message"));
  if (message.media?.kind === "photo") {
    const image = el("img", { src: message.media.url, width: message.media.width, height: message.media.height, alt: message.text || "Picture", loading: "lazy" });
    inside.push(el("button", { class: message.text ? "photo" : "photo alone", type: "button", "aria-label": "Enlarge", "data-testid": "photo", onclick: () => act.enlarge(message.media.url) }, image));
  }
  if (message.media?.kind === "document") {
    inside.push(el("a", { class: "file", href: message.media.url, download: message.media.name, "data-testid": "document" },
      el("span", { class: "disc", "aria-hidden": "true" }, "↓"),
      el("span", {}, el("span", { class: "name" }, message.media.name), el("small", {}, size(message.media.size)))));
  }
  inside.push(el("div", { class: "body", "data-testid": "text" }, ...rich(message.text, message.entities, act)));
  const meta = el("span", { class: "meta" },
    message.pinned && el("i", { title: "Pinned" }, "📌"),
    message.silent && el("i", { title: "Sent without sound", "data-testid": "silent" }, "🔕"),
    context.group && message.bot && !message.silent && el("i", { title: "Sent with sound", "data-testid": "sound" }, "🔔"),
    message.edited && el("i", { title: `Edited at ${clock(message.edited)}`, "data-testid": "edited" }, "edited"),
    el("time", { datetime: new Date(message.date * 1000).toISOString() }, clock(message.date)),
    mine && el("i", { "aria-label": "Delivered" }, "✓✓"));
  inside.push(meta, el("button", { class: "more", type: "button", "aria-label": "Reply or delete", "data-testid": "more", onclick: () => act.menu(message) }, "⋮"));
  const box = el("div", { class: keyed ? "bubble keyed" : "bubble" }, ...inside);
  box.style.setProperty("--meta", `${40 + (mine ? 22 : 0) + (message.edited ? 40 : 0) + (message.silent || (context.group && message.bot) ? 20 : 0) + (message.pinned ? 20 : 0)}px`);
  const classes = ["message", mine && "mine", faced && "faced", context.follows && "next"].filter(Boolean).join(" ");
  return el("li", { class: classes, "data-testid": "message", "data-id": message.id, "data-from": message.bot ? "bot" : message.from ?? "anonymous", "data-edits": message.edits },
    faced && avatar(message.from, message.name), box, keyed && keys(message, act));
}

function keys(message, act) {
  const rows = message.keyboard.map((row) => el("div", { class: "line" }, ...row.map((button) => key(message, button, act))));
  return el("div", { class: "keys", "data-testid": "keyboard", role: "group", "aria-label": "Buttons" }, ...rows);
}

function mark(path) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

function key(message, button, act) {
  const kind = button.url ? "url" : button.copy_text ? "copy" : "tap";
  const sign = { url: "M7 3h6v6M13 3 4 12", copy: "M6 6h8v8H6zM4 10H2V2h8v2", tap: "" }[kind];
  const style = ["danger", "success", "primary"].includes(button.style) ? button.style : "";
  const props = { class: `key ${style}`.trim(), type: "button", "data-testid": "button", "data-kind": kind, "data-style": style || null };
  const node = el("button", props, el("span", {}, button.text), sign && mark(sign));
  node.addEventListener("click", () => {
    if (kind === "url") act.open(button.url);
    else if (kind === "copy") act.copy(button.copy_text.text);
    else act.tap(message, button, node);
  });
  return node;
}
