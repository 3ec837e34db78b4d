// The charts of a run.
"use strict";

// The colours of a legend can be told apart by readers who do not see red or green (after Paul Tol and Okabe-Ito).
const CAUSE_COLOURS = {
  run: "#4477aa",
  setup: "#a6b1bd",
  ppu: "#aa3377",
  activations: "#ee7733",
  weights: "#cc3311",
  tables: "#999933",
  residual: "#228833",
  output: "#ee99aa",
  barrier: "#ccbb44",
  drain: "#66ccee",
  no_command: "#6b7480",
};
const COMPONENT_COLOURS = {
  pe_array: "#1f4e8c",
  accumulators: "#4477aa",
  registers: "#77aadd",
  offset_column: "#b4d2f0",
  ppu: "#aa3377",
  control: "#6b7480",
  activation_scratchpad: "#117733",
  weight_scratchpad: "#44aa77",
  table_scratchpad: "#999933",
  residual_scratchpad: "#99ddbb",
  output_scratchpad: "#cceedd",
  l2: "#66ccee",
  dma: "#ccbb44",
  dram: "#ee7733",
  leakage: "#a6b1bd",
};
const DIGIT_STYLES = {
  1: {colour: "#228833", shape: "rectRot"},
  2: {colour: "#4477aa", shape: "circle"},
  3: {colour: "#999933", shape: "rect"},
  4: {colour: "#aa3377", shape: "triangle"},
};
const OTHER_COLOUR = "#888888";

/** One series for each key of an object that every layer has. */
function seriesOf(layers, key, colours) {
  return Object.keys(layers[0][key] ?? {}).map((name) => ({
                                                 name: words(name),
                                                 key: name,
                                                 colour: colours[name] ?? OTHER_COLOUR,
                                                 values: layers.map((layer) => layer[key][name]),
                                               }));
}

const cycleBars = (layers, chosen) => stackedBars({
  names: layers.map((layer) => layer.name),
  series: seriesOf(layers, "cycles_by_cause", CAUSE_COLOURS),
  unit: "cycles",
  quantity: "cycles",
  format: integer,
  chosen,
  label: "Cycles of each layer by cause",
});

const energyBars = (layers, chosen) => stackedBars({
  names: layers.map((layer) => layer.name),
  series: seriesOf(layers.map((layer) => layer.energy), "components_pj", COMPONENT_COLOURS),
  unit: "energy in uJ",
  quantity: "energy",
  format: energy,
  tick: (picojoules) => digits(picojoules / 1e6),
  chosen,
  label: "Energy of each layer by component",
});

function areaBars(components) {
  return stackedBars({
    names: ["area"],
    series: Object.entries(components)
                .map(([name,
                       mm2]) => ({name: words(name), colour: COMPONENT_COLOURS[name] ?? OTHER_COLOUR, values: [mm2]})),
    unit: "mm\u00b2",
    quantity: "area",
    whole: "area",
    tick: (mm2) => digits(mm2),
    format: (mm2) => `${digits(mm2)} mm\u00b2`,
    label: "Area by component",
  });
}

/** Where a layer stands: MACs a byte of DRAM and MACs a cycle; the least of two roofs is above it. */
function rooflinePoints(report) {
  const {array, dram} = report.configuration;
  return report.layers.filter((layer) => layer.macs > 0 && layer.dram_bytes > 0).map((layer) => {
    const intensity = layer.macs / layer.dram_bytes, rate = layer.macs / layer.cycles;
    const ofArray = (array.rows * array.cols) / layer.digits, ofDram = intensity * dram.bytes_per_cycle;
    return {layer, x: intensity, y: rate, roof: Math.min(ofArray, ofDram), limit: ofArray <= ofDram ? "array" : "DRAM"};
  });
}

