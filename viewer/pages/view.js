"use strict";
// The page's state: which run, which dialogues are listed, which one is open. Everything hangs on `state`.
(() => {
  const { make, load, forget, percent, number } = cocoon;
  const HEIGHT = 54, SPARE = 8, POLL = 2000;
  const at = (id) => document.getElementById(id);
  const state = { index: null, listed: [], open: null, turn: null, call: null, compare: false, graph: false, charts: false, language: "en" };
  const kept = { get: (name) => { try { return localStorage.getItem(name); } catch { return null; } },
    set: (name, value) => { try { localStorage.setItem(name, value); } catch { /* from disk it may be refused */ } } };
  const w = () => window.cocoonWords[state.language];
  const marks = { true: ["✓", "good"], false: ["✗", "bad"], na: ["n/a", "quiet"], missing: ["?", "missing"], null: ["·", "quiet"] };

  function filtered() {
    const words = at("search").value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const [success, supporter, emotion, sort] = ["f-success", "f-supporter", "f-emotion", "sort"].map((id) => at(id).value);
    const found = state.index.dialogues.filter((one) => (!success || String(one.success) === success)
      && (!supporter || one.supporter === supporter) && (!emotion || one.emotion === emotion)
      && words.every((word) => `${one.id} ${one.emotion} ${one.feeling} ${one.supporter}`.toLowerCase().includes(word)));
    const key = { ratio: "ratio", turns: "turns", aff: "aff" }[sort];
    return key ? [...found].sort((a, b) => (b[key] ?? -1) - (a[key] ?? -1)) : found;
  }

  function list() {
    state.listed = filtered();
    at("rows").style.height = `${state.listed.length * HEIGHT}px`;
    at("counts").textContent = `${state.listed.length} ${w().of} ${state.index.dialogues.length} ${w().dialogues} · ${state.index.finished ? w().stopped : w().live}`;
    rows();
  }

  // Only the rows in sight are in the page, so that thousands scroll as smoothly as ten.
  function rows() {
    const box = at("list"), first = Math.max(0, Math.floor(box.scrollTop / HEIGHT) - SPARE);
    const last = Math.min(state.listed.length, Math.ceil((box.scrollTop + box.clientHeight) / HEIGHT) + SPARE);
    at("rows").replaceChildren(...(state.listed.length ? [] : [make("p", {}, w().none)]), ...state.listed.slice(first, last).map((one, place) => {
      const [sign, kind] = marks[String(one.success)] || marks.null;
      const made = make("div", { class: `row${state.open && state.open.id === one.id ? " chosen" : ""}`, role: "option", "data-id": one.id, onclick: () => open(one.id) },
        make("span", { class: `sign ${kind}`, title: w()[{ true: "success", false: "failure", na: "na", missing: "missing" }[String(one.success)] || "unjudged"] }, sign),
        make("div", {}, make("b", {}, one.id), make("small", {}, [one.emotion, one.supporter, `${one.turns}`, `? ${percent(one.ratio)}`, one.aff === null ? "" : `Aff ${number(one.aff, 1)}`].filter(Boolean).join(" · "))));
      made.style.top = `${(first + place) * HEIGHT}px`;
      return made;
    }));
  }

  async function open(id) {
    const found = state.index.dialogues.find((one) => one.id === id);
    if (!found) return;
    if (!state.open || state.open.id !== id) { state.turn = null; state.call = null; cocoon.graph.restart(); }
    at("middle").setAttribute("aria-busy", "true");
    state.open = await load(`data/${found.file}`);
    history.replaceState(null, "", `#${encodeURIComponent(id)}`);
    draw();
    at("middle").removeAttribute("aria-busy");
    at("middle").scrollTop = 0;
    rows();
  }

  async function draw() {
    if (!state.open) { at("middle").replaceChildren(make("p", {}, w().pick)); at("right").replaceChildren(); return; }
    const one = state.open;
    if (state.compare && state.index.other) at("middle").replaceChildren(...cocoon.lanes.compare(one, await counterpart(one), [state.index.name, state.index.other.name], w()));
    else at("middle").replaceChildren(...cocoon.lanes.show(one, w(), choose));
    await side();
    at("graph").hidden = !state.graph;
    if (state.graph) at("graph").replaceChildren(...cocoon.graph.show(one, state.index.graphs, w(), call));
  }

  async function counterpart(one) {
    const others = state.index.other.dialogues.filter((some) => some.profile === one.profile.id);
    const found = others.find((some) => some.supporter === one.supporter && some.sample === one.sample) || others.find((some) => some.sample === one.sample) || others[0];
    return found ? load(`other/${found.file}`) : null;
  }

  async function side() {
    const parts = [];
    if (state.call) {
      const file = state.index.dialogues.find((one) => one.id === state.open.id).file;
      parts.push(cocoon.side.call(state.call, await load(`data/${file}.calls`), w()));
    }
    at("right").replaceChildren(...parts, ...cocoon.side.ratings(state.open, w(), call).flat());
    at("right").scrollTop = 0;
  }

  async function call(key) { state.call = key; await side(); }

  function choose(place) {
    if (!state.open || place < 0 || place >= state.open.turns.length) return;
    state.turn = place;
    document.querySelectorAll(".turn.chosen").forEach((one) => one.classList.remove("chosen"));
    const turn = at(`turn-${place}`);
    if (turn) { turn.classList.add("chosen"); turn.scrollIntoView({ block: "nearest" }); }
    const keys = state.open.turns[place].calls;
    if (state.graph) cocoon.graph.jump(keys);
    if (keys.length) call(keys[keys.length - 1]);
  }

  async function charts() {
    state.charts = !state.charts;
    at("charts").hidden = !state.charts;
    if (!state.charts) return;
    at("charts").replaceChildren(make("p", {}, w().loading));
    const drawn = await load("charts", !state.index.finished);
    at("charts").replaceChildren(...drawn[state.language].map((one) => make("figure", { class: "sheet" }, make("h2", {}, one.title), cocoon.drawing(one.svg), make("figcaption", {}, one.note))));
  }

  function move(by) {
    const place = state.listed.findIndex((one) => state.open && one.id === state.open.id);
    const next = state.listed[Math.max(0, Math.min(state.listed.length - 1, place + by))];
    if (!next) return;
    const box = at("list"), top = state.listed.indexOf(next) * HEIGHT;
    if (top < box.scrollTop) box.scrollTop = top;
    if (top + HEIGHT > box.scrollTop + box.clientHeight) box.scrollTop = top + HEIGHT - box.clientHeight;
    open(next.id);
  }

  function options(id, first, pairs) {
    const before = at(id).value;
    at(id).replaceChildren(make("option", { value: "" }, first), ...pairs.map(([value, label]) => make("option", { value }, label)));
    at(id).value = before;
  }

  function words() {
    const one = w(), all = (key) => [...new Set(state.index.dialogues.map((some) => some[key]))].filter(Boolean).sort().map((value) => [value, value]);
    document.documentElement.lang = state.language;
    at("search").placeholder = one.search;
    at("search").setAttribute("aria-label", one.search);
    options("f-success", one.all, [["true", one.success], ["false", one.failure], ["missing", one.missing], ["na", one.na], ["null", one.unjudged]]);
    options("f-supporter", one.supporters, all("supporter"));
    options("f-emotion", one.emotions, all("emotion"));
    options("sort", one.sort, [["ratio", one.byRatio], ["turns", one.byTurns], ["aff", one.byComfort]]);
    for (const name of ["charts", "compare", "graph", "language", "theme"]) at(`b-${name}`).textContent = one[name];
    at("b-compare").hidden = !state.index.other;
    at("help").replaceChildren(make("table", {}, one.help.map(([key, does]) => make("tr", {}, make("td", {}, make("kbd", {}, key)), make("td", {}, does)))),
      make("button", { onclick: () => at("help").close() }, "Esc"));
  }

  const acts = {
    charts, compare: () => { state.compare = !state.compare && Boolean(state.index.other); draw(); },
    graph: () => { state.graph = !state.graph; draw(); },
    language: () => { state.language = state.language === "en" ? "zh" : "en"; kept.set("cocoon-language", state.language); words(); list(); draw(); if (state.charts) { state.charts = false; charts(); } },
    theme: () => { const next = document.documentElement.dataset.theme === "dark" ? "light" : "dark"; document.documentElement.dataset.theme = next; kept.set("cocoon-theme", next); },
    help: () => at("help").showModal(),
  };

  function key(event) {
    if (event.target.matches("input, select")) { if (event.key === "Escape") event.target.blur(); return; }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const does = {
      j: () => move(1), k: () => move(-1), ArrowDown: () => choose(state.turn === null ? 0 : state.turn + 1), ArrowUp: () => choose(state.turn === null ? 0 : state.turn - 1),
      ArrowRight: () => cocoon.graph.step(1), ArrowLeft: () => cocoon.graph.step(-1), "/": () => at("search").focus(), Enter: () => state.turn !== null && choose(state.turn),
      g: acts.graph, c: acts.compare, h: acts.charts, l: acts.language, t: acts.theme, "?": acts.help,
      Escape: () => { state.call = null; if (state.charts) charts(); if (state.open) side(); },
    }[event.key];
    if (does) { event.preventDefault(); does(); }
  }

  async function poll() {
    const before = state.index;
    try { state.index = await load("index", true); } catch { setTimeout(poll, POLL); return; }
    if (before.mark !== state.index.mark) {
      words();
      list();
      const was = before.dialogues.find((one) => state.open && one.id === state.open.id);
      const is = state.index.dialogues.find((one) => state.open && one.id === state.open.id);
      if (was && is && was.lines !== is.lines) { forget(`data/${is.file}`); forget(`data/${is.file}.calls`); open(is.id); }
      if (!state.open && state.index.dialogues.length) open(state.index.dialogues[0].id);
    }
    if (!state.index.finished) setTimeout(poll, POLL);
  }

  async function start() {
    state.index = await load("index");
    state.language = kept.get("cocoon-language") || state.index.language;
    const theme = kept.get("cocoon-theme");
    if (theme) document.documentElement.dataset.theme = theme;
    at("run").textContent = cocoon.shown(state.index.name);
    document.title = state.index.name;
    words();
    list();
    at("list").addEventListener("scroll", rows, { passive: true });
    for (const id of ["f-success", "f-supporter", "f-emotion", "sort"]) at(id).addEventListener("change", list);
    at("search").addEventListener("input", list);
    for (const [name, act] of Object.entries(acts)) at(`b-${name}`).addEventListener("click", act);
    document.addEventListener("keydown", key);
    window.addEventListener("resize", rows);
    const wanted = decodeURIComponent(location.hash.slice(1));
    const first = state.index.dialogues.find((one) => one.id === wanted) || state.index.dialogues[0];
    if (first) open(first.id); else draw();
    if (state.index.live && !state.index.finished) setTimeout(poll, POLL);
  }
  start();
})();
