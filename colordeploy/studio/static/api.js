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
  } catch {
    throw new ServiceError("the service does not answer; it may have ended", 0);
  }
  if (answer.ok) return answer;
  let message = `the service answered ${answer.status}`;
  try {
    message = (await answer.json()).error ?? message;
  } catch { /* no words of its own */ }
  throw new ServiceError(message, answer.status);
}

function post(path, content) {
  const headers = { "content-type": "application/json" };
  return call(path, { method: "POST", headers, body: JSON.stringify(content) });
}

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

export async function addPicture(file) {
  const path = `/api/pictures?name=${encodeURIComponent(file.name ?? "picture")}`;
  return (await call(path, { method: "POST", body: file })).json();
}

export async function addCanvas(wanted, signal) {
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify(wanted);
  return (await call("/api/canvases", { method: "POST", headers, body, signal })).json();
}

export function release(id) {
  call(`/api/canvases/${id}`, { method: "DELETE" }).catch(() => {});
}

export async function render(canvas, guidance, format, view = {}) {
  return (await post(`/api/canvases/${canvas}/renders`, { guidance, format, view })).blob();
}
