// The page of a run, from report.json.
"use strict";

const report = JSON.parse(byId("data").textContent);
const {configuration, cycles, accuracy, layers} = report;
const timed = layers.length > 0;
const perImage = (value) => value / cycles.images;
const allOf = (of) => sum(layers.map(of));

function showSummary() {
  const {array} = configuration;
  const network = report.network;
  byId("title").textContent = `${network.name} on ${configuration.name}`;
  byId("subtitle").textContent = `${array.rows} \u00d7 ${array.cols} array (${array.pixels} pixels \u00d7 ${
                                     array.lanes} lanes \u00d7 ${array.cols} channels) ` +
      `at ${digits(configuration.clock_mhz)} MHz, ${report.technology.name}, fidelity ${configuration.run.fidelity}`;
  byId("kicker").textContent = `${report.versions.shiftsim}${report.versions.git ? ` (${report.versions.git})` : ""}`;
  document.title = `${network.name} on ${configuration.name} - ShiftSim`;

  if (timed) {
    const {energy: total} = report;
    const dram = perImage(total.components_pj.dram);
    put("tiles",
        tile(
            "cycles an image", integer(cycles.per_image),
            `${seconds(cycles.seconds_per_image)} at ${digits(cycles.clock_mhz)} MHz`),
        tile(
            "images a second", digits(cycles.images_per_second),
            cycles.batch > 1 ? `${cycles.batch} together in ${seconds(cycles.seconds_per_batch)}` : ""),
        tile("MAC lanes busy", percent(cycles.lane_utilisation), `${scaled(perImage(cycles.macs), "")} MACs an image`),
        tile(
            "energy an image", energy(total.per_image_pj),
            `${energy(perImage(total.on_chip_pj))} on chip, ${energy(dram)} DRAM`),
        tile("TOPS/W", digits(total.tops_per_watt), `${digits(total.tops_per_watt_on_chip)} on chip`),
        tile("DRAM traffic an image", bytes(perImage(allOf((layer) => layer.dram_bytes)))));
  }
  put("tiles",
      tile(
          "accuracy", known(accuracy.quantized) ? `${accuracy.quantized.toFixed(2)} %` : "not known",
          known(accuracy.float) ? `float ${accuracy.float.toFixed(2)} %` : images(accuracy.images)));
  if (report.area) {
    const density = report.area.gops_per_mm2;
    put("tiles",
        tile(
            "area", `${digits(report.area.total_mm2)} mm\u00b2`,
            known(density) ? `${digits(density)} GOPS/mm\u00b2` : ""));
  }

  const {lockstep, values, scratchpad, dram} = {...report, ...configuration};
  const verdict = report.lockstep.verdict;
  facts(byId("facts"), [
    [
      "network",
      `${network.name}${network.recipe ? ` (${network.recipe})` : ""}, ${network.layers} layers, from ${
          network.model || "a model not named"}`
    ],
    [
      "scratchpads",
      `activations ${scratchpad.activation_kib} KiB, weights ${scratchpad.weight_kib}, tables ${
          scratchpad.table_kib}, ` +
          `residuals ${scratchpad.residual_kib}, outputs ${scratchpad.output_kib}`
    ],
    [
      "DRAM",
      `${dram.bytes_per_cycle} bytes a cycle, latency ${dram.latency_cycles} cycles, bursts of ${
          dram.burst_bytes} bytes`
    ],
    [
      "L2",
      configuration.l2?.kib ?
          `${configuration.l2.kib} KiB, ${configuration.l2.bytes_per_cycle} bytes a cycle, latency ${
              configuration.l2.latency_cycles} cycles` :
          ""
    ],
    ["technology", report.technology.description],
    ["mapping", `minimizes ${configuration.mapping.objective}`],
    [
      "accuracy",
      `${images(accuracy.images)} by the golden reference${
          known(accuracy.quantized) ? `, ${integer(accuracy.correct)} right` : ", without labels"}`
    ],
    [
      "values",
      values.images === 0 ?
          "not compared" :
          values.mismatches === 0 ?
          `${images(values.images)}, ${integer(values.values)} values in ${
              integer(values.tensors)} tensors: equal to the golden reference` :
          el("span", {class: "bad"},
             `${integer(values.mismatches)} of ${integer(values.values)} values differ: ${values.first_mismatch}`)
    ],
    [
      "lockstep",
      verdict === "fail" ?
          el("span", {class: "bad"}, `fail: ${report.lockstep.difference}`) :
          verdict === "pass" ?
          `pass: ${integer(report.lockstep.comparisons)} comparisons in ${integer(report.lockstep.cycles)} cycles` :
          "not run"
    ],
  ]);
}

