// Numbers, sizes and times as people read them.

const NONE = "–";
const FULL = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const SHORT = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

const isNumber = (value) => typeof value === "number" && Number.isFinite(value);

export function count(value) {
  if (!isNumber(value)) return NONE;
  if (Math.abs(value) >= 1_000_000) return SHORT.format(value);
  return Math.abs(value) >= 100 ? WHOLE.format(value) : FULL.format(value);
}

// Short enough for an axis.
export const tick = (value) => (isNumber(value) ? SHORT.format(value) : NONE);

export function bytes(value) {
  if (!isNumber(value)) return NONE;
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let place = 0;
  for (; value >= 1024 && place < units.length - 1; place += 1) value /= 1024;
  return `${value >= 100 || place === 0 ? WHOLE.format(value) : FULL.format(value)} ${units[place]}`;
}

export function micros(value) {
  if (!isNumber(value)) return NONE;
  if (value < 1000) return `${WHOLE.format(value)} µs`;
  if (value < 1_000_000) return `${FULL.format(value / 1000)} ms`;
  return `${FULL.format(value / 1_000_000)} s`;
}

export function percent(share) {
  if (!isNumber(share)) return NONE;
  return share > 0 && share < 0.005 ? "<1 %" : `${WHOLE.format(share * 100)} %`;
}

export function duration(seconds) {
  if (!isNumber(seconds)) return NONE;
  const whole = Math.floor(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  return `${Math.floor(whole / 86_400)} d ${Math.floor((whole % 86_400) / 3600)} h`;
}

const two = (number) => String(number).padStart(2, "0");

export function clock(ms) {
  if (!isNumber(ms)) return NONE;
  const time = new Date(ms);
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
}

// With the day, when it is not today.
export function moment(ms) {
  if (!isNumber(ms)) return NONE;
  const time = new Date(ms);
  const isToday = time.toDateString() === new Date().toDateString();
  const day = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  return isToday ? clock(ms) : `${day} ${clock(ms)}`;
}

// The first digits of a digest; a name such as native:sum as it is.
export const digest = (text) => (/^[0-9a-f]{64}$/.test(text ?? "") ? text.slice(0, 12) : text ?? NONE);
