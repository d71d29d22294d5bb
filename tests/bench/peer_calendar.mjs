// SPDX-License-Identifier: GPL-3.0-or-later
// Exchange time for the peers, by its own rules: New York's summers as pairs of UTC ms, and the days (since 1970) that close early.
export const DAY = 86400000;
const weekday = (year, month, nth, want) => { // nth weekday (0 = Sunday) of a month, as UTC ms
  const first = Date.UTC(year, month - 1, 1);
  return first + ((want - new Date(first).getUTCDay() + 7) % 7 + 7 * (nth - 1)) * DAY;
};
const years = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
export const summers = (from, to) => years(from, to).map(y => [weekday(y, 3, 2, 0) + 7 * 3600000, weekday(y, 11, 1, 0) + 6 * 3600000]);
export const halves = (from, to) => years(from, to).flatMap(y => {
  const eves = [Date.UTC(y, 6, 3), Date.UTC(y, 11, 24)].filter(d => { const w = new Date(d).getUTCDay(); return w >= 1 && w <= 4; });
  return [weekday(y, 11, 4, 4) + DAY, ...eves].map(d => d / DAY);
});
