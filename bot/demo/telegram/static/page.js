// The phone: which chat is open, who speaks, what arrives.

import { age, avatar, bubble, clock, day, el, hue, initial, rich } from "./bubbles.js";
import { get, panel, post } from "./panel.js";

const $ = (id) => document.getElementById(id);
const state = { bot: {}, people: [], chats: [], messages: {}, menus: {} };
const now = { chat: null, topic: null, speaker: null, anonymous: false, unread: {}, busy: {}, drafts: {}, reply: null, pin: 0 };

const chatOf = (id) => state.chats.find((chat) => chat.id === id);
const personOf = (id) => state.people.find((person) => person.id === id);
const group = (chat) => chat.type !== "private";
const said = (chat) => state.messages[chat.id] || [];
const shown = (chat) => said(chat).filter((message) => !chat.forum || (message.topic ?? null) === now.topic);
const key = (chat, topic) => `${chat}:${topic ?? ""}`;
const speaker = (chat) => (group(chat) ? now.speaker : chat.user);

// --- drawing

function drawChats() {
  $("chats").replaceChildren(...state.chats.map((chat) => {
    const last = said(chat).at(-1);
    const count = now.unread[chat.id] || 0;
    const note = personOf(chat.user)?.note || (group(chat) ? (chat.forum ? "group with topics" : "group") : "");
    return el("button", { class: "row", type: "button", "data-testid": `chat-${chat.id}`, "aria-current": String(chat.id === now.chat), onclick: () => open(chat.id) },
      avatar(chat.id, chat.title),
      el("span", { class: "text" },
        el("span", { class: "top" }, el("span", { class: "name" }, chat.title), note && el("span", { class: "tag" }, note), last && el("span", { class: "time" }, clock(last.date))),
        el("span", { class: "last" }, last ? `${last.bot ? "" : group(chat) ? `${last.name}: ` : "You: "}${last.service || last.text || last.media?.name || "Picture"}` : "nothing said yet")),
      count > 0 && el("span", { class: "count", "aria-label": `${count} unread` }, String(count)));
  }));
}

function drawHead(chat) {
  $("face").className = group(chat) ? `avatar hue-${hue(chat.id)}` : "avatar bot";
  $("face").textContent = group(chat) ? initial(chat.title) : "";
  if (!group(chat)) $("face").replaceChildren(el("img", { class: "logo", src: "/static/icon.svg", alt: "" }));
  $("title").textContent = group(chat) ? chat.title : state.bot.name;
  const person = personOf(chat.user);
  const calm = group(chat) ? `${chat.members + 1} members` : `bot · ${person.name}’s phone${person.note ? `, ${person.note}` : ""}`;
  const busy = now.busy[chat.id];
  $("subtitle").textContent = busy || (chat.status === "blocked" ? "blocked" : calm);
  $("subtitle").classList.toggle("busy", Boolean(busy));
  document.title = `${chat.title} · Telemox demo`;
  $("topics").hidden = !chat.forum;
  const topics = [{ id: null, title: "General" }, ...chat.topics];
  $("topics").replaceChildren(...topics.map((topic) => el("button", { type: "button", role: "tab", "aria-selected": String(topic.id === now.topic), "data-testid": `topic-${topic.id ?? "general"}`,
    onclick: () => { now.topic = topic.id; now.unread[key(chat.id, topic.id)] = 0; draw(); } }, topic.title,
    now.unread[key(chat.id, topic.id)] > 0 && el("b", { class: "count" }, String(now.unread[key(chat.id, topic.id)])))));
  $("speakers").hidden = !group(chat);
  const voices = [...state.people.map((p) => ({ id: p.id, name: p.name, anonymous: false })), ...(chat.type === "supergroup" ? [{ id: now.speaker, name: "Anonymous admin", anonymous: true }] : [])];
  $("speakers").replaceChildren("As", ...voices.map((voice) => el("button", { type: "button", role: "radio", "data-testid": voice.anonymous ? "as-anonymous" : `as-${voice.id}`,
    "aria-checked": String(voice.anonymous ? now.anonymous : !now.anonymous && voice.id === now.speaker), onclick: () => { now.speaker = voice.id; now.anonymous = voice.anonymous; draw(); } }, voice.name)));
}

