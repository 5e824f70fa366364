// The panels beside the picture: colours, anchors' candidates, sheets of other results.

const SWATCHES = [
  "#e8c4a0", "#c68863", "#8d5a3b", "#5b3a29", "#a9c7e8", "#4f83c4", "#24457a", "#8fae6b",
  "#4d7a3a", "#2f4d2a", "#d9b25f", "#c8643c", "#a32a2e", "#7d4a86", "#8a8a86", "#efece4",
];
const RECENT = "colordeploy-recent-colours";

const byId = (id) => document.getElementById(id);

export function recentColors() {
  try {
    return JSON.parse(localStorage.getItem(RECENT)) ?? [];
  } catch {
    return [];
  }
}

export function rememberColor(color) {
  const colors = [color, ...recentColors().filter((c) => c !== color)].slice(0, 8);
  try {
    localStorage.setItem(RECENT, JSON.stringify(colors));
  } catch { /* private windows */ }
}

export function swatches(element, colors, chosen, title = (color) => color) {
  element.replaceChildren(
    ...colors.map((color, index) => {
      const button = document.createElement("button");
      button.style.background = color;
      button.title = title(color, index);
      button.setAttribute("aria-label", title(color, index));
      button.addEventListener("click", () => chosen(color, index));
      return button;
    }),
  );
}

export function colorSwatches(chosen) {
  swatches(byId("swatches"), [...recentColors(), ...SWATCHES].slice(0, 24), chosen);
}

export const hex = (rgb) => `#${rgb.map((v) => v.toString(16).padStart(2, "0")).join("")}`;

// CIE a and b (D65) of a colour #rrggbb.
export function abOf(color) {
  const linear = [1, 3, 5].map((place) => {
    const v = parseInt(color.slice(place, place + 2), 16) / 255;
    return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  });
  const rows = [
    [0.4124564 / 0.95047, 0.3575761 / 0.95047, 0.1804375 / 0.95047],
    [0.2126729, 0.7151522, 0.072175],
    [0.0193339 / 1.08883, 0.119192 / 1.08883, 0.9503041 / 1.08883],
  ];
  const [x, y, z] = rows
    .map((row) => row.reduce((sum, share, c) => sum + share * linear[c], 0))
    .map((t) => (t > (6 / 29) ** 3 ? Math.cbrt(t) : t / (3 * (6 / 29) ** 2) + 4 / 29));
  return [500 * (x - y), 200 * (y - z)];
}

export function candidates(anchor, chosen) {
  const list = anchor?.candidates ?? [];
  swatches(
    byId("candidates"),
    list.map((candidate) => hex(candidate.color)),
    (_, index) => chosen(list[index]),
    (color, index) => `${color}, ${(100 * list[index].probability).toFixed(0)} % probable`,
  );
  byId("anchor-color").disabled = !anchor;
}

// A sheet of small results, made one after the other; a newer sheet ends an older one.
const making = new Map();

export async function sheet(id, entries, thumbnail, chosen, isChosen) {
  const element = byId(id), turn = {};
  making.set(id, turn);
  const buttons = entries.map(({ label, changes }) => {
    const button = document.createElement("button");
    button.setAttribute("aria-label", label);
    button.title = label;
    button.setAttribute("aria-pressed", String(isChosen(changes)));
    button.addEventListener("click", () => {
      for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
      chosen(changes);
    });
    return button;
  });
  element.replaceChildren(...buttons);
  for (const [index, { changes }] of entries.entries()) {
    try {
      const blob = await thumbnail(changes);
      if (making.get(id) !== turn) return;
      const image = document.createElement("img");
      image.alt = "";
      image.src = URL.createObjectURL(blob);
      image.onload = () => URL.revokeObjectURL(image.src);
      buttons[index].replaceChildren(image);
    } catch {
      if (making.get(id) !== turn) return;
      buttons[index].textContent = entries[index].label;
    }
  }
}
