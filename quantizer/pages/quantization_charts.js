// The charts of a quantization: a value or a range for each layer, unit or stage, in order.
"use strict";

const COLOURS = {first: "#4477aa", second: "#ee7733", third: "#228833", muted: "#bbbbbb"};

/** dB of a ratio; without noise ('exact') there is none. */
const decibel = (value) => (typeof value === "number" ? value : null);

/** Names below the axis; those that find no room are left out. */
const layerAxis = () => ({
  grid: {display: false},
  ticks: {
    maxRotation: 90,
    callback(index) {
      return shortened(this.getLabelForValue(index), 18);
    },
  },
});

/** series: {name, colour, values, dashed}. A value that is not known leaves a gap. */
function lines(label, names, series, unit, chosen) {
  const datasets = series.map((one) => ({
                                label: one.name,
                                data: one.values,
                                borderColor: one.colour,
                                backgroundColor: one.colour,
                                borderDash: one.dashed ? [5, 4] : [],
                                borderWidth: 1.5,
                                pointRadius: 2.5,
                                pointHitRadius: 8,
                              }));
  const options = {
    scales: {x: layerAxis(), y: {title: axisTitle(unit)}},
    interaction: {mode: "index", intersect: false},
    onClick: (_, items) => items.length && chosen?.(items[0].index),
    plugins: {tooltip: {callbacks: {label: (item) => `${item.dataset.label}: ${digits(item.raw, 4)} ${unit}`}}},
  };
  return chartBox(340, label, {type: "line", data: {labels: names, datasets}, options});
}

/** Upright bars side by side. axis: of the values; each value may be [low, high]. */
function columns(label, names, series, axis, text, chosen) {
  const datasets = series.map((one) => ({
                                label: one.name,
                                data: one.values,
                                backgroundColor: one.colours ?? one.colour,
                                maxBarThickness: 26,
                                minBarLength: 2,
                              }));
  const options = {
    scales: {x: layerAxis(), y: axis},
    interaction: {mode: "index", intersect: false},
    onClick: (_, items) => items.length && chosen?.(items[0].index),
    plugins: {tooltip: {callbacks: {label: (item) => `${item.dataset.label}: ${text(item.raw)}`}}},
  };
  return chartBox(320, label, {type: "bar", data: {labels: names, datasets}, options});
}

const least = (list) => Math.min(...list);
const most = (list) => Math.max(...list);

/** [least, most] of the exponents of channels, for a bar that has a height also where all are equal. */
const exponentRange = (list) => (list?.length ? [least(list) - 0.45, most(list) + 0.45] : null);
const rangeText = (list) =>
    !list?.length ? UNKNOWN : least(list) === most(list) ? `${least(list)}` : `${least(list)}..${most(list)}`;
