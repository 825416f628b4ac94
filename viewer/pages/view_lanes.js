"use strict";
// The middle: hidden user, dialogue, supporter's thought, side by side and turn by turn; or two dialogues.
cocoon.lanes = (() => {
  const { make, long, none, number, short } = cocoon;
  const said = (name, w) => w.values[name] || name;

  function content(turn, w) {
    return make("div", { class: "words" }, turn.pieces.map(([text, kind, evidence]) => {
      const part = long(text, w, kind || evidence ? "mark" : "span");
      if (kind || evidence) {
        part.className = [kind ? `q q-${kind}` : "", evidence ? "evidence" : ""].join(" ").trim();
        part.title = [kind ? w.types[kind] : "", evidence ? w.evidence : ""].filter(Boolean).join(", ");
      }
      return part;
    }));
  }

  function bubble(turn, place, w, choose, side = "") {
    const named = turn.named === true ? `★ ${w.named}` : turn.named === false ? `☆ ${w.notNamed}` : null;
    const kind = turn.named === true ? " named" : turn.named === false ? " nearest" : "";
    const scores = turn.role === "user" ? [] : numbers(turn);
    return make("article", { class: `turn ${turn.role}${kind}`, id: `turn-${side}${place}`, "data-turn": place, tabindex: "-1", onclick: () => choose(place, side) },
      make("small", {}, [`${place + 1} · ${w[turn.role]}`, ...scores, turn.finish ? w.cut : "", turn.foreign ? `${w.foreign} ${turn.foreign}` : ""].filter(Boolean).join(" · ")), content(turn, w),
      (turn.flags || []).map((flag) => make("small", { class: flag === "risk_met" ? "flag" : "wrong", "data-flag": flag }, `${flag.startsWith("risk_") ? "⚠" : "⚑"} ${said(flag, w)}`)), named ? make("small", { class: "flag" }, named) : null);
  }

  const numbers = (turn) => Object.entries(turn.scores || {}).filter(([, value]) => !none(value)).map(([name, value]) => `${name} ${short(value)}`);

  function change(moved) {
    return moved ? make("span", { class: moved > 0 ? "up" : "down" }, ` ${moved > 0 ? "▲ +" : "▼ −"}${short(Math.abs(moved), 1)}`) : null;
  }

  // What went on in the user at this turn; `before` is their state and numbers at the turn before.
  function inner(turn, before, profile, w) {
    const state = turn.state, made = [];
    for (const [name, value] of Object.entries(turn.scores || {})) {
      const old = before.scores[name];
      made.push(make("div", {}, make("b", {}, `${name} ${none(value) ? w.missing : short(value)}`), none(old) || none(value) ? null : change(value - old)));
    }
    if (!state) return made;
    const taken = state.appraisal, known = before.state ? before.state.memories : [];
    made.push(make("div", {}, make("b", {}, `${w.trust} ${number(state.trust, 1)}`), before.state ? change(state.trust - before.state.trust) : null));
    made.push(taken ? make("small", {}, [taken.move ? `${w.move}: ${said(taken.move, w)}` : "", `${w.accuracy}: ${said(taken.accuracy, w)}`, taken.pressure ? `${w.pressure}: ${w.pressures[taken.pressure]}` : ""].filter(Boolean).join(" · ")) : before.state ? make("small", { class: "missing" }, `${w.appraisal}: ${w.missing}`) : null);
    if (state.ruptured) made.push(make("small", { class: "down" }, `${w.rupture}: ${said(state.ruptured, w)}`));
    else if (state.rupture) made.push(make("small", {}, `${w.unrepaired}: ${number(state.rupture, 1)}`));
    if (state.touched_locked) made.push(make("small", {}, w.touched));
    if (state.pressed) made.push(make("small", { class: "down" }, w.pressed));
    for (const node of state.newly) made.push(make("div", { class: "newly" }, `${w.opened}: `, long((profile.chain[node] || {}).need || node + 1, w)));
    const memories = state.memories.filter((place) => !known.includes(place) && profile.memory[place]);
    if (memories.length) made.push(make("details", {}, make("summary", {}, `${w.memory}: +${memories.length}`), memories.map((place) => make("p", {}, long(profile.memory[place].text, w)))));
    return made;
  }

  function thought(turn, w) {
    const one = turn.thought || {};
    return [one.strategy ? make("div", { class: "strategy" }, one.strategy) : null, one.analysis ? long(one.analysis, w, "div") : null,
      one.reasoning ? make("details", {}, make("summary", {}, w.reasoning), long(one.reasoning, w, "div")) : null,
      turn.draft ? make("details", {}, make("summary", {}, w.draft), long(turn.draft, w, "div")) : null];
  }

  function facts(one, w) {
    const stated = Object.entries(one.facts || {}).map(([name, value]) => `${name}: ${none(value) ? "–" : value}`);
    return [one.supporter, one.user_kind, one.difficulty, one.rules, one.stop_reason ? `${w.stop} ${said(one.stop_reason, w)}` : "", one.source === "own" ? "" : `${one.source} ${one.licence}`, ...stated].filter(Boolean).join(" · ");
  }

  // A few lines of what may be a page; the rest at a click.
  const clamped = (text, w) => make("div", { class: "wording few", onclick: (event) => event.currentTarget.classList.toggle("whole") }, long(text, w));

  function person(one, w) {
    const profile = one.profile, opened = new Set(one.turns.flatMap((turn) => (turn.state ? turn.state.unlocked : [])));
    const told = one.turns.some((turn) => turn.state), has = (text) => (text ? clamped(text, w) : "–");
    const line = (name, inside) => make("div", {}, make("dt", {}, name), make("dd", {}, inside));
    const step = (need, place) => make("li", { class: opened.has(place) ? "opened" : "" }, need.need, need.difficulty ? make("small", {}, ` ${w.difficulty} ${need.difficulty}`) : null,
      told ? make("small", {}, opened.has(place) ? ` ✓ ${w.open}` : ` ${w.closed}`) : null);
    return make("section", { class: "person" }, make("dl", {}, profile.scenario ? line(w.scenario, has(profile.scenario)) : null, line(w.emotion, has(profile.emotion)), line(w.feeling, has(profile.feeling)), line(w.need, has(profile.need)),
      profile.chain.length > 1 ? line(w.chain, make("ol", {}, profile.chain.map(step))) : null,
      profile.memory.length ? line(w.memory, make("details", {}, make("summary", {}, profile.memory.length), make("ol", {}, profile.memory.map((memory) => make("li", {}, long(memory.text, w)))))) : null), make("small", {}, facts(one, w)));
  }

  function head(one, w) {
    return [make("h1", {}, one.id), (one.failures || []).map((text) => make("p", { class: "failed" }, `${w.failures}: ${text}`))];
  }

  function show(one, w, choose) {
    if (!one.profile) return [head(one, w), make("p", {}, w.notMade)];
    if (!one.turns.length) return [head(one, w), person(one, w)];
    const hidden = one.turns.some((turn) => turn.state || (turn.role === "user" && (numbers(turn).length || (turn.thought && turn.thought.reasoning)))), thinks = one.turns.some((turn) => turn.draft || (turn.thought && (turn.thought.strategy || turn.thought.analysis || (turn.role === "supporter" && turn.thought.reasoning))));
    const title = (name, has) => make("h2", {}, name, has ? null : make("small", {}, ` ${w.notKept}`));
    const grid = make("div", { class: `lanes${hidden ? "" : " no-hidden"}${thinks ? "" : " no-thought"}` }, title(w.hidden, hidden), title(w.talk, true), title(w.thought, thinks));
    const before = { state: null, scores: {} };
    one.turns.forEach((turn, place) => {
      if (one.stage_boundary === place) grid.append(make("div", { class: "boundary" }, w.boundary));
      const user = turn.role === "user";
      grid.append(make("div", { class: "inner" }, user ? [inner(turn, before, one.profile, w), thought(turn, w)] : null), bubble(turn, place, w, choose), make("div", { class: "inner" }, user ? null : thought(turn, w)));
      if (user) { before.state = turn.state || before.state; before.scores = { ...before.scores, ...turn.scores }; }
    });
    return [head(one, w), person(one, w), cocoon.strip.show(one, w, choose), grid];
  }

  // The verdicts and means of one side, a line each.
  function marks(one, w) {
    return one.ratings.map((rating) => {
      const found = rating.verdict ? (none(rating.verdict.success) ? w.missing : rating.verdict.success ? w.success : w.failure) : Object.entries(rating.dimensions).map(([key, value]) => `${said(key, w)} ${none(value) ? w.missing : number(value)}`).join(", ");
      return found || rating.not_applicable ? make("div", { class: "brief" }, `${said(rating.scale, w)}: ${rating.not_applicable ? w.na : found}`) : null;
    });
  }

  // Under a turn of the comparison: what the lanes say, in one line.
  function brief(turn, before) {
    const state = turn.state, moved = state && before ? state.trust - before.trust : 0;
    return make("small", { class: "under" }, [state ? `♥ ${number(state.trust, 1)}${moved ? ` (${moved > 0 ? "+" : "−"}${short(Math.abs(moved), 1)})` : ""}` : "", state && state.newly.length ? `✓ ${state.newly.map((node) => node + 1).join(", ")}` : "",
      turn.thought && turn.thought.strategy ? `✎ ${turn.thought.strategy}` : "", ...(turn.role === "user" ? numbers(turn) : [])].filter(Boolean).join(" · "));
  }

  // Two dialogues of one profile; `picker` chooses the second, `names` are those of their runs.
  function compare(one, other, names, picker, w, choose) {
    if (!one.profile) return show(one, w, choose);
    if (!other || !other.profile) return [make("h1", {}, one.id), make("p", {}, w.nothingOther)];
    const sides = [[one, "a", names[0]], [other, "b", names[1]]], before = { a: null, b: null };
    const grid = make("div", { class: "lanes two" }, sides.map(([some, , name]) => make("h2", {}, `${name}: ${some.supporter}`)),
      sides.map(([some, side]) => make("div", { class: "side" }, side === "b" ? picker : make("small", {}, some.id), marks(some, w), cocoon.strip.show(some, w, (place) => choose(place, side)))));
    for (let place = 0; place < Math.max(one.turns.length, other.turns.length); place += 1) {
      for (const [some, side] of sides) {
        const turn = some.turns[place];
        grid.append(turn ? make("div", {}, bubble(turn, place, w, choose, side), brief(turn, before[side])) : make("div", { class: "over" }, place === some.turns.length ? `${w.stop} ${said(some.stop_reason || "–", w)}` : ""));
        if (turn && turn.state) before[side] = turn.state;
      }
    }
    return [make("h1", {}, one.profile.id), make("p", {}, one.profile.feeling), grid];
  }

  return { show, compare, bubble, brief };
})();