function drawPin(chat) {
  const pins = shown(chat).filter((message) => message.pinned);
  $("pin").hidden = !pins.length;
  if (!pins.length) return;
  const at = pins.length - 1 - (now.pin % pins.length); // the newest first; each tap goes to the one before
  const first = pins[at].text.split("\n")[0];
  const times = pins[at].entities.filter((entity) => entity.type === "date_time" && entity.offset + entity.length <= first.length);
  $("pin").replaceChildren(el("b", {}, pins.length > 1 ? `Pinned message ${at + 1} of ${pins.length}` : "Pinned message"), ...(first ? rich(first, times, act) : ["Picture"]));
  $("pin").onclick = () => { act.jump(pins[at].id); now.pin += 1; drawPin(chat); };
}

const nearEnd = () => $("scroll").scrollHeight - $("scroll").scrollTop - $("scroll").clientHeight < 120;
let sticks = true; // to the end, while pictures arrive and bubbles grow
const toEnd = () => { sticks = true; $("scroll").scrollTop = $("scroll").scrollHeight; };
new ResizeObserver(() => { if (sticks) toEnd(); }).observe($("messages"));

function contextOf(chat, list, index) {
  const message = list[index];
  const before = list[index - 1];
  const follows = Boolean(before && !before.service && before.from === message.from && before.bot === message.bot && message.date - before.date < 300);
  return { group: group(chat), speaker: now.anonymous ? null : now.speaker, follows, find: (id) => said(chat).find((m) => m.id === id) };
}

function draw() {
  const chat = chatOf(now.chat);
  if (!chat) return;
  drawChats();
  drawHead(chat);
  drawPin(chat);
  const list = shown(chat);
  const nodes = [];
  list.forEach((message, index) => {
    if (!index || day(list[index - 1].date) !== day(message.date)) nodes.push(el("li", { class: "day" }, day(message.date)));
    nodes.push(bubble(message, contextOf(chat, list, index), act));
  });
  if (!nodes.length) nodes.push(el("li", { class: "hello" }, el("b", {}, "What can this bot do?"), "It runs a Proxmox VE cluster from a phone. Say /status, or open the menu."));
  $("messages").replaceChildren(...nodes);
  // Telegram hides the field until Start is pressed; here both are offered, so that /status can be typed at once.
  const fresh = !group(chat) && !said(chat).length;
  $("start").hidden = !fresh;
  $("menu").hidden = menu(chat).length === 0;
  $("input").disabled = false; // until a chat is known there is nobody to write to
  toEnd();
}

// One message came or changed: only its bubble is drawn anew.
function upsert(chatId, message) {
  const list = (state.messages[chatId] ||= []);
  const at = list.findIndex((known) => known.id === message.id);
  if (at >= 0) list[at] = message; else list.push(message);
  const chat = chatOf(chatId);
  if (!chat) return;
  if (message.bot) now.busy[chatId] = "";
  if (chatId !== now.chat || (document.body.dataset.view === "list" && matchMedia("(max-width: 760px)").matches)) {
    if (at < 0 && (message.bot || group(chat))) now.unread[chatId] = (now.unread[chatId] || 0) + 1;
  }
  if (chatId === now.chat && chat.forum && (message.topic ?? null) !== now.topic && at < 0 && message.bot) {
    const where = key(chatId, message.topic);
    now.unread[where] = (now.unread[where] || 0) + 1;
  }
  drawChats();
  if (chatId !== now.chat) return;
  drawHead(chat);
  drawPin(chat);
  const follow = nearEnd() || (at < 0 && !message.bot);
  const list2 = shown(chat);
  const index = list2.findIndex((known) => known.id === message.id);
  const old = $("messages").querySelector(`[data-id="${Number(message.id)}"]`);
  if (index < 0) return;
  if (!old && (index !== list2.length - 1 || list2.length === 1 || day(list2[index - 1].date) !== day(message.date))) { draw(); return; }
  const node = bubble(message, contextOf(chat, list2, index), act);
  const box = node.querySelector(".bubble");
  if (old) {
    const unfolded = [...old.querySelectorAll(".fold")].map((fold) => fold.classList.contains("open"));
    [...node.querySelectorAll(".fold")].forEach((fold, i) => fold.classList.toggle("open", Boolean(unfolded[i])));
    const focused = old.contains(document.activeElement) && document.activeElement.textContent;
    old.replaceWith(node);
    if (focused) [...node.querySelectorAll("button")].find((b) => b.textContent === focused)?.focus({ preventScroll: true });
    if (box) box.classList.add("flash");
  } else {
    $("messages").append(node);
    if (box) box.classList.add("new");
  }
  if (follow) toEnd(); else $("down").hidden = false;
}

