"use strict";
// Hover, zoom and logarithmic scale of the charts; sorting and paging of the trades. Without it the page still reads.
(() => {
const data = JSON.parse(document.getElementById("data").textContent);
const W = 1080, L = 70, R = 14, T = 10, B = 26, MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
const DAY = 86400, whole = [0, data.span], tip = document.getElementById("tip");
let view = whole;

// --- words
const pad = n => String(n).padStart(2, "0");
const minus = text => text.replace("-", "−");
const fixed = (v, n) => minus((v.toFixed(n) * 1 === 0 ? 0 : v).toLocaleString("en-US", {minimumFractionDigits: n, maximumFractionDigits: n}));
const sign = (v, text) => (v > 0 ? "+" : "") + text;
const percent = (v, n) => fixed(v * 100, n) + " %";
const price = v => fixed(v, Math.abs(v) >= 100 ? 2 : Math.abs(v) >= 1 ? 4 : 6);
const moment = t => {
  const d = new Date((t + data.origin) * 1000);
  return `${d.getUTCFullYear()}-${pad(d.getUTCMonth() + 1)}-${pad(d.getUTCDate())} ${pad(d.getUTCHours())}:${pad(d.getUTCMinutes())}`;
};
const held = s => {
  const m = Math.round(s / 60), d = Math.floor(m / 1440), h = Math.floor(m / 60) % 24;
  return d ? `${d} d ${h} h` : h ? `${h} h ${m % 60} min` : `${m} min`;
};
const axis = {percent: v => percent(v, Math.abs(v) >= 0.1 || !v ? 0 : 1), money: v => fixed(v, Math.abs(v) >= 100 ? 0 : 2),
  index: v => fixed(v, Math.abs(v) >= 100 ? 0 : 1), price: v => Math.abs(v) >= 1000 || !v ? fixed(v, 0) : price(v)};
const exact = {percent: v => percent(v, 2), money: v => fixed(v, 2), index: v => fixed(v, 2), price};

// --- ticks
function niceStep(span, count) {
  const rough = span / count, power = 10 ** Math.floor(Math.log10(rough));
  return ([1, 2, 2.5, 5].find(u => u * power >= rough * 0.999) || 10) * power;
}
function valueTicks(low, high, log) {
  if (log && high / low > 3) {
    const found = [];
    for (let p = 10 ** Math.floor(Math.log10(low)); p <= high; p *= 10) for (const u of [1, 2, 5]) if (u * p >= low && u * p <= high) found.push(u * p);
    return found;
  }
  const step = niceStep(high - low, 5), found = [];
  for (let n = Math.ceil(low / step - 1e-9); n * step <= high + step * 1e-9; n++) found.push(+(n * step).toPrecision(12));
  return found;
}
function timeTicks(low, high) {
  const steps = [60, 300, 900, 1800, 3600, 10800, 21600, 43200, DAY, 2 * DAY, 7 * DAY, 14 * DAY];
  const a = low + data.origin, b = high + data.origin, step = steps.find(s => (b - a) / s <= 9), found = [];
  if (step) {
    for (let t = Math.ceil(a / step) * step; t <= b; t += step) {
      const d = new Date(t * 1000);
      found.push([t - data.origin, step < DAY && t % DAY ? `${pad(d.getUTCHours())}:${pad(d.getUTCMinutes())}` : `${d.getUTCDate()} ${MONTHS[d.getUTCMonth()]}`]);
    }
    return found;
  }
  const months = [1, 2, 3, 6, 12, 24, 60].find(m => (b - a) / (m * 30.44 * DAY) <= 9) || 120, from = new Date(a * 1000);
  for (let n = Math.ceil((from.getUTCFullYear() * 12 + from.getUTCMonth()) / months) * months; ; n += months) {
    const t = Date.UTC(Math.floor(n / 12), n % 12, 1) / 1000;
    if (t > b) return found;
    if (t >= a) found.push([t - data.origin, MONTHS[n % 12] + (!found.length || n % 12 < months ? " " + Math.floor(n / 12) : "")]);
  }
}

// --- one chart
function search(x, at) {  // the last point not after `at`
  let low = 0, high = x.length;
  while (low < high) { const mid = (low + high) >> 1; if (x[mid] <= at) low = mid + 1; else high = mid; }
  return Math.max(0, low - 1);
}
class Chart {
  constructor(figure) {
    this.it = data.charts[figure.id];
    this.svg = figure.querySelector("svg");
    this.part = name => this.svg.querySelector("." + name);
    this.log = false;
    this.reset = figure.querySelector(".reset");
    this.reset.onclick = () => look(whole);
    const button = figure.querySelector("button.log");
    if (button) button.onclick = () => { this.log = !this.log; button.setAttribute("aria-pressed", this.log); this.draw(); };
    this.frame(); this.listen();
  }
  frame() {
    const [t0, t1] = view, {lines, low, high} = this.it, seen = [];
    this.seen = lines.map(line => {
      const from = search(line.x, t0), to = Math.min(line.x.length, search(line.x, t1) + 2);
      for (let i = from; i < to; i++) seen.push(line.y[i]);
      return [from, to];
    });
    let v0 = seen.reduce((a, b) => Math.min(a, b), low ?? Infinity), v1 = seen.reduce((a, b) => Math.max(a, b), high ?? -Infinity);
    if (!seen.length && (low ?? high ?? null) === null) [v0, v1] = [0, 1];
    if (!(v1 > v0) && v0 === low) v1 = v0 + 1;
    if (!(v1 > v0)) { const air = Math.abs(v0 || 1) * 0.01; v0 -= air; v1 += air; }
    const usable = this.log && v0 > 0, f = usable ? Math.log : v => v, air = (f(v1) - f(v0)) * 0.05;
    const flat = !usable && (v0 === low || (v0 >= 0 && v0 < air));
    const a = flat ? (v0 < air ? Math.min(v0, 0) : v0) : f(v0) - air, b = f(v1) + (v1 === high ? 0 : air);
    this.usable = usable; this.v0 = usable ? Math.exp(a) : a; this.v1 = usable ? Math.exp(b) : b;
    this.x = t => L + (t - t0) / (t1 - t0) * (W - L - R);
    this.y = v => T + (b - f(v)) / (b - a) * (this.it.height - T - B);
    this.at = x => t0 + (x - L) / (W - L - R) * (t1 - t0);
  }
  draw() {
    this.frame();
    const end = W - R, bottom = this.it.height - B, write = axis[this.it.unit];
    let axes = "", plot = "", marks = "";
    for (const v of valueTicks(this.v0, this.v1, this.usable)) {
      const y = this.y(v).toFixed(1);
      axes += `<path${v ? "" : ' class="zero"'} d="M${L} ${y}H${end}"/><text x="${L - 8}" y="${+y + 4}" text-anchor="end">${write(v)}</text>`;
    }
    for (const [t, label] of timeTicks(view[0], view[1])) {
      const x = this.x(t);
      axes += `<path class="tick" d="M${x.toFixed(1)} ${bottom}v4"/>`;
      if (x > L + 12 && x < end - 24) axes += `<text x="${x.toFixed(1)}" y="${bottom + 18}" text-anchor="middle">${label}</text>`;
    }
    this.part("axes").innerHTML = axes + `<path class="base" d="M${L} ${bottom}H${end}"/>`;
    this.it.lines.forEach((line, n) => {
      const [from, to] = this.seen[n], spots = [];
      for (let i = from; i < to; i++) spots.push(this.x(line.x[i]).toFixed(1) + " " + this.y(line.y[i]).toFixed(1));
      if (!spots.length) return;
      const d = "M" + spots.join("L"), zero = this.y(Math.min(Math.max(0, this.v0), this.v1)).toFixed(1);
      if (line.fill) plot += `<path class="area ${line.css}" d="${d}L${this.x(line.x[to - 1]).toFixed(1)} ${zero}L${this.x(line.x[from]).toFixed(1)} ${zero}Z"/>`;
      plot += `<path class="line ${line.css}" d="${d}"/>`;
    });
    const shown = this.it.marks.filter(m => m[2] >= view[0] && m[0] <= view[1]), s = shown.length <= 150 ? 4.5 : 2.6;
    for (const [began, entry, ended, exit, long, won] of shown) {
      const [x, y, x2, y2] = [this.x(began), this.y(entry), this.x(ended), this.y(exit)], to = won ? "up" : "down";
      marks += `<path class="held ${to}" d="M${x} ${y}L${x2} ${y2}"/><path class="${long ? "long" : "short"}" d="M${x} ${y}l${-s} ${(long ? 1.6 : -1.6) * s}h${2 * s}z"/><circle class="${to}" cx="${x2}" cy="${y2}" r="${s * 0.55}"/>`;
    }
    this.part("plot").innerHTML = plot;
    this.part("marks").innerHTML = marks;
    this.reset.hidden = view === whole;
  }
  inside(event) {
    const box = this.svg.getBoundingClientRect();
    return Math.min(Math.max((event.clientX - box.left) / box.width * W, L), W - R);
  }
  listen() {
    let began = null;
    this.svg.onpointerdown = event => { if (event.button === 0) { began = this.inside(event); this.svg.setPointerCapture(event.pointerId); } };
    this.svg.onpointermove = event => {
      const x = this.inside(event);
      charts.forEach(chart => chart.cross(x, chart === this ? began : null));
      this.tell(event, this.at(x));
    };
    this.svg.onpointerup = event => {
      if (began === null) return;
      const [a, b] = [began, this.inside(event)].sort((p, q) => p - q);
      began = null;
      if (b - a > 6) look([this.at(a), this.at(b)]);
    };
    this.svg.onpointerleave = () => { tip.hidden = true; charts.forEach(chart => chart.part("cross").innerHTML = ""); };
    this.svg.ondblclick = () => look(whole);
  }
  cross(x, began) {
    const bottom = this.it.height - B, box = began === null ? "" : `<rect x="${Math.min(began, x)}" y="${T}" width="${Math.abs(x - began)}" height="${bottom - T}"/>`;
    this.part("cross").innerHTML = box + `<path d="M${x} ${T}V${bottom}"/>`;
  }
  tell(event, at) {
    const said = this.it.lines.filter(line => line.x.length).map(line => {
      return `<div><span>${line.name || "Value"}</span>${exact[this.it.unit](line.y[search(line.x, at)])}</div>`;
    });
    tip.innerHTML = `<b>${moment(at)} UTC</b>${said.join("")}`;
    tip.hidden = false;
    const right = event.clientX + tip.offsetWidth + 24 > innerWidth;
    tip.style.left = `${event.clientX + (right ? -tip.offsetWidth - 14 : 14)}px`;
    tip.style.top = `${Math.min(event.clientY + 14, innerHeight - tip.offsetHeight - 8)}px`;
  }
}
function look(span) { view = span[1] - span[0] < 120 ? view : span; charts.forEach(chart => chart.draw()); }
const charts = [...document.querySelectorAll("figure.chart")].map(figure => new Chart(figure));

// --- trades
const list = document.getElementById("trades");
if (list) {
  const {kinds, rows: all, page: size} = data.trades, body = list.querySelector("tbody"), pages = list.querySelector(".pages");
  const safe = text => text.replace(/[&<>"]/g, c => `&#${c.charCodeAt(0)};`);
  const write = {text: safe, time: t => moment(t - data.origin), held, price, size: v => v.toLocaleString("en-US", {maximumFractionDigits: 8}),
    gain: v => sign(v, percent(v, 2)), profit: v => sign(v, fixed(v, 2)), amount: v => fixed(v, 2)};
  const css = (kind, v) => kind === "text" ? "text" : kind === "gain" || kind === "profit" ? (v > 0 ? "up" : v < 0 ? "down" : "") : "";
  const line = row => "<tr>" + row.map((v, n) => `<td class="${css(kinds[n], v)}">${write[kinds[n]](v)}</td>`).join("") + "</tr>";
  let rows = all, page = 0, column = -1, down = false;
  const many = Math.ceil(rows.length / size);
  const button = (text, to, off) => `<button type="button" data-to="${to}" ${off ? "disabled" : ""}>${text}</button>`;
  const draw = () => {
    body.innerHTML = rows.slice(page * size, (page + 1) * size).map(line).join("");
    pages.innerHTML = `<span>Page ${page + 1} of ${many}</span><span class="more">` + button("First", 0, !page)
      + button("Back", page - 1, !page) + button("Next", page + 1, page >= many - 1) + button("Last", many - 1, page >= many - 1) + "</span>";
  };
  const sort = head => {
    const wanted = +head.dataset.column;
    down = wanted === column ? !down : !["text", "time"].includes(kinds[wanted]);
    column = wanted;
    rows = [...all].sort((a, b) => (a[column] < b[column] ? -1 : a[column] > b[column] ? 1 : 0) * (down ? -1 : 1));
    list.querySelectorAll("th").forEach(th => th.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    page = 0; draw();
  };
  list.classList.add("ready");
  list.querySelectorAll("th").forEach(th => { th.onclick = () => sort(th); th.onkeydown = e => { if (e.key === "Enter") sort(th); }; });
  pages.onclick = event => { const to = event.target.dataset?.to; if (to !== undefined) { page = +to; draw(); } };
  draw();
}
})();
