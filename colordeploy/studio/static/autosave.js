// What is drawn survives a reload or a crash: kept in the browser's own database.

const NAME = "colordeploy-studio", FILES = "files", STATES = "states";

function opened() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 2);
    request.onupgradeneeded = () => {
      for (const store of [FILES, STATES]) request.result.createObjectStore(store);
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

async function run(stores, mode, work) {
  const database = await opened();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(stores, mode);
      const request = work(...stores.map((name) => transaction.objectStore(name)));
      transaction.oncomplete = () => resolve(request?.result);
      transaction.onerror = transaction.onabort = () => reject(transaction.error);
    });
  } finally {
    database.close();
  }
}

// The picture's file and the example's: when they change only.
export function keepFiles({ id, file, example }) {
  return run([FILES], "readwrite", (files) => files.put({ picture: file, example }, id));
}

// order: place among the tabs.
export function keepState(document, order, current) {
  const value = { ...document.kept, order, current };
  return run([STATES], "readwrite", (states) => states.put(value, document.id));
}

export function forget(id) {
  return run([FILES, STATES], "readwrite", (files, states) => {
    files.delete(id);
    states.delete(id);
  });
}

// [{ id, picture, example, states, place, order, current }] in the order of the tabs.
export async function kept() {
  const all = async (store) => {
    const keys = await run([store], "readonly", (one) => one.getAllKeys());
    const values = await run([store], "readonly", (one) => one.getAll());
    return new Map(keys.map((key, index) => [key, values[index]]));
  };
  try {
    const [files, states] = [await all(FILES), await all(STATES)];
    return [...states]
      .filter(([id]) => files.has(id))
      .map(([id, state]) => ({ id, ...files.get(id), ...state }))
      .sort((a, b) => a.order - b.order);
  } catch {
    return []; // private windows have no database
  }
}
