// Files that the browser keeps over a reload: the models of the page, whose kernel ends with it. Sent in pieces, as the
// connection to the kernel refuses large messages.
const PIECE = 1 << 20; // bytes
const SMALL = 4096; // bytes: what was chosen on the page is no model, and stays however many there are
const STORE = "files";

function promised(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

async function store(mode) {
  const request = indexedDB.open("elnes-lab", 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "key" });
  return (await promised(request)).transaction(STORE, mode).objectStore(STORE);
}

// One server may serve several dashboards below its address; each has its own files.
const place = () => document.body.dataset.baseUrl ?? "";

async function kept() {
  const files = await promised((await store("readonly")).getAll());
  return files.filter((file) => file.place === place()).sort((a, b) => a.time - b.time);
}

async function keep({ key, name, kind, limit }, content) {
  const before = (await kept()).find((file) => file.key === key);
  const file = { key, name, kind, place: place(), time: before?.time ?? Date.now(), content };
  await promised((await store("readwrite")).put(file));
  let room = limit;
  for (const one of (await kept()).reverse()) {
    room -= one.content.byteLength;
    if (room < 0 && one.content.byteLength > SMALL) await forget(one.key); // what is small, such as a token, leads to much
  }
}

async function forget(key) {
  await promised((await store("readwrite")).delete(key));
}

export default {
  render({ model }) {
    const voila = Boolean(document.body.dataset.voila); // a notebook's kernel lives on, and so do its models
    if (!voila) return;
    let lost = false, queue = Promise.resolve(); // one after another, in the order of the messages
    const failed = (problem) => {
      console.warn(`The browser keeps no files of this page: ${problem}`);
      lost = true;
      model.send({ type: "failed" });
    };
    const listen = (message, buffers) => {
      if (message?.type === "keep") {
        const view = buffers[0], content = view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);
        queue = queue.then(() => keep(message, content)).catch(failed);
      } else if (message?.type === "forget") queue = queue.then(() => forget(message.key)).catch(() => {});
    };
    model.on("msg:custom", listen);
    queue = queue.then(kept).then((files) => {
      for (const { key, name, kind, content } of files) {
        const count = Math.max(1, Math.ceil(content.byteLength / PIECE));
        for (let i = 0; i < count; i++) {
          const piece = content.slice(i * PIECE, (i + 1) * PIECE);
          model.send({ type: "piece", key, name, kind, index: i, count }, undefined, [piece]);
        }
      }
    }).catch(() => {}); // storage is blocked: there is nothing to send
    // The browser words the question itself, and asks only on a page that was used.
    // Voila would end the kernel now, even if the visitor stays: opening.js, which listens before it, calls this first, and
    // Voila hears of it when the page has gone.
    let asked = false;
    const leave = (event) => {
      asked = model.get("busy") || lost;
      if (!asked) return false;
      event.preventDefault();
      event.stopImmediatePropagation();
      return true;
    };
    const gone = () => {
      window.elnesLabLeave = null;
      if (asked) window.dispatchEvent(new Event("beforeunload"));
    };
    window.elnesLabLeave = leave;
    window.addEventListener("pagehide", gone);
    return () => {
      if (window.elnesLabLeave === leave) window.elnesLabLeave = null;
      window.removeEventListener("pagehide", gone);
      model.off("msg:custom", listen);
    };
  },
};
