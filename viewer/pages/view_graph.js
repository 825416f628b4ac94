"use strict";
// Below: the graph as it is compiled, with the path that this dialogue took, step by step.
cocoon.graph = (() => {
  const { at, make, drawing } = cocoon;
  let place = 0, now = null;

  function edges(path, graph) {
    const own = path.filter((one) => one.graph === graph), steps = new Map();
    for (const one of own) steps.set(one.step, (steps.get(one.step) || new Set()).add(one.node));
    const order = [new Set(["__start__"]), ...[...steps.keys()].sort((a, b) => a - b).map((key) => steps.get(key))];
    if (own.length && own[own.length - 1].ended) order.push(new Set(["__end__"]));
    const found = new Map();
    for (let step = 1; step < order.length; step += 1) {
      for (const from of order[step - 1]) for (const to of order[step]) {
        const key = `${from}\u0000${to}`;
        found.set(key, (found.get(key) || 0) + 1);
      }
    }
    return found;
  }

  // `drawings` are texts by graph, `open` shows a call, `turn` marks the turn that a step said.
  function show(one, drawings, w, open, turn) {
    const path = one.path.filter((step) => drawings[step.graph]);
    place = Math.min(place, Math.max(path.length - 1, 0));
    if (!path.length) { now = null; return [make("p", {}, w.noPath)]; }
    now = { path, drawings, w, open, turn, shown: null, box: make("div", { id: "drawing" }), told: make("div", { id: "told" }) };
    // Every step as a button, so that the whole path is in sight and any of it a click away.
    now.steps = make("ol", { id: "path" }, path.map((one, number) => make("li", {}, one.graph === (path[number - 1] || {}).graph ? null : make("b", {}, one.graph), make("button", { "data-step": number, title: one.task, onclick: () => go(number) }, one.node))));
    const slider = make("input", { id: "place", type: "range", min: 1, max: path.length, value: place + 1, "aria-label": w.step });
    slider.addEventListener("input", () => go(Number(slider.value) - 1));
    const bar = make("div", { class: "bar" }, make("button", { id: "back", "aria-label": `${w.step} −1`, onclick: () => step(-1) }, "◀"), slider,
      make("button", { id: "on", "aria-label": `${w.step} +1`, onclick: () => step(1) }, "▶"), make("span", { id: "step", "aria-live": "polite" }));
    // The step is told in elements that must stand in the page first.
    setTimeout(draw);
    return [bar, make("div", { class: "both" }, now.box, make("div", {}, now.told, now.steps))];
  }

  function picture(graph) {
    const { path, drawings, box } = now, svg = drawing(drawings[graph]), walked = edges(path, graph);
    // Names of its parts might be those of the page's own; only the arrow is asked for by its name.
    svg.querySelectorAll("[id]:not(#arrow)").forEach((one) => one.removeAttribute("id"));
    svg.removeAttribute("aria-labelledby");
    svg.setAttribute("role", "group");
    svg.setAttribute("aria-label", graph);
    svg.querySelectorAll(".edge").forEach((edge) => {
      const times = walked.get(`${edge.dataset.source}\u0000${edge.dataset.target}`) || 0;
      if (times) { edge.classList.add("walked"); edge.setAttribute("data-times", times); }
    });
    svg.querySelectorAll(".node").forEach((node) => {
      const act = () => list(node.dataset.node);
      node.setAttribute("tabindex", "0");
      node.setAttribute("role", "button");
      node.addEventListener("click", act);
      node.addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); event.stopPropagation(); act(); } });
    });
    box.replaceChildren(svg);
    now.shown = graph;
  }

  function draw() {
    if (!now) return;
    const { path, box, w } = now, here = path[place], last = place ? path[place - 1] : null;
    if (now.shown !== here.graph) picture(here.graph);
    const visited = new Set(path.filter((one) => one.graph === here.graph).map((one) => one.node));
    const from = last && last.graph === here.graph ? last.node : "__start__";
    box.querySelectorAll(".node").forEach((node) => {
      node.classList.toggle("now", node.dataset.node === here.node);
      node.classList.toggle("walked", visited.has(node.dataset.node));
    });
    box.querySelectorAll(".edge").forEach((edge) => edge.classList.toggle("now", edge.dataset.source === from && edge.dataset.target === here.node));
    at("step").textContent = `${here.graph} · ${w.step} ${place + 1} / ${path.length} · ${here.node}${here.task ? ` (${here.task})` : ""}`;
    at("place").value = place + 1;
    now.steps.querySelectorAll("button").forEach((one, number) => one.toggleAttribute("aria-current", number === place));
    seek(box, box.querySelector(".node.now"));
    seek(now.steps, now.steps.querySelector("[aria-current]"));
    list(here.node, here);
  }

  // Brings a part of a box into its sight without moving the page.
  function seek(box, part) {
    if (!part) return;
    const inside = part.getBoundingClientRect(), around = box.getBoundingClientRect();
    if (inside.top < around.top) box.scrollTop -= around.top - inside.top + 20;
    if (inside.bottom > around.bottom) box.scrollTop += inside.bottom - around.bottom + 20;
  }

  // The calls of a node, of one visit or of all.
  function list(node, visit = null) {
    const visits = visit ? [visit] : now.path.filter((one) => one.node === node && one.graph === now.shown);
    const keys = visits.flatMap((one) => one.calls), { w, open } = now;
    const about = visits.length > 1 ? `× ${visits.length}` : visits.length ? `→ ${(visits[0].updated || []).join(", ")}` : w.notWalked;
    now.told.replaceChildren(make("div", {}, make("b", {}, node), make("small", {}, ` ${about}`)),
      keys.length || !visits.length ? "" : make("p", { class: "quiet" }, w.noCall), make("div", { class: "calls" }, keys.map((key) => make("button", { "data-call": key, onclick: () => open(key, keys) }, key))));
  }

  function go(to) {
    if (!now) return;
    place = Math.max(0, Math.min(now.path.length - 1, to));
    draw();
    now.turn(now.path[place].calls);
  }
  const step = (by) => go(place + by);

  // To the step in which a turn was said.
  function jump(calls) {
    if (!now || !calls.length) return;
    const found = now.path.findIndex((one) => one.calls.includes(calls[0]));
    if (found >= 0) { place = found; draw(); }
  }
  const restart = () => { place = 0; };

  return { show, step, jump, restart };
})();
