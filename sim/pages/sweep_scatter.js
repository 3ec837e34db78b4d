// The scatter plot of a sweep.
"use strict";

// Numbers go from dark to light (viridis); names get colours of their own.
const RAMP = ["#440154", "#46327e", "#365c8d", "#277f8e", "#1fa187", "#4ac16d", "#a0da39", "#d9c80c"];
const NAMED = ["#4477aa", "#ee7733", "#228833", "#aa3377", "#66ccee", "#ccbb44", "#6b7480", "#cc3311"];
const MOST_GROUPS = 8, MOST_COMMAND_COLUMNS = 70;

const rampColour = (index, count) => RAMP[count < 2 ? 3 : Math.round((index * (RAMP.length - 1)) / (count - 1))];

/** Points in at most eight groups, {label, colour, points}: a value each, or ranges of as many points. */
function groupsOf(points, field) {
  if (!field) return [{label: "points", colour: NAMED[0], points}];
  const having = points.filter((point) => known(field.of(point)));
  const all = [...new Set(having.map(field.of))].sort(compareCells);
  const label = (value) => `${field.title} ${field.text(value)}`;
  if (all.length <= MOST_GROUPS) {
    return all.map((value, index) => ({
                     label: label(value),
                     colour: field.numeric ? rampColour(index, all.length) : NAMED[index],
                     points: having.filter((point) => field.of(point) === value),
                   }));
  }
  if (!field.numeric) {
    const rest = new Set(all.slice(MOST_GROUPS - 1));
    return [
      ...all.slice(0, MOST_GROUPS - 1).map((value, index) => ({
                                             label: label(value),
                                             colour: NAMED[index],
                                             points: having.filter((point) => field.of(point) === value)
                                           })),
      {label: "others", colour: NAMED[MOST_GROUPS - 1], points: having.filter((point) => rest.has(field.of(point)))}
    ];
  }
  const bounds =
      Array.from({length: MOST_GROUPS + 1}, (_, index) => all[Math.round((index * (all.length - 1)) / MOST_GROUPS)]);
  return bounds.slice(1).map((to, index) => {
    const from = bounds[index], last = index === MOST_GROUPS - 1;
    return {
      label: `${field.text(from)} to ${field.text(to)}`,
      colour: rampColour(index, MOST_GROUPS),
      points:
          having.filter((point) => field.of(point) >= from && (last ? field.of(point) <= to : field.of(point) < to)),
    };
  });
}

function scatterAxis(field, log) {
  const title = field.help ?? field.title;
  if (!field.numeric) return {type: "category", labels: field.all, offset: true, title: axisTitle(title)};
  const text = (value) => (field.unit === "" && !field.isKey ? scaled(value, "") : field.text(value));
  const axis = log ? logAxis(title) : {type: "linear", title: axisTitle(title), ticks: {maxRotation: 0}};
  const shown = axis.ticks.callback;
  axis.ticks.callback = (value) => (shown && shown(value) === "" ? "" : text(value));
  return axis;
}

/** A command in lines that a tooltip can hold. */
function wrapped(text, most) {
  const lines = [""];
  for (const word of text.split(" ")) {
    if (lines.at(-1) && lines.at(-1).length + word.length > most) lines.push("");
    lines.push(`${lines.pop()} ${word}`.trimStart());
  }
  return lines;
}

function tooltipLines(fields, point) {
  const line = (field) => `${field.title}: ${field.text(field.of(point))}`;
  return [
    ...fields.keys.map(line), ...fields.metrics.map(line), "",
    ...wrapped(point.command, isNarrow() ? 36 : MOST_COMMAND_COLUMNS)
  ];
}

/** The chart's datasets. view: {x, y, colour: fields}. */
function scatterSets(points, view) {
  const spot = (point) => ({x: view.x.of(point), y: view.y.of(point), point});
  const shown = points.filter((point) => known(view.x.of(point)) && known(view.y.of(point)));
  const radius = shown.length > 2000 ? 2 : shown.length > 300 ? 3 : 4.5;
  const sets = groupsOf(shown, view.colour).map((group) => ({
                                                  label: group.label,
                                                  data: group.points.map(spot),
                                                  backgroundColor: group.colour,
                                                  borderWidth: 0,
                                                  radius,
                                                  hoverRadius: radius + 3,
                                                  order: 2,
                                                }));
  const front = shown.filter((point) => point.front);
  sets.push({
    label: "front of the sweep",
    data: front.map(spot),
    pointStyle: "circle",
    radius: radius + 3,
    hoverRadius: radius + 4,
    backgroundColor: "transparent",
    borderColor: () => cssColour("--ink"),
    borderWidth: 1.5,
    order: 1,
  });
  if (view.x.better && view.y.better && view.x !== view.y) {
    sets.push({
      type: "line",
      label: "front of these two axes",
      data: frontOfTwo(shown, view.x, view.y).map(spot),
      pointStyle: "line",
      pointRadius: 0,
      pointHitRadius: 0,
      borderWidth: 1.2,
      borderColor: () => cssColour("--muted"),
      backgroundColor: "transparent",
      order: 3,
      stepped: "before",
    });
  }
  return sets;
}

function scatterChart(fields, chosen) {
  const config = {
    type: "scatter",
    data: {datasets: []},
    options: {
      scales: {x: {}, y: {}},
      parsing: true,
      interaction: {mode: "nearest", intersect: true},
      onClick: (_, items, chart) => {
        if (items.length) chosen(chart.data.datasets[items[0].datasetIndex].data[items[0].index].point);
      },
      plugins: {
        legend: {labels: {usePointStyle: true}},
        tooltip: {
          displayColors: false,
          filter: (_, index) => index === 0,
          callbacks: {
            title: (items) =>
                items.map((item) => `point ${item.raw.point.point}${item.raw.point.front ? ", on the front" : ""}`),
            label: (item) => tooltipLines(fields, item.raw.point),
          },
        },
      },
    },
  };
  return chartBox(isNarrow() ? 460 : 560, "Points of the sweep", config);
}
