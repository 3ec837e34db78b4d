// Chart.js in the colours of page.css, light or dark. Nothing is animated.
"use strict";

const cssColour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function applyTheme() {
  Chart.defaults.color = cssColour("--muted");
  Chart.defaults.borderColor = cssColour("--line");
  for (const chart of Object.values(Chart.instances)) chart.update();
}

Chart.defaults.animation = false;
Chart.defaults.maintainAspectRatio = false;
Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
Chart.defaults.plugins.legend.labels.boxWidth = 12;
Chart.defaults.plugins.legend.labels.boxHeight = 12;
Chart.defaults.plugins.tooltip.boxPadding = 4;
applyTheme();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", applyTheme);

const isNarrow = () => window.innerWidth < 560;

/** A chart in a box of that height. */
function chartBox(height, label, config) {
  const canvas = el("canvas", {role: "img", "aria-label": label});
  const box = el("div", {class: "chart", style: `height: ${height}px`}, canvas);
  box.start = () => new Chart(canvas, config);
  return box;
}

const axisTitle = (text) => ({display: true, text});

/** Names at the side of horizontal bars. */
function nameAxis() {
  return {
    stacked: true,
    grid: {display: false},
    ticks: {
      autoSkip: false,
      font: () => ({size: isNarrow() ? 10 : 11}),
      callback(index) {
        return shortened(this.getLabelForValue(index), isNarrow() ? 16 : 34);
      },
    },
  };
}

/** 1, 2 and 5 of each power of ten; in a narrow window 1 alone. */
function logAxis(title) {
  return {
    type: "logarithmic",
    title: axisTitle(title),
    ticks: {
      maxRotation: 0,
      autoSkip: false,
      callback(value) {
        const lead = value / 10 ** Math.floor(Math.log10(value) + 1e-9);
        return (isNarrow() ? [1] : [1, 2, 5]).some((wanted) => Math.abs(lead - wanted) < 1e-6) ? digits(value, 3) : "";
      },
    },
  };
}

/**
 * Horizontal stacked bars. bars: {names, series: [{name, colour, values}], unit, whole: what a bar is, format: value ->
 * text, tick, chosen: called with the number of the bar that is clicked}. Buttons choose between values and shares of
 * the bar. A series that is 0 throughout is left out.
 */
function stackedBars(bars) {
  const series = bars.series.filter((one) => one.values.some((value) => value > 0));
  const totals = bars.names.map((_, index) => sum(series.map((one) => one.values[index])));
  let shares = false;
  const shown = (one) =>
      one.values.map((value, index) => (shares ? (totals[index] ? (100 * value) / totals[index] : 0) : value));
  const data = {
    labels: bars.names,
    datasets: series.map((one) => ({
                           label: one.name,
                           data: shown(one),
                           backgroundColor: one.colour,
                           borderColor: () => cssColour("--surface"),
                           borderWidth: 0.5,
                           maxBarThickness: 22,
                           categoryPercentage: 0.92,
                           barPercentage: 0.9,
                         })),
  };
  const value = (item) => {
    const whole = series[item.datasetIndex].values[item.dataIndex];
    const total = totals[item.dataIndex];
    return `${item.dataset.label}: ${bars.format(whole)} (${percent(total ? whole / total : 0)})`;
  };
  const valueAxis = {
    stacked: true,
    position: "top",
    title: axisTitle(bars.unit),
    ticks:
        {maxRotation: 0,
         callback: (tick) =>
             (shares        ? tick :
                  bars.tick ? bars.tick(tick) :
                              scaled(tick, ""))},
  };
  const options = {
    indexAxis: "y",
    scales: {x: valueAxis, y: nameAxis()},
    interaction: {mode: "index", axis: "y", intersect: false},
    onClick: (_, items) => items.length && bars.chosen?.(items[0].index),
    plugins: {
      tooltip: {
        filter: (item) => series[item.datasetIndex].values[item.dataIndex] > 0,
        callbacks:
            {label: value, footer: (items) => items.length ? `all: ${bars.format(totals[items[0].dataIndex])}` : ""},
      },
    },
  };
  const height = 22 * bars.names.length + (isNarrow() ? 170 : 110);
  const box = chartBox(height, bars.label, {type: "bar", data, options});
  let chart;
  const choose = (name) => {
    shares = name === "share";
    valueAxis.title.text = shares ? `% of the ${bars.whole ?? "layer"}` : bars.unit;
    valueAxis.max = shares ? 100 : undefined;
    chart.options.scales.x = valueAxis;
    chart.data.datasets.forEach((set, index) => {
      set.data = shown(series[index]);
    });
    chart.update();
  };
  const start = () => {
    chart = box.start();
  };
  return {
    elements: [el("div", {class: "controls"}, choice("Values or shares", [bars.quantity, "share"], choose)), box],
    start
  };
}
