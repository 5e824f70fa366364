// Elements of the page, and the line that speaks to whoever looks.

export const byId = (id) => document.getElementById(id);

// action: { label, run } puts a button beside the words, until the next ones.
export function say(message, bad = false, action = null) {
  byId("status-text").textContent = message;
  byId("status").classList.toggle("error", bad);
  const button = byId("status-action");
  button.hidden = !action;
  button.textContent = action?.label ?? "";
  button.onclick = () => {
    say("");
    action.run();
  };
}

// A newer call ends an older one that still waits.
export function patient(milliseconds, work) {
  let waiting;
  return (...given) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => work(...given), milliseconds);
  };
}
