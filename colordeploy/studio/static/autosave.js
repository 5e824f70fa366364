// What is drawn survives a reload or a crash: kept in the browser's own database.

const STORE = "projects", KEY = "current";

function opened() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open("colordeploy-studio", 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

async function run(mode, work) {
  const database = await opened();
  try {
    return await new Promise((resolve, reject) => {
      const request = work(database.transaction(STORE, mode).objectStore(STORE));
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  } finally {
    database.close();
  }
}

// project: { picture: File, example: File or null, state }
export async function keep(project) {
  try {
    await run("readwrite", (store) => store.put(project, KEY));
    return true;
  } catch {
    return false; // private windows have no database, or it is full
  }
}

export async function kept() {
  try {
    return (await run("readonly", (store) => store.get(KEY))) ?? null;
  } catch {
    return null;
  }
}
