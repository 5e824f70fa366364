// The service's resources. Errors say what the service said.

export class ServiceError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

async function call(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ServiceError("the service does not answer; it may have ended", 0);
  }
  if (answer.ok) return answer;
  let message = `the service answered ${answer.status}`;
  try {
    message = (await answer.json()).error ?? message;
  } catch { /* no words of its own */ }
  throw new ServiceError(message, answer.status);
}

function post(path, content, signal) {
  const headers = { "content-type": "application/json" };
  return call(path, { method: "POST", headers, body: JSON.stringify(content), signal });
}

const query = (values) =>
  new URLSearchParams(Object.entries(values).filter(([, value]) => value !== undefined));

export async function models() {
  return (await (await call("/api/models")).json()).models;
}

// The picture that the studio was started with, or null.
export async function firstPicture() {
  const answer = await call("/api/first");
  if (answer.status === 204) return null;
  const said = answer.headers.get("content-disposition") ?? "";
  const name = decodeURIComponent(said.split("''")[1] ?? "picture");
  return new File([await answer.blob()], name);
}

// A picture that came with the page.
export async function ownPicture(path, name) {
  return new File([await (await call(path)).blob()], name);
}

export async function addPicture(file) {
  const path = `/api/pictures?${query({ name: file.name || "picture" })}`;
  return (await call(path, { method: "POST", body: file })).json();
}

export async function addCanvas(wanted, signal) {
  return (await post("/api/canvases", wanted, signal)).json();
}

export async function canvas(id) {
  return (await call(`/api/canvases/${id}`)).json();
}

export function release(kind, id) {
  if (id) call(`/api/${kind}/${id}`, { method: "DELETE" }).catch(() => {});
}

export async function render(id, guidance, format, view = {}) {
  return (await post(`/api/canvases/${id}/renders`, { guidance, format, view })).blob();
}

// What a canvas knows of places.

export async function affinities(id, y, x, size, signal) {
  return (await call(`/api/canvases/${id}/affinities?${query({ y, x, size })}`, { signal })).blob();
}

export async function regions(id, size) {
  return (await call(`/api/canvases/${id}/regions?${query({ size })}`)).blob();
}

export async function anchor(id, y, x) {
  return (await call(`/api/canvases/${id}/anchor?${query({ y, x })}`)).json();
}

export async function matches(id, reference, points) {
  return (await post(`/api/canvases/${id}/matches`, { reference, points })).json();
}
