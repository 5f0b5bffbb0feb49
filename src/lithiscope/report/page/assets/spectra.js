// Spectra of regions as numbers: the mean density of their pixels and the sum that was fitted to it.
// Every function here is pure: arrays and objects in, arrays and objects out.

/** Which of the packed scans is nearest to a scan number. */
function nearestScan(scans, number) {
  const away = scans.map((scan) => Math.abs(scan - number));
  return away.indexOf(Math.min(...away));
}

/**
 * Mean spectrum of some blocks in a packed scan: how many pixels, the points measured and the points fitted.
 * Each block counts by its pixels with a whole spectrum; the random error averages down as in `weightedSum`.
 */
function regionSpectrum(spectra, scan, places) {
  const area = spectra.size[0] * spectra.size[1];
  const count = (place) => spectra.count[scan * area + place];
  const filled = places.filter((place) => count(place) > 0);
  const pixels = filled.reduce((sum, place) => sum + count(place), 0);
  if (!pixels) return { pixels, points: [], fit: [] };
  const weights = new Map(filled.map((place) => [place, count(place) / pixels]));
  const reader = (layer, plane) => (place) => packedValue(layer, plane * area + place, spectra.levels);
  const points = spectra.energy.map((energy, index) => {
    const plane = scan * spectra.energy.length + index;
    const error = spectra.std ? reader(spectra.std, plane) : () => null;
    const mean = weightedSum(weights, reader(spectra.density, plane), error, spectra.gain[scan][index]);
    return { x: energy, y: mean.value, error: mean.error };
  });
  const means = spectra.fit.map((part) => weightedSum(weights, reader(part, scan), () => null, 1).value);
  return { pixels, points, fit: spectra.fit.length ? fittedSum(spectra, means) : [] };
}

/** Coefficients times references, summed at every energy; null where a reference was not measured. */
function fittedSum(spectra, coefficients) {
  return spectra.energy.map((energy, index) => {
    const parts = spectra.fit.map(({ shape }, k) => (shape[index] === null ? null : coefficients[k] * shape[index]));
    return { x: energy, y: parts.includes(null) ? null : parts.reduce((sum, part) => sum + part, 0), error: null };
  });
}

/** The spectra as csv, one line per energy; a region is {name, pixels, points, fit}. */
function spectraCsv(energies, regions) {
  const cell = (number) => (number === null || number === undefined ? "" : String(Number(number.toPrecision(6))));
  const heads = regions.flatMap(({ name }) => ["optical_density", "random std", "fit", "pixels"].map((what) => `region ${name} ${what}`));
  const lines = energies.map((energy, index) => [
    energy,
    ...regions.flatMap(({ points, fit, pixels }) => [cell(points[index]?.y), cell(points[index]?.error), cell(fit[index]?.y), pixels]),
  ].join(","));
  return `${["photon energy / eV", ...heads].join(",")}\n${lines.join("\n")}\n`;
}
