// The page's elements. Text enters as text alone, so that no name can be taken for HTML.
"use strict";

function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (name.startsWith("on"))
      made.addEventListener(name.slice(2), value);
    else
      made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

const byId = (id) => document.getElementById(id);
const put = (id, ...children) => byId(id).append(...children);
const note = (text) => el("p", {class: "note"}, text);
const details = (title, ...content) => el("details", {}, el("summary", {}, title), ...content);

function tile(label, figure, more = "") {
  return el(
      "div", {class: "tile"}, el("div", {class: "label"}, label), el("div", {class: "figure"}, figure),
      el("div", {class: "more"}, more));
}

/** Terms and what there is to say of them; those without are left out. */
function facts(list, entries) {
  for (const [term, text] of entries)
    if (text) list.append(el("dt", {}, term), el("dd", {}, text));
}

/** Buttons of which one is pressed. 'chosen' is called with the name of the one that is. */
function choice(label, names, chosen) {
  const group = el("div", {class: "choice", role: "group", "aria-label": label});
  names.forEach((name, index) => {
    const press = () => {
      for (const other of group.children) other.setAttribute("aria-pressed", String(other === button));
      chosen(name);
    };
    const button = el("button", {type: "button", "aria-pressed": String(index === 0), onclick: press}, name);
    group.append(button);
  });
  return group;
}

function select(options, value, chosen) {
  const made = el("select", {onchange: () => chosen(made.value)});
  for (const [key, text] of options) made.append(el("option", {value: key, selected: key === value}, text));
  return made;
}
