"use strict";
// The right: ratings item by item, and the prompt and reply of any call.
cocoon.side = (() => {
  const { make, long, none, number, short } = cocoon;
  const ORDER = ["success_attributed", "success_paper", "comfort"];
  const said = (name, w) => w.values[name] || name;
  // Why a value is missing, in the page's language; what follows a colon is of that one reply.
  function why(reason, w) {
    const text = String(reason || ""), [kind] = text.split(": "), known = w.values[text] || w.reasons[text];
    return known || (w.reasons[kind] ? `${w.reasons[kind]}${text.slice(kind.length)}` : text);
  }

  function item(one, rating, w) {
    const [low, high] = rating.range || [null, null], gone = none(one.value);
    // The wording with all its anchors is long: two lines of it, the rest at a click.
    const words = make("div", { class: "wording", title: one.text, onclick: (event) => event.currentTarget.classList.toggle("whole") }, long(one.text || "", w));
    return make("tr", { class: gone ? "missing" : "" }, make("th", { scope: "row" }, one.id), make("td", {}, words, one.reverse ? make("small", { class: "reversed", title: w.reversedLong }, `↔ ${w.reversed}`) : null),
      make("td", { class: "value" }, gone ? `${w.missing}${one.missing && one.missing !== rating.missing["*"] ? `: ${why(one.missing, w)}` : ""}` : make("span", {}, short(one.value), none(high) ? null : make("small", {}, ` / ${high}`)),
        gone || none(high) ? null : make("meter", { min: low, max: high, value: one.value, "aria-label": `${one.value} (${low}–${high})` })));
  }

  function verdict(rating, w) {
    const one = rating.verdict;
    if (!one) return null;
    const found = none(one.success) ? `${w.missing}: ${why(one.missing, w)}` : one.success ? `✓ ${w.success}` : `✗ ${w.failure}`;
    const kind = none(one.success) ? "missing" : one.success ? "good" : "bad";
    return make("div", { class: "verdict" }, make("b", { class: kind }, found), [one.named_by ? `${w.namedBy} ${said(one.named_by, w)}` : "", one.how ? said(one.how, w) : "", none(one.turn) ? "" : w.turnAt.replace("#", one.turn + 1)].filter(Boolean).map((part) => ` · ${part}`),
      one.quote ? make("blockquote", {}, long(one.quote, w)) : null);
  }

  function rating(one, w, open) {
    // A verdict says by itself why it is missing; a scale says it here once for all of its items.
    const whole = one.verdict ? null : one.missing["*"];
    const chips = Object.entries(one.dimensions).map(([name, value]) => make("span", { class: none(value) ? "chip missing" : "chip" }, `${said(name, w)} ${none(value) ? w.missing : number(value)}`));
    return make("details", { class: "rating", open: true, "data-scale": one.scale },
      make("summary", {}, make("b", {}, said(one.scale, w)), make("small", {}, ` ${one.judge}${one.vote ? ` · ${w.vote} ${one.vote + 1}` : ""}`), one.not_applicable ? make("span", { class: "chip" }, w.na) : null),
      make("div", {}, chips), verdict(one, w), whole ? make("p", { class: "missing" }, `${w.missing}: ${why(whole, w)}`) : null,
      one.reason ? make("p", { class: "reason" }, make("small", {}, `${w.reason}: `), long(one.reason, w)) : null,
      one.items.length ? make("table", {}, make("tbody", {}, one.items.map((some) => item(some, one, w)))) : null,
      make("div", { class: "calls" }, one.calls.map((key, place) => make("button", { "data-call": key, title: key, onclick: () => open(key, one.calls) }, `${w.raw}${one.calls.length > 1 ? ` ${place + 1}` : ""}`))),
      none(one.legal_mass) ? null : make("small", {}, `${w.legal} ${number(one.legal_mass, 3)}`));
  }

  function ratings(one, w, open) {
    const rank = (some) => (ORDER.includes(some.scale) ? ORDER.indexOf(some.scale) : ORDER.length);
    return [make("h2", {}, w.scores), one.ratings.length ? [...one.ratings].sort((a, b) => rank(a) - rank(b)).map((some) => rating(some, w, open)) : make("p", { class: "quiet" }, w.noRatings)];
  }

  // `beside` are the calls among which one can go to and fro: those of the same turn.
  function call(key, data, beside, w, open, close) {
    const one = data.calls[key];
    if (!one) return make("section", { class: "call" }, make("p", {}, w.noCalls));
    const told = [one.model, none(one.tokens_in) ? "" : `${one.tokens_in} + ${one.tokens_out} ${w.tokens}`, `${number(one.latency)} ${w.seconds}`, one.retries ? `${one.retries} ${w.retries}` : "", one.rung || "", one.finish || ""].filter(Boolean).join(" · ");
    const others = beside.length > 1 ? make("div", { class: "calls" }, beside.map((some) => make("button", { "data-call": some, "aria-pressed": String(some === key), onclick: () => open(some, beside) }, some))) : null;
    return make("section", { class: "call", "data-shown": key }, make("div", { class: "bar" }, make("h2", {}, key), make("span", { class: "push" }), make("button", { class: "close", "aria-label": w.close, onclick: close }, "✕")), others, make("small", {}, told),
      make("h3", {}, w.reply), long(one.reply, w, "pre"), make("h3", {}, w.prompt),
      one.request.map(([role, place]) => make("details", { open: one.request.length < 4 }, make("summary", {}, role, make("small", {}, ` ${(data.texts[place] || "").slice(0, 70)}`)), none(data.texts[place]) ? make("p", { class: "missing" }, w.missing) : long(data.texts[place], w, "pre"))));
  }

  return { ratings, call };
})();
