// The chart of the spectra of regions A and B with their fit, at the frame of the map.

const FEW_ENERGIES = 8; // as many are read out in words
const MANY_ENERGIES = 25; // from here on marks would hide the fit

/** Unpack the layers behind the spectra; what was left out, or is not there, stays as it is. */
async function unpackSpectra(spectra) {
  if (!spectra || spectra.left_out) return spectra;
  const open = async (layer) => layer && { ...layer, codes: await inflate(layer.codes) };
  const [count, density, std, fit] = await Promise.all(
    [inflate(spectra.count), open(spectra.density), open(spectra.std), Promise.all(spectra.fit.map(open))],
  );
  return { ...spectra, count, density, std, fit };
}

class SpectrumView {
  constructor(explorer) {
    this.explorer = explorer;
    this.spectra = explorer.data.spectra;
    this.found = [];
    this.find = explorer.find;
    this.drawn = Boolean(this.spectra) && !this.spectra.left_out;
    this.find(".spectral").hidden = !this.spectra;
    this.find(".spectra").hidden = !this.drawn;
    this.find(".save-spectra").hidden = !this.drawn;
    this.find(".spectrum-said").textContent = this.spectra?.left_out ?? "";
    this.find(".save-spectra").addEventListener("click", () => download("spectra.csv", spectraCsv(this.spectra.energy, this.found)));
  }

  /** Show the spectra of the regions (null: not marked) at the frame of the map. */
  show(regions) {
    if (!this.drawn) return;
    const { data } = this.explorer;
    const number = data.frames[this.explorer.frame].number;
    this.scan = nearestScan(this.spectra.scans, number);
    const size = this.spectra.bins / data.bins;
    this.found = regions.flatMap((region, index) => {
      if (!region) return [];
      const places = regionPixels(region, ...this.spectra.size, size);
      return [{ name: REGION_NAMES[index], index, ...regionSpectrum(this.spectra, this.scan, places) }];
    });
    this.find(".spectrum-said").textContent = this.words(number);
    this.draw();
  }

  /** Which scan is shown and over how many pixels; what the marks and lines are. */
  words(number) {
    const scan = this.spectra.scans[this.scan];
    const named = scan === number ? `scan ${scan}` : `scan ${scan}, the nearest to scan ${number} that the page holds`;
    const over = this.found.map(({ name, pixels }) => `${pixels} pixels of ${name}`).join(" and ");
    const blocks = this.spectra.bins > 1 ? `, in blocks of ${this.spectra.bins} × ${this.spectra.bins} whose centres lie inside` : "";
    const fitted = this.spectra.fit.length ? "Marks: measured. Lines: the references times the fitted coefficients." : "There is no fit for these energies.";
    return `Mean optical density in ${named}, over ${over} with a whole spectrum, material or not${blocks}. ${fitted}`;
  }

  draw() {
    if (!this.drawn || !this.found.length) return;
    const series = this.found.flatMap(({ name, index, points, fit }) => {
      const look = { colour: css(`--region-${name.toLowerCase()}`), dash: REGION_DASHES[index] };
      const faint = fit.length > 0 && points.length >= MANY_ENERGIES;
      const measured = { ...look, name, points, bars: true, mark: REGION_MARKS[index], here: -1, faint };
      return fit.length ? [measured, { ...look, name: `${name} fit`, points: fit, line: true }] : [measured];
    });
    const canvas = this.find(".spectra");
    drawChart(canvas, {
      x: { title: "photon energy / eV", range: roomyRange(this.spectra.energy, 0.5) },
      y: { title: "mean optical density", range: roomyRange(seriesReach(series), 0.01) },
      series,
    });
    canvas.setAttribute("aria-label", `Spectra of the regions. ${this.spoken()}`);
  }

  /** The numbers of a few energies in words; many are in the file only. */
  spoken() {
    if (this.spectra.energy.length > FEW_ENERGIES) return `${this.spectra.energy.length} energies; the numbers are in the file.`;
    return this.found.flatMap(({ name, points, fit }) => points.map(({ x, y, error }, index) => {
      const fitted = fit.length && fit[index].y !== null ? `, fit ${withError(fit[index].y, null)}` : "";
      return `Region ${name} at ${x.toFixed(2)} eV: ${withError(y, error)}${fitted}.`;
    })).join(" ");
  }
}
