// The voltage trace with a cursor that moves with the frame of the map, and moves it.

/** At most `most` round numbers between two values. */
function roundTicks(low, high, most) {
  const raw = (high - low) / most || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= raw);
  const ticks = [];
  for (let value = Math.ceil(low / step) * step; value <= high + 1e-9 * step; value += step) ticks.push(value);
  return { ticks, places: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) };
}

class VoltageTrace {
  constructor(root, data) {
    Object.assign(this, { root, data });
    this.frame = 0;
    this.canvas = root.querySelector(".curve");
    this.panels = [data.voltage, data.current].filter((panel) => panel.values.length);
    this.connect();
    this.show(0, true);
  }

  connect() {
    followFrames(this);
    const drag = (event) => {
      if (event.type === "pointerdown") this.canvas.setPointerCapture(event.pointerId);
      if (event.type === "pointerdown" || event.buttons) this.pick(event);
    };
    this.canvas.addEventListener("pointerdown", drag);
    this.canvas.addEventListener("pointermove", drag);
    this.canvas.addEventListener("keydown", (event) => this.step(event));
    new ResizeObserver(() => this.draw()).observe(this.canvas);
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  follow(number) {
    const frames = this.data.frames;
    if (!frames.length) return;
    const away = frames.map((frame) => Math.abs(frame.number - number));
    this.show(away.indexOf(Math.min(...away)), true);
  }

  show(frame, quiet = false) {
    this.frame = frame;
    this.draw();
    const here = this.data.frames[frame];
    if (!here) return;
    this.root.querySelector(".moment").textContent = here.text;
    this.canvas.setAttribute("aria-valuenow", String(frame + 1));
    this.canvas.setAttribute("aria-valuetext", here.text);
    if (!quiet) tellFrame(this, here.number);
  }

  /** Show the frame nearest in time to the pointer. */
  pick(event) {
    const frames = this.data.frames;
    if (!frames.length) return;
    const box = this.canvas.getBoundingClientRect();
    const { left, right } = this.room();
    const [first, last] = this.data.range;
    const minutes = first + ((last - first) * (event.clientX - box.left - left)) / (right - left);
    const away = frames.map((frame) => Math.abs(frame.minutes - minutes));
    this.show(away.indexOf(Math.min(...away)));
  }

  step(event) {
    const last = this.data.frames.length - 1;
    const next = { ArrowLeft: this.frame - 1, ArrowDown: this.frame - 1, ArrowRight: this.frame + 1, ArrowUp: this.frame + 1, Home: 0, End: last }[event.key];
    if (next === undefined || last < 0) return;
    event.preventDefault();
    this.show(Math.min(last, Math.max(0, next)));
  }

  room() {
    return { left: 58, right: this.canvas.clientWidth - 10 };
  }

  across(minutes) {
    const { left, right } = this.room();
    const [first, last] = this.data.range;
    return left + ((right - left) * (minutes - first)) / (last - first || 1);
  }

  draw() {
    const [width, height] = [this.canvas.clientWidth, this.canvas.clientHeight];
    if (!width) return;
    const context = sharp(this.canvas, width, height);
    context.font = "12px system-ui, sans-serif";
    const foot = height - 38;
    const split = this.panels.length > 1 ? foot * 0.66 : foot;
    this.panels.forEach((panel, number) => this.drawPanel(context, panel, number ? split + 12 : 8, number ? foot : split - 4));
    this.drawTime(context, foot);
    this.drawCursor(context, foot);
  }

  drawPanel(context, panel, top, bottom) {
    const { left, right } = this.room();
    const up = (value) => bottom - ((bottom - top) * (value - panel.range[0])) / (panel.range[1] - panel.range[0] || 1);
    this.data.shades.forEach(([start, stop, direction]) => {
      context.fillStyle = direction > 0 ? "rgba(122,92,192,.13)" : "rgba(213,94,0,.13)";
      context.fillRect(this.across(start), top, this.across(stop) - this.across(start), bottom - top);
    });
    context.strokeStyle = css("--line");
    context.fillStyle = css("--muted");
    context.lineWidth = 1;
    const { ticks, places } = roundTicks(panel.range[0], panel.range[1], Math.max(3, Math.floor((bottom - top) / 26)));
    ticks.forEach((value) => {
      context.beginPath(); context.moveTo(left, up(value)); context.lineTo(right, up(value)); context.stroke();
      context.textAlign = "right";
      context.fillText(value.toFixed(places).replace(/^-(?=0(\.0+)?$)/, "").replace("-", "−"), left - 6, up(value) + 4);
    });
    context.save();
    context.translate(12, (top + bottom) / 2);
    context.rotate(-Math.PI / 2);
    context.textAlign = "center";
    context.fillText(panel.title, 0, 0);
    context.restore();
    context.strokeStyle = css("--ink");
    context.lineWidth = 1.4;
    context.beginPath();
    let drawing = false;
    panel.values.forEach((value, index) => {
      if (value === null) { drawing = false; return; }
      const point = [this.across(panel.minutes[index]), up(value)];
      if (drawing) context.lineTo(...point); else context.moveTo(...point);
      drawing = true;
    });
    context.stroke();
    this.drawFrames(context, panel, up);
  }

  drawFrames(context, panel, up) {
    this.data.frames.forEach((frame, index) => {
      const value = frame[panel.key];
      if (value === null) return;
      context.fillStyle = index === this.frame ? css("--accent") : css("--muted");
      context.beginPath();
      context.arc(this.across(frame.minutes), up(value), index === this.frame ? 5 : 2.6, 0, 7);
      context.fill();
    });
  }

  drawTime(context, foot) {
    const { left, right } = this.room();
    const hours = this.data.range[1] - this.data.range[0] > 240;
    const scale = hours ? 60 : 1;
    const { ticks, places } = roundTicks(this.data.range[0] / scale, this.data.range[1] / scale, Math.max(2, Math.floor((right - left) / 80)));
    context.fillStyle = css("--muted");
    context.textAlign = "center";
    ticks.forEach((value) => context.fillText(value.toFixed(places).replace("-", "−"), this.across(value * scale), foot + 16));
    context.fillText(hours ? "time / h" : "time / min", (left + right) / 2, foot + 33);
  }

  drawCursor(context, foot) {
    const here = this.data.frames[this.frame];
    if (!here) return;
    context.strokeStyle = css("--accent");
    context.lineWidth = 1.5;
    context.beginPath();
    context.moveTo(this.across(here.minutes), 6);
    context.lineTo(this.across(here.minutes), foot);
    context.stroke();
  }
}

function startTrace(root) {
  root.trace = new VoltageTrace(root, JSON.parse(root.querySelector("script").textContent));
  root.dataset.ready = "yes";
}
