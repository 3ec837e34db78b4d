// The page of a quantization, from its report.
"use strict";

const report = JSON.parse(byId("data").textContent);
const {layers, learning, accuracy} = report;
const names = layers.map((layer) => layer.name);
const points = (value, count = 2) => (known(value) ? `${value.toFixed(count)} %` : UNKNOWN);
const draw = (id, ...elements) => {
  put(id, ...elements);
  for (const element of elements) element.start?.();
};

function showSummary() {
  byId("title").textContent = `${report.network}, ${report.widths}`;
  byId("subtitle").textContent = report.policy;
  byId("kicker").textContent = report.version;
  document.title = `${report.network} ${report.widths} - ShiftSim`;
  if (accuracy) {
    put("tiles",
        tile("accuracy", points(accuracy.percent), `float ${points(accuracy.float_percent)}`),
        tile(
            "lost", `${accuracy.drop_percent.toFixed(2)} points`,
            `\u00b1 ${accuracy.drop_standard_error.toFixed(2)}, ${images(accuracy.images)}`));
  }
  const last = learning.stages.filter((stage) => stage.kept).at(-1);
  if (last) put("tiles", tile("KL divergence", digits(last.divergence), `${images(learning.held_out_images)} held out`));
  put("tiles", tile("layers", integer(layers.length)), tile("time", seconds(report.seconds), "quantization"),
      tile("memory", bytes(most(report.stages.map((stage) => stage.peak_resident_bytes))), "at its peak"));
  facts(byId("facts"), [
    ["method", report.method],
    ["scales", report.fake_quantized ? "free: fake quantization, nothing to export" : "powers of two"],
    ["worst layers", report.worst_first.slice(0, 3).join(", ")],
    ["diagnosis", `on ${images(report.diagnosis_images)}`],
  ]);
}

function showStages() {
  const {stages} = learning;
  byId("stages").hidden = stages.length === 0;
  if (!stages.length) return;
  const chart = columns(
      "KL divergence behind each stage", stages.map((stage) => stage.stage), [{
        name: "KL divergence",
        values: stages.map((stage) => stage.divergence),
        colours: stages.map((stage) => (stage.kept ? COLOURS.first : COLOURS.muted)),
      }],
      {title: axisTitle("KL divergence, nats"), beginAtZero: true}, (value) => digits(value));
  const table = sortableTable(
      [
        {title: "stage", left: true, of: (stage) => stage.stage},
        {title: "KL divergence", unit: "nats", of: (stage) => stage.divergence, text: (value) => digits(value)},
        {title: "result", left: true, of: (stage) => (stage.kept ? "kept" : "dropped")},
      ],
      stages, {fit: true});
  draw("stages",
       note(
           `How far the class probabilities are from the float network's, on ${
               images(learning.held_out_images)} that nothing was learned from. ` +
           "A stage that made it no better is dropped (grey)."),
       chart, table);
}

function showSqnr(chosen) {
  const of = (key) => layers.map((layer) => decibel(layer.diagnosis[key]));
  const series = [
    {name: "output", colour: COLOURS.first, values: of("output_sqnr_db")},
    {name: "inherited", colour: COLOURS.second, dashed: true, values: of("inherited_sqnr_db")},
    {name: "weights", colour: COLOURS.third, values: layers.map((layer) => decibel(layer.diagnosis.weights?.sqnr_db))},
  ];
  draw("sqnr",
       note(
           "Output: signal over noise of the layer's output, end to end. Inherited: the same if this one layer were float. " +
           "The distance between both is what the layer loses."),
       lines("SQNR of each layer", names, series, "dB", chosen));
}

function showLoss(chosen) {
  const of = (key) => layers.map((layer) => Math.max(layer.diagnosis[key], 0));
  const bars = stackedBars({
    names,
    series: [
      {name: "weights", colour: COLOURS.first, values: of("added_by_weights_percent_of_signal")},
      {name: "output codes", colour: COLOURS.second, values: of("added_by_codes_percent_of_signal")},
    ],
    unit: "noise added, % of the signal",
    quantity: "noise",
    tick: (value) => digits(value),
    format: (value) => `${digits(value, 3)} %`,
    chosen,
    label: "Noise that each layer adds",
  });
  put("loss",
      note("Noise power that each layer adds to its output. Negative noise, which undoes older noise, is in the table only."),
      ...bars.elements);
  bars.start();
}

