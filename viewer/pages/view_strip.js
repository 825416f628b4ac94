"use strict";
// Above the lanes: the whole dialogue at a glance, a column a turn. Trust, disclosure, numbers of a foreign corpus,
// questions, the boundary of the stages, the turn in which the need was named.
cocoon.strip = (() => {
  const { at, make, svg, none, short } = cocoon;
  const LEFT = 96, RIGHT = 46, WIDE = 760, HIGH = 40, GAP = 8;

  // What is drawn of a dialogue: rows of {name, values by turn, low, high, steps}.
  function rows(one, w) {
    const states = one.turns.map((turn) => turn.state), chain = one.profile.chain.length, found = [];
    if (states.some(Boolean)) {
      const trust = states.map((state) => (state ? state.trust : null)), known = trust.filter((value) => !none(value));
      found.push({ name: w.trust, values: trust, low: Math.min(0, ...known), high: Math.max(1, ...known) });
      if (chain) found.push({ name: w.disclosed, values: states.map((state) => (state ? state.unlocked.length : null)), low: 0, high: chain, steps: true });
    }
    for (const name of new Set(one.turns.flatMap((turn) => Object.keys(turn.scores || {})))) {
      const values = one.turns.map((turn) => (turn.scores || {})[name] ?? null), known = values.filter((value) => !none(value));
      if (known.length) found.push({ name, values, low: Math.min(0, ...known), high: Math.max(...known, 1) });
    }
    return found;
  }

  function curve(row, x, top) {
    const y = (value) => top + HIGH - 4 - ((value - row.low) / (row.high - row.low || 1)) * (HIGH - 8);
    let path = "", before = null;
    const dots = [];
    row.values.forEach((value, place) => {
      // A turn without a value is no gap where values stand on every other turn alone.
      if (none(value)) return;
      const here = [x(place).toFixed(1), y(value).toFixed(1)];
      path += before === null ? `M ${here.join(" ")} ` : row.steps ? `H ${here[0]} V ${here[1]} ` : `L ${here.join(" ")} `;
      before = value;
      dots.push(svg("circle", { cx: here[0], cy: here[1], r: 2.4 }, svg("title", {}, `${place + 1}: ${row.name} ${short(value)}`)));
    });
    const zero = row.low < 0 ? svg("line", { class: "zero", x1: LEFT, x2: WIDE - RIGHT, y1: y(0), y2: y(0) }) : null;
    return svg("g", { class: "curve" }, zero, svg("text", { x: 0, y: top + HIGH / 2 + 4 }, row.name),
      svg("text", { class: "end", x: WIDE - RIGHT + 6, y: top + 11 }, short(row.high, 1)), svg("text", { class: "end", x: WIDE - RIGHT + 6, y: top + HIGH - 2 }, short(row.low, 1)),
      svg("path", { d: path }), dots);
  }

  const GENUINE = ["open", "closed", "tag"];

  function ticks(one, x, top, w) {
    const kinds = one.turns.map((turn) => turn.pieces.map(([, kind]) => kind).filter(Boolean));
    if (!one.turns.length) return null;
    return svg("g", { class: "asked" }, svg("text", { x: 0, y: top + 13 }, w.questions), kinds.map((found, place) => {
      if (!found.length) return null;
      const genuine = found.some((kind) => GENUINE.includes(kind));
      return svg("text", { class: genuine ? "mark" : "mark rhetorical", x: x(place), y: top + 14 }, "?", svg("title", {}, `${place + 1}: ${found.map((kind) => w.types[kind]).join(", ")}`));
    }));
  }

  // What the strip says in words.
  function told(one, drawn, w) {
    const asking = one.turns.map((turn, place) => (turn.pieces.some(([, kind]) => GENUINE.includes(kind)) ? place + 1 : null)).filter(Boolean);
    return [...drawn.map((row) => `${row.name}: ${row.values.filter((value) => !none(value)).map((value) => short(value)).join(", ")}`), `${w.questions}: ${asking.join(", ") || "–"}`].join(". ");
  }

  function show(one, w, choose) {
    const drawn = rows(one, w), n = one.turns.length;
    if (!n) return null;
    const step = (WIDE - LEFT - RIGHT) / n, x = (place) => LEFT + step * (place + 0.5), foot = drawn.length * (HIGH + GAP), high = foot + 38;
    const line = (place, kind, title) => svg("line", { class: kind, x1: x(place) - step / 2, x2: x(place) - step / 2, y1: 0, y2: high - 16 }, svg("title", {}, title));
    const named = one.turns.map((turn, place) => (none(turn.named) ? null : svg("g", { class: turn.named ? "named" : "nearest" },
      svg("line", { x1: x(place), x2: x(place), y1: 0, y2: high - 16 }), svg("text", { x: x(place) + 3, y: 9 }, turn.named ? "★" : "☆", svg("title", {}, `${place + 1}: ${turn.named ? w.named : w.notNamed}`)))));
    const columns = one.turns.map((turn, place) => svg("rect", { class: `column ${turn.role}`, "data-column": place, x: x(place) - step / 2, y: 0, width: step, height: high, onclick: () => choose(place) }, svg("title", {}, `${place + 1} · ${w[turn.role]}`)));
    const every = n > 40 ? 5 : 1;
    return make("figure", { class: "strip" }, svg("svg", { viewBox: `0 0 ${WIDE} ${high}`, role: "img", "aria-label": told(one, drawn, w) },
      columns, none(one.stage_boundary) ? null : line(one.stage_boundary, "edge", w.boundary),
      drawn.map((row, place) => curve(row, x, place * (HIGH + GAP))), ticks(one, x, foot, w), named,
      one.turns.map((turn, place) => ((place + 1) % every ? null : svg("text", { class: "count", x: x(place), y: high - 3 }, place + 1)))));
  }

  function mark(place) {
    document.querySelectorAll(".column.chosen").forEach((one) => one.classList.remove("chosen"));
    document.querySelectorAll(`[data-column="${Number(place)}"]`).forEach((one) => one.classList.add("chosen"));
  }

  return { show, mark };
})();
