"use strict";
// Branches: the tree of the futures that leave one talk, and the futures of a fork side by side.
cocoon.tree = (() => {
  const { make, none, percent } = cocoon;
  const SIGNS = { true: "✓", false: "✗", na: "n/a", missing: "?", making: "…" }, MOST = 12;
  const arm = (some) => [some.supporter, some.move].filter(Boolean).join(", ");
  const grouped = (all, key) => all.reduce((groups, some) => groups.set(key(some), [...(groups.get(key(some)) || []), some]), new Map());
  const family = (one, all) => all.filter((some) => some.parent === one.parent);

  // The futures that leave the talk where the open one does.
  const siblings = (one, all) => family(one, all).filter((some) => some.fork === one.branched_at);

  function mean(futures) {
    const known = futures.map((some) => some.opened).filter((value) => !none(value));
    return known.length ? percent(known.reduce((sum, value) => sum + value, 0) / known.length) : "–";
  }

  // A button for each future, by fork and by who goes on with which move.
  function show(one, all, w, open, beside) {
    if (none(one.parent) || family(one, all).length < 2) return null;
    const future = (some) => make("button", { class: "future", "aria-current": some.id === one.id ? "true" : null, title: some.id, onclick: () => open(some.id) }, `${some.sample + 1} ${SIGNS[String(some.success)] || ""}`);
    const line = ([name, futures]) => make("li", {}, make("b", {}, name), ` · ${w.openedShare} ${mean(futures)} · `, futures.sort((a, b) => a.sample - b.sample).map(future));
    const fork = ([at, futures]) => make("li", { class: at === one.branched_at ? "here" : "" }, `${w.fromTurn} ${at + 1}`,
      at === one.branched_at ? make("button", { class: "beside", onclick: beside }, w.sideBySide) : null,
      make("ul", {}, [...grouped(futures, arm)].sort(([a], [b]) => a.localeCompare(b)).map(line)));
    const forks = [...grouped(family(one, all), (some) => some.fork)].sort(([a], [b]) => a - b);
    return make("section", { class: "tree" }, make("h2", {}, `${w.branchesOf} ${one.parent}`), make("ol", {}, forks.map(fork)));
  }

  // Whole dialogues side by side, from the last shared turn on.
  function beside(one, futures, w, open, back) {
    const from = Math.max(0, one.branched_at - 1), shown = futures.slice(0, MOST);
    const grid = make("div", { class: "lanes futures" }, shown.map((some) => make("h2", {}, arm(some), make("small", {}, `${w.future} ${some.sample + 1}`), make("button", { onclick: () => open(some.id) }, w.openIt))));
    grid.style.setProperty("--futures", shown.length);
    const before = shown.map(() => null), longest = Math.max(...shown.map((some) => some.turns.length));
    for (let place = from; place < longest; place += 1) {
      shown.forEach((some, number) => {
        const turn = some.turns[place];
        grid.append(turn ? make("div", {}, cocoon.lanes.bubble(turn, place, w, () => open(some.id), `f${number}-`), cocoon.lanes.brief(turn, before[number])) : make("div", {}));
        if (turn && turn.state) before[number] = turn.state;
      });
    }
    const left = futures.length - shown.length;
    return [make("h1", {}, `${w.branchesOf} ${one.parent}`), make("p", {}, `${w.fromTurn} ${one.branched_at + 1}${left ? ` · +${left}` : ""} `, make("button", { class: "beside", onclick: back }, w.backToTalk)), grid];
  }

  return { show, beside, siblings };
})();
