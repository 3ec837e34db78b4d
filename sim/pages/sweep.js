// The page of a sweep, from points.json.
"use strict";

const sweep = JSON.parse(byId("data").textContent);
const fields = fieldsOf(sweep);
const choosable = [...fields.metrics, ...fields.keys];
const runs = sweep.points.filter((point) => point.metrics);
const unfit = sweep.points.filter((point) => !point.metrics);
const front = runs.filter((point) => point.front);
const pointsText = (count) => `${integer(count)} ${count === 1 ? "point" : "points"}`;

function showSummary() {
  byId("title").textContent = sweep.sweep;
  document.title = `${sweep.sweep} - ShiftSim sweep`;
  byId("subtitle").textContent = `${pointsText(runs.length)}, ${integer(front.length)} on the front` +
      (unfit.length ? `; ${integer(unfit.length)} did not run` : "");
  const wrong = sweep.disagreements ?? [], worse = sweep.more_is_worse ?? [];
  const bad = (text) => el("span", {class: "bad"}, text);
  facts(byId("facts"), [
    [
      "axes",
      fields.keys
          .map(
              (key) => `${key.title} (${
                  key.all.length <= 8 ? key.all.map(key.text).join(", ") : `${key.all.length} values`})`)
          .join("; ")
    ],
    ["fixed", fields.fixed.map((key) => `${key.title} ${key.all.map(key.text).join()}`).join("; ")],
    ["front", sweep.pareto.map((one) => `${one.better === "more" ? "most" : "least"} ${one.metric}`).join(", ")],
    [
      "left out",
      sweep.left_out ?
          `${pointsText(sweep.left_out)}: this page holds the front and a part of the others; points.csv has all` :
          ""
    ],
    [
      "verified",
      wrong.length ? bad(wrong.slice(0, 10).map((one) => `point ${one.point}: ${one.what}`).join("; ")) :
          sweep.verified ? `${pointsText(sweep.verified)} of the front run again: equal` :
                           ""
    ],
    [
      "more is worse",
      worse.length ? bad(worse.slice(0, 10)
                             .map(
                                 (one) => `${one.key}: point ${one.richer} has ${percent(one.excess)} more ${
                                     one.metric} than point ${one.poorer}`)
                             .join("; ")) :
                     ""
    ],
  ]);
}

/** The configuration, figures and command of a point, above the table. */
function showPoint(point) {
  byId("chosen").hidden = !point;
  if (!point) return;
  const list = el("dl", {class: "facts"});
  facts(list, [...fields.keys, ...fields.metrics].map((field) => [field.title, field.text(field.of(point))]));
  const copy =
      el("button", {type: "button", onclick: () => navigator.clipboard.writeText(point.command)}, "Copy the command");
  byId("chosen").replaceChildren(
      el("h2", {}, `Point ${point.point}${point.front ? ", on the front" : ""}`), list,
      el("pre", {class: "wrap"}, point.command), copy);
}

function pointTable(chosen) {
  const column = (field) => ({
    title: field.title,
    left: !field.numeric,
    of: field.of,
    text: field.text,
    help: field.help,
  });
  const columns = [
    {title: "point", of: (point) => point.point, text: integer},
    {title: "front", left: true, of: (point) => (point.front ? "front" : null)},
    ...fields.keys.map(column),
    ...fields.metrics.map(column),
    {title: "command", left: true, of: (point) => point.command},
  ];
  return sortableTable(columns, runs, {page: 50, chosen});
}

function showPoints() {
  const fieldOf = (name) => choosable.find((field) => field.name === name);
  const weighed = sweep.pareto.map((one) => fieldOf(one.metric)).filter(Boolean);
  const view = {x: weighed[0] ?? choosable[0], y: weighed[1] ?? choosable[1], colour: fields.keys[0] ?? null};
  const logs = {x: false, y: false};
  let holds = () => true, onlyFront = false;

  const choose = (point) => {
    showPoint(point);
    table.mark(point);
  };
  const table = pointTable(choose);
  const box = scatterChart(fields, choose);
  put("scatter", box);
  put("points", table);
  const chart = box.start();

  const canBeLog = (field) => field.numeric && runs.every((point) => !known(field.of(point)) || field.of(point) > 0);
  const isWide = (field) => {
    const values = runs.map(field.of).filter(known);
    return canBeLog(field) && Math.max(...values) > 30 * Math.min(...values);
  };
  const shownPoints = () => runs.filter((point) => holds(point) && (!onlyFront || point.front));

  function draw() {
    const points = shownPoints();
    chart.data.datasets = scatterSets(points, view);
    chart.options.scales = {x: scatterAxis(view.x, logs.x), y: scatterAxis(view.y, logs.y)};
    chart.update();
    table.show(points);
    byId("status").className = "note";
    byId("status").textContent =
        `${pointsText(points.length)} of ${integer(runs.length)} shown. A click on a point shows its command.`;
  }

  const options = choosable.map((field) => [field.name, field.title]);
  const logBoxes = {};
  const axis = (name) => {
    const log = el("input", {
      type: "checkbox",
      onchange: () => {
        logs[name] = log.checked;
        draw();
      }
    });
    logBoxes[name] = log;
    const set = (value) => {
      view[name] = fieldOf(value);
      logs[name] = log.checked = isWide(view[name]);
      log.disabled = !canBeLog(view[name]);
    };
    set(view[name].name);
    return [
      el("label", {}, name,
         select(
             options, view[name].name,
             (value) => {
               set(value);
               draw();
             })),
      el("label", {}, log, "log")
    ];
  };
  const colour = (value) => {
    view.colour = fieldOf(value) ?? null;
    draw();
  };
  put("axes", ...axis("x"), ...axis("y"),
      el("label", {}, "colour", select([["", "none"], ...options], view.colour?.name ?? "", colour)));

  const typed = () => {
    try {
      holds = filterFrom(choosable, filter.value);
      draw();
    } catch (error) {
      byId("status").className = "note bad";
      byId("status").textContent = error.message;
    }
  };
  const filter =
      el("input",
         {type: "text", placeholder: "e.g. array.rows >= 16 and cycles < 1M", oninput: typed, spellcheck: "false"});
  const only = el("input", {
    type: "checkbox",
    onchange: () => {
      onlyFront = only.checked;
      draw();
    }
  });
  put("filters", el("label", {class: "wide"}, "filter", filter), el("label", {}, only, "front only"));
  draw();
}

function showUnfit() {
  byId("unfit").hidden = unfit.length === 0;
  if (!unfit.length) return;
  put("unfit",
      details(
          pointsText(unfit.length),
          sortableTable(
              [
                {title: "point", of: (point) => point.point, text: integer},
                ...fields.keys.map(
                    (field) => ({title: field.title, left: !field.numeric, of: field.of, text: field.text})),
                {title: "reason", left: true, of: (point) => point.reason},
              ],
              unfit, {page: 50})));
}

showSummary();
showPoint(null);
if (runs.length && choosable.length > 1) showPoints();
showUnfit();
