// Tables that sort by the column whose heading is clicked: down, up, and back to the order of the data.
"use strict";

function compareCells(a, b) {
  if (!known(a) || !known(b)) return known(a) - known(b);
  return typeof a === "number" && typeof b === "number" ? a - b :
                                                          String(a).localeCompare(String(b), "en", {numeric: true});
}

/** Rows in the order that {column, descending} asks for. What is not known comes last. */
function sortedRows(rows, columns, order) {
  if (!order) return rows;
  const of = columns[order.column].of;
  return [...rows].sort((a, b) => {
    if (!known(of(a)) || !known(of(b))) return known(of(b)) - known(of(a));
    return order.descending ? compareCells(of(b), of(a)) : compareCells(of(a), of(b));
  });
}

function cell(column, value) {
  const text = !known(value) ? UNKNOWN : column.text ? column.text(value) : String(value);
  return el(
      "td", {class: column.left && "left", "data-value": known(value) ? String(value) : "", title: column.left && text},
      text);
}

/**
 * columns: {title, unit, left, of: row -> value, text: value -> shown, help}. options: total, a row for the foot;
 * chosen, called with a row that is clicked; page, rows shown at once; fit, as wide as its content.
 * Gives the box that scrolls, with show(rows) and mark(row).
 */
function sortableTable(columns, rows, options = {}) {
  let order = null, first = 0, marked = null;
  const body = el("tbody");
  const page = options.page ?? Infinity;
  const headings = columns.map((column, index) => {
    const click = () => {
      if (order?.column !== index)
        order = {column: index, descending: !column.left};
      else if (order.descending === !column.left)
        order = {column: index, descending: Boolean(column.left)};
      else
        order = null;
      first = 0;
      draw();
    };
    const heading =
        el("th", {scope: "col", class: column.left && "left", title: column.help},
           el("button", {type: "button", onclick: click}, column.title));
    if (column.unit) heading.append(el("span", {class: "unit"}, column.unit));
    return heading;
  });
  const table = el("table", {}, el("thead", {}, el("tr", {}, ...headings)), body);
  if (options.total) {
    table.append(el("tfoot", {}, el("tr", {}, ...columns.map((column) => cell(column, column.of(options.total))))));
  }

  const place = el("span", {class: "note"});
  const turn = (by) => () => {
    first += by;
    draw();
  };
  const back = el("button", {type: "button", onclick: turn(-page)}, "Previous");
  const on = el("button", {type: "button", onclick: turn(page)}, "Next");
  const pager = el("div", {class: "controls"}, back, on, place);
  const box = el("div", {class: options.fit ? "scroll fit" : "scroll", tabindex: "0"}, table);
  const made = el("div", {}, box, pager);

  function draw() {
    headings.forEach((heading, index) => {
      heading.setAttribute(
          "aria-sort",
          order?.column !== index ? "none" :
              order.descending    ? "descending" :
                                    "ascending");
    });
    const sorted = sortedRows(rows, columns, order);
    const shown = page === Infinity ? sorted : sorted.slice(first, first + page);
    body.replaceChildren(...shown.map((row) => {
      const line =
          el("tr", {class: row === marked && "chosen"}, ...columns.map((column) => cell(column, column.of(row))));
      if (options.chosen) line.addEventListener("click", () => options.chosen(row));
      return line;
    }));
    pager.hidden = rows.length <= page;
    back.disabled = first === 0;
    on.disabled = first + page >= rows.length;
    place.textContent =
        `${integer(first + 1)} to ${integer(Math.min(first + page, rows.length))} of ${integer(rows.length)}`;
  }
  made.show = (others) => {
    rows = others;
    first = 0;
    draw();
  };
  /** Colours a row and brings it into view. */
  made.mark = (row) => {
    marked = row;
    const index = sortedRows(rows, columns, order).indexOf(row);
    if (page !== Infinity && index >= 0) first = Math.floor(index / page) * page;
    draw();
    if (index >= 0) {
      const line = body.children[index - first];
      box.scrollTop = line.offsetTop - box.clientHeight / 2;
    }
  };
  draw();
  return made;
}
