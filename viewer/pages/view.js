"use strict";
// The page's state: which run, which dialogue is open, what is shown of it. Everything hangs on `state`.
(() => {
  const { at, make, load, forget, part, list, none } = cocoon;
  const POLL = 2000, SOON = 50, PANES = ["charts", "about", "help"];
  const state = { index: null, wanted: null, open: null, other: null, others: new Map(), turn: null, call: null, beside: [], compare: false, picked: null, fork: false, graph: false, language: "en" };
  const kept = {
    get: (name) => { try { return localStorage.getItem(name); } catch { return null; } },
    set: (name, value) => { try { localStorage.setItem(name, value); } catch { /* from disk it may be refused */ } },
  };
  const w = () => window.cocoonWords[state.language];

  function trouble(text) {
    at("trouble").hidden = !text;
    at("trouble").textContent = cocoon.shown(text || "");
  }
  // Whatever is asked for by a click or a key: a refusal is told on the page.
  const tried = (act) => (...given) => Promise.resolve(act(...given)).catch((error) => trouble(`${w().trouble}: ${error.message}`));

  function counts(shown = list.count()[0]) {
    const { left, count } = state.index, word = left ? `${w().reading} ${count - left} / ${count}` : w()[state.index.state];
    at("counts").textContent = `${shown} ${w().of} ${list.count()[1]} ${w().dialogues} · ${word}`;
  }

  function relist() {
    list.label(w());
    counts(list.show());
  }

  // The address of a dialogue, with what the list is narrowed to.
  const address = (id) => { const query = list.narrowing(), name = encodeURIComponent(id); return query ? `#?${query}&dialogue=${name}` : `#${name}`; };
  // Takes the address in: a filter that a report links, a dialogue, or both. Returns the dialogue's id.
  function arrive() {
    const text = location.hash.slice(1);
    if (!text.startsWith("?")) { list.narrowTo(""); try { return decodeURIComponent(text); } catch { return ""; /* an address that somebody cut */ } }
    const query = new URLSearchParams(text.slice(1)), id = query.get("dialogue") || "";
    query.delete("dialogue");
    list.narrowTo(query);
    return id;
  }

  const open = tried(async (id) => {
    const found = list.get(id);
    if (!found) return;
    const again = state.open && state.open.id === id;
    if (!again) { state.turn = null; state.call = null; state.picked = null; state.fork = false; cocoon.graph.restart(); }
    state.wanted = id;
    list.mark(id, true);
    const one = await part(`data/${found.file}`, "dialogue"), other = await counterpart(found);
    // Another one was asked for meanwhile.
    if (state.wanted !== id) return;
    state.open = one;
    state.other = other;
    // A page of one dialogue is a frame inside another page, whose address is not ours to change.
    if (!state.index.alone) history.replaceState(null, "", address(id));
    trouble("");
    // A dialogue under way is drawn anew as it goes on: the reader stays where they were, or at its end.
    const box = at("middle"), top = box.scrollTop, ending = box.scrollHeight - top - box.clientHeight < 40;
    await draw();
    box.scrollTop = again ? (ending ? box.scrollHeight : top) : 0;
    document.body.classList.remove("listing");
    const next = list.beside(1);
    if (next && next.id !== id) load(`data/${next.file}`).catch(() => {});
  });

  // What a dialogue can be compared with, the nearest first: same profile, in the other run, then in this one.
  function twins(found) {
    const near = (some) => -2 * (some.supporter === found.supporter) - (some.sample === found.sample);
    const of = (all, folder, run) => all.filter((some) => some.profile === found.profile && (folder === "other" || some.id !== found.id) && some.turns !== 0).map((some) => ({ ...some, path: `${folder}/${some.file}`, run })).sort((a, b) => near(a) - near(b));
    return [...of([...state.others.values()], "other", state.index.other), ...of(list.every(), "data", state.index.name)];
  }
  async function counterpart(found) {
    const all = state.compare ? twins(found) : [], some = all.find((one) => one.path === state.picked) || all[0];
    if (!some) return null;
    const picker = make("select", { "aria-label": w().beside }, all.map((one) => make("option", { value: one.path, selected: one === some }, `${one.run}: ${one.id}`)));
    picker.addEventListener("change", () => { state.picked = picker.value; open(found.id); });
    return { file: some.path, run: some.run, picker, whole: await part(some.path, "dialogue") };
  }

  async function draw() {
    at("b-compare").setAttribute("aria-pressed", String(state.compare));
    at("b-graph").setAttribute("aria-pressed", String(state.graph));
    at("graph").hidden = !state.graph || !state.open;
    document.body.classList.toggle("graphing", state.graph && Boolean(state.open));
    if (!state.open) { at("middle").replaceChildren(make("p", {}, list.count()[1] ? w().pick : w().empty)); at("right").replaceChildren(); return; }
    const other = state.other || {};
    const shown = state.compare ? cocoon.lanes.compare(state.open, other.whole, [state.index.name, other.run], other.picker, w(), choose) : cocoon.lanes.show(state.open, w(), choose);
    const tree = state.compare ? null : cocoon.tree.show(state.open, list.every(), w(), open, tried(() => beside(true)));
    at("middle").replaceChildren(...(state.fork ? await futures() : [tree, shown]).flat(Infinity).filter(Boolean));
    mark();
    await side();
    if (state.graph) at("graph").replaceChildren(...cocoon.graph.show(state.open, await load("graphs"), w(), call, stepped));
    if (state.graph && !none(state.turn)) cocoon.graph.jump(state.open.turns[state.turn].calls);
  }

  // The futures of the fork that the open one is of, side by side, or the open one again.
  function beside(wanted) { state.fork = wanted; state.call = null; return draw(); }
  async function futures() {
    const all = cocoon.tree.siblings(state.open, list.every()), whole = await Promise.all(all.map((some) => part(`data/${some.file}`, "dialogue")));
    return cocoon.tree.beside(state.open, whole, w(), open, tried(() => beside(false)));
  }

  async function side() {
    document.body.classList.toggle("calling", Boolean(state.call));
    const parts = [], file = state.call && (state.call.side === "b" ? state.other.file : `data/${list.get(state.open.id).file}`);
    if (state.call) parts.push(cocoon.side.call(state.call.key, await part(file, "calls"), state.beside, w(), call, close));
    at("right").replaceChildren(...parts, ...cocoon.side.ratings(state.open, w(), (key) => call(key)).flat());
    at("right").scrollTop = 0;
  }

  const call = tried(async (key, beside = [key], side_ = "a") => { state.call = { key, side: side_ }; state.beside = beside; await side(); });
  function close() { state.call = null; if (state.open) side(); }

  const turnOf = (calls) => { const found = state.open.turns.findIndex((turn) => turn.calls.some((key) => calls.includes(key))); return found < 0 ? null : found; };

  // A step that calls no model leaves the mark where it is.
  function stepped(calls) { const place = turnOf(calls); if (!none(place)) mark(place, true); }

  // Marks a turn in the lanes and in the strip; `seek` brings it in sight.
  function mark(place = state.turn, seek = false) {
    document.querySelectorAll(".turn.chosen").forEach((one) => one.classList.remove("chosen"));
    cocoon.strip.mark(none(place) ? -1 : place);
    if (none(place)) return;
    const turns = document.querySelectorAll(`.turn[data-turn="${place}"]`);
    turns.forEach((one) => one.classList.add("chosen"));
    if (seek && turns.length) turns[0].scrollIntoView({ block: "nearest" });
  }

  function choose(place, side_ = "a") {
    const one = side_ === "b" && state.other ? state.other.whole : state.open;
    if (!one || place < 0 || place >= one.turns.length) return;
    state.turn = place;
    mark(place, true);
    const keys = one.turns[place].calls;
    if (state.graph && side_ !== "b") cocoon.graph.jump(keys);
    if (keys.length) call(keys[keys.length - 1], keys, side_ || "a"); else close();
  }

  const move = (by) => { const next = list.beside(by); if (next) open(next.id); };

  function pane(name, fill) {
    const box = at(name);
    if (box.open) { box.close(); return; }
    box.showModal();
    fill(box);
  }
  const leave = () => make("button", { class: "close", "aria-label": w().close, onclick: (event) => event.currentTarget.closest("dialog").close() }, "✕");

  const charts = tried(async (box) => {
    box.replaceChildren(leave(), make("p", {}, w().loading));
    if (state.index.live) forget("charts");
    const drawn = await load("charts", state.index.live ? `at=${Date.now()}` : "");
    const sheet = (one) => make("figure", { class: "sheet" }, make("h2", {}, one.title), one.drawings.map(cocoon.drawing), make("figcaption", {}, one.note));
    box.replaceChildren(leave(), ...drawn[state.language].map(sheet));
  });

  function about(box) {
    const all = list.every(), judged = all.filter((one) => one.success === true || one.success === false), count = (value) => all.filter((one) => one.success === value).length;
    const row = (name, value) => make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, value));
    box.replaceChildren(leave(), make("h2", {}, state.index.name), make("table", {}, row(w().state, w()[state.index.state]), row(w().dialogues, all.length),
      row(w().success, `${count(true)} / ${judged.length} ${w().judged} · ${w().missing} ${count("missing")} · ${w().failed} ${count("failed")}`),
      ...Object.entries(state.index.roles).map(([role, models]) => row(w()[role] || role, models.join(", "))), row(w().hosts, state.index.hosts.join(", ") || "–")), make("p", { class: "quiet" }, w().caution));
  }

  function help(box) {
    box.replaceChildren(leave(), make("h2", {}, w().keys), make("table", {}, w().help.map(([key, does]) => make("tr", {}, make("th", { scope: "row" }, make("kbd", {}, key)), make("td", {}, does)))),
      make("h2", {}, w().signs), make("table", {}, w().legend.map(([sign, does]) => make("tr", {}, make("th", { scope: "row" }, sign), make("td", {}, does)))));
  }

  const dark = () => (document.documentElement.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const acts = {
    list: () => { const shown = document.body.classList.toggle("listing"); at("b-list").setAttribute("aria-expanded", String(shown)); },
    about: () => pane("about", about), charts: () => pane("charts", charts), help: () => pane("help", help),
    compare: () => { state.compare = !state.compare; state.call = null; if (state.open) open(state.open.id); },
    graph: tried(() => { state.graph = !state.graph; return draw(); }),
    language: tried(() => { state.language = state.language === "en" ? "zh" : "en"; kept.set("cocoon-language", state.language); words(); return draw(); }),
    theme: () => { const next = dark() ? "light" : "dark"; document.documentElement.dataset.theme = next; kept.set("cocoon-theme", next); },
  };

  function words() {
    const one = w();
    document.documentElement.lang = state.language;
    for (const name of ["about", "charts", "compare", "graph", "language", "theme"]) at(`b-${name}`).textContent = one[name];
    at("recorded").textContent = one.recorded;
    at("b-help").setAttribute("aria-label", one.keys);
    at("b-list").setAttribute("aria-label", one.dialogues);
    for (const [name, label] of [["middle", one.talk], ["right", one.scores], ["graph", one.graph], ["nav", one.dialogues], ...PANES.map((pane_) => [pane_, one[pane_] || one.keys])]) at(name).setAttribute("aria-label", label);
    for (const [name, fill] of [["charts", charts], ["about", about], ["help", help]]) if (at(name).open) fill(at(name));
    relist();
  }

  const turn = (by) => choose(none(state.turn) ? 0 : state.turn + by);
  function key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.matches("input, select")) { if (event.key === "Escape") event.target.blur(); return; }
    if (event.target.matches("pre") && /^(Arrow|Page|Home|End)/.test(event.key)) return;
    const closing = { "?": "help", h: "charts", i: "about" }[event.key], shown = PANES.find((name) => at(name).open);
    if (shown && closing !== shown && event.key !== "l" && event.key !== "t") return;
    const inList = event.target === at("list"), press = event.target.matches("button, summary, [role=button]");
    const does = {
      j: () => move(1), k: () => move(-1), ArrowDown: () => (inList ? move(1) : turn(1)), ArrowUp: () => (inList ? move(-1) : turn(-1)),
      Home: inList && (() => move(-Infinity)), End: inList && (() => move(Infinity)), PageDown: inList && (() => move(10)), PageUp: inList && (() => move(-10)),
      ArrowRight: () => cocoon.graph.step(1), ArrowLeft: () => cocoon.graph.step(-1), "/": () => { document.body.classList.add("listing"); at("search").focus(); },
      Enter: !press && (() => turn(0)), g: acts.graph, c: acts.compare, h: acts.charts, i: acts.about, l: acts.language, t: acts.theme, "?": acts.help, Escape: close,
    }[event.key];
    if (does) { event.preventDefault(); does(); }
  }

  function take(told) {
    Object.assign(state.index, told);
    list.take(told.dialogues);
    for (const one of told.others) state.others.set(one.id, one);
  }

  async function poll() {
    const before = state.index, [since, others] = before.serials, was = before.state;
    let told;
    try { told = await load("news", `since=${since}&others=${others}`); } catch (error) { trouble(`${w().trouble}: ${error.message}`); setTimeout(poll, POLL); return; }
    forget("news");
    // Another server, a file that was begun anew, or a run put in order at its end: the list is drawn from the start.
    if (told.source !== before.source || (!told.left && told.count !== list.count()[1] + told.dialogues.filter((one) => !list.get(one.id)).length) || (was === "running" && told.state === "finished" && !told.left)) { location.reload(); return; }
    trouble("");
    const changed = told.dialogues.length || told.others.length, mine = state.open && told.dialogues.find((one) => one.id === state.open.id);
    take(told);
    if (changed) { relist(); list.listen(); } else counts();
    if (mine) { forget(`data/${mine.file}`); open(mine.id); } else if (!state.open && list.first()) open(list.first().id);
    setTimeout(poll, told.left ? SOON : POLL);
  }

  async function start() {
    try { state.index = await load("index"); } catch (error) { trouble(error.message); return; }
    Object.assign(window.cocoonWords.zh.reasons, state.index.reasons);
    state.language = kept.get("cocoon-language") || state.index.language;
    if (state.index.alone) {
      document.body.classList.add("alone");
      for (const name of ["list", "charts", "compare"]) { at(`b-${name}`).hidden = true; delete acts[name]; }
    }
    const theme = kept.get("cocoon-theme");
    if (theme) document.documentElement.dataset.theme = theme;
    at("run").textContent = cocoon.shown(state.index.name);
    at("recorded").hidden = !state.index.recorded;
    document.title = cocoon.shown(state.index.name);
    list.start(open, counts, state.index.live, state.index.alone);
    const wanted = arrive();
    take(state.index);
    words();
    for (const [name, act] of Object.entries(acts)) at(`b-${name}`).addEventListener("click", act);
    document.addEventListener("keydown", key);
    addEventListener("hashchange", () => { const id = arrive(); relist(); const next = list.get(id) || list.first(); if (next) open(next.id); });
    const first = list.get(wanted) || list.first();
    // The first dialogue before the rest of the list.
    await (first ? open(first.id) : draw());
    if (state.index.live) setTimeout(poll, state.index.left ? SOON : POLL);
  }
  start();
})();