function rooflineChart(report, points, chosen) {
  const {array, dram} = report.configuration;
  const all = [...new Set(points.map((point) => point.layer.digits))].sort();
  const peak = (count) => (array.rows * array.cols) / count;
  const xs = points.map((point) => point.x);
  const ridges = all.map((count) => peak(count) / dram.bytes_per_cycle);
  const from = Math.min(...xs, ...ridges) / 2, to = Math.max(...xs, ...ridges) * 2;
  const bits = (count) => {
    const widths =
        new Set(points.filter((point) => point.layer.digits === count).map((point) => `W${point.layer.weight_bits}`));
    return `${[...widths].sort().join(", ")} (${count} ${count === 1 ? "digit" : "digits"})`;
  };
  const style = (count) => DIGIT_STYLES[count] ?? {colour: OTHER_COLOUR, shape: "star"};
  const sets = all.flatMap(
      (count) =>
          [{
            type: "line",
            label: `roof of ${bits(count)}: ${digits(peak(count))} MACs a cycle`,
            pointStyle: "line",
            pointRadius: 0,
            pointHitRadius: 0,
            borderColor: style(count).colour,
            backgroundColor: style(count).colour,
            borderWidth: 1.5,
            order: 2,
            data: [
              {x: from, y: from * dram.bytes_per_cycle}, {x: peak(count) / dram.bytes_per_cycle, y: peak(count)},
              {x: to, y: peak(count)}
            ],
          },
           {
             label: `layers of ${bits(count)}`,
             data: points.filter((point) => point.layer.digits === count),
             order: 1,
             pointStyle: style(count).shape,
             radius: 5,
             hoverRadius: 7,
             backgroundColor: `${style(count).colour}bb`,
             borderColor: () => cssColour("--surface"),
           },
  ]);
  const text = ({raw}) =>
      [raw.layer.name,
       `${digits(raw.x)} MACs a DRAM byte, ${digits(raw.y)} MACs a cycle`,
       `${percent(raw.y / raw.roof)} of the ${raw.limit}'s roof`,
  ];
  const options = {
    scales: {
      x: {...logAxis("MACs a DRAM byte"), min: from, max: to},
      y: {...logAxis("MACs a cycle"), min: Math.min(...points.map((point) => point.y)) / 2, max: peak(all[0]) * 2},
    },
    interaction: {mode: "nearest", intersect: true},
    onClick: (_, items, chart) => {
      const point = items.length && chart.data.datasets[items[0].datasetIndex].data[items[0].index];
      if (point?.layer) chosen(report.layers.indexOf(point.layer));
    },
    plugins: {
      legend: {labels: {usePointStyle: true}},
      tooltip: {filter: (item) => Boolean(item.raw.layer), callbacks: {label: text}},
    },
  };
  return chartBox(
      420, "Roofline: MACs a DRAM byte against MACs a cycle", {type: "scatter", data: {datasets: sets}, options});
}

/** Bytes and words that go to and from each memory, from the counters and the widths of the words. */
function trafficLevels(events, bits, hasL2) {
  const level = (name, read, written, readWords, writtenWords) => ({name, read, written, readWords, writtenWords});
  const memory = (name, width, read, written) => level(name, (read * width) / 8, (written * width) / 8, read, written);
  return [
    level("DRAM", events.dram_read_bytes, events.dram_write_bytes),
    ...(hasL2 ? [level("L2", events.l2_read_bytes, events.l2_write_bytes)] : []),
    memory("activations", bits.activation, events.act_read_words, events.act_write_words),
    memory("weight pairs", bits.weight_pair, events.weight_pair_read_words, events.weight_write_words),
    memory("weight carries", bits.weight_carry, events.weight_carry_read_words, events.weight_write_words),
    memory("tables", bits.table, events.table_read_words, events.table_write_words),
    ...(events.lut_write_words
        ? [memory("activation tables", bits.lut, events.lut_read_words, events.lut_write_words)] : []),
    memory("residuals", bits.residual, events.res_read_words, events.res_write_words),
    level("outputs", (events.out_read_words * bits.output) / 8, events.out_write_bytes, events.out_read_words),
  ];
}

function trafficChart(levels) {
  const set = (label, key, colour) =>
      ({label, data: levels.map((one) => one[key]), backgroundColor: colour, maxBarThickness: 16});
  const names = {...nameAxis(), stacked: false};
  const options = {
    indexAxis: "y",
    scales: {x: {title: axisTitle("bytes"), ticks: {maxRotation: 0, callback: (tick) => scaled(tick, "")}}, y: names},
    interaction: {mode: "index", axis: "y", intersect: false},
    plugins: {tooltip: {callbacks: {label: (item) => `${item.dataset.label}: ${bytes(item.raw)}`}}},
  };
  const data = {
    labels: levels.map((one) => one.name),
    datasets: [set("read", "read", "#4477aa"), set("written", "written", "#ee7733")]
  };
  return chartBox(400, "Traffic of each memory", {type: "bar", data, options});
}
