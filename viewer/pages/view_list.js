"use strict";
// The left: all dialogues, by filters and search; only the rows in sight are in the page.
cocoon.list = (() => {
  const { at, make, none, percent, number } = cocoon;
  const HEIGHT = 68, SPARE = 8;
  const CHOICES = ["f-success", "f-supporter", "f-emotion", "sort"];
  const SIGNS = { true: ["✓", "good"], false: ["✗", "bad"], na: ["n/a", "quiet"], missing: ["?", "missing"], failed: ["!", "bad"], making: ["…", "quiet"], null: ["·", "quiet"] };
  const NAMES = { true: "success", false: "failure", na: "na", missing: "missing", failed: "failed", making: "making", null: "unjudged" };
  const ORDERS = { ratio: ["ratio", -1], ratioUp: ["ratio", 1], turns: ["turns", -1], turnsUp: ["turns", 1], aff: ["aff", -1], affUp: ["aff", 1] };
  let all = new Map(), said = new Map(), heard = null, listed = [], chosen = null, w = null, open = () => {}, listen = async () => {}, drawn = 0, seen = "";

  // What an address narrowed the list to: `?supporter=..&judge=..&scale=..`, as reports link it.
  let narrow = new URLSearchParams();
  const PLAIN = { supporter: "supporter", language: "language", difficulty: "difficulty", stop: "stop", turns: "turns", success: "success" };
  function narrowed(one) {
    const wanted = (key) => narrow.get(key), scale = wanted("scale"), outcome = wanted("outcome"), gap = wanted("missing");
    if (Object.entries(PLAIN).some(([key, field]) => narrow.has(key) && String(one[field]) !== wanted(key))) return false;
    if (narrow.has("need") && one.needed !== (wanted("need") === "yes")) return false;
    if (narrow.has("flag") && !(wanted("flag") === "any" ? one.flagged : one.flags.includes(wanted("flag")))) return false;
    if (!["judge", "scale", "outcome", "missing"].some((key) => narrow.has(key))) return true;
    return Object.entries(one.judged).some(([judge, own]) => (!narrow.has("judge") || judge === wanted("judge"))
      && (none(scale) || own.scales.includes(scale)) && (none(outcome) || own.outcome === outcome)
      && (none(gap) || own.missing.some(([of, reason]) => (none(scale) || of === scale) && (gap === "any" || reason === gap))));
  }
  function narrowTo(query) { narrow = new URLSearchParams(query); tellNarrow(); }
  function tellNarrow() {
    const parts = w ? [...narrow].map(([key, value]) => `${w.narrow[key] || key}: ${w.values[value] || w.reasons[value] || value}`) : [];
    at("narrowed").hidden = !parts.length;
    at("narrowed-by").textContent = parts.length ? cocoon.shown(`${w.narrowed} ${parts.join(" · ")}`) : "";
  }

  // Takes in summaries, new ones and those that changed.
  function take(summaries) {
    for (const one of summaries) {
      one.words = [one.id, one.emotion, one.feeling, one.need, one.supporter].join(" ").toLowerCase();
      all.set(one.id, one);
    }
  }
  const clear = () => { all = new Map(); };

  // What was said comes with the first search: it is as large as all dialogues together.
  async function hear(live) {
    const before = heard;
    cocoon.forget("words");
    const news = await cocoon.load("words", live ? `since=${before || 0}` : "");
    for (const [file, text] of Object.entries(await cocoon.unpack(news.said))) said.set(file, { text, low: text.toLowerCase() });
    heard = news.serial;
  }
  const asking = () => at("search").value.trim() !== "";

  function between(id, scale) {
    const [from, to] = ["from", "to"].map((end) => at(`${id}-${end}`).value);
    if (from === "" && to === "") return () => true;
    return (value) => !none(value) && (from === "" || value * scale >= Number(from) - 1e-9) && (to === "" || value * scale <= Number(to) + 1e-9);
  }

  function filtered() {
    const words = at("search").value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const [success, supporter, emotion, sort] = CHOICES.map((id) => at(id).value);
    const ratio = between("ratio", 100), turns = between("turns", 1);
    const found = [...all.values()].filter((one) => narrowed(one) && (!success || String(one.success) === success)
      && (!supporter || one.supporter === supporter) && (!emotion || one.emotion === emotion)
      && ratio(one.ratio) && turns(one.turns) && words.every((word) => one.words.includes(word) || (said.has(one.file) && said.get(one.file).low.includes(word))));
    if (!ORDERS[sort]) return found;
    const [key, sign] = ORDERS[sort];
    return found.sort((a, b) => none(a[key]) - none(b[key]) || sign * (a[key] - b[key]));
  }

  function show() {
    listed = filtered();
    at("rows").style.height = `${listed.length * HEIGHT}px`;
    rows();
    return listed.length;
  }

  // The words around what was searched for, where it was said.
  function found(one) {
    const spoken = said.get(one.file), words = at("search").value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const word = spoken && words.find((some) => !one.words.includes(some) && spoken.low.includes(some));
    if (!word) return null;
    const at_ = spoken.low.indexOf(word), from = Math.max(0, at_ - 24);
    return [`${from ? "…" : ""}${spoken.text.slice(from, at_)}`, make("mark", {}, spoken.text.slice(at_, at_ + word.length)), spoken.text.slice(at_ + word.length, at_ + word.length + 60)];
  }

  function row(one, place) {
    const [sign, kind] = SIGNS[String(one.success)] || SIGNS.null, name = w[NAMES[String(one.success)] || "unjudged"];
    const who = [one.emotion, one.supporter].filter(Boolean).join(" · ");
    const facts = [one.turns ? `${one.turns} ${w.turns}` : "", none(one.ratio) ? "" : `? ${percent(one.ratio)}`, none(one.probing) ? "" : `${w.probing} ${percent(one.probing)}`, one.flagged ? `⚑ ${one.flagged}` : "", one.risk ? `⚠ ${one.risk}` : "", none(one.aff) ? "" : `Aff ${number(one.aff, 1)}`].filter(Boolean).join(" · ");
    const is = chosen === one.id;
    const made = make("div", { class: `row${is ? " chosen" : ""}`, id: `row-${place}`, role: "option", "aria-selected": String(is), "aria-posinset": place + 1, "aria-setsize": listed.length, "data-id": one.id, onclick: () => open(one.id) },
      make("span", { class: `sign ${kind}`, title: name, role: "img", "aria-label": name }, sign),
      make("div", {}, make("b", { title: one.id }, one.id), make("small", {}, who || one.feeling), make("small", {}, found(one) || facts)));
    made.style.top = `${place * HEIGHT}px`;
    return made;
  }

  function rows() {
    const box = at("list"), first = Math.max(0, Math.floor(box.scrollTop / HEIGHT) - SPARE);
    const last = Math.min(listed.length, Math.ceil((box.scrollTop + box.clientHeight) / HEIGHT) + SPARE);
    at("rows").replaceChildren(...(listed.length ? [] : [make("p", {}, all.size ? w.none : w.empty)]), ...listed.slice(first, last).map((one, place) => row(one, first + place)));
    const place = listed.findIndex((one) => one.id === chosen);
    if (place >= first && place < last) box.setAttribute("aria-activedescendant", `row-${place}`); else box.removeAttribute("aria-activedescendant");
  }

  // Marks the one that is open, in sight.
  function mark(id, seek = false) {
    chosen = id;
    const place = listed.findIndex((one) => one.id === id), box = at("list");
    if (seek && place >= 0) {
      if (place * HEIGHT < box.scrollTop) box.scrollTop = place * HEIGHT;
      if ((place + 1) * HEIGHT > box.scrollTop + box.clientHeight) box.scrollTop = (place + 1) * HEIGHT - box.clientHeight;
    }
    rows();
  }

  // The dialogue that stands so many places from the open one.
  function beside(by) {
    const place = listed.findIndex((one) => one.id === chosen);
    return listed[Math.max(0, Math.min(listed.length - 1, place < 0 ? 0 : place + by))];
  }

  function options(id, first, pairs) {
    const before = at(id).value;
    at(id).replaceChildren(make("option", { value: "" }, first), ...pairs.map(([value, label]) => make("option", { value }, label)));
    at(id).value = pairs.some(([value]) => value === before) ? before : "";
  }

  // Words and choices; drawn anew only when there are others.
  function label(words) {
    const values = (key) => [...new Set([...all.values()].map((one) => one[key]))].filter(Boolean).sort().map((value) => [value, value]);
    const supporters = values("supporter"), emotions = values("emotion"), now = JSON.stringify([words.search, supporters, emotions]);
    if (now === seen) return;
    seen = now; w = words;
    at("b-all").textContent = w.showAll;
    tellNarrow();
    at("search").placeholder = w.search;
    for (const [id, name] of [["search", w.search], ["f-success", w.verdicts], ["f-supporter", w.supporters], ["f-emotion", w.emotions], ["sort", w.order], ["list", w.dialogues],
      ["ratio-from", `${w.ratio}, % ${w.from}`], ["ratio-to", `${w.ratio}, % ${w.to}`], ["turns-from", `${w.narrow.turns} ${w.from}`], ["turns-to", `${w.narrow.turns} ${w.to}`]]) at(id).setAttribute("aria-label", name);
    for (const id of ["ratio", "turns"]) { at(`${id}-from`).placeholder = w.from; at(`${id}-to`).placeholder = w.to; }
    at("l-ratio").textContent = `${w.ratio} %`; at("l-turns").textContent = w.narrow.turns;
    options("f-success", w.verdicts, Object.entries(NAMES).map(([value, name]) => [value, w[name]]));
    options("f-supporter", w.supporters, supporters);
    options("f-emotion", w.emotions, emotions);
    options("sort", w.sort, Object.keys(ORDERS).map((key) => [key, w.orders[key]]));
  }

  // `act` opens a dialogue, `changed` is told after every filtering; a `live` page is asked for what was said since.
  function start(act, changed, live, alone) {
    open = act;
    listen = async () => { if (!alone) { await hear(live); changed(show()); } };
    at("list").addEventListener("scroll", () => { cancelAnimationFrame(drawn); drawn = requestAnimationFrame(rows); }, { passive: true });
    at("filters").addEventListener("input", () => { at("list").scrollTop = 0; changed(show()); });
    at("b-all").addEventListener("click", () => { narrowTo(""); changed(show()); });
    at("search").addEventListener("input", () => { if (heard === null) { heard = 0; listen().catch(() => { heard = null; }); } });
    at("filters").addEventListener("submit", (event) => event.preventDefault());
    window.addEventListener("resize", rows);
  }

  return { take, clear, show, mark, beside, label, start, listen: () => (asking() && heard !== null ? listen() : null), narrowTo, narrowing: () => narrow.toString(), get: (id) => all.get(id), first: () => listed[0], count: () => [listed.length, all.size], every: () => [...all.values()] };
})();
