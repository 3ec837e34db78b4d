// What the points of a sweep differ in: keys of the configuration, and metrics. Filters over them.
"use strict";

/** Of a path the name, which tells networks apart. */
const lastPart = (value) => value.slice(value.lastIndexOf("/") + 1);

function metricText(unit) {
  const texts = {pJ: energy, s: seconds, bytes, "": integer};
  return texts[unit] ?? ((value) => `${digits(value)} ${unit}`);
}

/** A key of the configuration: numbers where all its values are numbers. */
function keyField(sweep, key, index) {
  const written = sweep.points.map((point) => point.values[index]);
  const numeric = written.every((value) => value.trim() !== "" && Number.isFinite(Number(value)));
  const all = [...new Set(numeric ? written.map(Number) : written.map(lastPart))];
  all.sort(compareCells);
  const of = (point) => (numeric ? Number(point.values[index]) : lastPart(point.values[index]));
  return {
    name: key,
    title: key,
    unit: "",
    numeric,
    all,
    isKey: true,
    of,
    text: numeric ? (value) => digits(value, 6) : String
  };
}

/** A metric; null where no point has it. */
function metricField(sweep, metric) {
  const of = (point) => point.metrics?.[metric.name] ?? null;
  if (!sweep.points.some((point) => known(of(point)))) return null;
  const text = metricText(metric.unit);
  return {
    name: metric.name,
    title: metric.name,
    unit: metric.unit,
    numeric: true,
    of,
    text,
    help: metric.meaning,
    better: metric.better
  };
}

function fieldsOf(sweep) {
  const keys = sweep.keys.map((key, index) => keyField(sweep, key, index));
  const metrics = sweep.metrics.map((metric) => metricField(sweep, metric)).filter(Boolean);
  return {fixed: keys.filter((key) => key.all.length < 2), keys: keys.filter((key) => key.all.length > 1), metrics};
}

const TIMES = {
  k: 1e3,
  M: 1e6,
  G: 1e9
};

/** 16, 1.5M; none: not a number. */
function numberFrom(text) {
  const found = /^([-+]?[\d.]+(?:e[-+]?\d+)?)([kMG]?)$/.exec(text.replaceAll(",", ""));
  const value = found ? Number(found[1]) * (TIMES[found[2]] ?? 1) : NaN;
  return Number.isNaN(value) ? null : value;
}

/** The field of that name, or the only one whose name ends so: "rows" is array.rows. */
function fieldNamed(fields, name) {
  const exact = fields.find((field) => field.name === name);
  const ending = fields.filter((field) => field.name.endsWith(`.${name}`));
  if (exact ?? ending.length === 1) return exact ?? ending[0];
  throw new Error(`${name}: expected one of ${fields.map((field) => field.name).join(", ")}`);
}

function condition(fields, text) {
  const found = /^(.+?)\s*(<=|>=|!=|==|=|<|>)\s*(.+)$/.exec(text);
  if (!found) return (point) => fields.some((field) => field.isKey && String(field.of(point)).includes(text));
  const [, name, operator, wanted] = found;
  const field = fieldNamed(fields, name.trim());
  const value = field.numeric ? numberFrom(wanted) : wanted;
  if (value === null) throw new Error(`${text}: ${field.name} is a number`);
  const holds = {
    "<": (a) => a < value,
    "<=": (a) => a <= value,
    ">": (a) => a > value,
    ">=": (a) => a >= value,
    "=": (a) => a === value,
    "==": (a) => a === value,
    "!=": (a) => a !== value,
  }[operator];
  return (point) => known(field.of(point)) && holds(field.of(point));
}

/** "array.rows >= 16 and cycles < 1M": all conditions hold. Throws an Error that says what is wrong. */
function filterFrom(fields, text) {
  const parts = text.split(/\s+and\s+|[,;]/).map((part) => part.trim()).filter(Boolean);
  const conditions = parts.map((part) => condition(fields, part));
  return (point) => conditions.every((holds) => holds(point));
}

/** Points that no other beats in both fields, along the first of them. */
function frontOfTwo(points, x, y) {
  const sign = (field) => (field.better === "more" ? -1 : 1);
  const sorted = points.filter((point) => known(x.of(point)) && known(y.of(point)))
                     .sort((a, b) => sign(x) * (x.of(a) - x.of(b)) || sign(y) * (y.of(a) - y.of(b)));
  let best = Infinity;
  return sorted.filter((point) => {
    const value = sign(y) * y.of(point);
    if (value >= best) return false;
    best = value;
    return true;
  });
}