function showUnits() {
  const {units} = learning;
  byId("units").hidden = units.length === 0;
  if (!units.length) return;
  const of = (key) => units.map((unit) => unit[key]);
  const chart = columns(
      "Loss of each unit before and after learning", of("unit"),
      [
        {name: "before", colour: COLOURS.muted, values: of("loss_before")},
        {name: "after", colour: COLOURS.first, values: of("loss_after")},
      ],
      logAxis("loss"), (value) => digits(value));
  const table = sortableTable(
      [
        {title: "unit", left: true, of: (unit) => unit.unit},
        {title: "pass", left: true, of: (unit) => unit.pass},
        {title: "before", unit: "loss", of: (unit) => unit.loss_before, text: (value) => digits(value)},
        {title: "after", unit: "loss", of: (unit) => unit.loss_after, text: (value) => digits(value)},
        {
          title: "of before",
          of: (unit) => (unit.loss_before > 0 ? unit.loss_after / unit.loss_before : null),
          text: percent
        },
      ],
      units);
  draw("units",
       note(
           "Loss of the rounded unit against the float network, on calibration images. " +
           "The input is the quantized network's. A unit that learned nothing stays as it was."),
       chart, table);
}

function showExponents(chosen) {
  const weights = layers.map((layer) => layer.diagnosis.weights?.exponents);
  const outputs = layers.map((layer) => layer.diagnosis.codes?.exponents);
  const ranges = (lists) => lists.map(exponentRange);
  const text = (range) => (range ? `2^${Math.round(range[0] + 0.45)} .. 2^${Math.round(range[1] - 0.45)}` : UNKNOWN);
  draw("exponents", note("Least and largest exponent of the steps, over the channels of a layer."),
       columns(
           "Exponents of each layer", names,
           [
             {name: "weights", colour: COLOURS.first, values: ranges(weights)},
             {name: "outputs", colour: COLOURS.second, values: ranges(outputs)},
           ],
           {title: axisTitle("exponent")}, text, chosen));
}

function showSaturation(chosen) {
  const share = (part, key) => layers.map((layer) => layer.diagnosis[part]?.[key] ?? null);
  draw("saturation",
       note("Values beyond the last integer by more than half a step are clipped. Outputs: of this tensor alone."),
       columns(
           "Clipped values of each layer", names,
           [
             {name: "weights clipped", colour: COLOURS.first, values: share("weights", "clipped_percent")},
             {name: "outputs clipped", colour: COLOURS.second, values: share("codes", "clipped_percent")},
             {name: "output codes at ends", colour: COLOURS.third, values: share("codes", "at_ends_percent")},
           ],
           {title: axisTitle("%"), beginAtZero: true}, (value) => (known(value) ? `${digits(value, 3)} %` : UNKNOWN),
           chosen));
}

function layerTable() {
  const diagnosis = (title, unit, key) =>
      ({title, unit, of: (layer) => decibel(layer.diagnosis[key]), text: (value) => digits(value, 4)});
  const part = (title, unit, of, key) =>
      ({title, unit, of: (layer) => layer.diagnosis[of]?.[key], text: (value) => digits(value, 3)});
  return sortableTable(
      [
        {title: "layer", left: true, of: (layer) => layer.name},
        {title: "kind", left: true, of: (layer) => layer.kind},
        {title: "W", unit: "bits", of: (layer) => layer.weight_bits},
        {title: "A", unit: "bits", of: (layer) => layer.output_bits},
        diagnosis("inherited", "dB", "inherited_sqnr_db"),
        diagnosis("output", "dB", "output_sqnr_db"),
        diagnosis("by weights", "% of signal", "added_by_weights_percent_of_signal"),
        diagnosis("by codes", "% of signal", "added_by_codes_percent_of_signal"),
        part("weights clipped", "%", "weights", "clipped_percent"),
        part("moved", "%", "weights", "moved_percent"),
        part("outputs clipped", "%", "codes", "clipped_percent"),
        part("at ends", "%", "codes", "at_ends_percent"),
        {title: "exponents", unit: "weights", left: true, of: (layer) => rangeText(layer.diagnosis.weights?.exponents)},
        {title: "exponents", unit: "output", left: true, of: (layer) => rangeText(layer.diagnosis.codes?.exponents)},
        {title: "advice", left: true, of: (layer) => layer.diagnosis.advice.join("; ")},
      ],
      layers);
}

function showCircumstances() {
  const table = sortableTable(
      [
        {title: "stage", left: true, of: (stage) => stage.name},
        {title: "time", unit: "s", of: (stage) => stage.seconds, text: (value) => digits(value, 3)},
        {title: "memory", unit: "bytes", of: (stage) => stage.peak_resident_bytes, text: integer},
      ],
      report.stages, {fit: true});
  put("circumstances", table, details("Recipe", el("pre", {}, report.recipe)));
}

showSummary();
const table = layerTable();
const chosen = (index) => {
  table.mark(layers[index]);
  byId("layers").scrollIntoView();
};
showStages();
showSqnr(chosen);
showLoss(chosen);
showUnits();
showExponents(chosen);
showSaturation(chosen);
put("layers", table);
showCircumstances();
