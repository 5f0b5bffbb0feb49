// Regions of the map as numbers: which pixels lie inside, their mean with its random error, their course in time.
// Every function here is pure: arrays and objects in, arrays and objects out.

const REGION_NAMES = ["A", "B"];

/** The region between two pixels (row, column), both inside it, in any order; edges in pixels, the last two outside. */
function regionBetween(shape, [row, column], [otherRow, otherColumn]) {
  return {
    shape,
    rows: [Math.min(row, otherRow), Math.max(row, otherRow) + 1],
    columns: [Math.min(column, otherColumn), Math.max(column, otherColumn) + 1],
  };
}

/** Whether a point lies in a region; the centre of pixel (0, 0) is at (0.5, 0.5). */
function insideRegion(region, y, x) {
  const [[top, bottom], [left, right]] = [region.rows, region.columns];
  if (region.shape !== "ellipse") return y >= top && y < bottom && x >= left && x < right;
  const down = (2 * y - top - bottom) / (bottom - top);
  const across = (2 * x - left - right) / (right - left);
  return down * down + across * across <= 1;
}

/** Places (row * columns + column) of the pixels whose centres lie in a region; `size` pixels of the map to a pixel. */
function regionPixels(region, rows, columns, size = 1) {
  const found = [];
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      if (insideRegion(region, (row + 0.5) * size, (column + 0.5) * size)) found.push(row * columns + column);
    }
  }
  return found;
}

/**
 * Sum of weight times value over the pixels, with its random error.
 * `gain` is the apparent over the native noise: where pixels were resampled, neighbours share what was mixed, and the
 * error of a mean is that of the native noise. The error is null where a pixel has none.
 */
function weightedSum(weights, valueAt, errorAt, gain) {
  let [sum, variance] = [0, 0];
  weights.forEach((weight, pixel) => {
    const error = errorAt(pixel);
    sum += weight * valueAt(pixel);
    variance = error === null || variance === null ? null : variance + (weight * error) ** 2;
  });
  return { value: sum, error: variance === null ? null : Math.sqrt(variance) / gain };
}

/** The share of each pixel that has a value in the mean over all of them. */
function meanWeights(pixels, valueAt) {
  const known = pixels.filter((pixel) => valueAt(pixel) !== null);
  return new Map(known.map((pixel) => [pixel, 1 / known.length]));
}

/** Mean of what is known, its random error and the number of pixels; value null where there is none. */
function meanOver(pixels, valueAt, errorAt, gain) {
  const weights = meanWeights(pixels, valueAt);
  if (!weights.size) return { value: null, error: null, count: 0 };
  return { ...weightedSum(weights, valueAt, errorAt, gain), count: weights.size };
}

/** Mean over the first pixels less that over the second; what they share cancels in the error too. */
function differenceOver(first, second, valueAt, errorAt, gain) {
  const [plus, minus] = [meanWeights(first, valueAt), meanWeights(second, valueAt)];
  if (!plus.size || !minus.size) return { value: null, error: null, shared: 0 };
  let shared = 0;
  minus.forEach((weight, pixel) => {
    if (plus.has(pixel)) shared += 1;
    plus.set(pixel, (plus.get(pixel) ?? 0) - weight);
  });
  return { ...weightedSum(plus, valueAt, errorAt, gain), shared };
}

/** "0.512 ± 0.004", with a true minus sign; a fourth place where the error is small. */
function withError(value, error) {
  if (value === null) return "–";
  const places = error !== null && error < 0.002 ? 4 : 3;
  const text = value.toFixed(places).replace(/^-(?=0\.0*$)/, "").replace("-", "−");
  return error === null ? text : `${text} ± ${error.toFixed(places)}`;
}

/** The courses as csv, one line per frame; courses are lists of {value, error, count}, one list per named region. */
function coursesCsv(frames, courses) {
  const cell = (number) => (number === null ? "" : String(Number(number.toPrecision(6))));
  const heads = courses.flatMap(({ name }) => [`region ${name} lithium_fraction`, `region ${name} random std`, `region ${name} pixels`]);
  const lines = frames.map((frame, index) => [
    frame.number, frame.minutes,
    ...courses.flatMap(({ course }) => [cell(course[index].value), cell(course[index].error), course[index].count]),
  ].join(","));
  return `${["scan", "time / min", ...heads].join(",")}\n${lines.join("\n")}\n`;
}
