// A sheet of small results, made one after the other; a newer sheet ends an older one.

import { byId } from "./dom.js";

const making = new Map();

// entries: [{ label, changes }]
export async function sheet(id, entries, thumbnail, chosen) {
  const element = byId(id), turn = {};
  making.set(id, turn);
  const buttons = entries.map(({ label, changes }) => {
    const button = document.createElement("button");
    button.setAttribute("aria-label", label);
    button.title = label;
    button.changes = changes;
    button.onclick = () => chosen(changes);
    return button;
  });
  element.replaceChildren(...buttons);
  for (const [index, { changes, label }] of entries.entries()) {
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
      buttons[index].textContent = label;
    }
  }
}

export function markChosen(id, isChosen) {
  for (const button of byId(id).children) {
    button.setAttribute("aria-pressed", String(isChosen(button.changes)));
  }
}
