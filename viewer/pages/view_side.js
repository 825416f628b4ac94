"use strict";
// The right: ratings item by item, and the prompt and reply of any call.
cocoon.side = (() => {
  const { make, long, number } = cocoon;

  function items(rating, w) {
    const [low, high] = rating.range || [null, null];
    return make("table", {}, make("tbody", {}, rating.items.map((item) => make("tr", { class: item.value === null ? "missing" : "" },
      make("td", {}, item.id), make("td", {}, long(item.text || "", w), item.reverse ? make("small", { class: "reversed" }, ` ↔ ${w.reversed}`) : null),
      make("td", { class: "value" }, item.value === null ? `${w.missing}${item.missing ? `: ${item.missing}` : ""}` : item.value,
        item.value !== null && high !== null ? make("meter", { min: low, max: high, value: item.value }) : null)))));
  }

  function verdict(rating, w) {
    const one = rating.verdict;
    if (!one) return null;
    const said = one.success === null ? `${w.missing}: ${one.missing || ""}` : one.success ? w.success : w.failure;
    return make("div", { class: `verdict ${one.success === true ? "good" : one.success === false ? "bad" : "missing"}` }, make("b", {}, said),
      [one.named_by, one.how].filter(Boolean).map((part) => ` · ${part}`), one.quote ? make("blockquote", {}, long(one.quote, w)) : null);
  }

  function rating(one, w, open) {
    const whole = one.missing["*"];
    return make("details", { class: "rating", open: true },
      make("summary", {}, make("b", {}, one.scale), ` ${one.judge}${one.vote ? ` · ${w.vote} ${one.vote + 1}` : ""}`,
        ...Object.entries(one.dimensions).map(([name, value]) => make("span", { class: value === null ? "chip missing" : "chip" }, `${name} ${value === null ? w.missing : number(value)}`)),
        one.not_applicable ? make("span", { class: "chip" }, w.na) : null),
      verdict(one, w), whole ? make("p", { class: "missing" }, `${w.missing}: ${whole}`) : null,
      one.items.length ? items(one, w) : null,
      make("div", { class: "calls" }, one.calls.map((key) => make("button", { "data-call": key, onclick: () => open(key) }, `${w.raw}: ${key}`))));
  }

  function ratings(one, w, open) {
    return [make("h2", {}, w.scores), one.ratings.length ? one.ratings.map((some) => rating(some, w, open)) : make("p", {}, w.noRatings)];
  }

  function call(key, data, w) {
    const one = data.calls[key];
    if (!one) return make("p", {}, w.noCalls);
    const told = [one.model, one.tokens_in === null ? "" : `${one.tokens_in} + ${one.tokens_out} ${w.tokens}`, `${number(one.latency)} ${w.seconds}`,
      one.retries ? `${one.retries} ${w.retries}` : "", one.rung || "", one.finish || ""].filter(Boolean).join(" · ");
    return make("section", { class: "call", "data-shown": key }, make("h2", {}, key), make("small", {}, told), make("h3", {}, w.reply),
      long(one.reply, w, "pre"), make("h3", {}, w.prompt),
      ...one.request.map(([role, place]) => make("details", { open: one.request.length < 4 }, make("summary", {}, role), long(data.texts[place], w, "pre"))));
  }

  return { ratings, call };
})();
