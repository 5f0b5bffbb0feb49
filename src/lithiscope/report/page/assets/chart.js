// A small chart on a canvas: axes with units, lines, bands, dots and error bars.

/** Range of some numbers with a little room, never narrower than `least`. */
function roomyRange(numbers, least) {
  const known = numbers.filter((number) => number !== null && Number.isFinite(number));
  if (!known.length) return [0, 1];
  const [low, high] = known.reduce(([a, b], value) => [Math.min(a, value), Math.max(b, value)], [Infinity, -Infinity]);
  const room = Math.max(0.08 * (high - low), (least - (high - low)) / 2);
  return [low - room, high + room];
}

/** What a series reaches, its errors included. */
function seriesReach(series) {
  return series.flatMap(({ points }) => points.flatMap(({ y, error }) => (y === null ? [] : [y - (error ?? 0), y + (error ?? 0)])));
}

/**
 * Draw a chart.
 * `x` and `y` are {title, range, ticks}; a series is {points: [{x, y, error}], colour, dash, name, line, band, bars, mark, here}:
 * `mark` is "disc", "square" or nothing, `here` the number of the point to stress, and `faint` lets a line over many marks
 * be seen. `at` draws an upright line.
 */
function drawChart(canvas, { x, y, series, at = null }) {
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  if (!width) return;
  const context = sharp(canvas, width, height);
  const place = { left: 54, right: width - 12, top: 24, bottom: height - 40 };
  const across = (value) => place.left + ((place.right - place.left) * (value - x.range[0])) / (x.range[1] - x.range[0] || 1);
  const up = (value) => place.bottom - ((place.bottom - place.top) * (value - y.range[0])) / (y.range[1] - y.range[0] || 1);
  drawChartAxes(context, place, { x, y, across, up });
  if (at !== null) chartPath(context, [[across(at), place.top], [across(at), place.bottom]], css("--muted"), 1);
  series.forEach((one) => drawSeries(context, one, across, up));
  drawLegend(context, series.filter(({ name }) => name), place.left);
}

/** Names of the series in a line above the chart, each behind a piece of its line with its mark. */
function drawLegend(context, series, left) {
  let at = left;
  series.forEach((one) => {
    if (one.line) chartPath(context, [[at, 10], [at + 26, 10]], one.colour, 1.6, one.dash);
    if (one.mark) drawMark(context, one, [at + 13, 10], 3);
    context.fillStyle = css("--ink");
    context.textAlign = "left";
    context.fillText(one.name, at + 31, 14);
    at += 31 + context.measureText(one.name).width + 16;
  });
}

function drawMark(context, { colour, mark }, [left, height], size) {
  context.fillStyle = colour;
  context.beginPath();
  if (mark === "square") context.rect(left - 0.9 * size, height - 0.9 * size, 1.8 * size, 1.8 * size);
  else context.arc(left, height, size, 0, 7);
  context.fill();
}

function chartPath(context, points, colour, width, dash = []) {
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.setLineDash(dash);
  context.beginPath();
  let drawing = false;
  points.forEach((point) => {
    if (point === null) { drawing = false; return; }
    if (drawing) context.lineTo(...point); else context.moveTo(...point);
    drawing = true;
  });
  context.stroke();
  context.setLineDash([]);
}

function drawChartAxes(context, place, { x, y, across, up }) {
  context.font = "12px system-ui, sans-serif";
  context.fillStyle = css("--muted");
  const plain = (value, places) => value.toFixed(places).replace(/^-(?=0(\.0+)?$)/, "").replace("-", "−");
  const rows = roundTicks(...y.range, Math.max(3, Math.floor((place.bottom - place.top) / 28)));
  context.textAlign = "right";
  rows.ticks.forEach((value) => {
    chartPath(context, [[place.left, up(value)], [place.right, up(value)]], css("--line"), 1);
    context.fillText(plain(value, rows.places), place.left - 6, up(value) + 4);
  });
  const columns = roundTicks(...x.range, Math.max(2, Math.floor((place.right - place.left) / 64)));
  context.textAlign = "center";
  columns.ticks.forEach((value) => {
    chartPath(context, [[across(value), place.bottom], [across(value), place.bottom + 4]], css("--muted"), 1);
    context.fillText(plain(value, columns.places), across(value), place.bottom + 17);
  });
  context.fillText(x.title, (place.left + place.right) / 2, place.bottom + 35);
  context.save();
  context.translate(12, (place.top + place.bottom) / 2);
  context.rotate(-Math.PI / 2);
  context.fillText(y.title, 0, 0);
  context.restore();
}

function drawSeries(context, one, across, up) {
  if (one.band) drawBand(context, one, across, up);
  if (one.line) {
    chartPath(context, one.points.map((p) => (p.y === null ? null : [across(p.x), up(p.y)])), one.colour, 1.6, one.dash);
  }
  context.globalAlpha = one.faint ? 0.5 : 1;
  one.points.forEach((point, index) => {
    if (point.y === null) return;
    const [left, height] = [across(point.x), up(point.y)];
    if (one.bars && point.error !== null) {
      chartPath(context, [[left, up(point.y - point.error)], [left, up(point.y + point.error)]], one.colour, 1.2);
    }
    if (!one.mark) return;
    const size = index === one.here ? 5.5 : one.faint ? 2.2 : 3;
    drawMark(context, one, [left, height], size);
    if (index === one.here) { context.strokeStyle = css("--paper"); context.lineWidth = 1.5; context.stroke(); }
  });
  context.globalAlpha = 1;
}

/** The error band of a series, broken where a point is missing. */
function drawBand(context, one, across, up) {
  context.fillStyle = one.colour;
  context.globalAlpha = 0.22;
  let run = [];
  [...one.points, { y: null }].forEach((point) => {
    if (point.y !== null && point.error !== null) { run.push(point); return; }
    if (run.length > 1) {
      const edge = (side) => run.map((p) => [across(p.x), up(p.y + side * p.error)]);
      context.beginPath();
      [...edge(1), ...edge(-1).reverse()].forEach((place, k) => (k ? context.lineTo(...place) : context.moveTo(...place)));
      context.fill();
    }
    run = [];
  });
  context.globalAlpha = 1;
}
