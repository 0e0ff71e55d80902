// The panel of faults: switches for the cluster, buttons for Telegram.

import { el } from "./bubbles.js";

export async function post(path, body) {
  const response = await fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  const answer = await response.json().catch(() => ({ error: "the demo does not answer" }));
  if (!response.ok) throw new Error(answer.error || response.statusText);
  return answer;
}

export const get = async (path) => (await fetch(path)).json();

export function panel(tell) {
  const cluster = document.getElementById("cluster-faults");
  const telegram = document.getElementById("telegram-faults");
  const attempt = async (path, body, draw) => {
    try { draw(await post(path, body)); } catch (error) { tell(error.message); }
  };

  function drawCluster(rows) {
    cluster.replaceChildren(...rows.map((row) => {
      const id = `fault-${row.key}`;
      const targets = row.one === false ? ["", ...(row.targets || [])] : row.targets || [];
      const aimed = row.aimed || (row.on ? [row.target || ""] : []);
      const choice = targets.length > 1 && el("select", { "aria-label": `${row.label}: where`, "data-testid": `target-${row.key}` },
        ...targets.map((target) => el("option", { value: target }, target || "all")));
      if (choice && targets.includes(row.target) && row.on) choice.value = row.target;
      const set = async (on) => {
        const where = on ? [choice ? choice.value : targets[0] || ""] : aimed.length ? aimed : [""];
        for (const target of where) await attempt("/control/faults", { key: row.key, on, target }, drawCluster);
      };
      const toggle = el("input", { type: "checkbox", class: "switch", role: "switch", id, "data-testid": id, onchange: (event) => set(event.target.checked) });
      toggle.checked = Boolean(row.on);
      if (choice) choice.addEventListener("change", () => toggle.checked && set(true));
      const where = aimed.filter(Boolean).join(", ");
      return el("div", { class: "fault" }, el("label", { for: id }, row.label), choice, toggle, el("p", {}, row.help || "", where && el("b", {}, ` · ${where}`)));
    }));
    if (!rows.length) cluster.replaceChildren(el("div", { class: "fault" }, el("p", {}, "No simulated cluster stands behind this page.")));
  }

  function drawTelegram(rows) {
    telegram.replaceChildren(...rows.map((row) => {
      const go = el("button", { class: row.on ? "go on" : "go", type: "button", "data-testid": `mischief-${row.key}`, "aria-label": row.label,
        onclick: () => attempt("/control/telegram", { key: row.key }, drawTelegram) }, row.on ? (row.key === "slow" ? "on" : `${row.on} left`) : "Do it");
      return el("div", { class: "fault" }, el("span", { class: "name" }, row.label), go, el("p", {}, row.help));
    }));
  }

  return async () => {
    drawCluster(await get("/control/faults"));
    drawTelegram(await get("/control/telegram"));
  };
}
