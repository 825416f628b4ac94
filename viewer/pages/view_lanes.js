"use strict";
// The middle: hidden user, dialogue, supporter's thought, side by side and turn by turn; or two dialogues.
cocoon.lanes = (() => {
  const { make, long, number, spark } = cocoon;

  function content(turn, w) {
    const made = make("div", { class: "words" });
    for (const [text, kind, evidence] of turn.pieces) {
      const names = [kind ? `q q-${kind}` : "", evidence ? "evidence" : ""].join(" ").trim();
      const title = [kind ? w.types[kind] : "", evidence ? w.evidence : ""].filter(Boolean).join(", ");
      const part = long(text, w, names ? "mark" : "span");
      if (names) { part.className = names; part.title = title; }
      made.append(part);
    }
    return made;
  }

  function bubble(turn, place, w, choose) {
    const named = turn.named === true ? w.named : turn.named === false ? w.notNamed : null;
    const scores = Object.entries(turn.scores || {}).filter(([, value]) => value !== null);
    return make("article", {
      class: `turn ${turn.role}${turn.named === true ? " named" : turn.named === false ? " nearest" : ""}`,
      id: `turn-${place}`, "data-turn": place, tabindex: "-1", onclick: () => choose(place),
    }, make("small", {}, `${place + 1} · ${w[turn.role]}`, ...scores.map(([name, value]) => ` · ${name} ${value}`)),
    content(turn, w), named ? make("small", { class: "flag" }, named) : null);
  }

  function inner(turn, before, w) {
    const state = turn.state;
    if (!state) return make("div", { class: "inner" });
    const moved = before === null ? null : state.trust - before;
    const taken = state.appraisal;
    return make("div", { class: "inner" },
      make("div", {}, `${w.trust} ${number(state.trust, 1)}`,
        moved ? make("span", { class: moved > 0 ? "up" : "down" }, ` ${moved > 0 ? "+" : "−"}${Math.abs(moved).toFixed(1)}`) : null),
      ...state.newly.map((node) => make("div", { class: "newly" }, `${w.opened}: ${node + 1}`)),
      taken ? make("small", {}, `${w.accuracy}: ${taken.accuracy} · ${w.pressure}: ${taken.pressure}`) : null,
      state.touched_locked ? make("small", {}, w.touched) : null, state.pressed ? make("small", {}, w.pressed) : null);
  }

  function thought(turn, w) {
    const made = make("div", { class: "inner" });
    if (turn.thought && turn.thought.strategy) made.append(make("div", { class: "strategy" }, `${w.strategy}: ${turn.thought.strategy}`));
    if (turn.thought && turn.thought.analysis) made.append(long(turn.thought.analysis, w, "div"));
    if (turn.draft) made.append(make("details", {}, make("summary", {}, w.draft), long(turn.draft, w, "div")));
    return made;
  }

  function person(one, w) {
    const profile = one.profile, states = one.turns.filter((turn) => turn.role === "user").map((turn) => turn.state);
    const opened = new Set(states.flatMap((state) => (state ? state.unlocked : [])));
    const chain = profile.chain.map((step, place) => make("li", { class: opened.has(place) ? "opened" : "" },
      step.need, step.difficulty ? make("small", {}, ` (${step.difficulty})`) : null,
      opened.has(place) ? make("small", {}, ` ✓ ${w.open}`) : null));
    const trust = states.map((state) => (state ? state.trust : null));
    const lines = [];
    if (trust.some((value) => value !== null)) lines.push([w.trust, trust]);
    for (const name of new Set(one.turns.flatMap((turn) => Object.keys(turn.scores || {})))) {
      lines.push([name, one.turns.filter((turn) => (turn.scores || {})[name] !== undefined).map((turn) => turn.scores[name])]);
    }
    const facts = Object.entries(one.facts || {}).map(([name, value]) => `${name}: ${value === null ? "–" : value}`);
    return make("section", { class: "person" },
      make("div", {}, make("b", {}, `${w.emotion}: `), profile.emotion || "–", make("b", {}, ` ${w.feeling}: `), long(profile.feeling || "–", w)),
      make("div", {}, make("b", {}, `${w.need}: `), profile.need || "–"),
      chain.length ? make("div", {}, make("b", {}, w.chain), make("ol", {}, chain)) : null,
      profile.memory.length ? make("details", {}, make("summary", {}, `${w.memory} (${profile.memory.length})`),
        make("ol", {}, profile.memory.map((memory) => make("li", {}, long(memory.text, w))))) : null,
      ...lines.map(([name, values]) => {
        const known = values.filter((value) => value !== null);
        const low = Math.min(0, ...known), high = Math.max(...known, low + 1);
        return make("figure", {}, spark(values, low, high, name), make("figcaption", {}, `${name} · ${w.trajectory} (${low} – ${high})`));
      }),
      make("small", {}, [one.user_kind, one.difficulty, one.rules, one.stop_reason ? `${w.stop} ${one.stop_reason}` : "",
        one.source === "own" ? "" : `${one.source} ${one.licence}`, ...facts].filter(Boolean).join(" · ")));
  }

  function show(one, w, choose) {
    const grid = make("div", { class: "lanes" }, make("h2", {}, w.hidden), make("h2", {}, w.talk), make("h2", {}, w.thought));
    let before = null;
    one.turns.forEach((turn, place) => {
      if (one.stage_boundary === place) grid.append(make("div", { class: "boundary" }, w.boundary));
      grid.append(turn.role === "user" ? inner(turn, before, w) : make("div"), bubble(turn, place, w, choose),
        turn.role === "supporter" ? thought(turn, w) : make("div"));
      if (turn.state) before = turn.state.trust;
    });
    const failed = (one.failures || []).map((failure) => make("p", { class: "failed" }, `${w.failures}: ${failure.node}: ${failure.reason}: ${failure.message}`));
    return [make("h1", {}, one.id), person(one, w), ...failed, grid];
  }

  function compare(one, other, names, w) {
    if (!other) return [make("h1", {}, one.id), make("p", {}, w.nothingOther)];
    const head = (some, name) => make("div", {}, make("h2", {}, `${name}: ${some.supporter}`), make("small", {}, some.id),
      ...some.ratings.filter((rating) => rating.verdict || Object.keys(rating.dimensions).length).map((rating) => make("div", { class: "brief" },
        `${rating.scale}: `, rating.verdict ? String(rating.verdict.success) : Object.entries(rating.dimensions).map(([key, value]) => `${key} ${number(value)}`).join(", "))));
    const grid = make("div", { class: "lanes two" }, head(one, names[0]), head(other, names[1]));
    for (let place = 0; place < Math.max(one.turns.length, other.turns.length); place += 1) {
      for (const some of [one, other]) {
        grid.append(some.turns[place] ? bubble(some.turns[place], place, w, () => {}) : make("div"));
      }
    }
    return [make("h1", {}, one.profile.id), make("p", {}, one.profile.feeling), grid];
  }

  return { show, compare };
})();