const shape = (layer) => `${layer.output[0]}\u00d7${layer.output[1]}\u00d7${layer.output[2]}`;
const kernel = (layer) => `${layer.kernel[0]}\u00d7${layer.kernel[1]}${layer.stride > 1 ? `/${layer.stride}` : ""}`;
const waiting = (layer) => layer.cycles - layer.cycles_by_cause.run;

function layerTable() {
  const total = {
    name: "all layers",
    macs: allOf((layer) => layer.macs),
    cycles: cycles.total,
    lane_utilisation: cycles.lane_utilisation,
    dram_bytes: allOf((layer) => layer.dram_bytes),
    energy: {total_pj: report.energy.total_pj},
    cycles_by_cause: {run: allOf((layer) => layer.cycles_by_cause.run)},
  };
  const columns = [
    {title: "layer", left: true, of: (layer) => layer.name},
    {title: "kind", left: true, of: (layer) => layer.kind},
    {title: "kernel", left: true, of: (layer) => layer.kernel && kernel(layer), help: "height x width / stride"},
    {title: "output", left: true, of: (layer) => layer.output && shape(layer), help: "height x width x channels"},
    {title: "W", unit: "bits", of: (layer) => layer.weight_bits},
    {title: "A", unit: "bits", of: (layer) => layer.input_bits},
    {title: "MACs", of: (layer) => layer.macs, text: integer},
    {title: "cycles", of: (layer) => layer.cycles, text: integer},
    {title: "of all", unit: "cycles", of: (layer) => layer.cycles / cycles.total, text: percent},
    {
      title: "waiting",
      unit: "cycles",
      of: waiting,
      text: integer,
      help: "cycles in which no step is issued to the array"
    },
    {title: "lanes busy", of: (layer) => layer.lane_utilisation, text: percent},
    {title: "DRAM", unit: "bytes", of: (layer) => layer.dram_bytes, text: integer},
    {title: "energy", unit: "uJ", of: (layer) => layer.energy.total_pj, text: (pj) => digits(pj / 1e6)},
    {title: "of all", unit: "energy", of: (layer) => layer.energy.total_pj / report.energy.total_pj, text: percent},
  ];
  return sortableTable(columns, layers, {total});
}

function mappingTable() {
  const mapped = (title, key, text, help) => ({title, of: (layer) => layer.mapping[key], text, help});
  const against = (key) => (layer) => layer.estimated[key];
  return sortableTable(
      [
        {title: "layer", left: true, of: (layer) => layer.name},
        {
          title: "tile",
          unit: "rows \u00d7 cols",
          left: true,
          of: (layer) => `${layer.mapping.rows} \u00d7 ${layer.mapping.cols}`
        },
        {title: "tiles", of: (layer) => layer.tiles, text: integer},
        mapped("block", "block", undefined, "channel tiles whose weights are loaded together"),
        {title: "outer loop", left: true, of: (layer) => layer.mapping.outer, help: "what the outer loop goes over"},
        mapped("held", "held", undefined, "of them at once"),
        {title: "reduction", left: true, of: (layer) => (layer.mapping.window_split ? "split, window too" : layer.mapping.reduction_split ? "split" : "whole")},
        mapped("ranked", "candidates", integer, "mappings that were ranked by the estimate"),
        mapped("run", "tried", integer, "mappings that the exact engine ran"),
        {title: "cycles", of: (layer) => layer.cycles, text: integer},
        {title: "estimated", unit: "cycles", of: against("cycles"), text: integer},
        {title: "DRAM", unit: "bytes", of: (layer) => layer.dram_bytes, text: integer},
        {title: "estimated", unit: "DRAM bytes", of: against("dram_bytes"), text: integer},
      ],
      layers);
}

/** The figures of a stacked chart, for readers who want the numbers. */
function seriesTable(series, text) {
  const columns = [{title: "layer", left: true, of: (index) => layers[index].name}];
  for (const one of series) columns.push({title: one.name, of: (index) => one.values[index], text});
  return details("Figures", sortableTable(columns, layers.map((_, index) => index)));
}

