// The panel: the cluster's time, switches for its faults by subject, buttons for Telegram's.

import { el } from "./bubbles.js";

export async function post(path, body) {
  const response = await fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  const answer = await response.json().catch(() => ({ error: "the demo does not answer" }));
  if (!response.ok) throw new Error(answer.error || response.statusText);
  return answer;
}

export const get = async (path) => (await fetch(path)).json();

const words = (seconds) => (seconds >= 86400 ? `${seconds / 86400} day` : `${seconds / 3600} h`);

export function panel(tell) {
  const cluster = document.getElementById("cluster-faults");
  const telegram = document.getElementById("telegram-faults");
  const time = document.getElementById("time");
  const clear = document.getElementById("clear");
  const open = new Map(); // group -> is it unfolded
  const chosen = new Map(); // fault -> what it is aimed at next
  let rows = [];

  const attempt = async (path, body, draw) => {
    try { draw(await post(path, body)); return true; } catch (error) { tell(error.message); return false; }
  };

  function fault(row) {
    const id = `fault-${row.key}`;
    const aimed = row.aimed || (row.on ? [row.target || ""] : []);
    const targets = [...new Set([...(row.one === false ? [""] : []), ...(row.targets || []), ...aimed])];
    const choice = targets.length > 1 && el("select", { "aria-label": `${row.label}: where`, "data-testid": `target-${row.key}` },
      ...targets.map((target) => el("option", { value: target }, row.names?.[target] || target || "all")));
    const wanted = row.on ? row.target : chosen.get(row.key);
    if (choice && targets.includes(wanted)) choice.value = wanted;
    const where = () => (choice ? choice.value : targets[0] || "");
    const set = async (on) => {
      for (const target of on ? [where()] : aimed.length ? aimed : [""]) {
        if (!(await attempt("/control/faults", { key: row.key, on, target }, drawCluster))) drawCluster(rows);
      }
    };
    // One that is on goes with the choice: off where it was, on there.
    const move = async () => {
      const to = where();
      if (aimed.length === 1 && aimed[0] === to) return;
      for (const target of aimed.filter((one) => one !== to)) await attempt("/control/faults", { key: row.key, on: false, target }, () => {});
      if (!(await attempt("/control/faults", { key: row.key, on: true, target: to }, drawCluster))) drawCluster(await get("/control/faults"));
    };
    const act = row.once
      ? el("button", { class: "go", type: "button", id, "data-testid": id, "aria-label": `${row.label}: do it`, onclick: () => set(true) }, "Do it")
      : el("input", { type: "checkbox", class: "switch", role: "switch", id, "data-testid": id, "aria-label": row.label, onchange: (event) => set(event.target.checked) });
    act.checked = Boolean(row.on);
    if (choice) choice.addEventListener("change", () => { chosen.set(row.key, choice.value); if (row.on) move(); });
    const places = aimed.filter(Boolean).map((target) => row.names?.[target] || target).join(", ");
    return el("div", { class: row.on ? "fault on" : "fault" },
      el(row.once ? "span" : "label", row.once ? { class: "name" } : { for: id }, row.label), act,
      el("p", {}, row.help || "", row.rule && " ", row.rule && el("i", { title: "The rule that it brings about" }, `· ${row.rule}`), places && el("b", {}, ` · ${places}`), row.seen && el("span", { class: "seen" }, row.seen)), choice);
  }

  function drawCluster(all) {
    rows = all;
    const groups = Map.groupBy ? Map.groupBy(rows, (row) => row.group || "Cluster") : rows.reduce((map, row) => map.set(row.group || "Cluster", [...(map.get(row.group || "Cluster") || []), row]), new Map());
    const focused = document.activeElement?.id;
    cluster.replaceChildren(...[...groups].map(([name, members], index) => {
      const on = members.filter((row) => row.on).length;
      const box = el("details", { class: "group", "data-testid": `group-${index}` },
        el("summary", {}, el("span", {}, name), on > 0 && el("i", { class: "on", "aria-label": `${on} on` }, String(on)), el("small", {}, String(members.length))),
        ...members.map(fault));
      box.open = open.get(name) ?? index === 0;
      box.addEventListener("toggle", () => open.set(name, box.open));
      return box;
    }));
    if (!rows.length) cluster.replaceChildren(el("div", { class: "fault" }, el("p", {}, "No simulated cluster stands behind this page.")));
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
    clear.hidden = !rows.some((row) => row.on);
  }

  clear.onclick = async () => {
    for (const row of rows.filter((one) => one.on)) {
      for (const target of row.aimed?.length ? row.aimed : [row.target || ""]) await attempt("/control/faults", { key: row.key, on: false, target }, () => {});
    }
    drawCluster(await get("/control/faults"));
  };

  function drawTelegram(rows) {
    telegram.replaceChildren(...rows.map((row) => {
      const go = el("button", { class: row.on ? "go on" : "go", type: "button", "data-testid": `mischief-${row.key}`, "aria-label": row.label,
        onclick: () => attempt("/control/telegram", { key: row.key }, drawTelegram) }, row.on ? (row.lasts ? "on" : `${row.on} left`) : "Do it");
      return el("div", { class: "fault" }, el("span", { class: "name" }, row.label), go, el("p", {}, row.help, row.rule && " ", row.rule && el("i", {}, `· ${row.rule}`)));
    }));
  }

  function drawTime(state) {
    document.getElementById("time-title").hidden = time.hidden = !state.timed;
    const pace = state.speeds.map((speed) => el("button", { type: "button", "data-testid": `speed-${speed}`, "aria-pressed": String(state.speed === speed),
      onclick: () => attempt("/control/time", { speed }, drawTime) }, `×${speed}`));
    const skips = state.skips.map((skip) => el("button", { type: "button", "data-testid": `skip-${skip}`,
      onclick: async () => { if (await attempt("/control/time", { skip }, drawTime)) tell(`${words(skip)} went by: everything in the cluster is that much older.`); } }, `skip ${words(skip)}`));
    time.replaceChildren(el("div", { class: "pace", role: "group", "aria-label": "Speed of the cluster" }, ...pace), el("div", { class: "pace" }, ...skips),
      el("p", {}, "How fast tasks, backups and certificates go by. The bot's own clock stays as it is."));
  }

  return async () => {
    drawCluster(await get("/control/faults"));
    drawTelegram(await get("/control/telegram"));
    drawTime(await get("/control/time"));
  };
}
