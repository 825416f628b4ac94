"use strict";
// Building blocks: elements from text alone (nothing is ever parsed as markup), files loaded on demand, drawings.
window.cocoon = (() => {
  const LONG = 20000, KEPT = 60;
  // Marks that would turn or hide the text around them are shown by their number.
  const ODD = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;
  const shown = (text) => String(text).replace(ODD, (mark) => `⟦U+${mark.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}⟧`);
  const at = (id) => document.getElementById(id);

  function make(tag, given = {}, ...inside) {
    return fill(document.createElement(tag), given, inside);
  }

  function svg(tag, given = {}, ...inside) {
    return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), given, inside);
  }

  function fill(made, given, inside) {
    for (const [name, value] of Object.entries(given)) {
      if (value === null || value === undefined || value === false) continue;
      if (name === "onclick") made.addEventListener("click", value);
      else made.setAttribute(name, value === true ? "" : shown(value));
    }
    for (const part of inside.flat(Infinity)) {
      if (part === null || part === undefined || part === false) continue;
      made.append(part instanceof Node ? part : shown(part));
    }
    return made;
  }

  // Text of any length: what is long is cut, and told, until it is asked for.
  function long(text, words, tag = "span") {
    // A box that scrolls by itself is reached by keys too.
    const whole = String(text), given = tag === "pre" ? { tabindex: "0" } : {};
    if (whole.length <= LONG) return make(tag, given, whole);
    // A piece at a time: laying out a million characters at once holds the page up.
    let told = LONG;
    const left = () => `… ${words.showMore} (${told} / ${whole.length} ${words.characters})`;
    const piece = document.createTextNode(shown(whole.slice(0, told)));
    const more = make("button", { class: "more", onclick: (event) => {
      event.stopPropagation();
      piece.appendData(shown(whole.slice(told, told + LONG)));
      told = Math.min(told + LONG, whole.length);
      if (told === whole.length) more.remove(); else more.textContent = left();
    } }, left());
    return make(tag, given, piece, more);
  }

  const waiting = new Map();
  const held = new Map();

  function answer(name, act) {
    for (const pair of waiting.get(name) || []) act(pair);
    waiting.delete(name);
  }
  window.cocoonData = (name, value) => {
    held.set(name, value);
    // The one that was opened longest ago goes: a reader who leafs through thousands does not fill the memory.
    const files = [...held.keys()].filter((one) => one.includes("/"));
    if (files.length > KEPT) held.delete(files[0]);
    answer(name, ([done]) => done(value));
  };
  window.cocoonRefused = (name, message) => answer(name, ([, failed]) => failed(new Error(message)));

  // A file of data is a script that calls cocoonData with its name: the one form that works from disk as well.
  function load(name, query = "") {
    if (held.has(name) && !query) return Promise.resolve(held.get(name));
    return new Promise((done, failed) => {
      waiting.set(name, [...(waiting.get(name) || []), [done, failed]]);
      const script = document.createElement("script");
      script.src = `${name}.js${query && `?${query}`}`;
      script.onload = () => script.remove();
      script.onerror = () => { script.remove(); answer(name, ([, fail]) => fail(new Error(`${name}.js`))); };
      document.head.append(script);
    });
  }
  const forget = (name) => held.delete(name);

  // JSON, deflated, in base64.
  async function unpack(text) {
    const bytes = Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return JSON.parse(await new Response(stream).text());
  }
  const part = async (file, name) => unpack((await load(file))[name]);

  // A drawing of our own as an element; anything that could run or be styled from within is left out.
  function drawing(text) {
    const parsed = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
    parsed.querySelectorAll("script, style, foreignObject, a, image, use").forEach((one) => one.remove());
    parsed.querySelectorAll("*").forEach((one) => {
      for (const name of one.getAttributeNames()) if (/^on|^style$|href$/i.test(name)) one.removeAttribute(name);
    });
    return document.importNode(parsed, true);
  }

  const none = (value) => value === null || value === undefined;
  const percent = (value) => (none(value) ? "–" : `${Math.round(value * 100)}%`);
  const number = (value, digits = 2) => (none(value) ? "–" : Number(value).toFixed(digits));
  // Up to `digits` decimals, as many as it takes.
  const short = (value, digits = 2) => (none(value) ? "–" : String(Number(Number(value).toFixed(digits))));

  return { at, make, svg, long, load, forget, unpack, part, drawing, none, percent, number, short, shown };
})();
