"use strict";
// Below: the graph as it is compiled, with the path that this dialogue took, step by step.
cocoon.graph = (() => {
  const { make, drawing } = cocoon;
  let place = 0, now = null;

  function edges(path, graph) {
    const own = path.filter((one) => one.graph === graph);
    const steps = new Map();
    for (const one of own) {
      if (!steps.has(one.step)) steps.set(one.step, new Set());
      steps.get(one.step).add(one.node);
    }
    const order = [new Set(["__start__"]), ...[...steps.keys()].sort((a, b) => a - b).map((key) => steps.get(key))];
    if (own.length && own[own.length - 1].ended) order.push(new Set(["__end__"]));
    const found = new Map();
    for (let at = 1; at < order.length; at += 1) {
      for (const from of order[at - 1]) for (const to of order[at]) {
        const key = `${from}\u0000${to}`;
        found.set(key, (found.get(key) || 0) + 1);
      }
    }
    return found;
  }

  // `open` shows a call, `drawings` are texts by graph.
  function show(one, drawings, w, open) {
    const path = one.path.filter((step) => drawings[step.graph]);
    place = Math.min(place, Math.max(path.length - 1, 0));
    now = { path, one, drawings, w, open };
    if (!path.length) return [make("p", {}, w.noPath)];
    const box = make("div", { id: "drawing" }), told = make("div", { id: "told" });
    now.box = box; now.told = told; now.shown = null;
    const bar = make("div", { class: "bar" },
      make("button", { id: "back", onclick: () => step(-1) }, "◀"), make("span", { id: "step" }),
      make("button", { id: "on", onclick: () => step(1) }, "▶"));
    now.bar = bar;
    setTimeout(draw);
    return [bar, make("div", { class: "both" }, box, told)];
  }

  function draw() {
    const { path, drawings, box, w, bar } = now, at = path[place];
    if (!at) return;
    if (now.shown !== at.graph) {
      const svg = drawing(drawings[at.graph]);
      const walked = edges(path, at.graph);
      svg.querySelectorAll(".edge").forEach((edge) => {
        const times = walked.get(`${edge.dataset.source}\u0000${edge.dataset.target}`) || 0;
        if (times) { edge.classList.add("walked"); edge.setAttribute("data-times", times); }
      });
      svg.querySelectorAll(".node").forEach((node) => node.addEventListener("click", () => list(node.dataset.node)));
      box.replaceChildren(svg);
      now.shown = at.graph;
    }
    box.querySelectorAll(".node").forEach((node) => {
      node.classList.toggle("now", node.dataset.node === at.node);
      node.classList.toggle("walked", path.some((one) => one.graph === at.graph && one.node === node.dataset.node));
    });
    bar.querySelector("#step").textContent = `${at.graph} · ${w.step} ${place + 1} / ${path.length} · ${at.node}${at.task ? ` (${at.task})` : ""}`;
    list(at.node, at);
  }

  // The calls of a node, of one visit or of all.
  function list(node, visit = null) {
    const visits = visit ? [visit] : now.path.filter((one) => one.node === node && one.graph === now.shown);
    const keys = visits.flatMap((one) => one.calls);
    now.told.replaceChildren(make("b", {}, node), make("small", {}, visits.length > 1 ? ` × ${visits.length}` : ` → ${(visits[0] || { updated: [] }).updated.join(", ")}`),
      make("div", { class: "calls" }, keys.map((key) => make("button", { "data-call": key, onclick: () => now.open(key) }, key))));
  }

  function step(by) {
    if (!now || !now.path.length) return;
    place = Math.max(0, Math.min(now.path.length - 1, place + by));
    draw();
  }

  // To the step in which a turn was said.
  function jump(calls) {
    if (!now || !now.path.length || !calls.length) return;
    const found = now.path.findIndex((one) => one.calls.includes(calls[0]));
    if (found >= 0) { place = found; draw(); }
  }
  const restart = () => { place = 0; };

  return { show, step, jump, restart };
})();
