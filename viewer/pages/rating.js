"use strict";
// The rating page. Text from dialogues is only ever set as text.
(() => {
  const token = location.pathname.split("/").pop();
  const main = document.getElementById("main");
  const saved = document.getElementById("saved");
  let language = null;
  let state = null;
  let pausing = false;

  const w = () => WORDS[language] || WORDS.en;

  function make(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (value !== false && value !== null) node.setAttribute(name, value === true ? "" : value);
    }
    for (const child of children) node.append(child);
    return node;
  }

  function tell(text, bad = false) {
    saved.textContent = text;
    saved.classList.toggle("bad", bad);
  }

  async function post(what, body) {
    try {
      const answer = await fetch(`/api/${token}/${what}`, {
        method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
      });
      const told = await answer.json();
      if (!answer.ok) { tell(w().lost + (told.error || answer.status), true); return null; }
      tell(w().saved);
      return told;
    } catch {
      tell(w().lost + w().offline, true);
      return null;
    }
  }

  async function load() {
    const query = language ? `?language=${language}` : "";
    try {
      const answer = await fetch(`/api/${token}/state${query}`);
      if (!answer.ok) { main.replaceChildren(make("p", {}, "404")); return; }
      state = await answer.json();
    } catch {
      tell(w().lost + w().offline, true);
      return;
    }
    language = state.language;
    draw();
  }

  function draw() {
    document.documentElement.lang = language;
    document.title = state.texts.title[language];
    document.getElementById("title").textContent = state.texts.title[language];
    document.getElementById("help").textContent = state.texts.help_line[language];
    const switcher = document.getElementById("language");
    switcher.textContent = w().other;
    const inside = state.phase === "item" || state.phase === "end";
    for (const [id, word] of [["pause", w().pause], ["leave", w().leave]]) {
      const button = document.getElementById(id);
      button.textContent = word;
      button.hidden = !inside;
    }
    const progress = document.getElementById("progress");
    progress.textContent = state.progress ? w().progress(state.progress.done, state.progress.of) : "";
    const pages = { consent, item, end: () => told(w().end), withdrawn: () => told(w().gone) };
    main.replaceChildren(...[pausing && inside ? paused() : pages[state.phase]()].flat());
  }

  // Characters that turn the direction of text can make it read as what it does not say.
  const plain = (text) => text.replace(/[\u202a-\u202e\u2066-\u2069]/g, "\ufffd");

  const told = (text) => make("p", { class: "told" }, text);

  function consent() {
    const board = state.review_board ? [told(w().board + state.review_board)] : [];
    return [
      make("h1", {}, state.texts.title[language]),
      told(state.texts.consent[language]),
      make("p", { class: "told warning" }, state.texts.content_warning[language]),
      ...board,
      make("div", { class: "actions" }, make("button", {
        type: "button", class: "main", id: "agree",
        onclick: async () => { if (await post("consent", { sha: state.sha })) await load(); },
      }, w().agree)),
    ];
  }

  function paused() {
    return [told(w().paused), make("div", { class: "actions" }, make("button", {
      type: "button", class: "main", onclick: () => { pausing = false; draw(); } }, w().resume))];
  }

  function talk(turns, mine) {
    const box = make("div", { class: "talk", tabindex: "0" });
    for (const turn of turns) {
      const who = turn.role === "supporter" ? (mine ? w().you : w().supporter) : w().user;
      box.append(make("p", { class: `turn ${turn.role}`, dir: "auto" }, make("b", {}, who), plain(turn.content)));
    }
    return box;
  }

  function choices(name, options, current) {
    const box = make("div", { class: "choices", role: "radiogroup" });
    for (const [value, label] of options) {
      const input = make("input", {
        type: "radio", name, checked: current !== undefined && current === value,
        onchange: async (event) => {
          const kept = await post("answer", { item: state.item.id, key: name, value });
          if (kept) state.item.answers[name] = value;
          else event.target.checked = false;
          ready();
        },
      });
      box.append(make("label", {}, input, label));
    }
    return box;
  }

  function ready() {
    const done = document.getElementById("done");
    if (done) done.disabled = keys().some((key) => !(key in state.item.answers));
  }

  function keys() {
    const { scales, questions } = state.item;
    return scales ? scales.flatMap((one) => one.items.map((item) => `${one.id}:${item.id}`)) : questions.map((one) => one.id);
  }

  function actions() {
    const go = (key) => async () => { if (await post("answer", { item: state.item.id, key, value: true })) await load(); };
    return make("div", { class: "actions" },
      make("button", { type: "button", class: "main", id: "done", onclick: go("done") }, w().next),
      make("button", { type: "button", id: "skip", onclick: go("skipped") }, w().skip));
  }

  function item() {
    const pages = { likert, pairs, chats };
    const nodes = pages[state.item.kind]();
    queueMicrotask(() => { ready(); main.focus({ preventScroll: true }); scrollTo(0, 0); });
    return nodes;
  }

  function likert() {
    const nodes = [make("h1", {}, w().rate), talk(state.item.dialogues[0], false)];
    for (const scale of state.item.scales) {
      nodes.push(told(scale.instruction));
      for (const one of scale.items) {
        const key = `${scale.id}:${one.id}`;
        const options = [];
        for (let value = scale.low; value <= scale.high; value += 1) options.push([value, String(value)]);
        options.push([null, w().unknown]);
        nodes.push(make("fieldset", {}, make("legend", {}, one.text), choices(key, options, state.item.answers[key]),
          ends(scale)));
      }
    }
    return [...nodes, actions()];
  }

  function ends(scale) {
    const text = (value) => (scale.anchors.find((one) => one.value === value) || { text: "" }).text;
    return make("div", { class: "ends" }, make("span", {}, `${scale.low} ${text(scale.low)}`),
      make("span", {}, `${scale.high} ${text(scale.high)}`));
  }

  function comparison(nodes) {
    const options = [["first", w().firstbest], ["second", w().secondbest], ["tie", w().tie]];
    nodes.push(told(state.item.instruction));
    for (const one of state.item.questions) {
      nodes.push(make("fieldset", {}, make("legend", {}, one.text), choices(one.id, options, state.item.answers[one.id])));
    }
    return [...nodes, actions()];
  }

  function beside(first, second, mine) {
    return make("div", { class: "pair" },
      make("section", {}, make("h2", {}, w().first), talk(first, mine)),
      make("section", {}, make("h2", {}, w().second), talk(second, mine)));
  }

  const pairs = () => comparison([make("h1", {}, w().compare), beside(...state.item.dialogues, false)]);

  function chats() {
    const place = make("div", {}, told(w().told));
    chat(place, 0);
    return [make("h1", {}, w().chat), place];
  }

  async function chat(place, which, text, turn) {
    const found = await post("chat", { item: state.item.id, which, text, turn });
    if (!found) return;
    if (found.over && which === 0) return offer(place, found.turns);
    if (found.over) return compareOwn(place, found.turns);
    const spoken = found.turns.filter((turn) => turn.role === "supporter").length - 1;
    const box = make("textarea", { id: "words", "aria-label": w().say, maxlength: "4000" });
    const send = make("button", { type: "button", class: "main", id: "say", onclick: say }, w().say);
    async function say() {
      if (!box.value.trim() || send.disabled) return;
      send.disabled = true;
      const words = box.value;
      await chat(place, which, words, spoken);
      send.disabled = false;
    }
    box.addEventListener("keydown", (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) say(); });
    place.replaceChildren(make("h2", {}, which ? w().second : w().first),
      told(w().topic + [state.item.topic.emotion, state.item.topic.feeling].filter(Boolean).join(" · ")),
      talk(found.turns, true), box,
      make("div", { class: "actions" }, send, make("span", { class: "told" }, w().left(state.item.rounds - spoken)),
        make("button", { type: "button", id: "skip", onclick: async () => {
          if (await post("answer", { item: state.item.id, key: "skipped", value: true })) await load(); } }, w().skip)));
    box.focus();
  }

  function offer(place, turns) {
    place.replaceChildren(make("h2", {}, w().first), talk(turns, true), told(w().over),
      make("div", { class: "actions" }, make("button", {
        type: "button", class: "main", id: "second", onclick: () => chat(place, 1) }, w().to)));
  }

  async function compareOwn(place, second) {
    const first = await post("chat", { item: state.item.id, which: 0 });
    if (!first) return;
    place.replaceChildren(...comparison([make("h2", {}, w().back), beside(first.turns, second, true)]));
    ready();
  }

  document.getElementById("language").addEventListener("click", () => {
    language = language === "zh" ? "en" : "zh";
    tell("");
    load();
  });
  document.getElementById("pause").addEventListener("click", () => { pausing = true; draw(); });
  document.getElementById("leave").addEventListener("click", () => {
    main.replaceChildren(make("p", { class: "told warning" }, w().asked), make("div", { class: "actions" },
      make("button", { type: "button", id: "sure", onclick: async () => {
        if (await post("withdraw", {})) { await load(); tell(""); } } }, w().sure),
      make("button", { type: "button", class: "main", id: "stay", onclick: draw }, w().stay)));
  });
  load();
})();
