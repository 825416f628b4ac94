"use strict";
// Building blocks: elements from text alone (nothing is ever parsed as markup), files loaded on demand, drawings.
window.cocoon = (() => {
  const LONG = 20000;
  // Marks that would turn or hide the text around them are shown by their number.
  const ODD = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;
  const shown = (text) => String(text).replace(ODD, (mark) => `⟦U+${mark.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}⟧`);

  function make(tag, given = {}, ...inside) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(given)) {
      if (value === null || value === undefined || value === false) continue;
      if (name === "onclick") made.addEventListener("click", value);
      else if (name === "class") made.className = value;
      else made.setAttribute(name, value === true ? "" : value);
    }
    for (const part of inside.flat()) {
      if (part === null || part === undefined) continue;
      made.append(part instanceof Node ? part : shown(part));
    }
    return made;
  }

  // Text of any length: what is long is cut, and told, until it is asked for.
  function long(text, words, tag = "span") {
    const whole = String(text);
    if (whole.length <= LONG) return make(tag, {}, whole);
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
    return make(tag, {}, piece, more);
  }

  const waiting = new Map();
  const held = new Map();
  window.cocoonData = (name, value) => {
    held.set(name, value);
    for (const done of waiting.get(name) || []) done(value);
    waiting.delete(name);
  };

  // A file of data is a script that calls cocoonData with its name: the one form that works from disk as well.
  function load(name, fresh = false) {
    if (held.has(name) && !fresh) return Promise.resolve(held.get(name));
    return new Promise((done, failed) => {
      const place = waiting.get(name) || [];
      place.push(done);
      waiting.set(name, place);
      const script = document.createElement("script");
      script.src = fresh ? `${name}.js?${Date.now()}` : `${name}.js`;
      script.onload = () => script.remove();
      script.onerror = () => { waiting.delete(name); script.remove(); failed(new Error(name)); };
      document.head.append(script);
    });
  }
  const forget = (name) => held.delete(name);

  // A drawing of our own as an element; anything that could run or be styled from within is left out.
  function drawing(text) {
    const parsed = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
    parsed.querySelectorAll("script, style, foreignObject, a, image, use").forEach((one) => one.remove());
    parsed.querySelectorAll("*").forEach((one) => {
      for (const name of one.getAttributeNames()) if (/^on|^style$|href$/i.test(name)) one.removeAttribute(name);
    });
    return document.importNode(parsed, true);
  }

  const percent = (value) => (value === null || value === undefined ? "–" : `${Math.round(value * 100)}%`);
  const number = (value, digits = 2) => (value === null || value === undefined ? "–" : Number(value).toFixed(digits));

  // A line over turns: values from low to high, gaps where a value is missing.
  function spark(values, low, high, label) {
    const NS = "http://www.w3.org/2000/svg", width = 240, height = 44;
    const svg = document.createElementNS(NS, "svg");
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.setAttribute("class", "spark");
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", `${label}: ${values.map((one) => (one === null ? "–" : one)).join(", ")}`);
    const x = (place) => 4 + (place * (width - 8)) / Math.max(values.length - 1, 1);
    const y = (value) => height - 4 - ((value - low) / (high - low || 1)) * (height - 8);
    let path = "", pen = "M";
    values.forEach((value, place) => {
      if (value === null || value === undefined) { pen = "M"; return; }
      path += `${pen} ${x(place).toFixed(1)} ${y(value).toFixed(1)} `;
      pen = "L";
      const dot = document.createElementNS(NS, "circle");
      dot.setAttribute("cx", x(place)); dot.setAttribute("cy", y(value)); dot.setAttribute("r", 2.2);
      svg.append(dot);
    });
    const line = document.createElementNS(NS, "path");
    line.setAttribute("d", path);
    svg.prepend(line);
    return svg;
  }

  return { make, long, load, forget, drawing, percent, number, spark, shown };
})();
