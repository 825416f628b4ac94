"use strict";
// The rating page. Text from dialogues is only ever set as text.
(() => {
  const token = location.pathname.split("/").pop();
  const main = document.getElementById("main");
  const saved = document.getElementById("saved");
  let language = recalled();
  let state = null;
  let pausing = false;
  let wanted = null;
  let queue = Promise.resolve();
  // What was typed and not sent, by item and chat: it outlives a break, another language and a reload of the page's parts.
  const drafts = {};

  const w = () => WORDS[language] || WORDS.en;

  function recalled() {
    try { return localStorage.getItem("language"); } catch { return null; }
  }

  function recall(value) {
    try { localStorage.setItem("language", value); } catch { /* A browser that keeps nothing: the study's language. */ }
  }

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

  // One after the other, so that the last of several quick answers is the one that is kept.
  function post(what, body) {
    const sent = queue.then(() => send(what, body));
    queue = sent;
    return sent;
  }

  async function send(what, body) {
    try {
      const answer = await fetch(`/api/${token}/${what}`, {
        method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
      });
      const told = await answer.json();
      if (told.flagged) { state.flagged = true; lines(); }
      if (!answer.ok) { tell(w().lost + (told.error || answer.status), true); return null; }
      tell(w().saved);
      return told;
    } catch {
      tell(w().lost + w().offline, true);
      return null;
    }
  }

  async function load() {
    const query = new URLSearchParams();
    if (language) query.set("language", language);
    if (wanted) query.set("item", wanted);
    try {
      const answer = await fetch(`/api/${token}/state?${query}`);
      if (!answer.ok) { main.replaceChildren(told(w().nothing)); return; }
      state = await answer.json();
    } catch {
      tell(w().lost + w().offline, true);
      return;
    }
    language = state.language;
    draw();
  }

  // The study owner's lines, once the rater's own words speak of danger. They stay until the rater has withdrawn.
  function lines() {
    const place = document.getElementById("lines");
    place.textContent = state.texts.crisis_lines[language];
    place.hidden = !state.flagged;
  }

  function draw() {
    document.documentElement.lang = language;
    document.title = state.texts.title[language];
    document.getElementById("title").textContent = state.texts.title[language];
    document.getElementById("help").textContent = state.texts.help_line[language];
    lines();
    const switcher = document.getElementById("language");
    switcher.textContent = w().other;
    const inside = state.phase === "item" || state.phase === "end";
    for (const [id, word] of [["pause", w().pause], ["leave", w().leave]]) {
      const button = document.getElementById(id);
      button.textContent = word;
      button.hidden = !inside;
    }
    const progress = document.getElementById("progress");
    progress.textContent = state.progress ? w().progress(state.progress) : "";
    const pages = { consent, item, end, withdrawn: () => told(w().gone) };
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

  function end() {
    return [told(w().end), make("div", { class: "actions" }, ...back())];
  }

  function back() {
    return state.before ? [make("button", { type: "button", id: "back", onclick: () => move(state.before) }, w().former)] : [];
  }

  // On to another item: the one that was asked for, or the next that is open.
  async function move(to) {
    wanted = to;
    await load();
    tell("");
  }

  function paused() {
    return [told(w().paused), make("div", { class: "actions" }, make("button", {
      type: "button", class: "main", id: "resume", onclick: () => { pausing = false; load(); } }, w().resume))];
  }

  function talk(turns, mine) {
    const box = make("div", { class: "talk", tabindex: "0", role: "region", "aria-label": w().talk });
    box.append(...turns.map((turn) => bubble(turn, mine)));
    return box;
  }

  function bubble(turn, mine) {
    const who = turn.role === "supporter" ? (mine ? w().you : w().supporter) : w().user;
    return make("p", { class: `turn ${turn.role}`, dir: "auto" }, make("b", {}, who), plain(turn.content));
  }

  function choices(name, options, kind = "") {
    const { id, answers } = state.item;
    const box = make("div", { class: `choices ${kind}` });
    const inputs = options.map(([value, label]) => {
      const input = make("input", { type: "radio", name, onchange: () => choose(value) });
      box.append(make("label", {}, input, make("span", {}, label)));
      return input;
    });
    // The page shows what is kept: after an answer that could not be saved, the one before.
    const show = () => inputs.forEach((input, place) => { input.checked = name in answers && answers[name] === options[place][0]; });
    async function choose(value) {
      if (await post("answer", { item: id, key: name, value })) answers[name] = value;
      else show();
      ready();
    }
    show();
    return box;
  }

  function ready() {
    const done = document.getElementById("done");
    if (!done) return;
    const open = keys().filter((key) => !(key in state.item.answers));
    done.disabled = open.length > 0;
    const left = document.getElementById("left");
    left.hidden = !open.length;
    left.textContent = w().open(open.length);
    left.onclick = () => document.getElementsByName(open[0])[0].focus();
  }

  function keys() {
    const { scales, questions } = state.item;
    return scales ? scales.flatMap((one) => one.items.map((item) => `${one.id}:${item.id}`)) : questions.map((one) => one.id);
  }

  function actions() {
    return make("div", { class: "actions" },
      make("button", { type: "button", class: "main", id: "done", onclick: () => finish("done") }, w().next),
      make("button", { type: "button", id: "left" }), skip(), ...back());
  }

  async function finish(key) {
    if (await post("answer", { item: state.item.id, key, value: true })) await move(null);
  }

  const skip = () => make("button", { type: "button", id: "skip", onclick: () => finish("skipped") }, w().skip);

  function item() {
    const pages = { likert, pairs, chats };
    const nodes = pages[state.item.kind]();
    queueMicrotask(() => { ready(); main.focus({ preventScroll: true }); scrollTo(0, 0); });
    return nodes;
  }

  function likert() {
    const asked = make("div", { class: "asked" });
    for (const scale of state.item.scales) {
      // The wording is made for judges that write JSON; a person has a button for it.
      asked.append(told(scale.instruction.replace(/\bnull\b/g, w().quoted)));
      for (const one of scale.items) {
        const key = `${scale.id}:${one.id}`;
        const options = [];
        for (let value = scale.low; value <= scale.high; value += 1) options.push([value, String(value)]);
        options.push([null, w().unknown]);
        asked.append(make("fieldset", {}, make("legend", {}, one.text), choices(key, options, "numbers"), ends(scale)));
      }
    }
    asked.append(actions());
    return [make("h1", {}, w().rate), make("div", { class: "beside" }, talk(state.item.dialogues[0], false), asked)];
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
      nodes.push(make("fieldset", {}, make("legend", {}, one.text), choices(one.id, options)));
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
    const place = make("div", { class: "chatting" }, told(w().told));
    chat(place, state.item.said[1] ? 1 : 0);
    return [make("h1", {}, w().chat), place];
  }

  async function chat(place, which, text, turn) {
    const { id } = state.item;
    const found = await post("chat", { item: id, which, text, turn });
    // The rater may have gone elsewhere while the other was thinking.
    if (!place.isConnected) return false;
    if (!found) return again(place, which);
    if (text !== undefined) delete drafts[`${id} ${which}`];
    if (found.over && which === 0) offer(place, found.turns);
    else if (found.over) await compareOwn(place, found.turns);
    else speak(place, which, found.turns);
    return true;
  }

  // Where a chat could not be opened, there is a button to try again instead of an empty page.
  function again(place, which) {
    if (!document.getElementById("words")) {
      place.append(make("div", { class: "actions" },
        make("button", { type: "button", id: "again", onclick: (event) => { event.target.remove(); chat(place, which); } }, w().again), skip()));
    }
    return false;
  }

  function speak(place, which, turns) {
    const key = `${state.item.id} ${which}`;
    const spoken = turns.filter((turn) => turn.role === "supporter").length - 1;
    const box = make("textarea", { id: "words", "aria-label": w().yours, placeholder: w().yours, maxlength: "4000" });
    box.value = drafts[key] || "";
    box.addEventListener("input", () => { drafts[key] = box.value; });
    const waiting = make("p", { class: "waiting", role: "status" });
    const send = make("button", { type: "button", class: "main", id: "say", onclick: say }, w().say);
    const log = talk(turns, true);
    async function say() {
      if (!box.value.trim() || send.disabled) return;
      const mine = bubble({ role: "supporter", content: box.value }, true);
      send.disabled = box.readOnly = true;
      log.append(mine);
      waiting.textContent = w().waiting;
      log.scrollTop = log.scrollHeight;
      if (await chat(place, which, box.value, spoken)) return;
      mine.remove();
      waiting.textContent = "";
      send.disabled = box.readOnly = false;
    }
    box.addEventListener("keydown", (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) say(); });
    place.replaceChildren(make("h2", {}, which ? w().second : w().first),
      told(w().topic + [state.item.topic.emotion, state.item.topic.feeling].filter(Boolean).join(" · ")),
      log, waiting, box,
      make("div", { class: "actions" }, send, make("span", { class: "soft" }, w().left(state.item.rounds - spoken)), skip(), ...back()),
      make("p", { class: "soft keys" }, w().keys));
    log.scrollTop = log.scrollHeight;
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
    if (!place.isConnected) return;
    place.replaceChildren(...comparison([make("h2", {}, w().own), beside(first.turns, second, true)]));
    ready();
    scrollTo(0, 0);
  }

  document.getElementById("language").addEventListener("click", () => {
    language = language === "zh" ? "en" : "zh";
    recall(language);
    tell("");
    load();
  });
  document.getElementById("pause").addEventListener("click", () => { pausing = true; draw(); });
  document.getElementById("leave").addEventListener("click", () => {
    main.replaceChildren(make("p", { class: "told warning" }, w().asked), make("div", { class: "actions" },
      make("button", { type: "button", id: "sure", onclick: async () => {
        if (await send("withdraw", {})) { await load(); tell(""); } } }, w().sure),
      make("button", { type: "button", class: "main", id: "stay", onclick: load }, w().stay)));
  });
  load();
})();