function open(chatId) {
  now.drafts[now.chat] = $("input").value;
  now.chat = chatId;
  now.topic = null;
  now.pin = 0;
  answer(null);
  now.unread[chatId] = 0;
  document.body.dataset.view = "chat";
  history.replaceState(null, "", `#${chatId}`);
  $("input").value = now.drafts[chatId] || "";
  closeMenu();
  hush();
  draw();
  grow();
}

// --- doing

const act = {
  async say(text) {
    const chat = chatOf(now.chat);
    const to = now.reply;
    answer(null);
    try {
      await post(`/chats/${chat.id}/say`, { user: speaker(chat), text, topic: now.topic, anonymous: group(chat) && now.anonymous, ...(to && { reply_to: to }) });
    } catch (error) { toast(error.message); }
  },
  async tap(message, button, node) {
    const chat = chatOf(now.chat);
    node.setAttribute("aria-busy", "true");
    try {
      const answer = await post(`/chats/${chat.id}/tap`, { user: speaker(chat), message: message.id, data: button.callback_data });
      if (answer.url) act.open(answer.url);
      if (answer.text) (answer.alert ? alarm : toast)(answer.text);
    } catch (error) { toast(error.message); } finally { node.removeAttribute("aria-busy"); }
  },
  async copy(text) {
    try { await navigator.clipboard.writeText(text); toast("Copied to clipboard"); } catch { alarm(text); }
  },
  open(url) {
    const payload = act.deepLink(url);
    if (payload !== null) act.say(`/start ${payload}`);
    else if (/^https?:\/\//i.test(url)) window.open(url, "_blank", "noopener,noreferrer");
    else toast(url);
  },
  deepLink(url) {
    const found = /^(?:https?:\/\/)?t\.me\/([A-Za-z0-9_]+)\?start=([A-Za-z0-9_-]{1,64})$/i.exec(url);
    return found && found[1].toLowerCase() === (state.bot.username || "").toLowerCase() ? found[2] : null;
  },
  jump(id) {
    const node = $("messages").querySelector(`[data-id="${Number(id)}"]`);
    node?.scrollIntoView({ block: "center", behavior: "smooth" });
    const box = node?.querySelector(".bubble");
    box?.classList.remove("found");
    requestAnimationFrame(() => box?.classList.add("found"));
  },
  menu(message) {
    const chat = chatOf(now.chat);
    const remove = async () => {
      try { await post(`/chats/${chat.id}/delete`, { user: speaker(chat), message: message.id }); } catch (error) { toast(error.message); }
    };
    const row = (label, name, doing) => el("button", { type: "button", "data-testid": name, onclick: () => { $("sheet").close(); doing(); } }, label);
    const who = personOf(speaker(chat))?.name || "";
    $("sheet").replaceChildren(row("Reply", "reply-to", () => answer(message)), row(`Delete${group(chat) ? `, as ${who}` : ""}`, "delete", remove), row("Cancel", "cancel", () => {}));
    $("sheet").showModal();
  },
  enlarge(url) { $("viewer-image").src = url; $("viewer").showModal(); },
};

function answer(message) {
  now.reply = message ? message.id : null;
  $("answering").hidden = !message;
  if (!message) return;
  const cancel = el("button", { class: "icon", type: "button", "aria-label": "Do not reply", onclick: () => answer(null) }, "✕");
  $("answering").replaceChildren(el("div", {}, el("b", {}, `Reply to ${message.name}`), message.text.slice(0, 80) || "…"), cancel);
  $("input").focus();
}

let hushing = 0;
function hush() { $("toast").hidden = true; clearTimeout(hushing); }
function toast(text) {
  hush();
  $("toast").textContent = text;
  $("toast").hidden = false;
  hushing = setTimeout(hush, 2500 + text.length * 40);
}
function alarm(text) { $("alert-text").textContent = text; if (!$("alert").open) $("alert").showModal(); }

// --- the command menu

const menu = (chat) => state.menus[`${chat.id}:${speaker(chat)}`] || [];
function closeMenu() { $("complete").hidden = true; $("menu").setAttribute("aria-expanded", "false"); }
function offer(prefix) {
  const rows = menu(chatOf(now.chat)).filter((row) => row.command.startsWith(prefix));
  $("complete").hidden = rows.length === 0;
  $("complete").replaceChildren(...rows.map((row) => el("button", { type: "button", role: "option", "data-testid": `command-${row.command}`,
    onclick: () => { closeMenu(); $("input").value = ""; grow(); act.say(`/${row.command}`); } }, el("b", {}, `/${row.command}`), el("span", {}, row.description))));
}
function grow() {
  $("input").style.height = "38px";
  $("input").style.height = `${Math.min($("input").scrollHeight, 132)}px`;
}

$("menu").onclick = () => {
  const closed = $("complete").hidden;
  if (closed) offer(""); else closeMenu();
  $("menu").setAttribute("aria-expanded", String(closed));
};
$("input").oninput = () => {
  grow();
  const found = /^\/([a-z0-9_]*)$/i.exec($("input").value);
  if (found) offer(found[1].toLowerCase()); else closeMenu();
};
$("input").onkeydown = (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); $("compose").requestSubmit(); }
  if (event.key === "Escape") closeMenu();
};
$("compose").onsubmit = (event) => {
  event.preventDefault();
  const text = $("input").value.trim();
  if (!text) return;
  $("input").value = "";
  grow();
  closeMenu();
  act.say(text);
};
$("start").onclick = () => act.say("/start");
$("back").onclick = () => { document.body.dataset.view = "list"; drawChats(); };
$("down").onclick = () => { toEnd(); };
$("scroll").onscroll = () => {
  const gap = $("scroll").scrollHeight - $("scroll").scrollTop - $("scroll").clientHeight;
  if (gap < 120) $("down").hidden = true;
  sticks = gap < 4 || (sticks && gap < 40);
};
$("toast").onclick = hush;
$("alert-ok").onclick = () => $("alert").close();
$("sheet").onclick = (event) => { if (event.target === $("sheet")) $("sheet").close(); };
$("viewer").onclick = () => $("viewer").close();
$("open-faults").onclick = () => { document.body.dataset.faults = ""; };
$("close-faults").onclick = () => { delete document.body.dataset.faults; };
$("theme").onclick = () => paint(document.documentElement.dataset.theme === "dark" ? "light" : "dark");

