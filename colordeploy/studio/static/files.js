// Opening, dropping, pasting, saving, downloading.

import { byId, say } from "./dom.js";
import { download, isZip, packed, unpacked } from "./project.js";

const SUFFIXES = { jpeg: "jpg", tiff16: "tif", png16: "png" };

export function attachFiles(editor, setExample) {
  async function openOne(file) {
    try {
      if (!(await isZip(file))) return await editor.open(file);
      const project = await unpacked(file);
      await editor.open(project.picture, project.state, project.example);
    } catch (error) {
      say(`${file.name}: ${error.message.replace(`${file.name}: `, "")}`, true);
    }
  }

  async function open(files) {
    for (const file of files) await openOne(file);
  }

  function choose(then, multiple = false) {
    const input = byId("file");
    input.value = "";
    input.multiple = multiple;
    input.onchange = () => input.files.length && then([...input.files]);
    input.click();
  }

  async function save() {
    const { document } = editor;
    if (!document.file) return;
    download(await packed(document), `${document.stem}.studio.zip`);
    say("the project is saved: picture, strokes, settings");
  }

  async function downloadAs(format) {
    const { stem } = editor.document;
    say("making the picture …");
    try {
      const blob = await editor.result(format);
      download(blob, `${stem}.coloured.${SUFFIXES[format] ?? format}`);
      say(`downloaded, ${(blob.size / 1e6).toFixed(1)} MB`);
    } catch (error) {
      say(error.message, true);
    }
  }

  byId("download").onchange = (event) => {
    const format = event.target.value;
    event.target.value = "";
    if (!format) return;
    if (editor.canvas) downloadAs(format);
    else say("there is no result yet: the picture is not prepared", true);
  };
  window.addEventListener("dragover", (event) => event.preventDefault());
  window.addEventListener("drop", (event) => {
    event.preventDefault();
    const files = [...event.dataTransfer.files];
    const onPanel = event.target.closest?.("#panel-exemplar");
    if (onPanel && files.length && editor.document.file) setExample(files[0]);
    else open(files);
  });
  window.addEventListener("paste", (event) => open(event.clipboardData.files));

  const actions = {
    open: () => choose(open, true),
    example: () => choose(([file]) => setExample(file)),
    save,
  };
  for (const id of ["open", "welcome-open", "tab-new"]) byId(id).onclick = actions.open;
  byId("choose-example").onclick = actions.example;
  byId("save").onclick = save;
  return actions;
}