function showTraffic() {
  const bits = configuration.scratchpad.word_bits;
  if (!bits) return;
  const hasL2 = configuration.l2?.kib > 0;
  const added = (list) =>
      Object.fromEntries(Object.keys(list[0].events).map((key) => [key, sum(list.map((one) => one.events[key]))]));
  const levels = trafficLevels(added(layers), bits, hasL2);
  const chart = trafficChart(levels);
  const column = (title, unit, key) => ({title, unit, of: (level) => level[key], text: integer});
  const table = sortableTable(
      [
        {title: "memory", left: true, of: (level) => level.name},
        column("read", "bytes", "read"),
        column("written", "bytes", "written"),
        column("read", "words", "readWords"),
        column("written", "words", "writtenWords"),
      ],
      levels, {fit: true});
  const choices = [["", "all layers"], ...layers.map((layer, index) => [String(index), layer.name])];
  let drawn;
  const choose = (which) => {
    const shown = trafficLevels(added(which === "" ? layers : [layers[which]]), bits, hasL2);
    drawn.data.datasets[0].data = shown.map((level) => level.read);
    drawn.data.datasets[1].data = shown.map((level) => level.written);
    drawn.update();
    table.show(shown);
  };
  put("traffic",
      note(
          "DRAM, scratchpads and, where there is one, the second-level buffer. A word of weights has a pair memory and a carry memory."),
      el("div", {class: "controls"}, el("label", {}, "Layer", select(choices, "", choose))),
      el("div", {class: "side-by-side"}, chart, table));
  drawn = chart.start();
}

function showCharts() {
  const table = layerTable();
  put("layers", table);
  const chosen = (index) => {
    table.mark(layers[index]);
    byId("layers").scrollIntoView();
  };
  const bars = (id, made, series, text, about) => {
    put(id, note(about), ...made.elements, seriesTable(series, text));
    made.start();
  };
  const sums = cycles.images > 1 ? ` Sums over ${images(cycles.images)}.` : "";
  bars(
      "cycles", cycleBars(layers, chosen), seriesOf(layers, "cycles_by_cause", CAUSE_COLOURS), integer,
      `Each cycle of a layer has one cause. "Run" issues a step to the array; the others wait.${
          sums} A click on a bar shows its layer in the table, one in the legend hides a cause.`);
  bars(
      "energy", energyBars(layers, chosen),
      seriesOf(layers.map((layer) => layer.energy), "components_pj", COMPONENT_COLOURS), (pj) => energy(pj),
      `Events, weighed with the figures of ${report.technology.name}.${sums}`);

  const points = rooflinePoints(report);
  if (points.length) {
    const limited = points.filter((point) => point.limit === "DRAM").length;
    const chart = rooflineChart(report, points, chosen);
    put("roofline",
        note(
            `A lane takes a weight's digits one after another, so each width has its own roof. ` +
            `DRAM gives ${integer(configuration.dram.bytes_per_cycle)} bytes a cycle. ` +
            `Under its slope: ${limited} of ${points.length} layers with MACs.`),
        chart);
    chart.start();
  }
  byId("roofline").hidden = points.length === 0;
  showTraffic();
  byId("traffic").hidden = !configuration.scratchpad.word_bits;

  const {area} = report;
  byId("area").hidden = !area?.components_mm2;
  if (area?.components_mm2) showArea(area);
  put("mapping", note("Tiles and loops of each layer, and how good the estimate was that ranked them."),
      mappingTable());
}

function showArea(area) {
  const made = areaBars(area.components_mm2);
  const parts = Object.entries(area.components_mm2).map(([name, mm2]) => ({name, mm2}));
  const table = sortableTable(
      [
        {title: "component", left: true, of: (part) => words(part.name)},
        {title: "area", unit: "mm\u00b2", of: (part) => part.mm2, text: digits},
        {title: "share", of: (part) => part.mm2 / area.total_mm2, text: percent},
      ],
      parts, {fit: true, total: {name: "all", mm2: area.total_mm2}});
  const clock = area.clock ?
      ` Longest path: ${digits(area.clock.path_fo4)} FO4 delays, ${digits(area.clock.highest_mhz)} MHz at most.` :
      "";
  put("area", note(`Logic ${digits(area.logic_mm2)} mm\u00b2, memories ${digits(area.memory_mm2)} mm\u00b2.${clock}`),
      ...made.elements, table);
  made.start();
}

function showCircumstances() {
  const sources =
      (report.technology.sources ?? []).map((one) => ({...one, kind: one.estimate ? "estimate" : "published"}));
  put("circumstances", details("Configuration", el("pre", {}, JSON.stringify(configuration, null, 2))),
      details(
          "Versions and network",
          el("pre", {},
             JSON.stringify({versions: report.versions, seeds: report.seeds, network: report.network}, null, 2))),
      details(
          "Sources of the energy figures",
          el("dl", {class: "facts"},
             ...sources.flatMap((one) => [el("dt", {}, `${one.section}, ${one.kind}`), el("dd", {}, one.source)]))));
}

showSummary();
byId("timed").hidden = !timed;
if (timed) showCharts();
showCircumstances();