function paint(theme) { document.documentElement.dataset.theme = theme; }
const dark = matchMedia("(prefers-color-scheme: dark)");
paint(dark.matches ? "dark" : "light");
dark.addEventListener("change", () => paint(dark.matches ? "dark" : "light"));

// --- what arrives

const drawFaults = panel(toast);

let held = []; // what arrives while the state is on its way: it may be missing there, so it is applied afterwards
let underway = 0; // loads

async function load() {
  underway += 1;
  try { Object.assign(state, await get("/state")); } finally { underway -= 1; }
  now.speaker ??= state.people[0]?.id ?? null;
  const wanted = Number(location.hash.slice(1));
  now.chat = chatOf(now.chat)?.id ?? chatOf(wanted)?.id ?? state.chats[0]?.id ?? null;
  draw();
  if (!underway) for (const event of held.splice(0)) take(event);
}

let loading = null;
const reload = () => { loading ??= setTimeout(() => { loading = null; load(); }, 50); };

function take(event) {
  if (event.kind === "message") upsert(event.chat, event.message);
  if (event.kind === "delete") {
    state.messages[event.chat] = (state.messages[event.chat] || []).filter((message) => message.id !== event.id);
    if (event.chat === now.chat) draw(); else drawChats();
  }
  if (event.kind === "action") {
    now.busy[event.chat] = event.action === "typing" ? "typing…" : "sending…";
    setTimeout(() => { now.busy[event.chat] = ""; if (event.chat === now.chat) drawHead(chatOf(event.chat)); }, 5000);
    if (event.chat === now.chat) drawHead(chatOf(event.chat));
  }
  if (event.kind === "state") reload();
  if (event.kind === "faults") drawFaults();
}

function listen() {
  const source = new EventSource("/events");
  source.onopen = () => { load(); drawFaults(); };
  source.onmessage = ({ data }) => { if (underway) held.push(JSON.parse(data)); else take(JSON.parse(data)); };
  source.onerror = () => { $("subtitle").textContent = "connecting…"; };
}

setInterval(age, 1000);
listen();
